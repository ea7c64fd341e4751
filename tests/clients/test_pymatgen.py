"""Structures of pymatgen wherever structures go in."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

import maxvolt
from maxvolt.dataset import ConvertibleToAtoms
from promises import needs


class Foreign:
    """A structure of some other package: iterable, as pymatgen's are, and convertible."""

    def __init__(self, atoms: Atoms) -> None:
        self._atoms = atoms

    def __iter__(self):
        raise AssertionError("it must not be taken for a list of structures")

    def to_ase_atoms(self) -> Atoms:
        return self._atoms.copy()


def test_what_converts_to_atoms_is_a_structure(potential: maxvolt.MTP, crystal: Atoms) -> None:
    foreign = Foreign(crystal)
    assert isinstance(foreign, ConvertibleToAtoms)
    expected = potential.evaluate(crystal)
    found = potential.evaluate(foreign)
    assert found.energy == expected.energy
    assert found.stress is not None
    np.testing.assert_array_equal(found.stress, expected.stress)
    for several in (foreign, [foreign, crystal], iter([foreign])):
        energies = potential.evaluate_dataset(maxvolt.Dataset.of(several)).energies
        assert set(energies.tolist()) == {expected.energy}
    active = maxvolt.ActiveSet.from_dataset(potential, [foreign])
    assert active.grade([foreign]) == pytest.approx([1.0])
    with pytest.raises(maxvolt.DataError, match="expected structures"):
        maxvolt.Dataset.of([Foreign])  # the class itself


def test_structures_go_in_and_come_out(potential: maxvolt.MTP, crystal: Atoms) -> None:
    needs("pymatgen")
    from pymatgen.core import Structure

    structure = Structure.from_ase_atoms(crystal)
    assert potential.evaluate(structure).energy == pytest.approx(
        potential.evaluate(crystal).energy, rel=1e-12
    )
    dataset = maxvolt.Dataset.of([structure, structure])
    back = Structure.from_ase_atoms(dataset[1])
    np.testing.assert_allclose(back.cart_coords, structure.cart_coords, atol=1e-12)
    assert back.species == structure.species


def test_pymatgen_calculates_and_relaxes(potential: maxvolt.MTP, crystal: Atoms) -> None:
    needs("pymatgen")
    from pymatgen.core import Structure

    structure = Structure.from_ase_atoms(crystal)
    calculator = maxvolt.Calculator(potential, threads=1)
    done = structure.calculate(calculator=calculator)
    assert done.results["energy"] == pytest.approx(potential.evaluate(crystal).energy, rel=1e-12)
    relaxed = structure.relax(calculator=calculator, fmax=0.001, verbose=False)
    assert relaxed.lattice.a == pytest.approx(3.59, abs=0.02)
    assert potential.evaluate(relaxed).energy < potential.evaluate(crystal).energy
