import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from matplotlib.figure import Figure

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties import lattice_constant


def test_energy_is_lowest_at_the_lattice_constant():
    found = lattice_constant(EMT(), bulk("Cu", a=3.7), tolerance=1e-9)
    energies = []
    for shift in (-1e-3, 0.0, 1e-3):
        atoms = bulk("Cu", a=found.value + shift)
        atoms.calc = EMT()
        energies.append(atoms.get_potential_energy())
    assert energies[1] < min(energies[0], energies[2])
    # Vertex of the parabola through the three points.
    vertex = 0.5e-3 * (energies[0] - energies[2]) / (energies[0] - 2 * energies[1] + energies[2])
    assert abs(vertex) < 2e-5
    assert found.energy == pytest.approx(energies[1], abs=1e-8)
    assert abs(found.pressure) < 1e-4


@pytest.mark.parametrize("start", [3.4, 3.6, 3.85])
def test_start_does_not_matter(start):
    found = lattice_constant(EMT(), bulk("Cu", a=start), tolerance=1e-9)
    reference = lattice_constant(EMT(), bulk("Cu", a=3.61), tolerance=1e-9)
    assert found.value == pytest.approx(reference.value, abs=1e-6)


def test_primitive_and_conventional_cell_agree_and_supercell_scales():
    primitive = lattice_constant(EMT(), bulk("Cu"))
    conventional = lattice_constant(EMT(), bulk("Cu", cubic=True))
    supercell = lattice_constant(EMT(), bulk("Cu", cubic=True) * 2)
    assert conventional.value == pytest.approx(primitive.value, rel=1e-5)
    assert supercell.value == pytest.approx(2 * primitive.value, rel=1e-5)
    assert conventional.atoms.cell.lengths() == pytest.approx([conventional.value] * 3)


def test_lattice_that_is_not_cubic_is_refused():
    with pytest.raises(DataError, match="hexagonal"):
        lattice_constant(EMT(), bulk("Cu", "hcp", a=2.6, c=4.2))


def test_no_zero_of_pressure_is_an_error_with_the_remedy():
    with pytest.raises(MaxvoltError, match="start nearer to equilibrium or widen search_range"):
        lattice_constant(EMT(), bulk("Cu", a=4.2), search_range=0.05)


def test_atoms_too_far_apart_have_no_rest():
    with pytest.raises(DataError, match="the atoms do not interact"):
        lattice_constant(EMT(), bulk("Al", a=40.5))


def test_result_can_be_plotted_and_written():
    found = lattice_constant(EMT(), bulk("Cu"))
    assert isinstance(found.plot(), Figure)
    document = found.to_dict()
    assert document["lattice_constant_A"] == found.value
    assert (np.diff(document["tried_lattice_constants_A"]) > 0).all()
    assert (np.diff(document["tried_pressures_GPa"]) < 0).all()


def test_repr_says_the_units():
    text = repr(lattice_constant(EMT(), bulk("Cu")))
    assert text.startswith("LatticeConstant(3.58")
    assert " A, energy = " in text
    assert "eV/atom" in text
    assert "GPa" in text
