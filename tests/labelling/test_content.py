"""What makes two calculations the same."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given
from hypothesis import strategies as st

from maxvolt.labelling.content import (
    bare_structure,
    canonical_json,
    settings_hash,
    structure_hash,
)


def crystal() -> Atoms:
    atoms = bulk("NaCl", "rocksalt", 5.6, cubic=True)
    atoms.rattle(0.1, seed=3)
    return atoms


def test_the_hash_stays_the_same_between_versions():
    """Labels of years hang on it: a change of this number makes all of them unknown."""
    atoms = Atoms("HO", [[0, 0, 0], [0.25, -0.5, 1]], cell=[3, 4, 5], pbc=[True, True, False])
    atoms.set_initial_magnetic_moments([0.0, 2.0])
    assert structure_hash(atoms) == "3ab9592f0900b15392c32e357fe339d6"
    assert settings_hash("emt", {"b": [1, 2.5], "a": True}) == "e600126c9db70eab6b46ed78c67116a6"


def change_species(atoms):
    atoms.numbers[0] = 19


def move(atoms):
    atoms.positions[2, 1] += 1e-6


def stretch(atoms):
    atoms.cell[1, 1] += 1e-6


def open_a_direction(atoms):
    atoms.pbc = [True, True, False]


def magnetise(atoms):
    atoms.set_initial_magnetic_moments([1.0] + [0.0] * (len(atoms) - 1))


def charge(atoms):
    atoms.set_initial_charges([1.0] + [0.0] * (len(atoms) - 1))


def swap_two_atoms(atoms):
    atoms.positions[[0, 2]] = atoms.positions[[2, 0]]


@pytest.mark.parametrize(
    "change",
    [change_species, move, stretch, open_a_direction, magnetise, charge, swap_two_atoms],
)
def test_what_counts(change):
    changed = crystal()
    change(changed)
    assert structure_hash(changed) != structure_hash(crystal())


def test_moments_and_charges_are_not_confused():
    one, other = crystal(), crystal()
    magnetise(one)
    charge(other)
    assert structure_hash(one) != structure_hash(other)


def test_what_does_not_count():
    atoms = crystal()
    atoms.info["config_type"] = "bulk"
    atoms.set_momenta(np.ones((len(atoms), 3)))
    atoms.set_tags(range(len(atoms)))
    atoms.set_initial_magnetic_moments([0.0] * len(atoms))
    assert structure_hash(atoms) == structure_hash(crystal())
    assert set(bare_structure(atoms).arrays) == {"numbers", "positions"}
    assert not bare_structure(atoms).info


def test_a_calculator_sees_all_that_counts():
    atoms = crystal()
    magnetise(atoms)
    charge(atoms)
    assert structure_hash(bare_structure(atoms)) == structure_hash(atoms)


@given(st.integers(-(10**9), 10**9), st.floats(-0.4, 0.4))
def test_noise_in_the_last_digits_does_not_count(place, noise):
    """A coordinate is one of the multiples of 1e-8, whatever is left of rounding errors."""
    exact = Atoms("H", [[place * 1e-8, 0, 0]])
    noisy = Atoms("H", [[(place + noise) * 1e-8, -0.0, 0]])
    assert structure_hash(exact) == structure_hash(noisy)


def test_settings_by_their_values():
    one = settings_hash("gpaw", {"mode": {"name": "pw", "ecut": 400}, "kpts": (2, 2, 2)})
    other = settings_hash("gpaw", {"kpts": [2, 2, 2.0], "mode": {"ecut": 400.0, "name": "pw"}})
    assert one == other
    assert one != settings_hash("gpaw", {"mode": {"name": "pw", "ecut": 401}, "kpts": (2, 2, 2)})
    assert one != settings_hash("emt", {"mode": {"name": "pw", "ecut": 400}, "kpts": (2, 2, 2)})


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": {1, 2}}, {1: 2}, {"a": object()}])
def test_settings_must_be_json(value):
    with pytest.raises((TypeError, ValueError)):
        canonical_json(value)
