r"""Short-range repulsion of two nuclei: Ziegler, Biersack and Littmark (ZBL), 1985.

    V(r) = S(t) * C Z_i Z_j / r * sum_q share_q exp(-decay_q r / a)
    a = 0.8854 a_0 / (Z_i^0.23 + Z_j^0.23),   C = e^2 / (4 pi eps_0)
    S(t) = 1 - t^3 (10 - 15 t + 6 t^2),   t = (r - inner) / (outer - inner) between 0 and 1

S goes from 1 to 0 with vanishing first and second derivatives at both ends, so that energy,
forces and their derivatives are continuous.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.units import Bohr, Hartree
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import MaxvoltError

__all__ = ["COULOMB", "DECAY", "SHARE", "ZBL"]

SHARE = (0.18175, 0.50986, 0.28022, 0.02817)
DECAY = (3.19980, 0.94229, 0.40290, 0.20162)
COULOMB = float(Hartree * Bohr)
"""e^2 / (4 pi eps_0) in eV A."""

_LENGTH = 0.8854 * float(Bohr)
_POWER = 0.23

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ZBL:
    """ZBL repulsion, switched off between two distances.

    Parameters
    ----------
    inner
        Distance in A up to which the repulsion is complete.
    outer
        Distance in A from which it is zero.
    """

    inner: float
    outer: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.inner < self.outer < np.inf:
            raise MaxvoltError(
                "expected 0 <= inner < outer for the radii of the ZBL repulsion, found "
                f"{self.inner:g} A and {self.outer:g} A"
            )

    def evaluate(self, z_i: ArrayLike, z_j: ArrayLike, r: ArrayLike) -> tuple[Reals, Reals]:
        """Evaluate the energy of pairs of atoms; give each atom of a pair one half.

        Parameters
        ----------
        z_i, z_j
            Atomic numbers, shapes that broadcast with r.
        r
            Distances in A, above 0.

        Returns
        -------
        energy, derivative
            In eV and eV/A, broadcast shape, dtype=float64.
        """
        first, second, distances = np.broadcast_arrays(
            np.asarray(z_i, dtype=np.float64),
            np.asarray(z_j, dtype=np.float64),
            np.asarray(r, dtype=np.float64),
        )
        if (first <= 0).any() or (second <= 0).any():
            raise MaxvoltError("the ZBL repulsion needs atomic numbers above 0")
        if not (distances > 0).all():
            raise MaxvoltError("the ZBL repulsion needs distances above 0; two atoms coincide")
        bare = COULOMB * first * second / distances
        screening, dscreening = _screening(first, second, distances)
        value = bare * screening
        slope = bare * (dscreening - screening / distances)
        switch, dswitch = self._switch(distances)
        return value * switch, slope * switch + value * dswitch

    def _switch(self, r: Reals) -> tuple[Reals, Reals]:
        """Value and derivative of S."""
        width = self.outer - self.inner
        t = np.clip((r - self.inner) / width, 0.0, 1.0)
        value = 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t**2)
        return np.where(t < 1.0, value, 0.0), -30.0 * t**2 * (1.0 - t) ** 2 / width


def _screening(z_i: Reals, z_j: Reals, r: Reals) -> tuple[Reals, Reals]:
    """Value and derivative of the sum of exponentials."""
    length = _LENGTH / (z_i**_POWER + z_j**_POWER)
    decay = np.array(DECAY) / length[..., None]
    terms = np.array(SHARE) * np.exp(-decay * r[..., None])
    return terms.sum(axis=-1), -(decay * terms).sum(axis=-1)
