"""Reading and writing by file name: round trips of all formats, and what goes wrong."""

from __future__ import annotations

import bz2
import dataclasses
import logging
import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lammps_files import dump
from vasp_files import Step, outcar, vasprun

from maxvolt import io
from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import DataError, FileFormatError, SpeciesError
from maxvolt.io.extxyz import extxyz_bytes
from maxvolt.io.recognition import format_of_content

EXACT = ["a.cfg", "a.bin.cfg", "a.xyz", "a.extxyz", "a.db", "a.json", "a.traj"]


@pytest.fixture
def dataset(emt_dataset: Dataset) -> Dataset:
    """Labels present and absent, groups, weights, information, a molecule and a slab."""
    slab = bulk("Al", cubic=True)
    slab.pbc = [True, False, True]
    others = Dataset.from_atoms([molecule("H2O"), slab])
    whole = Dataset.concatenate([emt_dataset, others])
    return dataclasses.replace(
        whole,
        weights=[1, 2.5, 1, 0.1, 1],
        groups=("bulk", "bulk", "", "007", "slab"),
        infos=({"note": 'with "quotes" and \\'}, {"a": "b c"}, {}, {"truth": "T"}, {"number": "1"}),
        has_forces=[True, False, True, False, False],
        has_stress=[True, True, False, False, False],
    )


def assert_same(one: Dataset, other: Dataset, stress_digits: bool = True) -> None:
    for field in dataclasses.fields(Dataset):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "origins":
            continue  # the file, which is what differs
        if field.name == "infos":
            np.testing.assert_equal([dict(x) for x in a], [dict(x) for x in b])
        elif field.name == "groups":
            assert a == b
        elif field.name == "stresses" and not stress_digits:
            np.testing.assert_allclose(a, b, rtol=1e-14)
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


@pytest.mark.parametrize("name", EXACT)
def test_every_label_survives_to_the_last_digit(
    tmp_path: Path, name: str, dataset: Dataset
) -> None:
    io.write(tmp_path / name, dataset)
    back = io.read(tmp_path / name)
    if name.endswith(".cfg"):  # no cell in directions that do not repeat; stress from the virial
        cells = np.where(dataset.pbc[:, :, None], dataset.cells, 0.0)
        assert_same(back, dataclasses.replace(dataset, cells=cells), stress_digits=False)
    else:
        assert_same(back, dataset)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", EXACT)
def test_appending(tmp_path: Path, name: str, emt_dataset: Dataset) -> None:
    path = tmp_path / name
    io.write(path, emt_dataset.select([0]), append=True)
    io.write(path, emt_dataset.select([1, 2]), append=True)
    assert_same(io.read(path), emt_dataset, stress_digits=False)
    io.write(path, emt_dataset.select([1]))
    assert len(io.read(path)) == 1


def test_one_structure_or_several_are_written_without_a_dataset(tmp_path: Path) -> None:
    crystal = bulk("Al")
    io.write(tmp_path / "one.xyz", crystal)
    io.write(tmp_path / "two.cfg", iter([crystal, crystal * 2]))
    assert io.read(tmp_path / "one.xyz").counts.tolist() == [1]
    assert io.read(tmp_path / "two.cfg").counts.tolist() == [1, 8]
    with pytest.raises(DataError, match="expected structures"):
        io.write(tmp_path / "none.xyz", "one.xyz")  # type: ignore[arg-type]
    assert not (tmp_path / "none.xyz").exists()


def test_ordinary_precision(tmp_path: Path, emt_dataset: Dataset) -> None:
    io.write(tmp_path / "a.cfg", emt_dataset, format="cfg-ordinary")
    back = io.read(tmp_path / "a.cfg")
    np.testing.assert_allclose(back.positions, emt_dataset.positions, rtol=0, atol=5.1e-7)
    assert not np.array_equal(back.positions, emt_dataset.positions)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (":", [0, 1, 2]),
        ("::2", [0, 2]),
        (-1, [2]),
        ("1", [1]),
        (slice(1, None), [1, 2]),
        (":0", []),
    ],
)
def test_index(
    tmp_path: Path, emt_dataset: Dataset, index: str | int | slice, expected: list[int]
) -> None:
    io.write(tmp_path / "a.cfg", emt_dataset)
    dataset = io.read(tmp_path / "a.cfg", index=index)
    assert dataset.energies.tolist() == emt_dataset.energies[expected].tolist()


def test_index_out_of_range_or_senseless(tmp_path: Path, emt_dataset: Dataset) -> None:
    io.write(tmp_path / "a.cfg", emt_dataset)
    with pytest.raises(DataError, match="outside 0 to 2"):
        io.read(tmp_path / "a.cfg", index=3)
    with pytest.raises(DataError, match="index 'last'; expected"):
        io.read(tmp_path / "a.cfg", index="last")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("train.cfg", "cfg"),
        ("graded.cfg.0", "cfg"),
        ("graded.cfg.0.xyz", "extxyz"),
        ("graded.cfg_1.traj", "traj"),
        ("train.bin.cfg", "cfg-binary"),
        ("OUTCAR", "vasp-out"),
        ("OUTCAR_01.gz", "vasp-out"),
        ("run/vasprun.xml", "vasp-xml"),
        ("POSCAR", "vasp"),
        ("CONTCAR.3", "vasp"),
        ("Si.vasp", "vasp"),
        ("XDATCAR", "vasp-xdatcar"),
        ("A.XYZ", "extxyz"),
        ("dump.lammpstrj", "lammps-dump-text"),
        ("data.Al", "lammps-data"),
        ("labels.db", "db"),
        ("md.traj", "traj"),
        # An ending is stronger than a custom.
        ("data.db", "db"),
        ("data.traj", "traj"),
        ("data.json", "json"),
        ("dump.xyz", "extxyz"),
        ("OUTCAR.xyz", "extxyz"),
        ("poscars.xyz", "extxyz"),
        ("vasprun.xml.xyz", "extxyz"),
        ("vasprun.xml.cfg", "cfg"),
        ("poscar.cif", "cif"),
        ("OUTCAR.xyz.gz", "extxyz"),
        ("POSCARS.TRAJ", "traj"),
        ("graded.cfg_0", "cfg"),
        ("vasprun.xml.gz", "vasp-xml"),
        ("vasprun_3.xml", "vasp-xml"),
        ("crystal.cif", "cif"),
    ],
)
def test_names_of_files(name: str, kind: str | None) -> None:
    assert io.guess_format(name) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *product(
            ["anything", "data.new", "OUTCAR.old", "a.txt"],
            ["cfg", "cfg-binary", "extxyz", "db", "json", "traj"],
        ),
        ("graded.cfg_0", "cfg"),
        ("graded.cfg_1", "cfg-binary"),
    ],
)
def test_the_content_decides_where_the_name_does_not(
    tmp_path: Path, emt_dataset: Dataset, name: str, kind: str
) -> None:
    io.write(tmp_path / name, emt_dataset, format=kind)
    assert_same(io.read(tmp_path / name), emt_dataset, stress_digits=False)


def test_vasp_and_lammps_are_recognised_by_content(tmp_path: Path, steps: list[Step]) -> None:
    (tmp_path / "one.out").write_text(" vasp.5.4.4.18Apr17\n" + outcar(steps))
    assert len(io.read(tmp_path / "one.out")) == 3
    (tmp_path / "two.dat").write_text(vasprun(steps))
    assert len(io.read(tmp_path / "two.dat")) == 3
    (tmp_path / "three").write_text(
        dump("element x y z", "Al 0.5 0 0", "Ti 2.5 1 1", frames=2, boundaries="pp pp ff")
    )
    assert len(io.read(tmp_path / "three")) == 2
    one = Dataset.from_atoms([bulk("Cu", cubic=True)])
    io.write(tmp_path / "four.txt", one, format="lammps-data")
    assert io.read(tmp_path / "four.txt").species == ("Cu",)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "4\n", "4\n1.0\n4 0 0\n", "n", "n\0\0\0\xffl", "{}", "ITEM: ATOMS\n"]
)
def test_content_that_is_nothing_for_certain(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_bytes(text.encode("latin-1"))
    assert format_of_content(tmp_path / "a") is None


def test_folders_and_standard_output_are_no_files(tmp_path: Path, emt_dataset: Dataset) -> None:
    for name, kind in (("a.bundle", "bundletrajectory"), ("-", "cfg"), (str(tmp_path), "cfg")):
        with pytest.raises(DataError, match=r"folder|standard output"):
            io.write(name, emt_dataset, format=kind)


# ------------------------------------------------------------------ extended XYZ


def test_extended_xyz_keeps_arrays_of_all_kinds(tmp_path: Path) -> None:
    atoms = bulk("Cu", cubic=True)
    atoms.arrays["site_en"] = np.array([0.1, 1 / 3, -2e-30, 4.0])
    atoms.arrays["magnetic_moment"] = np.arange(12.0).reshape(4, 3) / 7
    atoms.arrays["ghost"] = np.array([True, False, True, False])
    atoms.arrays["tags"] = np.arange(4)
    atoms.arrays["label"] = np.array(["a", "bc", "d", "e"])
    dataset = Dataset.from_atoms([atoms])
    io.write(tmp_path / "a.xyz", dataset)
    arrays = io.read(tmp_path / "a.xyz").infos[0][ARRAYS_KEY]
    assert set(arrays) == {"site_en", "magnetic_moment", "ghost", "tags", "label"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, atoms.arrays[name])


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
lookalikes = st.sampled_from(["T", "F", "1", "007", "1e5", "nan", "1 2 3", "", "True", "_JSON 1"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(group=words | lookalikes, value=words | lookalikes, energy=st.floats(-1e6, 1e6))
def test_extended_xyz_keeps_texts_as_they_are(
    tmp_path: Path, group: str, value: str, energy: float
) -> None:
    dataset = dataclasses.replace(
        Dataset.from_atoms([bulk("Cu")]),
        energies=[energy],
        has_energy=[True],
        groups=(group,),
        infos=({"note": value},),
    )
    io.write(tmp_path / "a.xyz", dataset)
    assert_same(io.read(tmp_path / "a.xyz"), dataset)


def test_other_information_in_extended_xyz(tmp_path: Path) -> None:
    info = {"step": 3, "x": 0.1, "on": True, "nbh#": 4, "list": [1, 2, 3], "two words": "y"}
    dataset = dataclasses.replace(Dataset.from_atoms([bulk("Cu")]), infos=(info,))
    io.write(tmp_path / "a.xyz", dataset)
    back = dict(io.read(tmp_path / "a.xyz").infos[0])
    assert list(back.pop("list")) == [1, 2, 3]
    assert back == {key: value for key, value in info.items() if key != "list"}


def test_what_extended_xyz_cannot_hold() -> None:
    atoms = bulk("Cu")
    atoms.info["Properties"] = "x"
    with pytest.raises(DataError, match="mistaken for the Properties"):
        extxyz_bytes([atoms])
    atoms = bulk("Cu")
    atoms.arrays["a:b"] = np.zeros(1)
    with pytest.raises(DataError, match="array 'a:b'"):
        extxyz_bytes([atoms])
    atoms = bulk("Cu")
    atoms.info["new\nline"] = "x"
    with pytest.raises(DataError, match="cannot be written to extended XYZ"):
        extxyz_bytes([atoms])


def test_weights_groups_and_free_energy_from_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text(
        '1\nLattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3:REF_forces:R:3 '
        'config_type=bulk config_weight=0.5 energy=-1.0 free_energy=-1.5 pbc="T T T"\n'
        "Cu 0 0 0 1 2 3\n"
    )
    dataset = io.read(tmp_path / "a.xyz")
    assert dataset.energies.tolist() == [-1.5]
    assert dataset.forces.tolist() == [[1, 2, 3]]
    assert dataset.weights.tolist() == [0.5]
    assert dataset.groups == ("bulk",)
    assert not dataset.has_stress[0]
    assert dataset.infos[0] == {}


def frame(header: str, columns: str = "species:S:1:pos:R:3", atom: str = "Al 0 0 0") -> str:
    return f'1\nLattice="4 0 0 0 4 0 0 0 4" Properties={columns} {header}\n{atom}\n'


@pytest.mark.parametrize("key", ["stress", "Stress", "REF_stress", "DFT_STRESS"])
def test_a_stress_of_six_numbers(tmp_path: Path, key: str) -> None:
    """Voigt order of ASE; beside nine numbers of the same stress, which is symmetric."""
    six = "0.01 0.02 0.03 0.004 0.005 0.006"
    nine = "0.01 0.006 0.005 0.006 0.02 0.004 0.005 0.004 0.03"
    (tmp_path / "a.xyz").write_text(
        frame(f'energy=-3 {key}="{six}"') + frame(f'{key} = "{nine}" energy=-3')
    )
    dataset = io.read(tmp_path / "a.xyz")
    np.testing.assert_array_equal(dataset.stresses, [[0.01, 0.02, 0.03, 0.004, 0.005, 0.006]] * 2)
    io.write(tmp_path / "b.xyz", dataset)
    np.testing.assert_array_equal(io.read(tmp_path / "b.xyz").stresses, dataset.stresses)


def test_a_virial_of_six_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text(frame('virial="-0.64 -1.28 -1.92 -0.256 -0.32 -0.384"'))
    (stress,) = io.read(tmp_path / "a.xyz").stresses
    np.testing.assert_allclose(stress, [0.01, 0.02, 0.03, 0.004, 0.005, 0.006], rtol=1e-14)
    (tmp_path / "a.xyz").write_text(frame("") + frame('stress="1 2 3"'))
    with pytest.raises(FileFormatError, match=r"line 4: .*expected 9 numbers, or 6 in the order"):
        io.read(tmp_path / "a.xyz")


def test_the_shared_stress_of_six_numbers(shared: Path) -> None:
    (stress,) = io.read(shared / "faults" / "xyz" / "voigt_stress.xyz").stresses
    assert stress.tolist() == [0.01, 0.02, 0.03, 0.004, 0.005, 0.006]


def test_labels_that_are_not_recognised_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    columns = "species:S:1:pos:R:3:QM_forces:R:3"
    one = frame('QM_energy=-6 my_virial="1 2 3 4 5 6 7 8 9"', columns, "Al 0 0 0 1 2 3")
    (tmp_path / "a.xyz").write_text(one * 2)
    dataset = io.read(tmp_path / "a.xyz")
    assert not dataset.has_energy.any()
    (record,) = caplog.records
    for part in (
        "a.xyz: not recognised as labels",
        "QM_energy (2 of 2 struct",
        "QM_forces",
        "my_virial",
    ):
        assert part in record.message
    assert (
        "expected energy, forces, stress or virial, alone or after REF_ or DFT_" in record.message
    )


@pytest.mark.parametrize(
    "header",
    [
        "REF_energy=-6",
        "dft_energy=-6 DFT_stress='1 2 3 4 5 6'",
        "ENERGY=-6 energy_sigma=0.1",
        "energy=-6 QM_energy=-5 force_tolerance=1e-3",
        "mixing_energy=-0.1 energy_source=VASP",
    ],
)
def test_other_keys_are_no_reason_to_warn(
    tmp_path: Path, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.xyz").write_text(frame(header))
    dataset = io.read(tmp_path / "a.xyz")
    assert not caplog.text
    assert dataset.energies.tolist() == [-6] or "mixing" in header


@pytest.mark.parametrize("name", [*EXACT, "a.xyz.db"])
def test_other_results_survive(tmp_path: Path, name: str) -> None:
    atoms = bulk("NaCl", "rocksalt", a=5.6)
    atoms.calc = SinglePointCalculator(
        atoms,
        energy=-3.0,
        energies=[-1.0, -2.0],
        magmoms=[0.25, -1 / 3],
        charges=[0.1, -0.1],
        dipole=[1.0, 2.0, 1 / 3],
    )
    io.write(tmp_path / name, Dataset.from_atoms([atoms]))
    dataset = io.read(tmp_path / name)
    arrays = dict(dataset.infos[0][ARRAYS_KEY])
    results = dataset[0].calc.results
    kept = {"energies", "magmoms", "charges", "dipole"}
    if name.endswith(".cfg"):
        kept.remove("magmoms")  # they are vectors there
    assert set(arrays) == kept - {"dipole"}
    for key in kept:
        np.testing.assert_array_equal(results[key], atoms.calc.results[key])


def test_keys_of_the_format_in_another_case(tmp_path: Path) -> None:
    """A cell that is passed over would make a crystal a molecule."""
    (tmp_path / "a.xyz").write_text(
        '1\nlattice="4 0 0 0 4 0 0 0 4" properties=Species:S:1:POS:R:3:Forces:R:3 PBC="T T F" '
        "Energy=-1\nAl 0 0 1 1 2 3\n"
    )
    dataset = io.read(tmp_path / "a.xyz")
    assert dataset.cells[0].tolist() == (4 * np.eye(3)).tolist()
    assert dataset.pbc[0].tolist() == [True, True, False]
    assert dataset.positions.tolist() == [[0, 0, 1]]
    assert dataset.forces.tolist() == [[1, 2, 3]]
    (tmp_path / "a.xyz").write_text(frame('lattice=fcc PROPERTIES="a b" energy=-1'))
    dataset = io.read(tmp_path / "a.xyz")
    assert dataset.volumes == pytest.approx([64])
    assert dict(dataset.infos[0]) == {"lattice": "fcc", "PROPERTIES": "a b"}


def test_blank_lines_and_windows_line_ends(tmp_path: Path) -> None:
    text = "\n" + frame("energy=-1") + " \n\n" + frame("energy=-2") + "\n"
    for written in (text, text.replace("\n", "\r\n"), text.rstrip()):
        (tmp_path / "a.xyz").write_bytes(written.encode())
        assert io.read(tmp_path / "a.xyz").energies.tolist() == [-1, -2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("two\n\nAl 0 0 0\n", "line 1: expected the number of atoms of a structure, found 'two'"),
        (frame("energy=-1") + "3\n\nAl 0 0 0\n", "line 4: the .* 1 of its 3 atoms; .* cut off"),
        (frame("energy=-1") + "5", "line 4: the structure that begins here has 0 of its 5"),
        (frame("energy=-1") + frame("", atom="Al 0 0"), "line 4: ASE cannot .* extxyz|line 4"),
    ],
)
def test_extended_xyz_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        io.read(tmp_path / "a.xyz")


@pytest.mark.parametrize("name", EXACT)
def test_the_stress_of_a_slab_is_neither_read_nor_written(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    slab = bulk("Al", cubic=True)
    slab.pbc = [True, True, False]
    slab.calc = SinglePointCalculator(slab, energy=-1.0, stress=np.ones(6))
    io.write(tmp_path / name, Dataset.from_atoms([slab, bulk("Al", cubic=True)]))
    assert b"tress" not in (tmp_path / name).read_bytes().replace(b"stress BLOB", b"")
    assert not io.read(tmp_path / name).has_stress.any()
    ase.io.write(tmp_path / "ase.xyz", slab)
    assert "stress" in (tmp_path / "ase.xyz").read_text()
    assert not io.read(tmp_path / "ase.xyz").has_stress.any()
    assert "not periodic in three directions; left out of 1 of 1" in caplog.text


def test_compressed_and_missing_files(tmp_path: Path, emt_dataset: Dataset) -> None:
    io.write(tmp_path / "a.xyz", emt_dataset)
    packed = bz2.compress((tmp_path / "a.xyz").read_bytes())
    (tmp_path / "b.xyz.bz2").write_bytes(packed)
    assert_same(io.read(tmp_path / "b.xyz.bz2"), emt_dataset)
    with pytest.raises(DataError, match="compressed files are read but not written"):
        io.write(tmp_path / "c.xyz.bz2", emt_dataset)
    with pytest.raises(FileFormatError, match="no such file"):
        io.read(tmp_path / "nothing.xyz")
    (tmp_path / "bad.xyz").write_text("1\nProperties=species:S:1:pos:R:3\nCu 0 zero 0\n")
    with pytest.raises(FileFormatError, match=r"bad\.xyz, line 1: ASE cannot read it as extxyz"):
        io.read(tmp_path / "bad.xyz")
    (tmp_path / "bad.db").write_text("no database")
    with pytest.raises(FileFormatError, match="ASE cannot read it as a database"):
        io.read(tmp_path / "bad.db")
    with pytest.raises(DataError, match="unknown format 'excel'"):
        io.read(tmp_path / "a.xyz", format="excel")


def test_the_structure_at_fault_is_named(tmp_path: Path) -> None:
    lines = 'Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 energy={}\nCu 0 0 0\n'
    text = "1\n" + lines.format("-1") + "1\n" + lines.format("-1 REF_energy=-2")
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(DataError, match=r"a\.xyz: structure 1: energy and REF_energy"):
        io.read(tmp_path / "a.xyz")


@pytest.mark.parametrize("name", ["a.xyz", "a.traj", "a.json"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("energy", np.nan), ("forces", np.full((1, 3), np.nan)), ("stress", np.full(6, np.nan))],
)
def test_a_label_that_is_not_a_number_is_not_an_absent_one(
    tmp_path: Path, name: str, key: str, value: object
) -> None:
    good, bad = bulk("Al"), bulk("Al")
    good.calc = SinglePointCalculator(good, energy=-3.0)
    bad.calc = SinglePointCalculator(bad, **{key: value})
    ase.io.write(tmp_path / name, [good, bad])
    message = rf"{name}: structure 1: {key} holds numbers that are not finite.*; remove this"
    with pytest.raises(DataError, match=message):
        io.read(tmp_path / name)


@pytest.mark.parametrize("name", [*EXACT, "a.data", "a.vasp"])
def test_an_element_that_is_not_among_the_species_is_named(tmp_path: Path, name: str) -> None:
    io.write(tmp_path / "in.xyz", Dataset.from_atoms([bulk("Al"), bulk("Cu")]))
    whole = io.read(tmp_path / "in.xyz")
    with pytest.raises(
        SpeciesError, match=r"structure 1 of .*in\.xyz: Cu not among the species Al"
    ):
        io.write(tmp_path / name, whole.select([1]), species=["Al"])
    assert not (tmp_path / name).exists()


# ------------------------------------------------------------------ LAMMPS, POSCAR, ASE


def test_lammps_dump(tmp_path: Path) -> None:
    path = tmp_path / "a.dump"
    path.write_text(
        dump("x y z fx fy fz", "0.5 0 0 1 2 3", "2.5 1 1 -1 -2 -3", frames=2, boundaries="pp pp ff")
    )
    with pytest.raises(SpeciesError, match=r"types, not elements.*--species"):
        io.read(path)
    dataset = io.read(path, species=["Ti", "Al"])
    assert len(dataset) == 2
    assert dataset.numbers.tolist() == [13, 22] * 2  # sorted by id
    np.testing.assert_allclose(dataset.positions[:2], [[0.5, 0, 0], [2.5, 1, 1]])
    np.testing.assert_allclose(dataset.forces[:2], [[1, 2, 3], [-1, -2, -3]])
    assert dataset.pbc[0].tolist() == [True, True, False]
    assert not dataset.has_energy.any()  # a dump has none; ASE says zero
    with pytest.raises(SpeciesError, match=r"atoms of type 2, and --species names 1 \(Ti\)"):
        io.read(path, species=["Ti"])
    with pytest.raises(SpeciesError, match="'Xx' is not the symbol"):
        io.read(path, species=["Ti", "Xx"])


def test_lammps_dump_with_elements(tmp_path: Path) -> None:
    path = tmp_path / "a.lammpstrj"
    path.write_text(
        dump("element x y z", "Al 0.5 0 0", "Ti 2.5 1 1", frames=2, boundaries="pp pp ff")
    )
    dataset = io.read(path)
    assert dataset.species == ("Al", "Ti")
    assert not dataset.has_forces.any()


def test_lammps_data(tmp_path: Path, emt_dataset: Dataset) -> None:
    path = tmp_path / "data.CuNi"
    one = emt_dataset.select([0])
    io.write(path, one, species=["Ni", "Cu"])
    assert "2 atom types" in path.read_text()
    back = io.read(path, species=["Ni", "Cu"])
    np.testing.assert_array_equal(back.numbers, one.numbers)
    np.testing.assert_allclose(back.volumes, one.volumes)
    np.testing.assert_allclose(
        back[0].get_all_distances(mic=True), one[0].get_all_distances(mic=True), atol=1e-6
    )
    assert not back.has_energy.any()
    text = path.read_text()
    masses = text[text.index("Masses") : text.index("Atoms")]
    path.write_text(text.replace(masses, ""))
    with pytest.raises(SpeciesError, match="section Masses"):
        io.read(path)
    with pytest.raises(DataError, match="holds one structure, there are 3"):
        io.write(path, emt_dataset)


def test_poscar(tmp_path: Path, emt_dataset: Dataset) -> None:
    one = emt_dataset.select([1])
    io.write(tmp_path / "POSCAR", one)
    back = io.read(tmp_path / "POSCAR")
    np.testing.assert_array_equal(back.numbers, one.numbers)
    np.testing.assert_allclose(back.positions, one.positions, rtol=0, atol=1e-12)
    assert not back.has_energy.any()
    with pytest.raises(DataError, match="cannot append"):
        io.write(tmp_path / "POSCAR", one, append=True)


def test_any_format_of_ase(tmp_path: Path) -> None:
    crystal = Dataset.from_atoms([bulk("NaCl", "rocksalt", a=5.6, cubic=True)])
    io.write(tmp_path / "a.cif", crystal)
    back = io.read(tmp_path / "a.cif")
    assert back.counts.tolist() == [8]
    assert back.species == ("Na", "Cl")
    with pytest.raises(DataError, match="does not tell the format to write"):
        io.write(tmp_path / "a.unknown", crystal)
    assert not (tmp_path / "a.unknown").exists()


def test_a_database_that_ase_wrote(tmp_path: Path, emt_structures: list[Atoms]) -> None:
    with ase.db.connect(tmp_path / "a.db") as database:
        for step, atoms in enumerate(emt_structures):
            database.write(atoms, step=step, config_type="bulk", data={"why": "test"})
    dataset = io.read(tmp_path / "a.db")
    np.testing.assert_array_equal(
        dataset.energies, [atoms.get_potential_energy() for atoms in emt_structures]
    )
    assert dataset.groups == ("bulk",) * 3
    assert [dict(info) for info in dataset.infos] == [{"step": k, "why": "test"} for k in range(3)]


def test_the_group_is_a_key_of_the_database(tmp_path: Path, dataset: Dataset) -> None:
    io.write(tmp_path / "a.db", dataset)
    with ase.db.connect(tmp_path / "a.db") as database:
        assert database.count("config_type=bulk") == 2


def test_what_the_database_refuses_is_an_error_with_its_name(
    tmp_path: Path, dataset: Dataset
) -> None:
    path = tmp_path / "a.db"
    io.write(path, dataset)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON systems BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        connection.commit()
    with pytest.raises(DataError, match=r"a\.db: cannot be written: full"):
        io.write(path, dataset, append=True)
    assert len(io.read(path)) == len(dataset)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match=r"a\.db: ASE cannot read it as a database"):
        io.read(path)
    with pytest.raises(DataError, match=r"a\.db: cannot append"):
        io.write(path, dataset, append=True)


# ------------------------------------------------------------------ reference data

EXPECTED = {
    # file: structures, atoms, energies, forces, stresses, species
    "mlearn/Cu_train.xyz": (262, 27416, 262, 262, 262, "Cu"),
    "mlearn/Ge_test.xyz": (25, 1568, 25, 25, 25, "Ge"),
    "mlearn/Mo_train.xyz": (194, 10087, 194, 194, 194, "Mo"),
    "nbmotaw/MoNbTaW_test.xyz": (376, 10448, 376, 376, 376, "Nb Mo Ta W"),
    "rmd17/ethanol_test01.xyz": (1000, 9000, 1000, 1000, 0, "H C O"),
    "tungsten/W_szlachta2014.xyz": (9691, 158256, 9691, 9691, 2183, "W"),
    "agpd_mixing/reference_data.db": (625, 4520, 0, 0, 0, "Pd Ag"),
    "bench/Mo2000.xyz": (1, 2000, 0, 0, 0, "Mo"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_reference_data(shared: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = io.read(shared / "data" / name)
    assert not caplog.text
    assert (
        len(dataset),
        dataset.n_atoms,
        dataset.has_energy.sum(),
        dataset.has_forces.sum(),
        dataset.has_stress.sum(),
        " ".join(dataset.species),
    ) == EXPECTED[name]


def test_groups_and_stress_of_the_reference_data(shared: Path) -> None:
    molybdenum = io.read(shared / "data" / "mlearn" / "Mo_train.xyz")
    assert set(molybdenum.groups) == {"AIMD-NVT", "Elastic", "Surface", "Vacancy"}
    np.testing.assert_array_equal(
        molybdenum.stresses[0],
        [
            -0.03181350254290267,
            -0.031946702589158146,
            -0.03196175086766065,
            -0.003054051554913315,
            -0.0036162554894272492,
            -0.0035706487822444203,
        ],
    )
    # Some of the same configurations as .cfg: PlusStress = -V sigma.
    cfg = io.read(shared / "reference" / "mlip3" / "active_set" / "Mo_train100.cfg", species=["Mo"])
    assert (len(cfg), cfg.n_atoms) == (100, 5245)
    shared_energies, ours, theirs = np.intersect1d(
        molybdenum.energies, cfg.energies, return_indices=True
    )
    assert len(shared_energies) > 50
    # Whoever made the .cfg took the shear components of the source for yz, xz instead of xz, yz
    # (see the README of the data); all others agree.
    order = [0, 1, 2, 4, 3, 5]
    np.testing.assert_allclose(molybdenum.stresses[ours][:, order], cfg.stresses[theirs], atol=1e-7)
    molecules = io.read(shared / "data" / "rmd17" / "ethanol_test01.xyz", index=":3")
    assert not molecules.pbc.any()


def test_a_header_of_billions_of_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.xyz"
    path.write_text('1\nProperties=species:S:1:pos:R:3:wide:R:999999999 pbc="F F F"\nAl 0 0 0 1\n')
    with pytest.raises(FileFormatError, match=r"wide.xyz.*999999999"):
        io.read(path)
