"""LAMMPS dump and data files: units, elements by type, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import units
from lammps_files import dump

from maxvolt import io
from maxvolt.dataset import ARRAYS_KEY
from maxvolt.errors import FileFormatError, SpeciesError
from maxvolt.io.lammps_types import element_of_mass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.dump"


# ------------------------------------------------------------------ dumps


def test_units_of_a_dump(path: Path) -> None:
    text = dump("x y z fx fy fz", "0.5 0 0 23.0605 0 0", "2.5 1 1 -23.0605 0 0", frames=2)
    path.write_text("ITEM: UNITS\nreal\n" + text)
    dataset = io.read(path, species=["Ti", "Al"])
    kcal = units.kcal / units.mol
    np.testing.assert_allclose(dataset.forces[0], [23.0605 * kcal, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(dataset.forces[:, 0], [1, -1, 1, -1], rtol=1e-4)
    path.write_text("ITEM: UNITS\nelectron\n" + text)
    dataset = io.read(path, species=["Ti", "Al"])
    np.testing.assert_allclose(dataset.cells[0, 2, 2], 6.0 * units.Bohr, rtol=1e-6)
    path.write_text("ITEM: UNITS\nmetal\n" + text)
    assert io.read(path, species=["Ti", "Al"]).forces[0, 0] == 23.0605
    path.write_text("ITEM: UNITS\nlj\n" + text)
    with pytest.raises(FileFormatError, match=r"line 2: units 'lj'; expected one of .*no scale"):
        io.read(path, species=["Ti", "Al"])
    path.write_text("ITEM: UNITS\nmetal\n" + text + "ITEM: UNITS\nreal\n" + text)
    with pytest.raises(FileFormatError, match="units real after a frame in units metal"):
        io.read(path, species=["Ti", "Al"])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("ITEM: NUMBER OF ATOMS\n2\n", "ITEM: NUMBER OF ATOMS\n900000000\n", 11),
        ("ITEM: NUMBER OF ATOMS\n2\n", " ITEM: NUMBER OF ATOMS\n900000000\n", 3),
        ("2\nITEM: BOX", "900000000\nx ITEM: BOX", 5),
        ("2\nITEM: BOX", "900000000\nITEM: BOX", 11),
        ("ITEM: ATOMS id", "\tITEM: ATOMS id", 9),
        ("2 1 1 1 1\n", "2 1 1 1 1 ITEM: TIMESTEP\n", 10),
    ],
)
def test_more_atoms_than_there_are_cost_no_time(path: Path, old: str, new: str, line: int) -> None:
    text = dump("x y z", "0 0 0", "1 1 1")
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(FileFormatError, match=rf"a\.dump, line {line}: expected"):
        io.read(path, species=["Cu"] * 2)


def test_species_that_contradict_the_column_element(path: Path) -> None:
    path.write_text(dump("element x y z", "C 0 0 0", "Cu 1 1 1", frames=2))
    assert io.read(path).numbers.tolist() == [6, 29] * 2
    assert io.read(path, species=["Cu", "C"]).numbers.tolist() == [6, 29] * 2
    message = r"type 2 is C by its column element, and Au by --species Cu,Au"
    with pytest.raises(SpeciesError, match=message):
        io.read(path, species=["Cu", "Au"])
    path.write_text(dump("mass x y z", "12.011 0 0 0", "63.546 1 1 1"))
    assert io.read(path).numbers.tolist() == [6, 29]
    with pytest.raises(SpeciesError, match="type 2 is C by its column mass, and Au"):
        io.read(path, species=["Cu", "Au"])
    without_types = dump("element x y z", "C 0 0 0", "Cu 1 1 1").replace(" type", "")
    without_types = without_types.replace("2 1 Cu", "2 Cu").replace("1 2 C ", "1 C ")
    path.write_text(without_types)
    assert io.read(path, species=["Cu", "C"]).numbers.tolist() == [6, 29]
    with pytest.raises(SpeciesError, match="holds C by its column element, which --species Cu,Au"):
        io.read(path, species=["Cu", "Au"])


def test_elements_that_are_none(path: Path) -> None:
    path.write_text(dump("element x y z", "Qq 0 0 0", "Cu 1 1 1"))
    with pytest.raises(SpeciesError, match="line 11: 'Qq' in the column element is not an element"):
        io.read(path)
    path.write_text(dump("mass x y z", "1000 0 0 0", "63.5 1 1 1"))
    with pytest.raises(SpeciesError, match="'1000' in the column mass is not an element"):
        io.read(path)
    path.write_text(dump("x y z", "0 0 0", "1 1 1").replace("\n2 1 ", "\n2 0 "))
    with pytest.raises(FileFormatError, match="line 10: type '0'; expected 1 or more"):
        io.read(path, species=["Cu"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("x y z", "x y q", r"line 9: columns id type x y q; expected coordinates"),
        ("id type", "id kind", "line 9: columns id kind x y z; expected type, element or mass"),
        (" pp pp pp", "", "line 5: BOX BOUNDS without boundaries"),
        ("ATOMS\n2", "ATOMS\nmany", "line 4: expected the number of atoms"),
        ("2 1 1 1 1\n", "2 1 1 1\n", "line 10: expected 5 columns for each of 2 atoms"),
        ("1 2 0 0 0\n", "", "expected 5 columns for each of 2 atoms.*not written to its end"),
    ],
)
def test_what_is_no_dump(path: Path, old: str, new: str, message: str) -> None:
    text = dump("x y z", "0 0 0", "1 1 1")
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(FileFormatError, match=message):
        io.read(path, species=["Ti", "Al"])


@pytest.mark.parametrize("columns", ["x y z", "xs ys zs", "xu yu zu", "xsu ysu zsu"])
def test_coordinates_of_all_kinds_in_a_skew_cell(path: Path, columns: str) -> None:
    """LAMMPS writes the bounds of the whole parallelepiped; its vectors lie on a, b in xy, c."""
    cell = np.array([[4.0, 0, 0], [-1.0, 5.0, 0], [0.5, 0.25, 6.0]])
    fractions = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 1.8 if "u" in columns else 0.8]])
    positions = fractions @ cell
    first, second = (fractions if "s" in columns else positions).tolist()
    text = dump(columns, " ".join(map(str, first)), " ".join(map(str, second)))
    bounds = "xy xz yz pp pp pp\n-1.0 4.5 -1.0\n0.0 5.25 0.5\n0.0 6.0 0.25\n"
    old = "pp pp pp\n0.0 4.0\n0.0 5.0\n0.0 6.0\n"
    path.write_text(text.replace(old, bounds))
    dataset = io.read(path, species=["Ti", "Al"])
    np.testing.assert_allclose(dataset.cells[0], cell, atol=1e-12)
    np.testing.assert_allclose(dataset.positions, positions, atol=1e-12)
    assert not dataset.has_forces.any()


def test_dumps_that_once_failed(shared: Path) -> None:
    folder = shared / "faults" / "lammps"
    with pytest.raises(SpeciesError, match="is C by its column element, and"):
        io.read(folder / "element_column.dump", species=["Cu", "Au"])
    dataset = io.read(folder / "units_real.dump", species=["Cu"])
    np.testing.assert_allclose(dataset.forces[:, 0], [1.0, -1.0], rtol=1e-5)


# ------------------------------------------------------------------ data files

DATA = """LAMMPS data file via write_data, version 2 Aug 2023, timestep = 0{units}

2 atoms
2 atom types

0.0 4.0 xlo xhi
0.0 5.0 ylo yhi
0.0 6.0 zlo zhi
{sections}
Atoms{style}

{rows}
"""
ROWS = "2 1 1.0 1.0 1.0\n1 2 0.0 0.0 0.0"
MASSES = "\nMasses\n\n1 63.546 # whatever\n2 12.01\n"
LABELS = "\nAtom Type Labels\n\n1 Cu\n2 C\n"


def data(sections: str = "", style: str = "", rows: str = ROWS, units: str = "") -> str:
    return DATA.format(sections=sections, style=style, rows=rows, units=units)


@pytest.mark.parametrize("sections", [MASSES, LABELS])
def test_elements_of_a_data_file(tmp_path: Path, sections: str) -> None:
    path = tmp_path / "a.data"
    path.write_text(data(sections))
    assert io.read(path).numbers.tolist() == [6, 29]
    assert io.read(path, species=["Cu", "C"]).numbers.tolist() == [6, 29]
    with pytest.raises(SpeciesError, match=r"type 2 is C by its section .*, and Au by --species"):
        io.read(path, species=["Cu", "Au"])
    path.write_text(data())
    assert io.read(path, species=["Ti", "Al"]).numbers.tolist() == [13, 22]
    with pytest.raises(SpeciesError, match="atoms of type 2, and --species names 1"):
        io.read(path, species=["Ti"])


def test_masses_that_are_of_no_element(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    path.write_text(data(MASSES.replace("12.01", "2.014")))
    with pytest.raises(SpeciesError, match=r"mass 2\.014 of type 2 belongs to no element"):
        io.read(path)
    assert io.read(path, species=["Cu", "H"]).numbers.tolist() == [1, 29]
    path.write_text(data(MASSES.replace("12.01", "heavy")))
    with pytest.raises(FileFormatError, match="line 13: expected a type and its mass"):
        io.read(path)


@pytest.mark.parametrize(
    ("mass", "element"),
    [
        (55.845, "Fe"),
        (56.0, "Fe"),
        (58.933, "Co"),
        (58.7, "Ni"),
        (59.0, None),
        (63.5, "Cu"),
        (1.008, "H"),
        (1.0, None),
        (2.014, None),
        (50.0, None),
        (15999.0, None),
    ],
)
def test_elements_of_masses(mass: float, element: str | None) -> None:
    assert element_of_mass(mass) == element


def test_names_of_types_keep_their_atoms(tmp_path: Path) -> None:
    """ASE sorts the atoms by their identifiers, and not the names."""
    path = tmp_path / "a.data"
    path.write_text(data(LABELS, rows="2 Cu 1.0 1.0 1.0\n1 C 0.0 0.0 0.0"))
    dataset = io.read(path)
    assert dataset.numbers.tolist() == [6, 29]
    np.testing.assert_array_equal(dataset.positions, [[0, 0, 0], [1, 1, 1]])
    path.write_text(data(LABELS, rows="2 Cu 1.0 1.0 1.0\n1 Qq 0.0 0.0 0.0"))
    with pytest.raises(FileFormatError, match="atoms of type 'Qq'; expected a number"):
        io.read(path)


@pytest.mark.parametrize(
    ("style", "rows"),
    [
        ("atomic", "2 1 1 1 1\n1 2 0 0 0"),
        ("charge", "2 1 -0.5 1 1 1\n1 2 0.5 0 0 0"),
        ("molecular", "2 7 1 1 1 1\n1 7 2 0 0 0"),
        ("full", "2 7 1 -0.5 1 1 1\n1 7 2 0.5 0 0 0"),
    ],
)
def test_styles_of_atoms(tmp_path: Path, style: str, rows: str) -> None:
    path = tmp_path / "a.data"
    path.write_text(data(MASSES, f" # {style}", rows))
    dataset = io.read(path)
    assert dataset.numbers.tolist() == [6, 29]
    np.testing.assert_array_equal(dataset.positions, [[0, 0, 0], [1, 1, 1]])
    if "-0.5" in rows:
        charges = dataset.infos[0][ARRAYS_KEY]["initial_charges"]
        np.testing.assert_array_equal(charges, [0.5, -0.5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (data(MASSES, " # sphere"), r"line 15: the style of atoms 'sphere' is not known; expected"),
        (data(MASSES, rows="2 1 0 1 1 1\n1 2 0 0 0 0"), "6 columns and no style after Atoms"),
        (data(MASSES, rows="2 1 1 1 1\n1 2 0 0"), "line 18: expected 5 or 8 columns of an atom"),
        (data(MASSES, rows="2 1 1 1 1"), "ends after 1 of 2 atoms"),
        (data(MASSES).replace("Atoms\n\n", "Atoms\n"), "line 16: expected a blank line"),
        (data(MASSES).replace("2 atoms", "some atoms"), "a line such as '8 atoms'"),
        (data(MASSES, units=", units = lj"), "line 1: units 'lj'; expected one of"),
        ("nothing\n", "expected a LAMMPS data file"),
    ],
)
def test_what_is_no_data_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.data"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        io.read(path)


def test_units_of_a_data_file(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    path.write_text(data(MASSES, units=", units = electron"))
    np.testing.assert_allclose(io.read(path).cells[0, 0, 0], 4.0 * units.Bohr, rtol=1e-6)
    path.write_text(data(MASSES, units=", units = real"))
    np.testing.assert_allclose(io.read(path).cells[0, 0, 0], 4.0)


def test_numbers_of_thousands_of_digits_are_refused(tmp_path: Path) -> None:
    many = "9" * 5000
    atoms = "\nAtoms # atomic\n\n1 1 0 0 0\n"
    box = "1 atom types\n0 3 xlo xhi\n0 3 ylo yhi\n0 3 zlo zhi\n"
    for text in (
        f"# x\n\n{many} atoms\n{box}{atoms}",
        f"# x\n\n1 atoms\n{box}{atoms}".replace("1 1 0", f"1 {many} 0"),
    ):
        path = tmp_path / "long.data"
        path.write_text(text)
        with pytest.raises(FileFormatError, match=r"long\.data"):
            io.read(path, species=["Al"])
