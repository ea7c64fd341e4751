"""The potential and the units of the Lennard-Jones fluid in benchmarks/dynamic_answers.py."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones

import lennard_jones as lj
import maxvolt


def test_the_table_is_the_potential(tmp_path: Path) -> None:
    crystal = bulk("Ar", "fcc", a=5.3, cubic=True) * (3, 3, 3)
    crystal.rattle(0.3, seed=1)
    known = crystal.copy()
    crystal.calc = maxvolt.Calculator(str(lj.write_table(tmp_path)))
    known.calc = LennardJones(sigma=lj.SIGMA, epsilon=lj.EPSILON, rc=lj.CUT * lj.SIGMA)
    np.testing.assert_allclose(crystal.get_forces(), known.get_forces(), atol=1e-6)
    np.testing.assert_allclose(crystal.get_stress(), known.get_stress(), atol=1e-9)


def test_published_numbers_become_those_of_argon() -> None:
    """The units of viscosity, pressure and energy, from constants of SI."""
    epsilon, sigma, mass = 119.8 * 1.380649e-23, 3.405e-10, 39.948 * 1.66053907e-27
    state = lj.State(1e-9, 1.0, 2.0)  # so thin that nothing lies beyond the cut
    assert state.viscosity(1.0) == pytest.approx(1e3 * math.sqrt(mass * epsilon) / sigma**2)
    pressure = 2 * epsilon / sigma**3 / 1e9
    assert state.pressure_of_the_cut == pytest.approx(pressure, abs=1e-6)
    energy = epsilon / 1.602176634e-19 * (1.5 - 3.0)
    assert state.energy_of_the_cut(-3.0) == pytest.approx(energy, rel=1e-6)
    assert state.kelvin == pytest.approx(119.8)


def test_what_lies_beyond_the_cut_is_its_integral() -> None:
    r = np.linspace(lj.CUT, 60.0, 200_001)
    force = 24 * (2 * r**-13 - r**-7)
    density = lj.NIST.density
    far = 2 / 3 * math.pi * density**2 * np.trapezoid(r**3 * force, r)
    unit = lj.EPSILON / lj.SIGMA**3 * 160.2176634
    assert lj.NIST.pressure_of_the_cut / unit == pytest.approx(0.55355 - far, abs=2e-4)
    energy = 2 * math.pi * density * np.trapezoid(4 * (r**-10 - r**-4), r)
    cut = lj.NIST.energy_of_the_cut(lj.NIST_ENERGY) / lj.EPSILON
    assert cut == pytest.approx(lj.NIST_ENERGY - energy + 1.5 * 0.85, abs=2e-4)
