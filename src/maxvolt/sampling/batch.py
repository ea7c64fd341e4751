"""Many small structures in flat arrays, moved and evaluated together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset

__all__ = ["Batch", "segment_max", "segment_sums", "starts_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """n structures of N atoms in total; a `Dataset` without labels and without checks.

    Attributes
    ----------
    offsets : shape (n + 1,)
        Atoms of structure s are ``offsets[s]:offsets[s + 1]``.
    numbers : shape (N,)
        Atomic numbers.
    positions : shape (N, 3), Angstrom
    cells : shape (n, 3, 3), Angstrom
    pbc : shape (n, 3)
    """

    offsets: NDArray[np.int64]
    numbers: NDArray[np.int32]
    positions: NDArray[np.float64]
    cells: NDArray[np.float64]
    pbc: NDArray[np.bool_]

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> Self:
        """Take the structures of a dataset."""
        return cls(dataset.offsets, dataset.numbers, dataset.positions, dataset.cells, dataset.pbc)

    @classmethod
    def from_atoms(cls, atoms: Atoms) -> Self:
        """Take one structure."""
        return cls(
            np.array([0, len(atoms)]),
            atoms.numbers.astype(np.int32),
            atoms.positions,
            atoms.cell.array[None],
            atoms.pbc[None],
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of atoms of each structure, shape (n,)."""
        return np.diff(self.offsets)

    @property
    def structure_of_atom(self) -> NDArray[np.int64]:
        """Index of the structure each atom belongs to, shape (N,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def atoms(self, index: int) -> Atoms:
        """Give one structure as `ase.Atoms`."""
        of = slice(self.offsets[index], self.offsets[index + 1])
        return Atoms(
            numbers=self.numbers[of],
            positions=self.positions[of],
            cell=self.cells[index],
            pbc=self.pbc[index],
        )

    def moved(self, positions: NDArray[np.float64], cells: NDArray[np.float64]) -> Self:
        """Give the same structures elsewhere."""
        return type(self)(self.offsets, self.numbers, positions, cells, self.pbc)

    def select(self, keep: NDArray[np.bool_]) -> Self:
        """Give some of the structures, chosen by a mask of shape (n,)."""
        atoms = np.repeat(keep, self.counts)
        return type(self)(
            starts_of(self.counts[keep]),
            self.numbers[atoms],
            self.positions[atoms],
            self.cells[keep],
            self.pbc[keep],
        )

    def joined(self, other: Batch) -> Self:
        """Give the structures of both."""
        return type(self)(
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            np.concatenate([self.numbers, other.numbers]),
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.pbc, other.pbc]),
        )


def starts_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Offsets from counts, shape (n + 1,)."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def segment_sums(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum rows by segment; no segment is empty."""
    return np.add.reduceat(values, offsets[:-1], axis=0)


def segment_max(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Largest row entry of each segment; no segment is empty."""
    return np.maximum.reduceat(values, offsets[:-1], axis=0)
