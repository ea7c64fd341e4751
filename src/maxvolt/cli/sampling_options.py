"""What the commands share that run simulations: the two-threshold rule, limits, calculators."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note
from maxvolt.cli.inputs import check_species, read_structures
from maxvolt.cli.options import finite_float, numbers_by_name, positive_float
from maxvolt.cli.potentials import load
from maxvolt.errors import DataError, MaxvoltError

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.potentials import Potential
    from maxvolt.sampling import Limits, Thresholds
    from maxvolt.sampling.workers import CalculatorFactory
    from maxvolt.selection import Committee, QueryStrategy

__all__ = [
    "add_pressure",
    "add_rule",
    "calculator_factory",
    "committee_files",
    "distances",
    "limits_of",
    "load_calculator",
    "pressure_of",
    "thresholds_of",
    "write_extrapolative",
]


def add_rule(parser: argparse.ArgumentParser) -> None:
    """Add thresholds, limits and the file of what was kept."""
    rule = parser.add_argument_group(
        "the two-threshold rule (grades come from the active set of the file, or from --committee)"
    )
    _add_committee(rule)
    rule.add_argument(
        "--select",
        "--threshold-save",
        type=positive_float,
        default=2.0,
        metavar="G",
        help="from this grade on, keep structures for selection (default: %(default)g)",
    )
    rule.add_argument(
        "--break",
        "--threshold-break",
        dest="stop",
        type=positive_float,
        default=10.0,
        metavar="G",
        help="from this grade on, stop (default: %(default)g)",
    )
    rule.add_argument(
        "--save-extrapolative",
        "--save-extrapolative-to",
        type=Path,
        metavar="FILE",
        help="write the structures that were kept, without labels",
    )
    rule.add_argument(
        "--min-distance",
        "--mindist",
        type=distances,
        default=0.5,
        metavar="A",
        help="stop where atoms come closer, A: a number, or pairs like Al-Al=2.2,Al-Cu=2.0 (0.5)",
    )
    rule.add_argument(
        "--isolation",
        type=positive_float,
        default=6.0,
        metavar="A",
        help="stop where an atom is farther than this from all others, A (default: %(default)g)",
    )


def _add_committee(rule: argparse._ArgumentGroup) -> None:
    which = rule.add_mutually_exclusive_group()
    which.add_argument(
        "--committee",
        type=Path,
        metavar="TRAIN",
        help="grade by the spread of the potentials of an ensemble; the largest spread on "
        "these structures is grade 1",
    )
    which.add_argument(
        "--committee-errors",
        type=Path,
        metavar="HELD_OUT",
        help="the same; the spread at which the error on these labelled structures is expected is "
        "grade 1",
    )
    which.add_argument(
        "--committee-spread",
        type=spreads,
        metavar="S",
        help="the same in physical units: energy=E,force=F, eV over sqrt(N) and eV/A, or one of "
        "them, are grade 1",
    )


def committee_files(options: argparse.Namespace) -> list[Path]:
    """Give the files that the options of the committee name."""
    return [path for path in (options.committee, options.committee_errors) if path is not None]


def spreads(text: str) -> dict[str, float]:
    """Read ``energy=0.02,force=0.2``, or one of them."""
    try:
        found = {name.strip(): float(value) for name, value in map(_pair, text.split(","))}
    except ValueError:
        found = {}
    positive = all(0 < value < float("inf") for value in found.values())
    if not found or not positive or not set(found) <= {"energy", "force"}:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected numbers above 0 such as energy=0.02,force=0.2, or one of them"
        )
    return found


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(text)
    return name, value


def add_pressure(parser: argparse.ArgumentParser) -> None:
    """Add ``--pressure``."""
    parser.add_argument(
        "--pressure",
        type=finite_float,
        default=0.0,
        metavar="GPA",
        help="external pressure, GPa (default: %(default)g)",
    )


def thresholds_of(options: argparse.Namespace) -> Thresholds:
    """Give the thresholds asked for."""
    from maxvolt.sampling import Thresholds

    return Thresholds(options.select, options.stop)


def limits_of(options: argparse.Namespace) -> Limits:
    """Give the limits asked for."""
    from maxvolt.sampling import Limits

    return Limits(options.min_distance, options.isolation)


def pressure_of(options: argparse.Namespace) -> float:
    """Give the pressure in eV/Angstrom^3."""
    from maxvolt.units import GPA_PER_EV_A3

    return float(options.pressure) / GPA_PER_EV_A3


def load_calculator(
    path: Path, species: tuple[str, ...] | None, options: argparse.Namespace
) -> tuple[Potential, QueryStrategy | None]:
    """Read a potential and what grades by it: a committee, or the active set of its file.

    Parameters
    ----------
    path
        A potential or an ensemble.
    species
        Elements of type 0, 1, ..., for a file that names none.
    options
        Those that `add_rule` declares: whether a committee grades, and in which units.
    """
    from maxvolt.selection import has_active_set, read_active_set

    potential = load(path, species)
    if getattr(potential, "is_trained", True) is False:
        raise MaxvoltError(f"{path}: this potential is untrained; fit it first, with maxvolt train")
    if committee_files(options) or options.committee_spread is not None:
        grader = _committee(path, potential, options, species)
        note(f"grades: {grader.description}")
        return grader.ensemble, grader
    if not has_active_set(path):
        note("no grades: there is no active set and no committee; only the limits are checked")
        return potential, None
    active_set = read_active_set(path, species)
    note(f"grades: {active_set.description}")
    return active_set.potential, active_set


def _committee(
    path: Path,
    potential: Potential,
    options: argparse.Namespace,
    species: tuple[str, ...] | None,
) -> Committee:
    from maxvolt.potentials import Ensemble
    from maxvolt.potentials.ensemble import members_of
    from maxvolt.potentials.families import file_suffix
    from maxvolt.selection import Committee

    members = members_of(potential)
    if len(members) < 2:
        raise MaxvoltError(
            f"{path}: --committee needs an ensemble of at least two potentials, whose files end in "
            f".0, .1, ... before {file_suffix(path)}"
        )
    ensemble = Ensemble(members)
    if options.committee_spread is not None:
        scales = options.committee_spread
        return Committee(ensemble, scales.get("energy"), scales.get("force"))
    (file,) = committee_files(options)
    structures = read_structures(file, species or potential.species)
    check_species(file, structures, potential.species)
    if options.committee is not None:
        return Committee.from_dataset(ensemble, structures)
    try:
        return Committee.from_errors(ensemble, structures)
    except DataError as error:
        raise MaxvoltError(f"{file}: {error}") from error


def calculator_factory(
    potential: Potential, query: QueryStrategy | None, threads: int | None
) -> CalculatorFactory:
    """Give what makes a calculator in each worker."""
    from maxvolt.calculators import MaxvoltCalculator

    return partial(MaxvoltCalculator, potential, query=query, threads=threads)


def write_extrapolative(path: Path | None, kept: Sequence[Dataset], species: Sequence[str]) -> int:
    """Write what was kept, if a file was asked for; return how many structures there are."""
    from maxvolt import io
    from maxvolt.dataset import Dataset

    dataset = Dataset.concatenate(kept)
    if path is not None:
        io.write(path, dataset, species=species)
        note(f"{path}: {counted(len(dataset), 'structure')} for selection")
    return len(dataset)


def distances(text: str) -> float | dict[str, float]:
    """Read ``2.0`` or ``Al-Al=2.2,Al-Cu=2.0``."""
    try:
        return numbers_by_name(text) if "=" in text else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a distance in A, or pairs like Al-Al=2.2,Al-Cu=2.0"
        ) from None
