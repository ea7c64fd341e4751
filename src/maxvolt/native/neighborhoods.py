"""Atoms of one or several structures together with their neighbours: what the kernels run over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.native import _core
from maxvolt.neighbors import NeighborList

__all__ = ["ATOMS_PER_WINDOW", "Neighborhoods"]

ATOMS_PER_WINDOW = 256
"""Atoms evaluated together: few for the cache and the threads, many to have few images around."""


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
    windows: _core.NeighborWindows = field(init=False, repr=False)
    system: _core.System = field(init=False, repr=False)

    def __post_init__(self) -> None:
        structures = np.ascontiguousarray(self.structures, dtype=np.int32)
        inside, images = _wrapped(self.positions, self.cells, structures)
        windows = _core.NeighborWindows(
            self.pairs.pairs,
            self.pairs.shifts,
            inside,
            images,
            structures,
            np.ascontiguousarray(self.types, dtype=np.int32),
            ATOMS_PER_WINDOW,
        )
        self._set(windows)

    def _set(self, windows: _core.NeighborWindows) -> None:
        system = _core.System(
            np.ascontiguousarray(self.positions, dtype=float),
            np.ascontiguousarray(self.cells, dtype=float),
            np.ascontiguousarray(self.types, dtype=np.int32),
            windows,
        )
        object.__setattr__(self, "windows", windows)
        object.__setattr__(self, "system", system)

    def with_atoms(
        self,
        positions: NDArray[np.float64],
        cells: NDArray[np.float64],
        types: NDArray[np.int32],
    ) -> Neighborhoods:
        """Other positions, cells or species for the same neighbours, at next to no cost.

        Who asks must know that the list is complete for them.
        """
        new = object.__new__(Neighborhoods)
        for name, value in (
            ("positions", positions),
            ("cells", cells),
            ("structures", self.structures),
            ("types", types),
            ("pairs", self.pairs),
            ("first_structure", self.first_structure),
        ):
            object.__setattr__(new, name, value)
        new._set(self.windows)
        return new

    def with_types(self, types: NDArray[np.int32]) -> Neighborhoods:
        """Other species at the same places, for example in the order of another potential."""
        return self if types is self.types else self.with_atoms(self.positions, self.cells, types)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle without the compiled windows, which are made again."""
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


def _wrapped(
    positions: NDArray[np.float64], cells: NDArray[np.float64], structures: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Positions moved into the cell, and the lattice translations that were taken off."""
    inverse = np.linalg.pinv(cells)
    # Atoms on a side of the cell, up to rounding, count as inside.
    fractions = np.einsum("na,nab->nb", positions, inverse[structures])
    images = np.floor(fractions + 1e-6)
    inside = positions - np.einsum("na,nab->nb", images, cells[structures])
    return inside, images.astype(np.int32)
