"""POSCAR, CONTCAR and XDATCAR: several structures, old spellings, selective dynamics."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms, FixScaled

from maxvolt import io
from maxvolt.errors import FileFormatError, SpeciesError

HEADER = """{comment}
{scale}
 4.0 0.0 0.0
 0.0 4.0 0.0
 0.5 0.0 5.0
"""
ATOMS = """ Ti_pv Al/2d9cf3ab
 1 2
Direct
 0.0 0.0 0.0
 0.5 0.5 0.5
 0.25 0.0 0.75
"""
PLAIN = HEADER.format(comment="first", scale=1.0) + ATOMS


def read(folder: Path, text: str, name: str = "POSCAR", **options: object) -> list[Atoms]:
    (folder / name).write_text(text)
    return io.read(folder / name, **options).to_atoms()


def test_one_structure(tmp_path: Path) -> None:
    (atoms,) = read(tmp_path, PLAIN)
    assert atoms.get_chemical_symbols() == ["Ti", "Al", "Al"]
    assert atoms.pbc.all()
    np.testing.assert_allclose(atoms.positions[2], [1.0 + 0.375, 0, 3.75])


@pytest.mark.parametrize("scale", ["2.0", "-640.0", "2.0 2.0 2.0"])
@pytest.mark.parametrize("mode", ["Direct", "Cartesian"])
def test_scales_as_ase_reads_them(tmp_path: Path, scale: str, mode: str) -> None:
    text = HEADER.format(comment="x", scale=scale) + ATOMS.replace("Direct", mode)
    (atoms,) = read(tmp_path, text)
    plain = text.replace("_pv", "").replace("/2d9cf3ab", "")  # ASE before 3.29 takes no others
    (tmp_path / "POSCAR").write_text(plain)
    theirs = ase.io.read(tmp_path / "POSCAR")
    np.testing.assert_allclose(atoms.cell.array, theirs.cell.array, rtol=1e-14)
    np.testing.assert_allclose(atoms.positions, theirs.positions, rtol=1e-14)
    np.testing.assert_allclose(atoms.get_volume(), 640.0)


def test_several_structures_one_after_the_other(tmp_path: Path) -> None:
    """Blank lines, velocities and counts that differ stand between them."""
    velocities = "\n 0.0 0.01 0.0\n 0.0 0.0 0.0\n 0.0 0.0 0.02\n"
    other = HEADER.format(comment="", scale=1.5) + " X r\n 2 1\nCartesian\n" + " 1 2 3\n" * 3
    structures = read(tmp_path, PLAIN + velocities + "\n" + other + PLAIN)
    assert [a.get_chemical_formula("reduce") for a in structures] == ["TiAl2", "Xe2Zr", "TiAl2"]
    np.testing.assert_allclose(structures[1].positions, [[1.5, 3.0, 4.5]] * 3)
    np.testing.assert_array_equal(structures[0].positions, structures[2].positions)
    assert structures[0].get_velocities()[2, 2] == pytest.approx(0.02 / ase.units.fs)
    assert "momenta" not in structures[2].arrays


def test_a_structure_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="ends too early: expected the coordinates"):
        read(tmp_path, PLAIN + PLAIN.rstrip().rpartition("\n")[0])


def test_xdatcar_with_a_cell_that_changes(tmp_path: Path) -> None:
    frame = ATOMS[ATOMS.index("Direct") :]
    frames = [frame.replace("Direct", f"Direct configuration= {k:5d}") for k in (1, 2, 3)]
    head = HEADER.format(comment="md", scale=1.0) + " Ti Al\n 1 2\n"
    wider = head.replace("5.0", "6.0")
    structures = read(tmp_path, head + frames[0] + frames[1] + wider + frames[2], "XDATCAR")
    assert [atoms.cell[2, 2] for atoms in structures] == [5.0, 5.0, 6.0]


def test_selective_dynamics(tmp_path: Path) -> None:
    flags = iter(["F F F", "T T T", ".TRUE. .FALSE. T"])
    lines = []
    for line in PLAIN.splitlines():
        lines.append(line)
        if line == "Direct":
            lines.insert(-1, "Selective dynamics")
    text = "\n".join(lines[:9] + [f"{line} {next(flags)}" for line in lines[9:]]) + "\n"
    (atoms,) = read(tmp_path, text)
    assert [c.todict() for c in atoms.constraints] == [
        FixAtoms([0]).todict(),
        FixScaled([2], [False, True, False]).todict(),
    ]
    with pytest.raises(FileFormatError, match="line 10: expected T or F three times"):
        read(tmp_path, text.replace("F F F", "F F"))


def test_files_of_vasp_4(tmp_path: Path) -> None:
    old = PLAIN.replace(" Ti_pv Al/2d9cf3ab\n", "")
    with pytest.raises(SpeciesError, match=r"no line of symbols.*--species"):
        read(tmp_path, old)
    with pytest.raises(SpeciesError, match=r"counts atoms of 2 elements.*names 1"):
        read(tmp_path, old, species=["Ti"])
    (atoms,) = read(tmp_path, old, species=["Ni", "Cu"])
    assert atoms.get_chemical_formula("reduce") == "NiCu2"
    (atoms,) = read(tmp_path, old.replace("first", "Ag Pd from nowhere"))
    assert atoms.get_chemical_formula("reduce") == "AgPd2"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.0\n", "one\n", "line 2: expected the scale of the cell"),
        (" 0.0 4.0 0.0", " 0.0 4.0", r"line 4: expected a lattice vector \(3 numbers\)"),
        (" 0.5 0.0 5.0", " 4.0 4.0 0.0", "line 5: expected lattice vectors that are independent"),
        ("Ti_pv", "Hamburger", "line 6: expected symbols of 2 elements"),
        (" 1 2\n", " some\n", "line 7: expected the number of atoms"),
        (" 1 2\n", " 1 20000000\n", "ends too early: expected a line for each of 20000001 atoms"),
        (" 0.5 0.5 0.5", " 0.5 0.5 **", "line 10: expected the coordinates of an atom"),
    ],
)
def test_what_is_no_poscar(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PLAIN
    with pytest.raises(FileFormatError, match=message):
        read(tmp_path, PLAIN.replace(old, new, 1))


def test_ase_writes_what_is_read(tmp_path: Path) -> None:
    atoms = bulk("NaCl", "rocksalt", a=5.6) * (2, 1, 1)
    atoms.rattle(0.1, seed=1)
    for direct in (True, False):
        ase.io.write(tmp_path / "POSCAR", atoms, direct=direct)
        back = io.read(tmp_path / "POSCAR")[0]
        np.testing.assert_array_equal(back.numbers, atoms.numbers)
        np.testing.assert_allclose(back.positions, atoms.positions, rtol=0, atol=1e-12)
