"""Crystals are recognised in other cells, turned and mirrored, and told from their likes."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given, settings
from hypothesis import strategies as st

import maxvolt
from maxvolt.errors import DataError
from maxvolt.properties import crystal_fingerprints, same_crystals


def groups(*structures: Atoms, **options: float) -> list[int]:
    return same_crystals(list(structures), **options).groups.tolist()


def with_energy(atoms: Atoms, per_atom: float) -> Atoms:
    atoms = atoms.copy()
    atoms.calc = SinglePointCalculator(atoms, energy=per_atom * len(atoms))
    return atoms


def ordered_fcc(stretch: float) -> Atoms:
    """L1_0 with some c/a; B2 at 1/sqrt(2)."""
    atoms = bulk("Cu", cubic=True, a=3.7)[[0, 1]]
    atoms.cell[:] = np.diag([2.9, 2.9, 2.9 * stretch])
    atoms.set_scaled_positions([[0, 0, 0], [0.5, 0.5, 0.5]])
    atoms.symbols[:] = ["Cu", "Pd"]
    return atoms


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_a_crystal_in_other_cells(seed: int) -> None:
    generator = np.random.default_rng(seed)
    atoms = bulk("Cu", cubic=True, a=3.7)
    atoms.symbols[generator.permutation(4)[: generator.integers(1, 4)]] = "Pd"
    atoms.rattle(0.2, rng=generator)
    atoms.set_cell(atoms.cell @ (np.eye(3) + 0.1 * generator.normal(size=(3, 3))), scale_atoms=True)
    lower = np.tril(generator.integers(-1, 2, (3, 3)), -1) + np.diag([1, 2, 1])
    other = make_supercell(atoms, lower)
    other = other[generator.permutation(len(other))]
    other.rotate(generator.uniform(0, 360), generator.normal(size=3), rotate_cell=True)
    other.positions += generator.normal(size=3)
    if generator.integers(2):
        other.set_cell(-other.cell.array, scale_atoms=True)
    one, another = crystal_fingerprints([atoms, other])
    np.testing.assert_allclose(one, another, atol=1e-8)
    assert groups(atoms, other) == [0, 0]


def test_stackings_are_told_apart() -> None:
    length = 2.6
    height = length * np.sqrt(8 / 3)
    hcp = bulk("Cu", "hcp", a=length, c=height)
    fcc = bulk("Cu", "fcc", a=length * np.sqrt(2))
    layers = Atoms("Cu4", cell=hcp.cell.array * [[1], [1], [2]], pbc=True)  # ABAC
    layers.set_scaled_positions(
        [(0, 0, 0), (1 / 3, 2 / 3, 0.25), (0, 0, 0.5), (2 / 3, 1 / 3, 0.75)]
    )
    assert groups(fcc, hcp, layers, fcc * (2, 1, 1)) == [0, 1, 2, 0]


def test_orders_on_two_lattices_can_be_one_crystal() -> None:
    cubic = bulk("CuPd", "cesiumchloride", a=2.9)
    assert groups(ordered_fcc(1.0), cubic, ordered_fcc(2**0.5)) == [0, 0, 1]
    swapped = cubic.copy()
    swapped.symbols[:] = ["Pd", "Cu"]
    assert groups(cubic, swapped) == [0, 0]


def test_compositions_are_told_apart() -> None:
    one, other = bulk("Cu", cubic=True), bulk("Cu", cubic=True)
    one.symbols[0] = "Ni"
    other.symbols[1:] = "Ni"
    assert groups(one, other) == [0, 1]


def test_small_moves_are_forgiven_and_large_ones_not() -> None:
    crystal = bulk("Cu", cubic=True) * (2, 1, 1)
    near, far = crystal.copy(), crystal.copy()
    near.rattle(0.001, seed=1)
    far.rattle(0.1, seed=1)
    assert groups(crystal, near, far) == [0, 0, 1]
    assert groups(crystal, near, distance=0.0) == [0, 1]


def test_energies_tell_crystals_apart() -> None:
    crystal = bulk("Cu")
    low, high = with_energy(crystal, -3.5), with_energy(crystal, -3.49)
    assert groups(low, high) == [0, 1]
    assert groups(low, high, energy=0.02) == [0, 0]
    assert groups(low, crystal) == [0, 0]


def test_the_smallest_cell_stands_for_all() -> None:
    crystal = bulk("Cu")
    given = [with_energy(crystal * (1, 1, 2), -1.0), with_energy(crystal, -1.0)]
    given += [with_energy(crystal, -1.00001), with_energy(bulk("Cu", "bcc", a=2.9), -1.0)]
    found = same_crystals(given)
    assert found.groups.tolist() == [0, 0, 0, 1]
    assert found.representatives.tolist() == [2, 3]
    assert repr(found) == "SameCrystals(2 crystals, 4 structures)"


def test_none_and_what_is_refused() -> None:
    nothing = same_crystals(maxvolt.Dataset.from_atoms([]))
    assert len(nothing.groups) == len(nothing.representatives) == 0
    with pytest.raises(DataError, match="structure 1, counted from 0, is not periodic"):
        same_crystals([bulk("Cu"), Atoms("Cu", cell=[4, 4, 4])])
    with pytest.raises(DataError, match="limits of at least 0"):
        same_crystals([bulk("Cu")], distance=-1.0)
