"""What a simulation or a campaign asks of whatever tells how far a structure extrapolates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import Potential
from maxvolt.potentials.results import Energies
from maxvolt.selection.grades import Grades

__all__ = ["QueryStrategy", "Selection", "unit_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What was selected from candidates.

    Parameters
    ----------
    indices : shape (k,), int64
        Numbers of the selected structures among the candidates, ascending.
    grades : shape (m,)
        Of all candidates, before the selection.
    structures
        The selected structures, in the same order.
    """

    indices: NDArray[np.int64]
    grades: NDArray[np.float64]
    structures: Dataset


@runtime_checkable
class QueryStrategy(Protocol):
    """Grades structures, and selects those worth a reference calculation.

    A strategy whose grades have a unit says so in an attribute ``unit``, such as "eV/A"; grades of
    one that has no such attribute are numbers without a unit, and 1 is the border of extrapolation.
    """

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species it knows, in the order of its types."""
        ...

    @property
    def cutoff(self) -> float:
        """Largest distance of neighbours that count, Angstrom."""
        ...

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potentials that it asks."""
        ...

    @property
    def description(self) -> str:
        """One line that says what the grades are and how complete their basis is."""
        ...

    def grade(
        self, structures: Dataset | Atoms | Iterable[Dataset | Atoms], *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Grades of structures, shape (n,)."""
        ...

    def site_grades(
        self, structures: Dataset | Atoms, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Grades of all atoms, shape (N,)."""
        ...

    def grade_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Grades:
        """Grades of structures whose neighbours are known.

        Parameters
        ----------
        neighborhoods
            Structures and neighbours, with the types of `species`.
        energies
            What `members` say of them, one entry each, where that is known.
        threads
            Number of threads; None for every core.
        """
        ...

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Grades]:
        """What `members` say of structures whose neighbours are known, and their grades."""
        ...

    def select(
        self,
        candidates: Dataset | Atoms | Iterable[Dataset | Atoms],
        *,
        threshold: float,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Selection:
        """Select the candidates worth a reference calculation, at most `limit` of them."""
        ...


def unit_of(strategy: QueryStrategy) -> str:
    """Unit of the grades of a strategy, such as "eV/A"; "" where they have none."""
    return str(getattr(strategy, "unit", ""))
