"""What a potential says of structures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Energies", "Evaluation", "Precision", "Predictions"]

Precision = Literal["double", "single"]
"""Of the arithmetic of a potential."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One structure of N atoms.

    Attributes
    ----------
    energy : float, eV
    forces : shape (N, 3), eV/Angstrom
    stress : shape (6,), eV/Angstrom^3, or None
        Positive under tension, order xx, yy, zz, yz, xz, xy; None where the structure is not
        periodic in three directions.
    site_energies : shape (N,), eV
        Energies of the atoms; they add up to `energy`.
    """

    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None
    site_energies: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """All structures of a dataset: n structures, N atoms in total.

    Attributes
    ----------
    energies : shape (n,), eV
    forces : shape (N, 3), eV/Angstrom
    stresses : shape (n, 6), eV/Angstrom^3
        NaN where a structure is not periodic in three directions.
    site_energies : shape (N,), eV
    """

    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    stresses: NDArray[np.float64]
    site_energies: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Energies:
    """Energies and their derivatives with respect to positions and strain.

    Attributes
    ----------
    site_energies : shape (N,), eV
    forces : shape (N, 3), eV/Angstrom
    virials : shape (n, 6), eV
        dE/d(strain), which is volume times stress.
    """

    site_energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virials: NDArray[np.float64]
