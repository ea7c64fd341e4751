"""Atoms of one or several structures together with their neighbours: what potentials evaluate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.neighbors.dataset_pairs import dataset_pairs
from maxvolt.neighbors.pairs import NeighborList
from maxvolt.species import check_known_species, species_types

__all__ = [
    "Neighborhoods",
    "dataset_neighborhoods",
    "iterate_neighborhoods",
    "stream_neighborhoods",
]


@dataclass(frozen=True, slots=True, eq=False)
class Neighborhoods:
    """Structures ready for evaluation; N atoms, n structures.

    Parameters
    ----------
    positions : shape (N, 3), Angstrom
    cells : shape (n, 3, 3), Angstrom
        Rows are lattice vectors.
    structures : shape (N,), int32
        Structure of each atom, not decreasing.
    types : shape (N,), int32
        Species index of each atom, as in the potential.
    pairs : NeighborList
        All neighbours inside the cutoff; entries beyond it are skipped.
    first_structure : int
        Number of the first structure in the dataset that these are a part of, for messages.

    Attributes
    ----------
    kept_with_pairs, kept_with_atoms : dict
        What a potential prepares of the pairs and of the atoms, for its next evaluation; the
        former serves other positions of the same pairs as well.
    """

    positions: NDArray[np.float64]
    cells: NDArray[np.float64]
    structures: NDArray[np.int32]
    types: NDArray[np.int32]
    pairs: NeighborList
    first_structure: int = 0
    kept_with_pairs: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    kept_with_atoms: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def with_atoms(
        self,
        positions: NDArray[np.float64],
        cells: NDArray[np.float64],
        types: NDArray[np.int32],
    ) -> Neighborhoods:
        """Other positions, cells or species for the same neighbours, at next to no cost.

        Who asks must know that the list is complete for them.
        """
        new = Neighborhoods(
            positions, cells, self.structures, types, self.pairs, self.first_structure
        )
        object.__setattr__(new, "kept_with_pairs", self.kept_with_pairs)
        return new

    def with_types(self, types: NDArray[np.int32]) -> Neighborhoods:
        """Other species at the same places, for example in the order of another potential."""
        return self if types is self.types else self.with_atoms(self.positions, self.cells, types)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without what is kept, which is made again."""
        return Neighborhoods, (
            self.positions,
            self.cells,
            self.structures,
            self.types,
            self.pairs,
            self.first_structure,
        )

    @property
    def n_atoms(self) -> int:
        """Number of atoms N."""
        return len(self.positions)

    @property
    def n_structures(self) -> int:
        """Number of structures n."""
        return len(self.cells)


def dataset_neighborhoods(
    dataset: Dataset, species: tuple[str, ...], cutoff: float, *, first_structure: int = 0
) -> Neighborhoods:
    """All structures of a dataset with their neighbours.

    Parameters
    ----------
    dataset
        Structures.
    species
        Symbols of the potential, in its order.
    cutoff : float, Angstrom
        Largest distance.
    first_structure
        Number of the first structure in messages, where `dataset` is a part of another.

    Raises
    ------
    SpeciesError
        An unknown species.
    DataError
        Positions or a cell that cannot be searched; the message names the structure.
    """
    check_known_species(dataset, species, first_structure=first_structure)
    cells = np.where(dataset.pbc[:, :, None], dataset.cells, 0.0)
    return Neighborhoods(
        positions=dataset.positions,
        cells=cells,
        structures=dataset.structure_of_atom.astype(np.int32),
        types=species_types(dataset.numbers, species),
        pairs=dataset_pairs(dataset, cutoff, first_structure=first_structure),
        first_structure=first_structure,
    )


def iterate_neighborhoods(
    dataset: Dataset,
    species: tuple[str, ...],
    cutoff: float,
    *,
    atoms_at_once: int,
    first_structure: int = 0,
) -> Iterator[tuple[slice, Neighborhoods]]:
    """The structures of a dataset with their neighbours, some at a time, in bounded memory.

    Parameters
    ----------
    dataset, species, cutoff, first_structure
        As of `dataset_neighborhoods`.
    atoms_at_once
        Most atoms whose neighbours are held; a larger structure comes alone.

    Yields
    ------
    which : slice
        Some structures of the dataset.
    where : Neighborhoods
        These structures with their neighbours.
    """
    for part in dataset.portions(atoms_at_once):
        yield (
            part,
            dataset_neighborhoods(
                dataset.select(part),
                species,
                cutoff,
                first_structure=first_structure + part.start,
            ),
        )


def stream_neighborhoods(
    stream: Iterable[Dataset | Atoms],
    species: tuple[str, ...],
    cutoff: float,
    *,
    atoms_at_once: int,
) -> Iterator[Neighborhoods]:
    """Structures of a stream with their neighbours, some at a time, in bounded memory.

    Parameters and errors are those of `iterate_neighborhoods`; messages count the structures of the
    whole stream.
    """
    before = 0
    for dataset in Dataset.batches(stream, atoms_at_once):
        for _, neighborhoods in iterate_neighborhoods(
            dataset, species, cutoff, atoms_at_once=atoms_at_once, first_structure=before
        ):
            yield neighborhoods
        before += len(dataset)
