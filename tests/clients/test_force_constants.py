"""phonopy and phono3py, with forces of all their supercells from one call."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import maxvolt
from promises import needs


def supercells(displaced: list) -> list[Atoms]:
    return [
        Atoms(one.symbols, cell=one.cell, scaled_positions=one.scaled_positions, pbc=True)
        for one in displaced
    ]


def primitive():
    from phonopy.structure.atoms import PhonopyAtoms

    atoms = bulk("Cu", a=3.58)
    return PhonopyAtoms(
        symbols=atoms.get_chemical_symbols(),
        cell=atoms.cell.array,
        scaled_positions=atoms.get_scaled_positions(),
    )


def forces_of(potential: maxvolt.MTP, displaced: list) -> np.ndarray:
    structures = supercells(displaced)
    return potential.evaluate_dataset(structures, threads=1).forces.reshape(len(structures), -1, 3)


def test_phonopy_has_the_force_constants_of_the_hessian(potential: maxvolt.MTP) -> None:
    needs("phonopy")
    from phonopy import Phonopy

    phonon = Phonopy(primitive(), supercell_matrix=np.diag([4, 4, 4]))
    phonon.generate_displacements(distance=0.001)
    phonon.forces = forces_of(potential, phonon.supercells_with_displacements)
    phonon.produce_force_constants()
    (supercell,) = supercells([phonon.supercell])
    hessian = maxvolt.Calculator(potential, threads=1).get_hessian(supercell)
    n = len(supercell)
    expected = hessian.reshape(n, 3, n, 3).transpose(0, 2, 1, 3)
    scale = abs(expected).max()
    # One-sided differences over 0.001 A: their error is about that part of the constants.
    np.testing.assert_allclose(phonon.force_constants, expected, atol=2e-3 * scale)
    frequencies = phonon.run_qpoints([[0, 0, 0], [0.5, 0.5, 0]]).frequencies
    assert abs(frequencies[0]).max() < 1e-2  # THz
    assert 3.0 < frequencies[1].max() < 9.0


def test_phono3py_has_the_derivatives_of_the_force_constants(potential: maxvolt.MTP) -> None:
    needs("phono3py")
    from phono3py import Phono3py

    phonon = Phono3py(primitive(), supercell_matrix=np.diag([3, 3, 3]))
    phonon.generate_displacements(distance=0.01)
    phonon.forces = forces_of(potential, phonon.supercells_with_displacements)
    phonon.produce_fc3()
    # Third derivatives contracted with a displacement are what the Hessian changes by.
    (supercell,) = supercells([phonon.supercell])
    calculator, step = maxvolt.Calculator(potential, threads=1), 0.01
    changed = []
    for sign in (1, -1):
        moved = supercell.copy()
        moved.positions[0, 0] += sign * step
        changed.append(calculator.get_hessian(moved))
    n = len(supercell)
    expected = ((changed[0] - changed[1]) / (2 * step)).reshape(n, 3, n, 3).transpose(0, 2, 1, 3)
    found = phonon.fc3[0, :, :, 0]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=0.05 * abs(expected).max())


@pytest.mark.parametrize("name", ["phonopy"])
def test_forces_of_supercells_are_those_of_the_calculator(
    name: str, potential: maxvolt.MTP
) -> None:
    needs(name)
    from phonopy import Phonopy

    phonon = Phonopy(primitive(), supercell_matrix=np.diag([2, 2, 2]))
    phonon.generate_displacements(distance=0.03)
    displaced = phonon.supercells_with_displacements
    found = forces_of(potential, displaced)
    for atoms, forces in zip(supercells(displaced), found, strict=True):
        atoms.calc = maxvolt.Calculator(potential, threads=1)
        np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-12)
