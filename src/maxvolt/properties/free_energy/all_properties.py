"""The free energy of a crystal by its name."""

from __future__ import annotations

from maxvolt.properties.free_energy.crystal_free_energy import (
    CrystalFreeEnergySettings,
    crystal_free_energy,
)
from maxvolt.properties.named_property import Property

__all__ = ["FREE_ENERGIES"]

FREE_ENERGIES = (
    Property(
        "free-energy",
        "Free energy",
        "free energy and entropy of a crystal at temperature, by switching in LAMMPS",
        CrystalFreeEnergySettings,
        crystal_free_energy,
        quick=False,
        simulates=True,
    ),
)
"""In the order of a card."""
