"""Structures, relaxed or not, turned or not, on the sites of their lattice."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from maxvolt.errors import DataError, SettingsError
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.mapping import on_lattice
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.superlattices import rotations_of, stretch_of, superlattices
from maxvolt.potentials.lattice.tensor_train import TensorTrain
from promises import needs

FULL = ParentLattice.of(bulk("Ag", "fcc", a=4.0), ["Ag", "Pd"])
FCC = ParentLattice.of(bulk("Ag", "fcc", a=4.0), ["Ag", "Pd", "X"])
SALT = ParentLattice.of(bulk("MgO", "rocksalt", a=4.2), {"Mg": ["Mg", "Ca"]})
HCP = ParentLattice.of(bulk("Mg", "hcp", a=3.2, c=5.2), ["Mg", "Al"])
PARENTS = {"fcc": FULL, "with vacancies": FCC, "salt": SALT, "hcp": HCP}


def made(
    parent: ParentLattice, generator: np.random.Generator
) -> tuple[Supercell, np.ndarray, Atoms]:
    """A random supercell, its occupation, its atoms."""
    edges = generator.integers(-2, 3, (3, 3))
    if abs(np.linalg.det(edges)) < 0.5:
        edges = np.diag([2, 1, 2])
    supercell = Supercell.of(edges)
    shares = np.array([1.0] * len(parent.species))
    if parent is FCC:
        shares[-1] = 0.2  # vacancies
    occupation = generator.choice(
        len(parent.species), parent.n_sites(supercell), p=shares / shares.sum()
    )
    return supercell, occupation, parent.atoms(supercell, occupation)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from(["fcc", "with vacancies", "salt"]))
def test_displaced_strained_and_shuffled_atoms_find_their_sites(seed: int, name: str) -> None:
    parent = PARENTS[name]
    generator = np.random.default_rng(seed)
    supercell, occupation, atoms = made(parent, generator)
    if not len(atoms):
        return
    # Strain small enough that long skewed edges stay nearest to their whole numbers.
    deformation = np.eye(3) + 0.01 * generator.normal(size=(3, 3))
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    atoms.positions += 0.1 * generator.uniform(-1, 1, (len(atoms), 3))
    atoms = atoms[generator.permutation(len(atoms))]
    atoms.wrap()
    found = on_lattice(atoms, parent)
    assert np.array_equal(found.occupation, occupation)
    assert np.array_equal(found.supercell.vectors, supercell.vectors)
    assert found.displacements.max(initial=0) < 0.5
    stretch = found.strain + np.eye(3)
    assert stretch @ found.rotation == pytest.approx(deformation, abs=1e-9)
    assert stretch == pytest.approx(stretch.T, abs=1e-12)


def judge(parent: ParentLattice) -> LowRankPotential:
    """Its energies are the same for what symmetry makes equal, and for little else."""
    kinds = environments_of(parent, 2, symmetric=True)
    generator = np.random.default_rng(5)
    c = len(parent.species)
    atomic = np.tile(generator.normal(size=c), (len(parent.active), 1))
    trains = tuple(TensorTrain.random(kind.length, c, 3, generator) for kind in kinds)
    scaled = tuple(train.scaled_to(1.0) for train in trains)
    return LowRankPotential(parent, 2, True, atomic, scaled)


@pytest.mark.parametrize("name", PARENTS)
def test_turned_shifted_structures_with_other_edges_are_the_same_arrangements(name: str) -> None:
    needs("lattice")
    parent, generator = PARENTS[name], np.random.default_rng(7)
    potential = judge(parent)
    unequal = set()
    for number in range(25):
        supercell, occupation, atoms = made(parent, generator)
        if not len(atoms):
            continue
        strain = np.eye(3) + 0.01 * generator.uniform(-1, 1, (3, 3))
        turn = Rotation.random(random_state=number).as_matrix()
        atoms.set_cell(atoms.cell.array @ (1.02 * strain @ turn), scale_atoms=True)
        atoms.positions += 0.1 * generator.uniform(-1, 1, (len(atoms), 3))
        atoms.positions += generator.uniform(-5, 5, 3)
        atoms.set_cell(np.array([[1, 2, 0], [0, -1, 1], [0, 0, 1]]) @ atoms.cell.array)
        atoms.wrap()
        found = on_lattice(atoms[generator.permutation(len(atoms))], parent)
        energy = potential.energy(supercell, occupation)
        assert potential.energy(found.supercell, found.occupation) == pytest.approx(energy)
        assert found.displacements.max() < 0.3
        wanted = np.linalg.eigvalsh(stretch_of(1.02 * strain)[0])
        assert np.linalg.eigvalsh(found.strain) + 1 == pytest.approx(wanted, abs=1e-9)
        unequal.add(round(energy / supercell.n_cells, 8))
    assert len(unequal) > 15  # so that the energies would tell wrong arrangements


def test_left_handed_cells_and_large_turned_ones() -> None:
    occupation = np.random.default_rng(1).integers(0, 2, 512)
    atoms = FULL.atoms(Supercell.of([8, 8, 8]), occupation)
    atoms.rattle(0.1, seed=1)
    atoms.rotate(33, (1, 2, 3), rotate_cell=True)
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    found = on_lattice(atoms, FULL)
    assert found.supercell.n_cells == 512
    assert found.occupation.sum() == occupation.sum()
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert np.sqrt(np.mean(found.displacements**2)) < 0.2


def test_superlattices_are_those_of_all_rotations() -> None:
    cell = np.array([[0.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 0.0]])
    every, alone = rotations_of(cell), np.eye(3, dtype=int)[None]
    assert len(superlattices(cell, cell, 1, 1e-3, alone)) == len(every) == 24
    assert len(superlattices(cell, cell, 1, 1e-3, every)) == 1
    turned = cell @ Rotation.random(random_state=2).as_matrix()
    for edges in superlattices(turned, cell, 1, 1e-3, alone):
        stretch, rotation = stretch_of(np.linalg.inv(edges @ cell) @ turned)
        assert stretch == pytest.approx(np.eye(3), abs=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(1.0)


def refused(atoms: Atoms, parent: ParentLattice, message: str) -> None:
    with pytest.raises(DataError, match=message):
        on_lattice(atoms, parent)


@pytest.mark.parametrize("parent", [FULL, FCC], ids=["full", "with vacancies"])
def test_structures_of_other_lattices_are_refused(parent: ParentLattice) -> None:
    other = "another lattice"
    refused(bulk("Ag", "hcp", a=2.88, c=4.7) * (2, 2, 1), parent, other)
    refused(bulk("Ag", "bcc", a=3.2) * (3, 3, 3), parent, other)
    refused(bulk("Ag", "sc", a=2.6) * (2, 2, 2), parent, other)
    cell = parent.atoms(Supercell.of([3, 3, 3]), np.zeros(27, int)).cell
    places = np.random.default_rng(1).random((27, 3))
    refused(Atoms("Ag27", cell=cell, scaled_positions=places, pbc=True), parent, "another lattice")


def test_what_does_not_fit_is_told() -> None:
    atoms = FCC.atoms(Supercell.of([2, 2, 2]), np.zeros(8, int))
    moved = atoms.copy()
    moved.positions[3] += [0.0, 1.2, 0.0]
    refused(moved, FCC, "has left the lattice")
    slab = atoms.copy()
    slab.pbc = (True, True, False)
    refused(slab, FCC, "not periodic")
    gold = atoms.copy()
    gold[2].symbol = "Au"
    refused(gold, FCC, "no sites for Au")
    refused(atoms + atoms, FCC, "lattice constant")
    sheared = atoms.copy()
    sheared.set_cell(atoms.cell.array @ np.diag([1.3, 1.0, 0.8]), scale_atoms=True)
    refused(sheared, FULL, "another lattice")
    assert on_lattice(sheared, FULL, largest_strain=0.3).supercell.n_cells == 8
    split = ParentLattice.of(
        bulk("NaCl", "rocksalt", a=5.6), {"Na": ["Na", "K"], "Cl": ["Cl", "K"]}
    )
    salt = split.atoms(Supercell.of([1, 1, 1]), np.array([1, 0]))
    swapped = salt.copy()
    swapped.symbols = ["Na", "Na"]
    refused(swapped, split, "another lattice")


def test_empty_sites_need_a_vacancy() -> None:
    supercell = Supercell.of([2, 2, 2])
    atoms = FULL.atoms(supercell, np.zeros(8, int))
    del atoms[5]
    refused(atoms, FULL, "are sites empty")
    atoms.rotate(40, (1, 1, 0), rotate_cell=True)
    assert (on_lattice(atoms, FCC).occupation == FCC.species.index("X")).sum() == 1
    salt = SALT.atoms(supercell, np.ones(8, int))
    del salt[salt.get_chemical_symbols().index("O")]
    refused(salt, SALT, "do not fill whole cells")
    empty = ParentLattice.of(bulk("MgO", "rocksalt", a=4.2), {"Mg": ["Mg", "X"]})
    refused(salt, empty, "empty that may not be|another lattice")


def test_lattices_of_pymatgen() -> None:
    needs("pymatgen")
    from pymatgen.core import Lattice, Structure

    ordered = Structure(Lattice.cubic(4.2), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    found = ParentLattice.of(ordered, {"Mg": ["Mg", "Ca"]})
    assert found.allowed == (("Mg", "Ca"), ("O",))
    assert found.cell == pytest.approx(4.2 * np.eye(3))
    shares = Structure(
        Lattice.cubic(4.2), [{"Mg": 0.5, "Ca": 0.25}, "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    mixed = ParentLattice.of(shares)
    assert [set(one) for one in mixed.allowed] == [{"Mg", "Ca", "X"}, {"O"}]
    atoms = mixed.atoms(Supercell.of([2, 1, 1]), np.array([0, 2]))
    assert sorted(atoms.get_chemical_symbols()) == ["Ca", "O", "O"]
    with pytest.raises(SettingsError, match="no site of the parent lattice has two"):
        ParentLattice.of(ordered)
    with pytest.raises(SettingsError, match="got str"):
        ParentLattice.of("fcc")


def test_numbers_that_are_not_finite_are_refused() -> None:
    atoms = bulk("Ag", "fcc", a=4.0) * (2, 1, 1)
    atoms.positions[1, 0] = np.nan
    refused(atoms, FULL, "numbers that are not finite")
    atoms = bulk("Ag", "fcc", a=4.0)
    atoms.cell[0, 1] = np.inf
    refused(atoms, FULL, "numbers that are not finite")
