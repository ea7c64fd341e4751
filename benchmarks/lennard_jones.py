"""The Lennard-Jones fluid for benchmarks/dynamic_answers.py: its potential, and published numbers.

The potential is that of argon (119.8 K, 3.405 Å), cut at three times its length, as a table of
embedded atoms whose density is zero, which this package reads. Published numbers are of the whole
potential; what lies beyond the cut is taken off by the integral over a uniform fluid.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from ase import units

from maxvolt.units import GPA_PER_EV_A3

__all__ = ["FILE", "NIST", "TRIPLE_POINT", "State", "write_table"]

FILE = "lennard_jones.eam.alloy"

EPSILON = 119.8 * units.kB
"""eV."""

SIGMA = 3.405
"""Angstrom."""

CUT = 3.0
"""Of the potential, in units of its length."""

MASS = 39.948
POINTS = 3001


class State:
    """A state of the fluid in the units of the potential.

    Parameters
    ----------
    density, temperature, pressure
        Of the whole potential.
    """

    def __init__(self, density: float, temperature: float, pressure: float) -> None:
        self.density = density
        self._temperature = temperature
        self._pressure = pressure

    @property
    def kelvin(self) -> float:
        """Temperature."""
        return round(self._temperature * EPSILON / units.kB, 3)

    @property
    def pressure_of_the_cut(self) -> float:
        """Pressure of the potential that is cut, at this density, in GPa."""
        far = 16 / 3 * math.pi * self.density**2 * (2 / 3 * CUT**-9 - CUT**-3)
        return round((self._pressure - far) * EPSILON / SIGMA**3 * GPA_PER_EV_A3, 6)

    @property
    def volume(self) -> float:
        """Angstrom^3 of an atom."""
        return SIGMA**3 / self.density

    def energy_of_the_cut(self, potential_energy: float) -> float:
        """Energy (eV) of an atom of the potential that is cut, with its kinetic energy."""
        far = 8 / 3 * math.pi * self.density * (CUT**-9 / 3 - CUT**-3)
        return EPSILON * (potential_energy - far + 1.5 * self._temperature)

    def viscosity(self, reduced: float) -> float:
        """Viscosity in mPa s."""
        return reduced * math.sqrt(MASS * EPSILON) / SIGMA**2 / (1e-3 * units.Pascal * units.second)


NIST = State(0.82, 0.85, 0.55355)
"""Standard Reference Simulation Website of NIST, Monte Carlo of 500 atoms, cut at three times the
length; as quoted in tests of public programs."""

NIST_ENERGY = -5.7947

TRIPLE_POINT = State(0.8442, 0.722, 0.16509)
"""The pressure is that of the equation of state of Thol et al., J. Phys. Chem. Ref. Data 45, 023101
(2016), by the package teqp; that of Johnson et al. (1993) gives 0.155."""

TRIPLE_POINT_VISCOSITY = (3.24, 0.04)
"""Ferrario, Ciccotti, Holian, Ryckaert, Phys. Rev. A 44, 6936 (1991), abstract."""


def write_table(folder: Path) -> Path:
    """Write the potential as a table, not shifted: energies are those of the cut potential."""
    r = np.linspace(0, CUT * SIGMA, POINTS)
    x = np.maximum(r / SIGMA, 0.5)  # nearer the table is not used
    pairs = 4 * EPSILON * (x**-12 - x**-6) * r
    zeros = ["0.0"] * (5 + POINTS)
    lines = ["Lennard-Jones, argon", "cut at 3 sigma", "", "1 Ar"]
    lines += [f"5 1.0 {POINTS} {r[1]:.17e} {CUT * SIGMA:.17e}", f"18 {MASS} 5.3 fcc", *zeros]
    lines += [f"{value:.17e}" for value in pairs]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_text("\n".join(lines) + "\n")
    return path
