"""Stress signs, orders and units in both directions, against finite strain of an energy.

With the energy E of a strained cell, E(eps) = E(x (1 + eps)), the stress of this package is
dE/deps / V and MLIP's PlusStress is -dE/deps. The derivative is taken numerically here, so that
no convention is trusted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from vasp_files import Step, outcar, vasprun

from maxvolt import io
from maxvolt.dataset import Dataset
from maxvolt.io.cfg import parse_cfg, read_cfg
from maxvolt.units import VOIGT

STRAIN = 1e-5


@pytest.fixture
def atoms(emt_structures: list[Atoms]) -> Atoms:
    return emt_structures[0]


@pytest.fixture
def strain_derivative(atoms: Atoms) -> np.ndarray:
    """dE/deps in eV, shape (6,): xx, yy, zz, yz, xz, xy."""
    derivative = np.empty(6)
    for k, (a, b) in enumerate(VOIGT):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[a, b] += 0.5 * sign * STRAIN
            strain[b, a] += 0.5 * sign * STRAIN
            strained = Atoms(atoms, calculator=EMT())
            strained.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            energies.append(strained.get_potential_energy())
        derivative[k] = (energies[0] - energies[1]) / (2 * STRAIN)
    # All six must differ, or a wrong order would go unnoticed.
    assert np.min(np.abs(np.subtract.outer(derivative, derivative)[~np.eye(6, dtype=bool)])) > 0.01
    return derivative


def test_ase_stress_is_the_strain_derivative(atoms: Atoms, strain_derivative: np.ndarray) -> None:
    (stress,) = Dataset.from_atoms([atoms]).stresses
    np.testing.assert_allclose(stress * atoms.get_volume(), strain_derivative, atol=1e-5)


@pytest.mark.parametrize("name", ["a.cfg", "a.bin.cfg"])
def test_written_plus_stress(
    tmp_path: Path, name: str, atoms: Atoms, strain_derivative: np.ndarray
) -> None:
    io.write(tmp_path / name, Dataset.from_atoms([atoms]))
    (configuration,) = read_cfg(tmp_path / name)
    assert configuration.plus_stress is not None
    np.testing.assert_allclose(configuration.plus_stress, -strain_derivative, atol=1e-5)


def test_plus_stress_read(atoms: Atoms, strain_derivative: np.ndarray, tmp_path: Path) -> None:
    """A file written by hand, labels in an order of its own."""
    order = ("zz", "xy", "xx", "xz", "yy", "yz")
    values = dict(zip(("xx", "yy", "zz", "yz", "xz", "xy"), -strain_derivative, strict=True))
    rows = "".join(
        f" {i} {int(symbol == 'Ni')} {x!r} {y!r} {z!r}\n"
        for i, (symbol, (x, y, z)) in enumerate(
            zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True), 1
        )
    )
    text = (
        f"BEGIN_CFG\nSize\n{len(atoms)}\nSupercell\n"
        + " ".join(map(repr, atoms.cell.array.ravel().tolist()))
        + f"\nAtomData: id type cartes_x cartes_y cartes_z\n{rows}PlusStress: {' '.join(order)}\n"
        + " ".join(repr(float(values[label])) for label in order)
        + "\nEND_CFG\n"
    )
    (tmp_path / "a.cfg").write_text(text)
    dataset = io.read(tmp_path / "a.cfg", species=["Cu", "Ni"])
    np.testing.assert_allclose(dataset.stresses[0], atoms.get_stress(), atol=1e-7)
    # The virial of the oldest files is divided by the volume once more, as MLIP does.
    (virial,) = parse_cfg(text.replace("PlusStress", "Virial").encode(), "a.cfg")
    assert virial.plus_stress is not None
    np.testing.assert_allclose(
        virial.plus_stress * atoms.get_volume(), -strain_derivative, atol=1e-9
    )


def test_extended_xyz_stress_and_virial(
    tmp_path: Path, atoms: Atoms, strain_derivative: np.ndarray
) -> None:
    io.write(tmp_path / "a.xyz", Dataset.from_atoms([atoms]))
    xx, yy, zz, yz, xz, xy = strain_derivative / atoms.get_volume()
    text = (tmp_path / "a.xyz").read_text()
    written = text.split('stress="')[1].split('"')[0]
    np.testing.assert_allclose(
        np.array(written.split(), float), [xx, xy, xz, xy, yy, yz, xz, yz, zz], atol=1e-7
    )
    virial = " ".join(repr(float(-float(v) * atoms.get_volume())) for v in written.split())
    (tmp_path / "b.xyz").write_text(text.replace(f'stress="{written}"', f'virial="{virial}"'))
    dataset = io.read(tmp_path / "b.xyz")
    np.testing.assert_allclose(dataset.stresses[0], atoms.get_stress(), rtol=1e-12)


@pytest.mark.parametrize(("name", "make"), [("OUTCAR", outcar), ("vasprun.xml", vasprun)])
def test_vasp(
    tmp_path: Path, atoms: Atoms, strain_derivative: np.ndarray, name: str, make: object
) -> None:
    """VASP prints minus the strain derivative: in eV, or in kB per volume."""
    assert callable(make)
    stress = strain_derivative / atoms.get_volume()
    step = Step(atoms, atoms.get_potential_energy(), atoms.get_forces(), stress)
    text = make([step])
    (tmp_path / name).write_text(text)
    if name == "OUTCAR":  # xx yy zz xy yz zx, eV
        total = next(line for line in text.splitlines() if line.startswith("  Total"))
        printed = np.array(total.split()[1:], float)
        np.testing.assert_allclose(printed, -strain_derivative[[0, 1, 2, 5, 3, 4]], atol=1e-5)
    dataset = io.read(tmp_path / name)
    np.testing.assert_allclose(dataset.stresses[0], atoms.get_stress(), atol=2e-7)
