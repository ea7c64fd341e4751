"""Profiles along the direction of a shock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from ase import units
from numpy.typing import NDArray

from maxvolt.units import BAR_PER_GPA, G_CM3_PER_U_A3, GPA_PER_EV_A3, KM_S_PER_A_PS

__all__ = ["ShockProfiles"]

_EV_OF_MASS_SPEED2 = 1.0 / (1e3 * units.fs) ** 2
"""One g/mol (Angstrom/ps)^2 in eV."""


@dataclass(frozen=True, slots=True, eq=False)
class ShockProfiles:
    """What k profiles of b bins say; NaN in a bin without atoms.

    Attributes
    ----------
    times : shape (k,), ps
        Since the piston has started; of the middle of a profile.
    places : shape (b,), Angstrom
        Middles of the bins.
    counts : shape (k, b)
        Mean number of atoms.
    volume : shape (k, b), Angstrom^3/atom
    density : shape (k, b), g/cm^3
    velocity : shape (k, b), km/s
    pressure : shape (k, b, 3), GPa
        Along x, y and z: the virial, and the momentum that atoms carry relative to the bin.
    energy : shape (k, b), eV/atom
        Without that of the motion of the bin as a whole.
    temperature : shape (k, b), K
    piston : shape (k,), GPa
        Pressure on the piston.
    """

    times: NDArray[np.float64]
    places: NDArray[np.float64]
    counts: NDArray[np.float64]
    volume: NDArray[np.float64]
    density: NDArray[np.float64]
    velocity: NDArray[np.float64]
    pressure: NDArray[np.float64]
    energy: NDArray[np.float64]
    temperature: NDArray[np.float64]
    piston: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        times: NDArray[np.float64],
        rows: NDArray[np.float64],
        forces: NDArray[np.float64],
        area: float,
    ) -> Self:
        """Take what LAMMPS wrote.

        Parameters
        ----------
        times : shape (k,), ps
        rows : shape (k, b, 12)
            Place and number of atoms, then `PROFILE_VALUES`.
        forces : shape (k,), eV/Angstrom
            On the piston, along z.
        area : Angstrom^2
            Of the slab.
        """
        empty = rows[:, :, 1] == 0
        values = np.where(empty[:, :, None], np.nan, rows)
        number, mass, momentum = values[:, :, 2], values[:, :, 3], values[:, :, 4]
        pushes = _EV_OF_MASS_SPEED2 * values[:, :, 5:8]
        whole = _EV_OF_MASS_SPEED2 * momentum**2 / mass
        pushes[:, :, 2] -= whole
        virial = -values[:, :, 9:12] / BAR_PER_GPA
        kinetic = pushes.sum(axis=2)
        # With z fixed, all three directions are counted as 3 N degrees of freedom: bins are large.
        return cls(
            times,
            rows[0, :, 0],
            rows[:, :, 1],
            1 / number,
            G_CM3_PER_U_A3 * mass * number,
            KM_S_PER_A_PS * momentum / mass,
            number[:, :, None] * (virial + GPA_PER_EV_A3 * pushes),
            values[:, :, 8] + 0.5 * kinetic,
            kinetic / (3 * units.kB),
            -GPA_PER_EV_A3 * forces / area,
        )

    @classmethod
    def joined(cls, parts: Sequence[ShockProfiles]) -> ShockProfiles:
        """Put segments behind each other."""
        names = [name for name in cls.__dataclass_fields__ if name != "places"]
        columns = {name: np.concatenate([getattr(one, name) for one in parts]) for name in names}
        return cls(places=parts[0].places, **columns)
