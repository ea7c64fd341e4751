"""Expected errors as a query strategy: simulations and campaigns with thresholds in eV/A."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import Potential
from maxvolt.potentials.results import Energies
from maxvolt.selection import ActiveSet
from maxvolt.selection.candidates import candidates_above, largest_first
from maxvolt.selection.grades import Grades, finite_grades
from maxvolt.selection.rows import as_datasets
from maxvolt.selection.strategy import Selection
from maxvolt.threads import thread_count
from maxvolt.uncertainty.expected_errors import ExpectedErrors
from maxvolt.uncertainty.uncertainty import Uncertainty

__all__ = ["ErrorQuery"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorQuery:
    """Grades structures by their expected force errors, eV/Angstrom.

    The grade of an atom is the expected length of the error of its force, and that of a structure
    the largest of its atoms. It goes wherever an `ActiveSet` or a `Committee` goes, with thresholds
    in eV/A: ``maxvolt.Thresholds(0.15, 0.5, unit="eV/A")``.

    Parameters
    ----------
    uncertainty : Uncertainty
        What tells errors.
    active_set : ActiveSet, optional
        By which `select` chooses structures that differ; by default the one among the measures.
    """

    uncertainty: Uncertainty
    active_set: ActiveSet | None = None

    @property
    def unit(self) -> str:
        """Of the grades."""
        return "eV/A"

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species of the potential."""
        return self.uncertainty.species

    @property
    def cutoff(self) -> float:
        """Longest cutoff of the potential and of the measures, Angstrom."""
        return self.uncertainty.cutoff

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potentials whose mean is the prediction."""
        return self.uncertainty.members

    @property
    def description(self) -> str:
        """What the numbers are."""
        calibration = self.uncertainty.calibration
        return (
            f"expected force error in eV/A by {' and '.join(calibration.names)}, calibrated on "
            f"{calibration.source or f'{calibration.n_structures} structures'}"
        )

    def grade(
        self, structures: Dataset | Atoms | Iterable[Dataset | Atoms], *, threads: int | None = None
    ) -> Array:
        """Largest expected force error of each structure, shape (n,), eV/Angstrom."""
        thread_count(threads)
        found = [np.empty(0)]
        for dataset in as_datasets(structures, self.species):
            if len(dataset):
                found.append(self.uncertainty.of(dataset, threads=threads).structures)
        return np.concatenate(found)

    def site_grades(self, structures: Dataset | Atoms, *, threads: int | None = None) -> Array:
        """Expected errors of the forces on all atoms, shape (N,), eV/Angstrom."""
        return self.uncertainty.of(structures, threads=threads).forces

    def grade_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Grades:
        """Expected force errors of structures whose neighbours are known."""
        found = self.uncertainty.of_neighborhoods(neighborhoods, energies, threads=threads)
        return _grades(found, neighborhoods)

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Grades]:
        """Energies and forces by every member, and expected force errors."""
        energies, found = self.uncertainty.evaluate_neighborhoods(neighborhoods, threads=threads)
        return tuple(energies), _grades(found, neighborhoods)

    def select(
        self,
        candidates: Dataset | Atoms | Iterable[Dataset | Atoms],
        *,
        threshold: float,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Selection:
        """Select among the candidates with expected force errors above the threshold.

        Those that enlarge the volume of the active set, where one is given or among the measures:
        they differ from each other and from the training set. Without one, and where none of them
        does, the largest errors first.

        Parameters
        ----------
        candidates
            One structure, a dataset, or a stream of these.
        threshold : eV/Angstrom
            Least expected error.
        limit
            Most structures to select.
        threads
            Number of threads; None for every core.
        """
        thread_count(threads)
        if limit is not None and limit < 0:
            raise DataError(f"limit is {limit}; expected the largest number of structures")
        above = candidates_above(
            candidates, self.species, lambda one: self.grade(one, threads=threads), threshold
        )
        chosen = self._chosen(above.structures, above.grades[above.indices], limit, threads)
        return Selection(above.indices[chosen], above.grades, above.structures.select(chosen))

    def _chosen(
        self, structures: Dataset, errors: Array, limit: int | None, threads: int | None
    ) -> NDArray[np.int64]:
        active = self.active_set or self.uncertainty.active_set
        if active is not None and len(structures):
            diverse = active.select(structures, limit=limit, threads=threads).indices
            if len(diverse):
                return diverse
        return largest_first(errors, limit)


def _grades(found: ExpectedErrors, neighborhoods: Neighborhoods) -> Grades:
    return finite_grades(Grades(found.structures, found.forces), neighborhoods)
