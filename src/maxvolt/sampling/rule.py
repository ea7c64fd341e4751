"""When a simulation keeps a structure and when it stops: the two-threshold rule and its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from maxvolt.errors import DataError, SpeciesError
from maxvolt.selection.strategy import QueryStrategy, unit_of

__all__ = [
    "Limits",
    "PairDistances",
    "Stop",
    "StopReason",
    "Thresholds",
    "distance_table",
    "not_finite",
]

PairDistances = float | Mapping[str, float]
"""One distance for all pairs (Angstrom), or one for each pair of elements, as in ``"Al-Cu"``."""

_ELEMENTS = len(chemical_symbols)


class StopReason(StrEnum):
    """Why a simulation or a relaxation ended."""

    FINISHED = "finished"
    """All steps were done."""
    CONVERGED = "converged"
    """A relaxation fell below its tolerances."""
    GRADE = "grade"
    """The grade reached the threshold `stop`."""
    NOT_FINITE = "not finite"
    """A position, the energy, a force, the stress or the grade is NaN or infinite."""
    TOO_CLOSE = "too close"
    """Two atoms came closer than the limit."""
    LOST_ATOM = "lost atom"
    """An atom is farther from all others than the limit."""
    STEP_LIMIT = "step limit"
    """A relaxation did not converge in the steps it was given."""
    FAILED = "failed"
    """An error; the message says which."""

    @property
    def is_break(self) -> bool:
        """Whether the potential, not the end of the work, ended it."""
        return self not in (StopReason.FINISHED, StopReason.CONVERGED, StopReason.STEP_LIMIT)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Grades at which something happens.

    Parameters
    ----------
    select
        From this grade on a structure is kept for selection.
    stop
        From this grade on the simulation stops. Campaign files call it ``break``.
    unit
        Of both, where the query strategy gives its numbers in one: "eV/A" for expected force errors
        (`maxvolt.ErrorQuery`); "" for grades.

    Raises
    ------
    DataError
        The thresholds are not ``0 < select <= stop``.
    """

    select: float = 2.0
    stop: float = 10.0
    unit: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.select <= self.stop:
            example = f"0.15 and 0.5 {self.unit}" if self.unit else "2 and 10"
            raise DataError(
                f"thresholds select={self.select} and break={self.stop}: expected "
                f"0 < select <= break, for example {example}"
            )

    def check_unit(self, query: QueryStrategy | None) -> None:
        """Refuse thresholds in another unit than the numbers of a query strategy.

        Raises
        ------
        DataError
        """
        if query is None or (unit := unit_of(query)) == self.unit:
            return
        have, need = (f"in {one}" if one else "grades, without a unit" for one in (self.unit, unit))
        numbers = "0.15, 0.5" if unit else "2, 10"
        raise DataError(
            f"the thresholds {self.select:g} and {self.stop:g} are {have}, and what the simulation "
            f"compares with them is {need}: give maxvolt.Thresholds({numbers}, unit={unit!r})"
        )

    def check(self, grade: float | None) -> Stop | None:
        """Say whether a structure of this grade ends the simulation; None means there is none."""
        if grade is None:
            return None
        if math.isnan(grade):
            return Stop(StopReason.NOT_FINITE, "the grade is not a number")
        if grade >= self.stop and self.unit:
            return Stop(
                StopReason.GRADE,
                f"expected force error {grade:.4g} {self.unit}, break threshold {self.stop:g} "
                f"{self.unit}",
            )
        if grade >= self.stop:
            return Stop(StopReason.GRADE, f"grade {grade:.4g}, break threshold {self.stop:g}")
        return None

    def keeps(self, grade: float | None) -> bool:
        """Whether a structure of this grade is kept for selection."""
        return grade is not None and grade >= self.select


@dataclass(frozen=True, slots=True)
class Stop:
    """An end and what to say about it."""

    reason: StopReason
    message: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a structure must satisfy for a simulation to go on.

    Parameters
    ----------
    minimum_distance : Angstrom
        Two atoms closer than this stop it: one number, or one for each pair (``"Al-Cu"``), where
        pairs not named take 0.5.
    isolation : Angstrom
        An atom that is farther than this from every other atom is lost. Atoms that were so from
        the start, such as those of a molecule pulled apart on purpose, are not counted. Infinite:
        nothing is lost.
    """

    minimum_distance: PairDistances = 0.5
    isolation: float = 6.0

    def __post_init__(self) -> None:
        distance_table(self.minimum_distance)
        if not self.isolation > 0:
            raise DataError(f"isolation must be a distance above 0 in Angstrom: {self.isolation}")


def not_finite(results: Mapping[str, object]) -> Stop | None:
    """Say so where an energy, force or stress of a calculator is NaN or infinite."""
    for name in ("energy", "forces", "stress"):
        if name in results and not np.isfinite(np.asarray(results[name], float)).all():
            return Stop(StopReason.NOT_FINITE, f"the {name} given by the calculator is not finite")
    return None


def distance_table(distances: PairDistances, default: float = 0.5) -> NDArray[np.float64]:
    """Distances by atomic numbers.

    Parameters
    ----------
    distances : Angstrom
        One for all pairs, or a mapping from pairs such as ``"Al-Cu"``.
    default : Angstrom
        For pairs that the mapping does not name.

    Returns
    -------
    table : shape (119, 119), Angstrom
        Symmetric.

    Raises
    ------
    DataError
        A distance that is negative or not finite.
    SpeciesError
        A pair that is not two element symbols.
    """
    if not isinstance(distances, Mapping):
        return np.full((_ELEMENTS, _ELEMENTS), _checked(distances))
    table = np.full((_ELEMENTS, _ELEMENTS), default)
    for pair, distance in distances.items():
        symbols = pair.split("-")
        if len(symbols) != 2 or any(symbol not in atomic_numbers for symbol in symbols):
            raise SpeciesError(f"{pair!r} is not a pair of elements; expected one such as 'Al-Cu'")
        a, b = (atomic_numbers[symbol] for symbol in symbols)
        table[a, b] = table[b, a] = _checked(distance)
    return table


def _checked(distance: float) -> float:
    if not 0 <= distance < math.inf:
        raise DataError(f"a shortest distance must be 0 A or more and finite, not {distance!r}")
    return float(distance)
