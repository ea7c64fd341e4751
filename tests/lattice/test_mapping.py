"""Structures, relaxed or not, on the sites of their lattice."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from maxvolt.errors import DataError
from maxvolt.potentials.lattice.mapping import on_lattice
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell

FCC = ParentLattice.of(bulk("Ag", "fcc", a=4.0), ["Ag", "Pd", "X"])
SALT = ParentLattice.of(bulk("MgO", "rocksalt", a=4.2), {"Mg": ["Mg", "Ca"]})


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from(["fcc", "salt"]))
def test_displaced_strained_and_shuffled_atoms_find_their_sites(seed: int, name: str) -> None:
    parent = FCC if name == "fcc" else SALT
    generator = np.random.default_rng(seed)
    edges = generator.integers(-2, 3, (3, 3))
    if abs(np.linalg.det(edges)) < 0.5:
        edges = np.diag([2, 1, 2])
    supercell = Supercell.of(edges)
    occupation = generator.integers(0, len(parent.species), parent.n_sites(supercell))
    atoms = parent.atoms(supercell, occupation)
    if not len(atoms):
        return
    # Strain small enough that long skewed edges stay nearest to their whole numbers.
    strain = np.eye(3) + 0.01 * generator.normal(size=(3, 3))
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.positions += 0.1 * generator.uniform(-1, 1, (len(atoms), 3))
    atoms = atoms[generator.permutation(len(atoms))]
    atoms.wrap()
    found = on_lattice(atoms, parent)
    assert np.array_equal(found.occupation, occupation)
    assert np.array_equal(found.supercell.vectors, edges)
    assert found.displacements.max(initial=0) < 0.5
    assert found.strain == pytest.approx((strain + strain.T) / 2 - np.eye(3), abs=1e-9)


def test_structures_that_have_left_the_lattice_are_refused() -> None:
    occupation = np.zeros(8, int)
    supercell = Supercell.of([2, 2, 2])
    atoms = FCC.atoms(supercell, occupation)
    moved = atoms.copy()
    moved.positions[3] += [0.0, 1.2, 0.0]
    with pytest.raises(DataError, match="has left the lattice"):
        on_lattice(moved, FCC)
    turned = atoms.copy()
    turned.rotate(20, "z", rotate_cell=True)
    with pytest.raises(DataError, match="primitive vectors away"):
        on_lattice(turned, FCC)
    slab = atoms.copy()
    slab.pbc = (True, True, False)
    with pytest.raises(DataError, match="not periodic"):
        on_lattice(slab, FCC)
    gold = atoms.copy()
    gold[2].symbol = "Au"
    with pytest.raises(DataError, match="more atoms of Au"):
        on_lattice(gold, FCC)
    with pytest.raises(DataError, match="do not fit"):
        on_lattice(atoms + atoms, FCC)


def test_empty_sites_need_a_vacancy() -> None:
    full = ParentLattice.of(bulk("Ag", "fcc", a=4.0), ["Ag", "Pd"])
    supercell = Supercell.of([2, 2, 2])
    atoms = full.atoms(supercell, np.zeros(8, int))
    del atoms[5]
    with pytest.raises(DataError, match="is empty"):
        on_lattice(atoms, full)
    assert (on_lattice(atoms, FCC).occupation == FCC.species.index("X")).sum() == 1
    salt = SALT.atoms(supercell, np.zeros(8, int))
    del salt[salt.get_chemical_symbols().index("O")]
    with pytest.raises(DataError, match="without a choice"):
        on_lattice(salt, SALT)
