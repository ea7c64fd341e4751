"""How far the members of an ensemble differ on frames of a simulation that one of them made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.properties.findings import Quantity
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["member_spread"]


def member_spread(calculators: Sequence[Any], frames: Sequence[Atoms]) -> dict[str, Quantity]:
    """Twice the standard deviation over members, of forces, energies and mean pressure.

    Parameters
    ----------
    calculators
        One of each member, two or more, with stress.
    frames
        Structures of a simulation.

    Returns
    -------
    quantities
        Of the forces, the root mean square over all components; of the energies that over frames,
        without the mean difference of two members; of the pressure that of its mean over frames,
        which shifts volumes; not of slabs.
    """
    periodic = all(frame.pbc.all() for frame in frames)
    energies, forces, pressures = [], [], []
    for calculator in calculators:
        own = []
        for frame in frames:
            asked = frame.copy()
            asked.calc = calculator
            energy = float(asked.get_potential_energy()) / len(frame)
            pressure = -asked.get_stress()[:3].mean() if periodic else np.nan
            own.append((energy, asked.get_forces().ravel(), pressure))
        energies.append([one[0] for one in own])
        forces.append(np.concatenate([one[1] for one in own]))
        pressures.append(float(np.mean([one[2] for one in own])))
    relative = np.array(energies) - np.mean(energies, axis=1, keepdims=True)
    spread = {
        "two sigma of forces on frames": Quantity(1e3 * _two_sigma(np.array(forces)), "meV/Å"),
        "two sigma of energies on frames": Quantity(1e3 * _two_sigma(relative), "meV/atom"),
    }
    if periodic:
        of_pressure = GPA_PER_EV_A3 * _two_sigma(np.array(pressures)[:, None])
        spread["two sigma of the mean pressure"] = Quantity(of_pressure, "GPa")
    return spread


def _two_sigma(of_members: Any) -> float:
    """Root mean square over columns of twice the deviation over rows."""
    return 2 * float(np.sqrt(np.mean(np.var(of_members, axis=0, ddof=1))))
