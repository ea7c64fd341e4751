"""The harmonic crystal with bonds of nearest neighbours: dispersion, free energy, heat capacity."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from nearest_bonds import NearestBonds

from maxvolt.errors import DataError
from maxvolt.properties.static.force_constants import PhononSettings
from maxvolt.properties.static.phonons import phonons
from maxvolt.properties.static.quasi_harmonic import QuasiHarmonicSettings, quasi_harmonic
from promises import needs

LENGTH, STIFFNESS = 2.5, 3.0
A = LENGTH * np.sqrt(2)
MASS = bulk("Cu").get_masses()[0]
THZ = 1e-12 * np.sqrt(units._e / units._amu) * 1e10 / (2 * np.pi)
"""Of the root of eV/Angstrom^2/u, in THz."""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def frequencies(mesh):
    """Of all wave vectors of a mesh, in THz, from the dynamical matrix by hand."""
    cell = bulk("Cu", a=A).cell.array
    index = np.stack(np.meshgrid(*3 * [np.arange(mesh)], indexing="ij"), axis=-1).reshape(-1, 3)
    q = 2 * np.pi * index / mesh @ np.linalg.inv(cell).T
    ways = [(i, j, 0) for i in (1, -1) for j in (1, -1)]
    ways = np.array([np.roll(way, shift) for way in ways for shift in range(3)]) / np.sqrt(2)
    weight = 1 - np.cos(LENGTH * q @ ways.T)
    matrices = STIFFNESS / MASS * np.einsum("qd,da,db->qab", weight, ways, ways)
    return THZ * np.sqrt(np.linalg.eigvalsh(matrices).clip(min=0))


def test_dispersion_and_thermal_properties_of_the_harmonic_crystal():
    needs("phonopy")
    mesh = 8
    found = phonons(
        NearestBonds(LENGTH, 0.5, STIFFNESS), bulk("Cu", a=3.5), PhononSettings(mesh=mesh)
    )
    transverse, longitudinal = (THZ * np.sqrt(n * STIFFNESS / MASS) for n in (4, 8))
    assert found["X 1"] == pytest.approx(transverse, rel=1e-4)
    assert found["X 3"] == pytest.approx(longitudinal, rel=1e-4)
    assert found["highest frequency"] == pytest.approx(longitudinal, rel=1e-4)
    assert found["lowest frequency"] == pytest.approx(0, abs=1e-3)
    assert found.warnings == ()
    quanta = units._hplanck * 1e12 * frequencies(mesh).ravel() / units._e  # eV
    quanta = quanta[quanta > 1e-5]
    heat = units.kB * 300.0
    count = mesh**3
    zero = 1000 * quanta.sum() / 2 / count
    free = zero + 1000 * heat * np.log1p(-np.exp(-quanta / heat)).sum() / count
    x = quanta / heat
    capacity = units._k * units._Nav * (x**2 * np.exp(x) / np.expm1(x) ** 2).sum() / count
    assert found["zero-point energy"] == pytest.approx(zero, rel=1e-4)
    assert found["free energy at 300 K"] == pytest.approx(free, rel=1e-3)
    assert found["heat capacity at 300 K"] == pytest.approx(capacity, rel=1e-4)
    bands = [curve for curve in found.curves if curve.name == "bands"]
    assert bands[0].ticks[0][1] == "Γ"
    assert {"X", "L"} <= {part for _, name in bands[0].ticks for part in name.split("|")}
    assert any("non-analytic" in note for note in found.notes)


def test_an_unstable_crystal_is_said():
    needs("phonopy")
    found = phonons(EMT(), bulk("Cu", "sc", a=2.4), PhononSettings(size=7.0, mesh=4))
    assert found["lowest frequency"] < -1
    assert "imaginary" in found.warnings[-1]
    assert "does not say its cutoff" in found.notes[0]


def test_quasi_harmonic_limits():
    """At 0 K the bulk modulus of the bonds, 4 k / (3 a); at high temperature 3 R."""
    needs("phonopy")
    settings = QuasiHarmonicSettings(
        mesh=5, smallest=0.98, largest=1.04, volumes=5, highest=400.0, temperature=400.0
    )
    found = quasi_harmonic(NearestBonds(LENGTH, 0.5, 6.0), bulk("Au", a=3.53), settings)
    assert found["heat capacity at 400 K"] == pytest.approx(3 * units._k * units._Nav, rel=0.05)
    modulus = next(curve for curve in found.curves if curve.name == "bulk modulus")
    expected = 4 * 6.0 / (3 * A) / units.GPa
    assert modulus.y[0] == pytest.approx(expected, rel=0.03)  # zero-point motion is left in it
    assert found["volume at 0 K"] == pytest.approx(A**3 / 4, rel=0.005)


def test_settings_are_checked():
    with pytest.raises(DataError, match="at least 5 volumes"):
        QuasiHarmonicSettings(volumes=3)
    with pytest.raises(DataError, match="temperature <= highest"):
        QuasiHarmonicSettings(temperature=900.0)
    with pytest.raises(DataError, match="displacement"):
        PhononSettings(displacement=0)
