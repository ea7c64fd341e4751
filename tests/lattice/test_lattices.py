"""Parent lattices, supercells and environments."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from promises import needs

matrices = arrays(np.int64, (3, 3), elements=st.integers(-4, 4)).filter(
    lambda m: abs(round(np.linalg.det(m))) >= 1
)


@settings(max_examples=60, deadline=None)
@given(matrices)
def test_cells_are_numbered_once_and_images_alike(edges: np.ndarray) -> None:
    supercell = Supercell.of(edges)
    assert supercell.n_cells == abs(round(np.linalg.det(edges)))
    offsets = supercell.offsets()
    assert supercell.numbers(offsets).tolist() == list(range(supercell.n_cells))
    shifts = np.random.default_rng(0).integers(-3, 4, (len(offsets), 3)) @ edges
    assert supercell.numbers(offsets + shifts).tolist() == list(range(supercell.n_cells))


@pytest.mark.parametrize(
    "edges", [[1, 1], [[1, 0, 0], [2, 0, 0], [0, 0, 1]], [1.5, 1, 1], [1, 1, np.nan]]
)
def test_edges_that_make_no_supercell_are_refused(edges: object) -> None:
    with pytest.raises(SettingsError, match="supercell"):
        Supercell.of(edges)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "shells", "counts", "orders"),
    [("fcc", 2, [1, 12, 6], 48), ("bcc", 2, [1, 8, 6], 48), ("sc", 3, [1, 6, 12, 8], 48),
     ("hcp", 2, [1, 6, 6], 12), ("diamond", 2, [1, 4, 12], 24)],
)  # fmt: skip
def test_shells_and_symmetries_of_crystals(
    name: str, shells: int, counts: list[int], orders: int
) -> None:
    needs("lattice")
    primitive = bulk("Al", name, a=4.0, **({"c": 6.4} if name == "hcp" else {}))
    parent = ParentLattice.of(primitive, ["Al", "Ni"])
    (environment,) = environments_of(parent, shells, symmetric=True)
    assert np.bincount(environment.shells).tolist() == counts
    assert len(environment.permutations) == orders
    assert environment.permutations[0].tolist() == list(range(sum(counts)))
    assert len(environment.members) == len(primitive)


def test_neighbours_lie_at_the_distances_of_their_shells() -> None:
    parent = ParentLattice.of(bulk("Al", "fcc", a=4.0), ["Al", "Ni"])
    supercell = Supercell.of([[3, 1, 0], [0, 4, 0], [0, 1, 5]])
    (environment,) = environments_of(parent, 3)
    atoms = parent.atoms(supercell, np.zeros(supercell.n_cells, int))
    unwrapped = supercell.offsets() @ parent.cell
    atoms.positions = unwrapped
    around = environment.neighbors(parent, supercell)
    for site in (0, 7, 59):
        far = atoms.get_distances(site, around[site, 1:], mic=True)
        assert far == pytest.approx(environment.distances[1:])


def test_two_kinds_of_sites_and_a_spectator() -> None:
    needs("lattice")
    # Rock salt: cations have a choice, the anion has none; sodium chloride's other way round too.
    salt = bulk("MgO", "rocksalt", a=4.2)
    parent = ParentLattice.of(salt, {"Mg": ["Mg", "Ca", "X"]})
    assert parent.species == ("Ca", "Mg", "X")
    assert parent.active.tolist() == [salt.get_chemical_symbols().index("Mg")]
    supercell = Supercell.of([2, 2, 2])
    atoms = parent.atoms(supercell, np.array([2, 0, 1, 1, 1, 1, 1, 1]))
    assert sorted(set(atoms.get_chemical_symbols())) == ["Ca", "Mg", "O"]
    assert len(atoms) == 15
    both = ParentLattice.of(salt, {"Mg": ["Mg", "Ca"], "O": ["O", "S"]})
    kinds = environments_of(both, 1)
    assert [kind.members.tolist() for kind in kinds] == [[0], [1]]
    assert [kind.length for kind in kinds] == [7, 7]


@pytest.mark.parametrize(
    ("atoms", "species", "message"),
    [
        (Atoms("Al"), ["Al", "Ni"], "periodic"),
        (bulk("Al"), ["Al"], "no site"),
        (bulk("Al"), ["Al", "Al"], "different"),
        (bulk("Al"), ["Al", "Zz"], "chemical symbols"),
        (bulk("Al"), {"Cu": ["Cu", "Al"]}, "no sites of Cu"),
    ],
)
def test_what_is_no_parent_lattice(atoms: Atoms, species: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ParentLattice.of(atoms, species)  # type: ignore[arg-type]


@pytest.mark.parametrize("shells", [0, 21])
def test_numbers_of_shells_are_checked(shells: int) -> None:
    with pytest.raises(SettingsError, match="shells"):
        environments_of(ParentLattice.of(bulk("Al"), ["Al", "Ni"]), shells)
