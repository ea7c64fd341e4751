"""The thermal conductivities by their names."""

from __future__ import annotations

from maxvolt.properties.conductivity.boltzmann_conductivity import (
    BoltzmannSettings,
    boltzmann_conductivity,
)
from maxvolt.properties.conductivity.green_kubo_conductivity import (
    GreenKuboSettings,
    green_kubo_conductivity,
)
from maxvolt.properties.named_property import Property

__all__ = ["CONDUCTIVITIES"]

CONDUCTIVITIES = (
    Property(
        "conductivity-boltzmann",
        "Thermal conductivity (Boltzmann)",
        "lattice thermal conductivity, from phonons that scatter each other, by phono3py",
        BoltzmannSettings,
        boltzmann_conductivity,
        quick=False,
    ),
    Property(
        "conductivity-green-kubo",
        "Thermal conductivity (Green-Kubo)",
        "thermal conductivity of a crystal, from the heat flux of simulations in LAMMPS",
        GreenKuboSettings,
        green_kubo_conductivity,
        quick=False,
        simulates=True,
    ),
)
"""In the order of a card."""
