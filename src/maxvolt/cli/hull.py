"""`maxvolt hull`: formation energies and the convex hull of compounds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, print_table
from maxvolt.cli.inputs import check_species, read_structures
from maxvolt.cli.options import (
    add_json,
    add_species,
    add_threads,
    non_negative_float,
    positive_float,
    positive_int,
)
from maxvolt.cli.outputs import check_figure, check_structures
from maxvolt.cli.potentials import potential_files
from maxvolt.errors import DataError, MaxvoltError

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.properties import ConvexHull
    from maxvolt.uncertainty import Uncertainty

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "hull"
SUMMARY = "formation energies, convex hull, and how far each structure is above it"
DESCRIPTION = """\
Find the formation energies of the structures of IN, their convex hull, and the distance of each
structure to it, for any number of elements. IN has energies, as 'maxvolt relax' and 'maxvolt label'
write them, and the pure elements among its structures. Errors of the distances come from an
ensemble (--ensemble), from calibrated errors (--uncertainty) or from a number (--error). 'Below the
others' is how far a ground state lies below the hull of all structures that are not the same."""
EXAMPLES = """\
  maxvolt hull relaxed.xyz
  maxvolt hull relaxed.xyz --error 0.003 --sigmas 4 --save-near near.xyz --distinct
  maxvolt hull relaxed.xyz --reference dft.xyz --plot hull.png
  maxvolt hull relaxed.xyz --ensemble pot.mtp --json"""

_MEV = 1000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("input", type=Path, metavar="IN", help="structures with energies")
    parser.add_argument(
        "--reference", type=Path, metavar="FILE", help="structures with energies by a reference"
    )
    errors = parser.add_mutually_exclusive_group()
    errors.add_argument(
        "--error",
        type=non_negative_float,
        metavar="E",
        help="standard deviation of the energies, eV/atom",
    )
    errors.add_argument(
        "--uncertainty",
        type=Path,
        metavar="FILE",
        help="what 'maxvolt calibrate' wrote: expected errors of the energies",
    )
    errors.add_argument(
        "--ensemble", type=Path, metavar="POT", help="ensemble; its spread estimates the error"
    )
    parser.add_argument(
        "--sigmas",
        type=positive_float,
        metavar="S",
        help="count structures up to S standard deviations above the hull as near it",
    )
    parser.add_argument(
        "--within",
        type=non_negative_float,
        metavar="D",
        help="count structures up to D eV/atom above the hull as near it",
    )
    parser.add_argument(
        "--save-near", type=Path, metavar="FILE", help="write the structures near the hull"
    )
    parser.add_argument(
        "--distinct",
        action="store_true",
        help="write each crystal once to --save-near, in the smallest cell that there is of it",
    )
    parser.add_argument(
        "--show", type=positive_int, metavar="N", help="list the N structures nearest to the hull"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the hull of two or three elements"
    )
    add_species(parser)
    add_threads(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Read, find the hull, print, write."""
    from maxvolt.properties import convex_hull

    _check(options)
    dataset = read_structures(options.input, options.species)
    hull = convex_hull(dataset, **_errors(options, dataset))
    reference = None
    if options.reference is not None:
        labelled = read_structures(options.reference, options.species)
        reference = (convex_hull(labelled), labelled)
    if options.plot is not None:
        figure = hull.plot(None if reference is None else reference[0])
    near = None
    if options.sigmas is not None or options.within is not None:
        near = hull.near(options.sigmas, options.within)
    if options.json:
        print_json(_document(hull, dataset, near, reference))
    else:
        _print(options, hull, dataset, near, reference)
    if options.save_near is not None and near is not None:
        _save_near(options, dataset.select(near))
    if options.plot is not None:
        from maxvolt.report.output import save_figure

        save_figure(figure, options.plot)
        note(f"{options.plot}: convex hull")


def _save_near(options: argparse.Namespace, near: Dataset) -> None:
    from maxvolt import io
    from maxvolt.properties import same_crystals

    said = ""
    if options.distinct:
        said = f", of {len(near)} near the hull"
        near = near.select(same_crystals(near).representatives)
    io.write(options.save_near, near, species=options.species)
    note(f"{options.save_near}: {counted(len(near), 'structure')}{said}")


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be done before anything is read."""
    if options.sigmas is not None and options.within is not None:
        raise MaxvoltError("give --sigmas or --within, not both")
    if options.save_near is not None and options.sigmas is None and options.within is None:
        raise MaxvoltError("--save-near: say what is near, with --sigmas or --within")
    if options.distinct and options.save_near is None:
        raise MaxvoltError("--distinct: says what --save-near writes; give that, too")
    has_errors = any(
        given is not None for given in (options.error, options.uncertainty, options.ensemble)
    )
    if options.sigmas is not None and not has_errors:
        raise MaxvoltError("--sigmas: needs errors, from --error, --uncertainty or --ensemble")
    inputs = [options.input, options.reference, options.uncertainty]
    inputs += [] if options.ensemble is None else potential_files(options.ensemble)
    if options.save_near is not None:
        check_structures(options.save_near, None, inputs, labels=True)
    if options.plot is not None:
        check_figure(options.plot, [*inputs, options.save_near])


def _errors(options: argparse.Namespace, dataset: Dataset) -> dict[str, Any]:
    """What is known of the errors of the energies."""
    if options.uncertainty is not None:
        import numpy as np

        from maxvolt.uncertainty import read_uncertainty

        found = read_uncertainty(options.uncertainty)
        check_species(options.input, dataset, found.species)
        expected = found.of(dataset, threads=options.threads).energies
        if np.isnan(expected).any():
            raise DataError(
                f"{options.uncertainty}: says nothing of energies; calibrate on structures that "
                "have some"
            )
        # Of errors with a normal distribution, the mean magnitude is sqrt(2 / pi) of the deviation.
        return _together(np.sqrt(np.pi / 2) * expected, found, dataset, options.threads)
    if options.ensemble is not None:
        from maxvolt.cli.potentials import load
        from maxvolt.potentials.ensemble import members_of

        potential = load(options.ensemble, options.species)
        check_species(options.input, dataset, potential.species)
        members = members_of(potential)
        if len(members) < 2:
            raise DataError(f"{options.ensemble}: is one potential; a spread needs an ensemble")
        return {
            "member_energies": [
                member.evaluate_dataset(dataset, threads=options.threads).energies
                for member in members
            ]
        }
    return {} if options.error is None else {"errors": options.error}


def _together(
    errors: Any, found: Uncertainty, dataset: Dataset, threads: int | None
) -> dict[str, Any]:
    """Errors of known sizes, with the correlations of the posterior where there is one."""
    import numpy as np

    from maxvolt.uncertainty import PosteriorMeasure

    for measure in found.measures:
        if isinstance(measure, PosteriorMeasure):
            factor = measure.posterior.energy_factor(dataset, threads=threads)
            lengths = np.linalg.norm(factor, axis=1)
            scale = np.divide(errors, lengths, out=np.zeros_like(errors), where=lengths > 0)
            return {"joint_errors": scale[:, None] * factor}
    return {"errors": errors}


def _document(
    hull: ConvexHull,
    dataset: Dataset,
    near: Any,
    reference: tuple[ConvexHull, Dataset] | None,
) -> dict[str, Any]:
    document = {**hull.to_dict(), "names": [_name(dataset, s) for s in hull.ground_states]}
    if near is not None:
        document["near"] = near.tolist()
    if reference is not None:
        document["reference"] = _document(*reference, None, None)
    return document


def _print(
    options: argparse.Namespace,
    hull: ConvexHull,
    dataset: Dataset,
    near: Any,
    reference: tuple[ConvexHull, Dataset] | None,
) -> None:
    print(f"Ground states of {'-'.join(hull.elements)}, of {counted(len(dataset), 'structure')}")
    _print_ground_states(hull, dataset)
    if options.show is not None:
        nearest = hull.distances.argsort(kind="stable")[: options.show]
        print("Nearest to the hull")
        print_table(
            [
                "structure",
                "number",
                "formation\nmeV/atom",
                "above hull\nmeV/atom",
                "error\nmeV/atom",
            ],
            [
                [_name(dataset, s), str(s), *map(_mev, numbers)]
                for s, *numbers in zip(
                    nearest.tolist(),
                    hull.formation_energies[nearest].tolist(),
                    hull.distances[nearest].tolist(),
                    hull.errors[nearest].tolist(),
                    strict=True,
                )
            ],
        )
    if reference is not None:
        print(f"Ground states by the reference, of {counted(len(reference[1]), 'structure')}")
        _print_ground_states(*reference)
    if near is not None:
        limit = (
            f"{options.within:g} eV/atom"
            if options.sigmas is None
            else (f"{options.sigmas:g} errors")
        )
        print(f"{len(near)} of {len(dataset)} structures are within {limit} of the hull")


def _print_ground_states(hull: ConvexHull, dataset: Dataset) -> None:
    print_table(
        ["structure", "number", *hull.elements, "formation\nmeV/atom", "below others\nmeV/atom"],
        [
            [
                *(_name(dataset, s), str(s)),
                *(f"{share:.3f}" for share in hull.compositions[s]),
                *(_mev(hull.formation_energies[s]), _mev(margin)),
            ]
            for s, margin in zip(hull.ground_states, hull.margins.tolist(), strict=True)
        ],
    )


def _name(dataset: Dataset, s: int) -> str:
    """Formula of a structure, and its lattice where that is known."""
    from maxvolt.sampling.enumeration import PARENT_LATTICE

    lattice = dataset.infos[s].get(PARENT_LATTICE)
    formula = str(dataset[s].symbols.formula.format("metal"))
    return formula if lattice is None else f"{formula} ({lattice})"


def _mev(value: float) -> str:
    return "" if value != value else f"{_MEV * value:.2f}"
