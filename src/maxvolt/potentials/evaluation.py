"""From energies of neighbourhoods to those of structures and datasets, for every family alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from maxvolt.cells import cell_volume, cell_volumes
from maxvolt.dataset import Dataset, StructureLike
from maxvolt.errors import MaxvoltError
from maxvolt.html_tables import described_table
from maxvolt.neighbors.neighborhoods import (
    Neighborhoods,
    dataset_neighborhoods,
    iterate_neighborhoods,
)
from maxvolt.potentials.families import title_of
from maxvolt.potentials.protocol import HasMembers, Trainable
from maxvolt.potentials.results import Energies, Evaluation, Precision, Predictions
from maxvolt.threads import thread_count

__all__ = ["ATOMS_AT_ONCE", "NeighborhoodPotential"]

ATOMS_AT_ONCE = 20_000
"""Atoms whose neighbours are held at once when a dataset is evaluated."""


class NeighborhoodPotential(ABC):
    """A `Potential` whose energy is a sum over atoms with their neighbours.

    A family gives `species`, `cutoff`, `digest`, `evaluate_neighborhoods` and `write`; the rest of
    the contract follows.
    """

    __slots__ = ()

    species: tuple[str, ...]

    @property
    @abstractmethod
    def cutoff(self) -> float:
        """Largest distance of interacting neighbours, Angstrom."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """Name of its numbers and species: potentials that differ in any have different digests."""

    @abstractmethod
    def write(self, path: str | Path) -> None:
        """Write the potential to a file that `maxvolt.load` reads."""

    @abstractmethod
    def evaluate_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> Energies:
        """Energies, forces and virials of structures whose neighbours are known."""

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {"species": self.species, "cutoff (A)": self.cutoff}
        return described_table(title_of(self).capitalize(), facts | self._facts())

    def _facts(self) -> dict[str, object]:
        """What else a notebook shows of it, by name."""
        if isinstance(self, Trainable):
            return {"parameters": self.n_parameters, "trained": self.is_trained}
        return {"members": len(self.members)} if isinstance(self, HasMembers) else {}

    def check_options(self, *, threads: int | None, precision: str = "double") -> None:
        """Refuse numbers of threads and precisions that are not possible, before any work.

        Raises
        ------
        MaxvoltError
            Threads below one, or a precision that is unknown or not available here.
        """
        thread_count(threads)
        if precision not in ("double", "single"):
            raise MaxvoltError(f'precision must be "double" or "single"; got {precision!r}')
        if precision == "single":
            raise MaxvoltError(
                f'precision="single" is not available for {title_of(self)}; use "double"'
            )

    def neighborhoods(
        self, structures: Dataset | StructureLike | Iterable[StructureLike]
    ) -> Neighborhoods:
        """Structures with all neighbours inside the cutoff.

        Raises
        ------
        SpeciesError
            A species unknown to the potential.
        DataError
            A structure that cannot be searched.
        """
        dataset = Dataset.of(structures, labels=False)
        return dataset_neighborhoods(dataset, self.species, self.cutoff)

    def evaluate(
        self, atoms: StructureLike, *, threads: int | None = None, precision: Precision = "double"
    ) -> Evaluation:
        """Energy, forces, stress and site energies of one structure.

        Parameters
        ----------
        atoms
            `ase.Atoms` or a structure of pymatgen. Any cell, also smaller than the cutoff; any
            periodicity.
        threads
            Number of threads; None for every core.
        precision
            "single" is up to twice as fast and good to 1e-6 of the forces, where it is available;
            see docs/conventions.

        Raises
        ------
        SpeciesError, DataError, MaxvoltError
            As of `neighborhoods` and `evaluate_neighborhoods`.
        """
        self.check_options(threads=threads, precision=precision)
        dataset = Dataset.of(atoms, labels=False)
        out = self.evaluate_neighborhoods(
            self.neighborhoods(dataset), threads=threads, precision=precision
        )
        stress = out.virials[0] / cell_volume(dataset.cells[0]) if dataset.pbc.all() else None
        return Evaluation(float(out.site_energies.sum()), out.forces, stress, out.site_energies)

    def evaluate_dataset(
        self,
        dataset: Dataset | Iterable[StructureLike],
        *,
        threads: int | None = None,
        precision: Precision = "double",
        atoms_at_once: int = ATOMS_AT_ONCE,
        first_structure: int = 0,
    ) -> Predictions:
        """Evaluate every structure of a dataset, see `evaluate`.

        All of them together take a fraction of the time that one call after another does, the
        smaller they are the less; see docs/how-to/batch_evaluation.

        Parameters
        ----------
        dataset
            Structures, as a dataset or as `ase.Atoms`; labels are not looked at.
        threads, precision
            As of `evaluate`.
        atoms_at_once
            Atoms whose neighbours are held at once, which bounds the memory.
        first_structure
            Number of the first structure in messages: of a dataset that is a part of another.
        """
        self.check_options(threads=threads, precision=precision)
        dataset = Dataset.of(dataset, labels=False)
        result = Predictions(
            np.empty(len(dataset)),
            np.empty((dataset.n_atoms, 3)),
            np.full((len(dataset), 6), np.nan),
            np.empty(dataset.n_atoms),
        )
        for part, neighborhoods in iterate_neighborhoods(
            dataset,
            self.species,
            self.cutoff,
            atoms_at_once=atoms_at_once,
            first_structure=first_structure,
        ):
            out = self.evaluate_neighborhoods(neighborhoods, threads=threads, precision=precision)
            atoms = slice(dataset.offsets[part.start], dataset.offsets[part.stop])
            result.energies[part] = np.bincount(
                neighborhoods.structures, out.site_energies, minlength=neighborhoods.n_structures
            )
            result.forces[atoms] = out.forces
            result.site_energies[atoms] = out.site_energies
            periodic = dataset.pbc[part].all(axis=1)
            volumes = cell_volumes(dataset.cells[part][periodic])
            result.stresses[part][periodic] = out.virials[periodic] / volumes[:, None]
        return result
