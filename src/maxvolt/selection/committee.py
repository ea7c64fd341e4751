"""Query by committee: what an ensemble of potentials disagrees about, equations (41) and (42)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.io.structures import Structures, structures_of
from maxvolt.neighbors.neighborhoods import Neighborhoods, dataset_neighborhoods
from maxvolt.portions import portions
from maxvolt.potentials import Ensemble, Potential
from maxvolt.potentials.results import Energies
from maxvolt.selection.rows import as_datasets
from maxvolt.selection.strategy import Grades, Selection, finite_grades
from maxvolt.threads import thread_count

__all__ = ["Committee"]

_ATOMS = 20_000
"""Atoms whose neighbours are held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Committee:
    """An ensemble whose members' disagreement grades structures.

    The spread (sample standard deviation over the members) of the energy, divided by sqrt(N), and
    that of the force on each atom are measured in units of their own; the grade is the largest of
    these numbers. Units chosen by `from_dataset` make 1 the largest grade of a training set, so
    that thresholds mean the same as those of an `ActiveSet`.

    Parameters
    ----------
    ensemble
        At least two potentials.
    energy_scale : eV
        Spread of the energy over sqrt(N) that counts as grade 1; None: energies do not count.
    force_scale : eV/Angstrom
        Spread of the force on an atom that counts as grade 1; None: forces do not count.

    Raises
    ------
    DataError
        One member only, no scale at all, or one that is not positive.
    """

    ensemble: Ensemble
    energy_scale: float | None = None
    force_scale: float | None = None

    def __post_init__(self) -> None:
        if len(self.ensemble.members) < 2:
            raise DataError("a committee needs at least two potentials: one agrees with itself")
        scales = [s for s in (self.energy_scale, self.force_scale) if s is not None]
        if not scales or not all(np.isfinite(s) and s > 0 for s in scales):
            raise DataError(
                f"energy_scale is {self.energy_scale} and force_scale {self.force_scale}; expected "
                "at least one positive number, or use Committee.from_dataset"
            )

    @classmethod
    def from_dataset(
        cls,
        ensemble: Ensemble,
        dataset: Structures,
        *,
        energies: bool = True,
        forces: bool = True,
        threads: int | None = None,
    ) -> Self:
        """Choose the scales so that the largest spreads on a training set have grade 1.

        Parameters
        ----------
        ensemble
            At least two potentials.
        dataset
            The training set; its labels are not looked at. A `Dataset`, one `ase.Atoms`, the path
            of a file, or several of these.
        energies, forces
            What counts.
        threads
            Number of threads; None for every core.
        """
        thread_count(threads)
        if not isinstance(ensemble, Ensemble):
            raise DataError(
                "ensemble: a committee is made of a maxvolt.Ensemble of at least two potentials; "
                f"got {type(ensemble).__name__}"
            )
        dataset = structures_of(dataset, ensemble.species)
        raw = cls(ensemble, 1.0 if energies else None, 1.0 if forces else None)
        largest_energy = largest_force = 0.0
        for where in _portions(ensemble, dataset):
            of_energies, of_forces = raw._spreads(where, None, threads)
            largest_energy = max(largest_energy, float(of_energies.max()))
            largest_force = max(largest_force, float(of_forces.max()))
        return cls(
            ensemble, largest_energy if energies else None, largest_force if forces else None
        )

    # ----------------------------------------------------------------- what it is

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species of the ensemble."""
        return self.ensemble.species

    @property
    def cutoff(self) -> float:
        """Cutoff of the ensemble, Angstrom."""
        return self.ensemble.cutoff

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potentials."""
        return self.ensemble.members

    @property
    def description(self) -> str:
        """What the grades are."""
        units = []
        if self.energy_scale is not None:
            units.append(f"energies in units of {self.energy_scale:.3g} eV sqrt(N)")
        if self.force_scale is not None:
            units.append(f"forces in units of {self.force_scale:.3g} eV/A")
        return f"spread of {len(self.ensemble.members)} potentials: {' and '.join(units)}"

    # ----------------------------------------------------------------- grades

    def grade(
        self,
        structures: Dataset | Atoms | Iterable[Dataset | Atoms],
        *,
        threads: int | None = None,
    ) -> NDArray[np.float64]:
        """Grades of structures, shape (n,), in bounded memory."""
        thread_count(threads)
        found = [np.empty(0)]
        for dataset in as_datasets(structures, self.species):
            for where in _portions(self.ensemble, dataset):
                found.append(self.grade_neighborhoods(where, threads=threads).structures)
        return np.concatenate(found)

    def site_grades(
        self, structures: Dataset | Atoms, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Grades of the forces on all atoms, shape (N,).

        Raises
        ------
        DataError
            Forces do not count in this committee.
        """
        if self.force_scale is None:
            raise DataError(
                "grades of atoms are those of their forces, which do not count in this committee; "
                "give it a force_scale"
            )
        thread_count(threads)
        found = [np.empty(0)]
        for dataset in as_datasets(structures, self.species):
            for where in _portions(self.ensemble, dataset):
                sites = self.grade_neighborhoods(where, threads=threads).sites
                assert sites is not None
                found.append(sites)
        return np.concatenate(found)

    def grade_neighborhoods(
        self,
        where: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Grades:
        """Grades of structures whose neighbours are known, and what the members say, if known."""
        of_energies, of_forces = self._spreads(where, energies, threads)
        grades = np.zeros(where.n_structures)
        if self.energy_scale is not None:
            grades = of_energies / self.energy_scale
        if self.force_scale is None:
            return finite_grades(Grades(grades, None), where)
        sites = of_forces / self.force_scale
        np.maximum.at(grades, where.structures, sites)
        return finite_grades(Grades(grades, sites), where)

    def evaluate_neighborhoods(
        self, where: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Grades]:
        """Energies and forces by every member, and grades from them."""
        energies = tuple(self.ensemble.evaluate_each(where, threads=threads))
        return energies, self.grade_neighborhoods(where, energies)

    def select(
        self,
        candidates: Dataset | Atoms | Iterable[Dataset | Atoms],
        *,
        threshold: float,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Selection:
        """Select the candidates with grades above the threshold, the largest first up to the limit.

        A committee cannot say whether two of them are alike: draw candidates from a
        trajectory at intervals.
        """
        thread_count(threads)
        kept: list[Dataset] = []
        numbers: list[int] = []
        grades = [np.empty(0)]
        first = 0
        for dataset in as_datasets(candidates, self.species):
            found = self.grade(dataset, threads=threads)
            above = np.flatnonzero(found > threshold)
            kept.append(dataset.select(above))
            numbers += (first + above).tolist()
            grades.append(found)
            first += len(dataset)
        all_grades, structures = np.concatenate(grades), Dataset.concatenate(kept)
        indices = np.array(numbers, np.int64)
        if limit is not None and len(indices) > limit:
            best = np.sort(np.argsort(-all_grades[indices], kind="stable")[:limit])
            indices, structures = indices[best], structures.select(best)
        return Selection(indices, all_grades, structures)

    # ----------------------------------------------------------------- inside

    def _spreads(
        self, where: Neighborhoods, energies: Sequence[Energies] | None, threads: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Spread of the energies over sqrt(N), shape (n,), and of the forces, shape (N,)."""
        if energies is None:
            energies = self.ensemble.evaluate_each(where, threads=threads)
        n = where.n_structures
        totals = [np.bincount(where.structures, e.site_energies, minlength=n) for e in energies]
        counts = np.bincount(where.structures, minlength=n)
        of_energies = np.std(totals, axis=0, ddof=1) / np.sqrt(counts)
        variances = np.var([e.forces for e in energies], axis=0, ddof=1)
        return np.asarray(of_energies), np.asarray(np.sqrt(variances.sum(axis=-1)))


def _portions(ensemble: Ensemble, dataset: Dataset) -> Iterable[Neighborhoods]:
    for part in portions(dataset.counts, _ATOMS):
        yield dataset_neighborhoods(
            dataset.select(part), ensemble.species, ensemble.cutoff, first_structure=part.start
        )
