"""Units and sign conventions, stated in this one place.

Inside maxvolt everything is in ASE units: eV, Angstrom, eV/Angstrom^3, eV/Angstrom;
stress is positive under tension and ordered (Voigt) xx, yy, zz, yz, xz, xy.
GPa only appear where numbers are printed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BAR_PER_GPA",
    "EV_PER_HARTREE",
    "EV_PER_RYDBERG",
    "GPA_PER_EV_A3",
    "G_CM3_PER_U_A3",
    "KM_S_PER_A_PS",
    "MJ_M2_PER_EV_A2",
    "VOIGT",
    "VOIGT_COUNTS",
    "plus_stress_to_stress",
    "stress_to_plus_stress",
]

GPA_PER_EV_A3 = 160.2176634
"""One eV/Angstrom^3 in GPa (exact since the SI of 2019)."""

MJ_M2_PER_EV_A2 = 16021.766340
"""One eV/Angstrom^2 in mJ/m^2, of energies of surfaces, faults and boundaries."""

BAR_PER_GPA = 1e4
"""Of pressures in LAMMPS' metal units."""

G_CM3_PER_U_A3 = 1.66053906660
"""One u/Angstrom^3 in g/cm^3."""

KM_S_PER_A_PS = 0.1
"""One Angstrom/ps in km/s."""

EV_PER_RYDBERG, EV_PER_HARTREE = 13.605693, 27.211386
"""To the digits in which messages name them."""

VOIGT: tuple[tuple[int, int], ...] = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Cartesian index pairs of the six Voigt components."""

VOIGT_COUNTS = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
"""How often each Voigt component stands in the 3 x 3 tensor."""


def plus_stress_to_stress(
    plus_stress: NDArray[np.float64], volume: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Convert MLIP's PlusStress (eV, + when compressed) to stress (eV/A^3, + under tension).

    Parameters
    ----------
    plus_stress : shape (..., 6), eV
        Virial in the Voigt order of this module.
    volume : shape (...), Angstrom^3
        Cell volume.

    Returns
    -------
    stress : shape (..., 6), eV/Angstrom^3
    """
    return np.asarray(-np.asarray(plus_stress) / np.asarray(volume)[..., None])


def stress_to_plus_stress(
    stress: NDArray[np.float64], volume: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Convert stress (eV/A^3, + under tension) to MLIP's PlusStress (eV, + when compressed).

    The inverse of `plus_stress_to_stress`, with the same shapes and units.
    """
    return np.asarray(-np.asarray(stress) * np.asarray(volume)[..., None])
