import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from nearest_bonds import NearestBonds

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.elemental_crystals import (
    ElementalCrystal,
    has_stress,
    reach_of,
    repeats,
    resting_crystal,
)
from maxvolt.properties.static.resting_cells import resting_cell

CRYSTALS = {
    "fcc": bulk("Al", "fcc", a=4.05),
    "bcc": bulk("Fe", "bcc", a=2.87),
    "sc": bulk("Po", "sc", a=3.35),
    "diamond": bulk("Si", "diamond", a=5.43),
    "hcp": bulk("Mg", "hcp", a=3.21, c=5.21),
}


@pytest.mark.parametrize("kind", CRYSTALS)
def test_cells_of_any_shape_are_recognised(kind):
    atoms = CRYSTALS[kind]
    turned = atoms * (2, 1, 3)
    turned.rotate(37, (1, 2, 3), rotate_cell=True)
    turned.wrap()
    for given in (atoms, turned):
        found = ElementalCrystal.of(given, "a test")
        assert found.kind == kind
        assert found.volume == pytest.approx(atoms.get_volume() / len(atoms), rel=1e-10)
        assert found.a == pytest.approx(ElementalCrystal.of(atoms, "a test").a, rel=1e-8)
        assert found.primitive().get_volume() == pytest.approx(atoms.get_volume())
    if kind == "hcp":
        assert found.a == pytest.approx(3.21)
        assert found.c == pytest.approx(5.21)


@pytest.mark.parametrize("ratio", [1.56, 1.633, 1.85])
def test_hexagonal_crystals_need_no_ideal_ratio(ratio):
    found = ElementalCrystal.of(bulk("Zn", "hcp", a=2.66, c=ratio * 2.66), "a test")
    assert found.kind == "hcp"
    assert found.c == pytest.approx(ratio * 2.66)


def test_other_structures_are_refused():
    with pytest.raises(DataError, match="of one element"):
        ElementalCrystal.of(bulk("NaCl", "rocksalt", a=5.6), "a test")
    with pytest.raises(DataError, match="expected an fcc"):
        ElementalCrystal.of(Atoms("Al2", [[0, 0, 0], [1.9, 0, 0]], cell=[5, 5, 5], pbc=True), "x")
    vacant = (bulk("Al", cubic=True) * 2)[1:]
    with pytest.raises(DataError, match="perfect crystal"):
        ElementalCrystal.of(vacant, "a test")


@pytest.mark.parametrize("stress", [True, False])
def test_lattice_constants_at_rest(stress):
    calculator = NearestBonds(2.5, has_stress=stress)
    assert has_stress(calculator, bulk("Cu", a=3.6)) is stress
    for atoms in (bulk("Cu", a=3.6), bulk("Cu", a=3.45, cubic=True)):
        found = resting_crystal(calculator, atoms, "a test")
        assert found.a == pytest.approx(2.5 * np.sqrt(2), rel=2e-6)
    hexagonal = resting_crystal(calculator, bulk("Mg", "hcp", a=2.55, c=4.05), "a test")
    assert hexagonal.a == pytest.approx(2.5, rel=1e-5)
    assert hexagonal.c == pytest.approx(2.5 * np.sqrt(8 / 3), rel=1e-5)
    assert hexagonal.nearest == pytest.approx(2.5, rel=1e-5)


def test_a_crystal_far_from_equilibrium_is_refused():
    with pytest.raises(MaxvoltError, match="nearer to equilibrium"):
        resting_crystal(
            NearestBonds(3.2, has_stress=False), bulk("Mg", "hcp", a=2.65, c=4.3), "a test"
        )


@pytest.mark.parametrize("kind", ["fcc", "hcp", "rocksalt"])
@pytest.mark.parametrize("stress", [True, False])
def test_atoms_that_do_not_interact_are_not_at_rest(kind, stress):
    if kind == "rocksalt" and not stress:
        return  # its cell cannot be relaxed at all
    atoms = bulk("CuAu" if kind == "rocksalt" else "Cu", kind, a=20.0)
    with pytest.raises(DataError, match="the atoms do not interact"):
        resting_cell(NearestBonds(has_stress=stress), atoms, "a test")


def test_cells_grow_with_the_cutoff():
    assert repeats(bulk("Al", a=4.0, cubic=True).cell.array, 11.9) == (3, 3, 3)
    assert repeats(bulk("Al", a=4.0, cubic=True).cell.array, 12.1) == (4, 4, 4)
    assert repeats(np.diag([3.0, 30.0, 7.0]), 12) == (4, 1, 2)
    assert reach_of(NearestBonds(2.5)) == (3.0, ())
    assert "does not say its cutoff" in reach_of(object())[1][0]
