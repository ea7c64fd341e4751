"""Atoms of one or several structures together with their neighbours: what the kernels run over."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maxvolt.native import _core
from maxvolt.neighbors import NeighborList

__all__ = ["Neighborhoods"]


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
    """

    positions: NDArray[np.float64]
    cells: NDArray[np.float64]
    structures: NDArray[np.int32]
    types: NDArray[np.int32]
    pairs: NeighborList
    first_structure: int = 0
    system: _core.System = field(init=False, repr=False)

    def __post_init__(self) -> None:
        system = _core.System(
            np.ascontiguousarray(self.positions, dtype=float),
            np.ascontiguousarray(self.cells, dtype=float),
            np.ascontiguousarray(self.structures, dtype=np.int32),
            np.ascontiguousarray(self.types, dtype=np.int32),
            self.pairs.first,
            self.pairs.neighbors,
            self.pairs.shifts,
        )
        object.__setattr__(self, "system", system)

    @property
    def n_atoms(self) -> int:
        """Number of atoms N."""
        return len(self.positions)

    @property
    def n_structures(self) -> int:
        """Number of structures n."""
        return len(self.cells)
