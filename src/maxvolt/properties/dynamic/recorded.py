"""What a simulation has recorded."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

__all__ = ["Recorded"]


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """What a simulation has recorded, k values and m frames of N atoms.

    Attributes
    ----------
    steps : shape (k,)
        Steps of the values, counted from 0, the start, which is not recorded.
    temperatures : shape (k,), K
    energies, kinetic : shape (k,), eV
        Potential and kinetic energy of the whole structure.
    stresses : shape (k, 6), eV/Angstrom^3
        With the part of the momenta; NaN where the calculator gives none.
    cells : shape (k, 3, 3), Angstrom
    grades : shape (k,)
        NaN where there are none.
    frame_steps : shape (m,)
    frame_cells : shape (m, 3, 3), Angstrom
    frames : shape (m, N, 3), Angstrom
        Positions, not wrapped into the cell.
    timestep : fs
    last
        Structure at the end, with its momenta.
    """

    steps: NDArray[np.int64]
    temperatures: NDArray[np.float64]
    energies: NDArray[np.float64]
    kinetic: NDArray[np.float64]
    stresses: NDArray[np.float64]
    cells: NDArray[np.float64]
    grades: NDArray[np.float64]
    frame_steps: NDArray[np.int64]
    frame_cells: NDArray[np.float64]
    frames: NDArray[np.float64]
    timestep: float
    last: Atoms

    @property
    def volumes(self) -> NDArray[np.float64]:
        """Volumes of the cells, Angstrom^3, shape (k,)."""
        return np.asarray(np.abs(np.linalg.det(self.cells)))

    @property
    def pressures(self) -> NDArray[np.float64]:
        """Minus the mean of the first three stresses, eV/Angstrom^3, shape (k,)."""
        return np.asarray(-self.stresses[:, :3].mean(axis=1))

    @property
    def value_time(self) -> float:
        """Time from a value to the next, fs."""
        return float(self.steps[1] - self.steps[0]) * self.timestep

    @property
    def frame_time(self) -> float:
        """Time from a frame to the next, fs."""
        return float(self.frame_steps[1] - self.frame_steps[0]) * self.timestep

    def followed_by(self, other: Self) -> Self:
        """Join the simulation that went on where this one ended, with the same time step."""
        end = self.steps[-1]
        joined = {}
        for one in fields(self):
            if one.name in ("timestep", "last"):
                continue
            later = getattr(other, one.name) + (end if one.name.endswith("steps") else 0)
            joined[one.name] = np.concatenate([getattr(self, one.name), later])
        return type(self)(**joined, timestep=self.timestep, last=other.last)
