"""`maxvolt errors` and `maxvolt evaluate` for potentials on a lattice: energies of structures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.lattice_options import energies_named, mapping_limits, tell_places, tell_refused
from maxvolt.cli.outputs import check_figure, check_structures
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.fitting.error_statistics import ErrorStatistics
    from maxvolt.fitting.lattice import LatticeErrors, LatticePredictions

__all__ = ["evaluate_on_lattice", "show_lattice_errors"]


def show_lattice_errors(options: argparse.Namespace) -> None:
    """Compare energies with the labels of a file, print, draw."""
    from maxvolt.fitting.lattice import lattice_errors
    from maxvolt.report.lattice_parity_figure import draw_lattice_parity
    from maxvolt.report.output import save_figure

    if options.mlip:
        raise MaxvoltError(
            f"--mlip: {options.potential} is a potential on a lattice, which MLIP does not have"
        )
    if options.plot is not None:
        check_figure(options.plot, [options.potential, options.data])
    dataset, found = _predicted(options, options.data)
    errors = lattice_errors(found, dataset, energies_named(options, dataset))
    if options.json:
        print_json(errors.to_dict())
    else:
        _print_errors(errors)
    tell_places(found.sites, len(dataset))
    if options.plot is not None:
        save_figure(draw_lattice_parity(errors), options.plot)
        note(f"{options.plot}: parity plot")


def evaluate_on_lattice(options: argparse.Namespace) -> None:
    """Write structures with energies as labels, or print energies."""
    from maxvolt import io

    if options.output is not None:
        inputs = [options.potential, options.input]
        kind = check_structures(options.output, None, inputs, labels=True)
    dataset, found = _predicted(options, options.input)
    if options.output is not None:
        labelled = _labelled(dataset, found)
        io.write(options.output, labelled, format=kind)
        note(f"{options.output}: {counted(len(labelled), 'structure')} as {kind}, energies alone")
    rows = _rows(found)
    if options.json:
        refused = [{"structure": one, "left_out": reason} for one, reason in found.sites.refused]
        print_json(sorted([*rows, *refused], key=lambda row: row["structure"]))
    elif options.output is None:
        _print_rows(rows)
    tell_places(found.sites, len(dataset))


def _predicted(options: argparse.Namespace, path: Path) -> tuple[Dataset, LatticePredictions]:
    from maxvolt.cli.inputs import read_structures
    from maxvolt.fitting.lattice import predicted_energies
    from maxvolt.potentials.lattice import read_low_rank_ensemble

    potential = read_low_rank_ensemble(options.potential)
    dataset = read_structures(path, options.species)
    with progress_bar("evaluating", len(dataset)) as advance:
        found = predicted_energies(potential, dataset, progress=advance, **mapping_limits(options))
    names = [f"{path}, structure {number}" for number in range(len(dataset))]
    tell_refused(options, names, found.sites.refused)
    return dataset, found


def _labelled(dataset: Dataset, found: LatticePredictions) -> Dataset:
    """The structures on the lattice, with energies and no other labels."""
    from dataclasses import replace

    import numpy as np

    chosen = dataset.select(found.sites.structures.tolist())
    nothing = np.zeros(len(chosen), bool)
    return replace(
        chosen, energies=found.energies, has_energy=~nothing, has_forces=nothing,
        has_stress=nothing,
    )  # fmt: skip


def _rows(found: LatticePredictions) -> list[dict[str, Any]]:
    spreads, sites = found.spreads, found.sites
    columns = zip(
        sites.structures.tolist(), found.counts.tolist(), found.energies.tolist(),
        [None] * len(sites.mapped) if spreads is None else spreads.tolist(),
        sites.displacements.tolist(), sites.strains.tolist(), strict=True,
    )  # fmt: skip
    names = ("structure", "sites", "energy_eV", "spread_eV", "displacement_A", "strain")
    return [dict(zip(names, values, strict=True)) for values in columns]


def _print_rows(rows: list[dict[str, Any]]) -> None:
    head = ("structure", "sites", "energy\neV", "energy\neV per site", "spread\nmeV per site",
            "displacement\nA", "strain")  # fmt: skip
    lines = [
        [
            str(row["structure"]),
            str(row["sites"]),
            f"{row['energy_eV']:.6f}",
            f"{row['energy_eV'] / row['sites']:.6f}",
            "-" if row["spread_eV"] is None else f"{1000 * row['spread_eV'] / row['sites']:.3f}",
            f"{row['displacement_A']:.3f}",
            f"{row['strain']:.4f}",
        ]
        for row in rows
    ]
    print_table(head, lines, text_columns=0)


def _print_errors(errors: LatticeErrors) -> None:
    several = len(errors.groups) > 1
    rows = [_error_row(name or "-", one) for name, one in errors.groups.items()] if several else []
    rows.append(_error_row("all", errors.total))
    print_table(("energy, meV per site", "compared", "RMSE", "MAE", "largest"), rows)
    if len(errors.members) > 1:
        rows = [_error_row(str(number), one) for number, one in enumerate(errors.members)]
        print_table(("potential, meV per site", "compared", "RMSE", "MAE", "largest"), rows)
        note(f"spread of the potentials: {1000 * errors.spread:.3f} meV per site")


def _error_row(name: str, one: ErrorStatistics) -> list[str]:
    total = one.count + one.missing
    compared = f"{one.count} of {total}" if one.missing else str(one.count)
    return [name, compared, *(f"{1000 * x:.3f}" for x in (one.rmse, one.mae, one.maximum))]
