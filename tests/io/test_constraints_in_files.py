"""Constraints survive in files that have a place for them, and are named where there is none."""

from __future__ import annotations

import logging
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixBondLengths, FixCartesian, FixScaled

from maxvolt import io
from maxvolt.dataset import Dataset

FORCES = np.arange(12.0).reshape(4, 3)
CONSTRAINTS = {
    "atoms": [FixAtoms([0, 2])],
    "cartesian": [FixAtoms([3]), FixCartesian([1], [True, False, True])],
    "scaled": [FixAtoms([3]), FixScaled([1], [True, False, True])],
    "bonds": [FixBondLengths([[0, 1]])],
}


def records(constraints: list[object]) -> list[dict[str, object]]:
    """Constraints as plain data, in an order of their own."""
    return sorted((c.todict() for c in constraints), key=str)


@pytest.fixture
def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=FORCES)
    return atoms


@pytest.mark.parametrize("which", CONSTRAINTS)
@pytest.mark.parametrize("name", ["a.cfg", "a.bin.cfg", "a.xyz", "a.traj", "a.db", "a.json"])
def test_formats_that_hold_all(tmp_path: Path, copper: Atoms, name: str, which: str) -> None:
    copper.set_constraint(CONSTRAINTS[which])
    io.write(tmp_path / name, Dataset.from_atoms([copper, bulk("Cu", cubic=True)]), species=["Cu"])
    back = io.read(tmp_path / name)
    assert records(back[0].constraints) == records(CONSTRAINTS[which])
    assert back[1].constraints == []
    np.testing.assert_array_equal(back.forces[:4], FORCES)
    assert set(back.infos[0]) == {"constraints"}


def test_other_programs_find_them_in_extended_xyz(tmp_path: Path, copper: Atoms) -> None:
    copper.set_constraint(CONSTRAINTS["atoms"])
    io.write(tmp_path / "a.xyz", Dataset.from_atoms([copper]))
    assert records(ase.io.read(tmp_path / "a.xyz").constraints) == records(CONSTRAINTS["atoms"])
    ase.io.write(tmp_path / "b.extxyz", copper)
    assert records(io.read(tmp_path / "b.extxyz")[0].constraints) == records(CONSTRAINTS["atoms"])


@pytest.mark.parametrize("which", ["atoms", "scaled"])
def test_poscar(
    tmp_path: Path, copper: Atoms, which: str, caplog: pytest.LogCaptureFixture
) -> None:
    copper.set_constraint(CONSTRAINTS[which])
    io.write(tmp_path / "POSCAR", Dataset.from_atoms([copper]))
    assert records(io.read(tmp_path / "POSCAR")[0].constraints) == records(CONSTRAINTS[which])
    assert not caplog.text


def test_cartesian_directions_in_a_poscar(
    tmp_path: Path, copper: Atoms, caplog: pytest.LogCaptureFixture
) -> None:
    """VASP fixes along lattice vectors: the same only where these lie along the axes."""
    copper.set_constraint(CONSTRAINTS["cartesian"])
    io.write(tmp_path / "POSCAR", Dataset.from_atoms([copper]))
    assert records(io.read(tmp_path / "POSCAR")[0].constraints) == records(CONSTRAINTS["scaled"])
    copper.cell[0, 1] = 0.1
    with caplog.at_level(logging.WARNING):
        io.write(tmp_path / "POSCAR", Dataset.from_atoms([copper]))
    assert "POSCAR: the format vasp does not keep the constraints FixCartesian" in caplog.text
    assert records(io.read(tmp_path / "POSCAR")[0].constraints) == records([FixAtoms([3])])


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # of ASE's writers
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("geometry.in", "aims"),
        ("a.cell", "castep-cell"),
        ("a.con", "eon"),
        ("coord", "turbomole"),
    ],
)
def test_other_formats_that_hold_fixed_atoms(
    tmp_path: Path, copper: Atoms, name: str, kind: str
) -> None:
    copper.set_constraint(CONSTRAINTS["atoms"])
    io.write(tmp_path / name, Dataset.from_atoms([copper]), format=kind)
    back = io.read(tmp_path / name, format=kind)[0]
    assert records(back.constraints) == records(CONSTRAINTS["atoms"])


@pytest.mark.parametrize("name", ["data.Cu", "a.cif"])
def test_formats_that_hold_none(
    tmp_path: Path, copper: Atoms, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    copper.set_constraint(CONSTRAINTS["atoms"])
    with caplog.at_level(logging.WARNING):
        io.write(tmp_path / name, Dataset.from_atoms([copper]))
    assert "does not keep the constraints FixAtoms; not written" in caplog.text
    assert io.read(tmp_path / name)[0].constraints == []
