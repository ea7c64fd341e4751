"""Tables: results beside those of the paper, and what the spread of the ensemble is worth."""

from __future__ import annotations

from collections.abc import Mapping

import paper
from crystal import CrystalProperties
from rich import box
from rich.table import Table

from maxvolt.fitting.error_statistics import EnsembleErrors
from maxvolt.uncertainty import Reliability


def comparison_table(training: EnsembleErrors, crystal: CrystalProperties) -> Table:
    """Training errors, lattice constant and elastic constants: here and in the paper."""
    table = Table(title="Molybdenum", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("quantity")
    table.add_column("unit")
    table.add_column("maxvolt, +- 2 sigma", justify="right")
    table.add_column("paper", justify="right")
    # Errors as equations (8) to (10) of the paper define them.
    energy = training.spread(lambda report: 1000 * report.total.energy_per_atom.rmse)
    forces = training.spread(
        lambda report: 1000 * report.total.force_components.rmse_over_structures
    )
    stress = training.spread(lambda report: report.total.stress_components.rmse)
    for name, unit, (mean, two_sigma), decimals in (
        ("energy", "meV/atom", energy, 2),
        ("forces", "meV/Å", forces, 0),
        ("stress", "GPa", stress, 2),
    ):
        table.add_row(
            f"training error, {name}",
            unit,
            f"{mean:.{decimals}f} +- {two_sigma:.{decimals}f}",
            f"{paper.TRAINING_ERRORS[name]:.{decimals}f}",
            end_section=name == "stress",
        )
    lattice = crystal.lattice.of(lambda result: result.value)
    table.add_row("lattice constant", "Å", f"{lattice:.4f}", f"{paper.LATTICE_CONSTANT:.3f}")
    for name, (mean, two_sigma) in paper.ELASTIC_CONSTANTS.items():
        spread = crystal.elastic.of(lambda result, name=name: getattr(result, name))
        table.add_row(name, "GPa", f"{spread:.0f}", f"{mean:.0f} +- {two_sigma:.0f}")
    return table


def spread_table(errors: Mapping[str, EnsembleErrors]) -> Table:
    """Spread of the members beside the error of their mean: what the spread is worth."""
    table = Table(
        title="Spread of the members and error of their mean, root mean squares",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("quantity")
    table.add_column("unit")
    for heading in ("spread", "error", "spread / error"):
        table.add_column(heading, justify="right")
    for name, one in errors.items():
        total = one.mean_prediction.total
        for what, unit, spread, error in (
            ("energy", "meV/atom", one.energy_spread, total.energy_per_atom.rmse),
            ("forces", "meV/Å", one.force_spread, total.force_components.rmse),
        ):
            table.add_row(
                f"{name}, {what}",
                unit,
                f"{1000 * spread:.3g}",
                f"{1000 * error:.3g}",
                f"{spread / error:.2g}" if error else "",
                end_section=what == "forces",
            )
    return table


def expected_table(found: Reliability) -> Table:
    """Expected force errors beside those found; a structure has no part in its own calibration."""
    table = Table(
        title="Expected force errors of atoms",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for heading in ("expected (eV/Å)", "found (eV/Å)", "atoms"):
        table.add_column(heading, justify="right")
    for expected, error, atoms in found.diagram(5):
        table.add_row(f"{expected:.3f}", f"{error:.3f}", str(atoms))
    return table
