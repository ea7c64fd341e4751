"""`maxvolt errors`: how far a potential is from the labels of a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import note, print_json, progress_bar, stdout_console
from maxvolt.cli.inputs import check_order, check_species
from maxvolt.cli.lattice_options import add_energy_per_atom, add_mapping, refuse_mapping
from maxvolt.cli.on_lattice import show_lattice_errors
from maxvolt.cli.options import add_json, add_species, add_threads
from maxvolt.cli.outputs import check_figure
from maxvolt.cli.potentials import load, potential_files
from maxvolt.errors import DataError

if TYPE_CHECKING:
    from maxvolt.fitting.error_statistics import EnsembleErrors

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "errors"
SUMMARY = "errors of a potential: RMSE, MAE and maximum, per group and total"
DESCRIPTION = """\
Compare a potential with the labels of a file: errors of energies, forces (per component and as
vectors) and stresses, equations (8) to (10) of docs/formulation.md, per group (config_type) and in
total. Errors of an ensemble are those of the mean prediction of its members; a second table gives
the RMSE of the members, mean and two standard deviations, beside them. A warning says where the
spread of the members is far below their error. Potentials on a lattice have energies alone: atoms,
relaxed or not, are taken to their sites, and structures that are on no lattice are named."""
EXAMPLES = """\
  maxvolt errors pot.mtp test.xyz
  maxvolt errors pot.mtp test.xyz --plot parity.png
  maxvolt errors mlip.almtp test.cfg --species Ti,Al --json
  maxvolt errors agpd.lattice.npz relaxed.xyz --energy-per-atom mixing_energy"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("potential", type=Path, metavar="POT", help="potential or ensemble")
    parser.add_argument("data", type=Path, metavar="DATA", help="labelled structures")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write parity plots, e.g. .png")
    group = parser.add_argument_group("potentials on a lattice")
    add_energy_per_atom(group)
    add_mapping(group)
    add_species(parser)
    add_threads(parser)
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--mlip", action="store_true", help="print as MLIP-3's check_errors does")
    add_json(printed)


def run(options: argparse.Namespace) -> None:
    """Read, compare, print and plot."""
    from maxvolt.cli.prediction import note_work
    from maxvolt.cli.structures import naming_of_potential
    from maxvolt.fitting.prediction_errors import compute_ensemble_errors
    from maxvolt.potentials.ensemble import members_of
    from maxvolt.potentials.lattice.files import is_lattice_potential
    from maxvolt.potentials.stepped import SteppedPotential

    if is_lattice_potential(options.potential):
        show_lattice_errors(options)
        return
    refuse_mapping(options)
    check_order(options.potential, options.data)
    if options.plot is not None:
        check_figure(options.plot, [options.data, *potential_files(options.potential)])
    naming = naming_of_potential(options.potential, options.species, [options.data])
    potential = load(options.potential, naming.species)
    members = members_of(potential)
    dataset = naming.read(options.data, potential.species)
    check_species(options.data, dataset, potential.species)
    if not (dataset.has_energy | dataset.has_forces | dataset.has_stress).any():
        raise DataError(f"{options.data}: holds no energy, force or stress to compare with")
    ranks = options.ranks
    note_work(dataset, ranks, options.threads)
    with progress_bar("evaluating", len(members) * len(dataset)) as advance:
        stepped = [SteppedPotential(member, advance, ranks) for member in members]
        errors = compute_ensemble_errors(stepped, dataset, threads=options.threads)
    _print(errors, options)
    if options.plot is not None:
        from maxvolt.fitting.prediction_errors import compare
        from maxvolt.report import save_parity_plot

        whole = SteppedPotential(potential, ranks=ranks)
        save_parity_plot(compare(whole, dataset, threads=options.threads), options.plot)
        note(f"{options.plot}: parity plots")


def _print(errors: EnsembleErrors, options: argparse.Namespace) -> None:
    from maxvolt.report import (
        ensemble_error_table,
        errors_document,
        format_mlip_errors,
        print_errors,
        print_fitted,
    )

    name = options.data.name
    is_ensemble, doubt = len(errors.members) > 1, errors.doubt(name)
    if doubt is not None:
        note(f"maxvolt: warning: {doubt}")
    if options.json:
        document = errors_document({name: errors.mean_prediction})
        if is_ensemble:
            document["members"] = [errors_document({name: member}) for member in errors.members]
            document["warnings"] = [] if doubt is None else [doubt]
        print_json(document)
    elif options.mlip:
        print(format_mlip_errors(errors.mean_prediction))
    else:
        print_errors({name: errors.mean_prediction}, stdout_console())
        if is_ensemble:
            print_fitted(ensemble_error_table({name: errors}), stdout_console())
