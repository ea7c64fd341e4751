"""`maxvolt lattice-fit`: fit a low-rank potential of an alloy on a lattice."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note, print_json, print_table, progress_bar
from maxvolt.cli.lattice_options import (
    add_energy_per_atom,
    add_lattice,
    add_mapping,
    energies_named,
    mapping_limits,
    parent_of,
    tell_places,
    tell_refused,
)
from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    non_negative_float,
    non_negative_int,
    positive_int,
    whole_numbers,
)
from maxvolt.cli.outputs import check_figure, check_output
from maxvolt.errors import MaxvoltError

if TYPE_CHECKING:
    from maxvolt.fitting.lattice import Labelled, LowRankEnsembleFit, LowRankSettings, Scan
    from maxvolt.potentials.lattice import ParentLattice

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "lattice-fit"
SUMMARY = "fit a low-rank potential of an alloy on a lattice to energies of structures"
DESCRIPTION = """\
Find the sites of the atoms of all structures, relaxed or not, and fit a low-rank potential to the
energies of the arrangements, equations (200) to (202) of docs/formulation.md. Structures may be
turned and shifted; those that are on no lattice are left out and named.

--shells, --rank and --ridge take several values with commas. All combinations are then compared by
cross-validation, and the smallest whose error is within one standard error of the best is fitted.
An ensemble is one file; its mean is the potential, its spread the uncertainty. 'maxvolt mc'
simulates with it."""
EXAMPLES = """\
  maxvolt lattice-fit agpd.xyz --lattice fcc:4.09 -o agpd.lattice.npz --shells 2 --rank 2
  maxvolt lattice-fit a.xyz b.db --lattice fcc.cif --ensemble 10 --folds 10 -o pot.lattice.npz
  maxvolt lattice-fit data.xyz --lattice bcc:3.2 --shells 1,2 --rank 1,2,3 --ridge 1e-4,1e-3 \\
      --plot scan.png -o pot.lattice.npz
  maxvolt lattice-fit oxides.xyz --lattice salt.cif --sites Mg=Mg,Ca,X -o pot.lattice.npz --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help="labelled structures")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="POT",
        help="potential to write; its name ends with .lattice.npz",
    )  # fmt: skip
    add_lattice(parser)
    _add_potential(parser.add_argument_group("the potential, numbers with commas are compared"))
    group = parser.add_argument_group("structures")
    add_energy_per_atom(group)
    add_mapping(group)
    add_species(group)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what was compared")
    add_threads(parser)
    add_json(parser)


def _add_potential(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--shells", type=whole_numbers, default=(1,), metavar="N", help="of neighbours (1)"
    )
    group.add_argument(
        "--rank", type=whole_numbers, default=(2,), metavar="N", help="of the tensors (2)"
    )
    group.add_argument(
        "--ridge", type=_numbers, default=(1e-3,), metavar="X",
        help="weight of the mean square of the tensors (0.001)",
    )  # fmt: skip
    group.add_argument(
        "--no-symmetry",
        action="store_true",
        help="do not average environments over the symmetry of the site",
    )
    group.add_argument(
        "--folds", type=non_negative_int, default=10, metavar="N",
        help="of the cross-validation; 0 for none (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--ensemble", type=positive_int, default=1, metavar="N", help="potentials (%(default)s)"
    )
    group.add_argument(
        "--resampling", choices=("none", "weights", "bootstrap"), default="none",
        help="data of the potentials of an ensemble: the same, with random weights, or drawn with "
        "replacement (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--starts", type=positive_int, default=3, metavar="N",
        help="random starts of each fit (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--seed", type=non_negative_int, default=0, metavar="N", help="(%(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Map, compare, fit, write, print."""
    from maxvolt.fitting.lattice import fit_low_rank_ensemble
    from maxvolt.potentials.lattice.files import write_low_rank

    choices = _choices(options)
    _check(options, len(choices))
    parent, labelled, number = _labelled(options)
    compared = _compared(options, parent, labelled, choices)
    chosen = choices[0] if compared is None else compared.recommended.settings
    with progress_bar("fitting", options.ensemble * options.starts) as advance:
        fit = fit_low_rank_ensemble(
            parent, labelled.arrangements, chosen, options.ensemble,
            resampling=options.resampling, threads=options.threads,
            progress=lambda *_: advance(1),
        )  # fmt: skip
    write_low_rank(fit.ensemble, options.output)
    _tell(options, labelled, number, compared, chosen, fit)


def _check(options: argparse.Namespace, number: int) -> None:
    """Refuse, before reading data, what could not end well."""
    from maxvolt.limits import MEMBERS

    MEMBERS.check("--ensemble", options.ensemble)
    if not options.output.name.endswith(".lattice.npz"):
        raise MaxvoltError(f"{options.output}: end the name of the potential with .lattice.npz")
    inputs = [*options.data, Path(options.lattice)]
    check_output(options.output, inputs)
    if options.folds == 1 or (number > 1 and not options.folds):
        raise MaxvoltError("--folds: comparisons and cross-validation need 2 or more")
    if options.plot is not None:
        check_figure(options.plot, [*inputs, options.output])
        if number == 1:
            raise MaxvoltError(
                "--plot draws what was compared: give --shells, --rank or --ridge several values"
            )


def _choices(options: argparse.Namespace) -> list[LowRankSettings]:
    from maxvolt.fitting.lattice import LowRankSettings

    return [
        LowRankSettings(
            shells=shells, rank=rank, ridge=ridge, symmetric=not options.no_symmetry,
            starts=options.starts, seed=options.seed,
        )
        for shells in options.shells for rank in options.rank for ridge in options.ridge
    ]  # fmt: skip


def _labelled(options: argparse.Namespace) -> tuple[ParentLattice, Labelled, int]:
    """The lattice, the structures on it, and how many there were."""
    from maxvolt.cli.inputs import read_structures
    from maxvolt.dataset import Dataset
    from maxvolt.fitting.lattice import labelled_arrangements

    several = [read_structures(path, options.species) for path in options.data]
    dataset = Dataset.concatenate(several)
    parent = parent_of(options, dataset.species)
    with progress_bar("mapping", len(dataset)) as advance:
        labelled = labelled_arrangements(
            dataset, parent, energies=energies_named(options, dataset), progress=advance,
            **mapping_limits(options),
        )  # fmt: skip
    names = [
        f"{path}, structure {number}"
        for path, one in zip(options.data, several, strict=True)
        for number in range(len(one))
    ]
    tell_refused(options, names, labelled.sites.refused)
    return parent, labelled, len(dataset)


def _compared(
    options: argparse.Namespace,
    parent: ParentLattice,
    labelled: Labelled,
    choices: list[LowRankSettings],
) -> Scan | None:
    """Cross-validate, draw."""
    from maxvolt.fitting.lattice import random_folds, scan
    from maxvolt.report.lattice_scan_figure import draw_scan
    from maxvolt.report.output import save_figure

    if not options.folds:
        return None
    folds = random_folds(len(labelled.arrangements), options.folds, options.seed)
    with progress_bar("cross-validation", len(choices) * options.folds) as advance:
        found = scan(
            parent, labelled.arrangements, choices, folds, threads=options.threads, progress=advance
        )
    if options.plot is not None:
        save_figure(draw_scan(found), options.plot)
        note(f"{options.plot}: {counted(len(choices), 'choice')}")
    return found


def _tell(
    options: argparse.Namespace,
    labelled: Labelled,
    number: int,
    compared: Scan | None,
    chosen: LowRankSettings,
    fit: LowRankEnsembleFit,
) -> None:
    parameters = fit.fits[0].potential.n_parameters
    if options.json:
        print_json(
            {
                "potential": str(options.output),
                "structures": number,
                **labelled.sites.to_dict(),
                "members": len(fit.fits),
                "parameters": parameters,
                "training_eV_per_site": fit.rmse,
                "spread_eV_per_site": fit.spreads.mean(),
                "shells": chosen.shells,
                "rank": chosen.rank,
                "ridge": chosen.ridge,
                "cross_validation": None if compared is None else compared.to_dict(),
            }
        )
    else:
        _print(compared, chosen, parameters, fit)
    tell_places(labelled.sites, number)
    note(f"{options.output}: {counted(len(fit.fits), 'potential')}")


def _print(
    compared: Scan | None, chosen: LowRankSettings, parameters: int, fit: LowRankEnsembleFit
) -> None:
    if compared is not None:
        rows = [
            [
                "recommended" if one is compared.recommended else "",
                str(one.settings.shells),
                str(one.settings.rank),
                f"{one.settings.ridge:g}",
                str(one.n_parameters),
                f"{1000 * one.training:.3f}",
                f"{1000 * one.rmse:.3f}",
                f"{1000 * one.rmse_error:.3f}",
            ]
            for one in compared.choices
        ]
        head = ("", "shells", "rank", "ridge", "parameters", "training\nmeV per site",
                "cross-validation\nmeV per site", "error\nmeV")  # fmt: skip
        print_table(head, rows)
    print_table(
        ("fitted", "parameters", "potentials", "training\nmeV per site", "spread\nmeV per site"),
        [
            [
                f"shells {chosen.shells}, rank {chosen.rank}, ridge {chosen.ridge:g}",
                str(parameters),
                str(len(fit.fits)),
                f"{1000 * fit.rmse:.3f}",
                f"{1000 * fit.spreads.mean():.3f}" if len(fit.fits) > 1 else "-",
            ]
        ],
    )


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(dict.fromkeys(non_negative_float(part) for part in text.split(",")))
