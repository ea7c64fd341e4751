"""Harmonic rates: analytic dispersion, ASE's vibrations, the barrier of an elastic band."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.vibrations import Vibrations as AseVibrations
from nearest_bonds import NearestBonds
from springs import held_crystal

from maxvolt.errors import DataError, MaxvoltError, SettingsError
from maxvolt.properties import compute_property
from maxvolt.properties.dynamic.harmonic_rates import (
    Vibrations,
    formation_entropy,
    vineyard_frequency,
)

A = 2.5 * np.sqrt(2)


def test_oscillators_have_their_frequency():
    atoms, springs = held_crystal(1, 4.0)
    exact = np.sqrt(4.0 / atoms.get_masses()[0]) / (2 * np.pi) * 1e3 * units.fs
    found = Vibrations.of(springs, atoms).logarithms(0, "a test")
    assert np.allclose(np.exp(found), exact, rtol=1e-8)
    assert len(found) == 9


def test_a_crystal_of_bonds_has_the_frequencies_of_its_dispersion():
    crystal = bulk("Cu", cubic=True, a=A) * (2, 2, 2)
    found = Vibrations.of_crystal(NearestBonds(), crystal).logarithms(0, "a test")
    whole = Vibrations.of(NearestBonds(), crystal).logarithms(0, "a test")
    assert np.allclose(found, whole, atol=1e-6)
    bonds = [np.array(b) for b in itertools.product((-1, 0, 1), repeat=3) if np.dot(b, b) == 2]
    values = []
    for n in itertools.product(range(4), repeat=3):  # each wave vector of the cell twice
        q = np.pi / A * np.array(n)
        matrix = sum(
            3.0 / crystal.get_masses()[0] * (1 - np.cos(q @ b * A / 2)) * np.outer(b, b) / 2
            for b in bonds
        )
        values.append(np.linalg.eigvalsh(matrix))
    exact = np.sort(np.concatenate(values))[6::2]
    frequencies = np.sqrt(exact) / (2 * np.pi) * 1e3 * units.fs
    assert np.allclose(np.sort(np.exp(found)), frequencies, rtol=1e-4)


def test_an_unrelaxed_vacancy_of_bonds_has_softer_neighbours():
    crystal = bulk("Cu", cubic=True, a=A) * (2, 2, 2)
    perfect = Vibrations.of_crystal(NearestBonds(), crystal).logarithms(0, "a test")
    vacancy = Vibrations.of(NearestBonds(), crystal[1:]).logarithms(0, "a test")
    assert len(vacancy) == len(perfect) - 3
    entropy = formation_entropy(vacancy, perfect)
    # Einstein's estimate: in one direction each of 12 neighbours loses one of four bonds.
    assert 0.5 < entropy < 3.0
    doubled = formation_entropy(vacancy + np.log(2), perfect + np.log(2))
    assert doubled == pytest.approx(entropy)


def test_attempt_frequencies_are_ratios_of_products():
    rest, saddle = np.log([2.0, 3.0, 5.0]), np.log([2.5, 4.0])
    assert vineyard_frequency(rest, saddle) == pytest.approx(3.0)


def test_frequencies_are_those_of_ase(tmp_path):
    atoms = (bulk("Cu", cubic=True) * (2, 2, 2))[1:9]
    atoms.positions += 0.02 * np.random.default_rng(1).standard_normal(atoms.positions.shape)
    atoms.calc = EMT()
    theirs = AseVibrations(atoms, name=str(tmp_path / "vibrations"), delta=0.01)
    theirs.run()
    per_centimetre = theirs.get_frequencies()
    exact = np.sort((per_centimetre**2).real * (units._c * 1e-10) ** 2)  # THz^2
    ours = Vibrations.of(EMT(), atoms).curvatures * (1e3 * units.fs / (2 * np.pi)) ** 2
    kept = np.sort(exact[np.argsort(np.abs(exact))[3:]])
    assert np.allclose(np.sort(ours), kept, rtol=1e-4, atol=1e-4 * np.abs(kept).max())


def test_diffusion_is_concentration_times_rate():
    settings = {"size": 7.0, "temperature": 1000.0}
    found = compute_property("vacancy-diffusion", EMT(), bulk("Cu"), settings)
    band = compute_property("vacancy-migration", EMT(), bulk("Cu"), {"size": 7.0})
    alone = compute_property("vacancies", EMT(), bulk("Cu"), {"size": 7.0})
    assert found["vacancy migration"] == pytest.approx(band["vacancy migration"], abs=5e-3)
    assert found["vacancy formation"] == pytest.approx(alone["vacancy"], abs=1e-3)
    thermal = units.kB * 1000.0
    concentration = np.exp(found["formation entropy"] - found["vacancy formation"] / thermal)
    assert found["vacancies at 1000 K"] == pytest.approx(concentration, rel=1e-9)
    rate = found["attempt frequency"] * 1e12 * np.exp(-found["vacancy migration"] / thermal)
    a = compute_property("lattice", EMT(), bulk("Cu"))["a"] * 1e-10
    assert found["self-diffusion at 1000 K"] == pytest.approx(
        0.78146 * a**2 * concentration * rate, rel=1e-6
    )
    assert 1.0 < found["attempt frequency"] < 50.0
    (curve,) = found.curves
    slope = np.polyfit(curve.x, curve.y, 1)[0]
    assert slope == pytest.approx(-found["activation energy"] / units.kB / 1e3 / np.log(10))


def test_what_has_no_such_jump_is_refused():
    with pytest.raises(DataError, match="fcc or bcc"):
        compute_property("vacancy-diffusion", NearestBonds(), bulk("Mg", a=2.5, c=2.5 * 1.633))
    with pytest.raises(SettingsError, match="above 0 K"):
        compute_property("vacancy-diffusion", EMT(), bulk("Cu"), {"temperature": 0.0})
    atoms, springs = held_crystal(1, 4.0)
    vibrations = Vibrations.of(springs, atoms)
    with pytest.raises(MaxvoltError, match="expected 1 unstable"):
        vibrations.logarithms(1, "a test")
