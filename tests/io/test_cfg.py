"""MLIP .cfg files: what they may look like, what is refused and where, and round trips."""

from __future__ import annotations

import dataclasses
import logging
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import DataError, FileFormatError, SpeciesError
from maxvolt.io.cfg import CfgConfiguration, parse_cfg, read_cfg, write_cfg
from maxvolt.io.cfg_binary import binary_bytes
from maxvolt.io.cfg_dataset import cfg_from_dataset, dataset_from_cfg
from maxvolt.io.cfg_write import text_bytes

CFG_ARRAYS = ("energies", "charges", "magmoms", "en_der_m", "ghost", "nbh_grades")

# Columns out of order, a comment-like feature, every optional quantity.
EVERYTHING = b"""BEGIN_CFG
 Size
    2
 SuperCell
    3.0 0.0 0.0
    0.1 4.0 0.0
    0.0 0.2 5.0
 Atomic_data:  type cartes_z cartes_x cartes_y id fz fx fy ghost site_en charge \
magmom_x magmom_y magmom_z en_der_mx en_der_my en_der_mz nbh_grades
    1   0.3 0.1 0.2   1   3.0 1.0 2.0  false -1.5 0.25   1 2 3   4 5 6   1.5
    0   1.3 1.1 1.2   2   6.0 4.0 5.0  true  -2.5 -0.25  7 8 9   0 1 2   2.5
 Feature   EFS_by\tVASP 6.4
 PlusStress:  xy xz yz zz yy xx
    6 5 4 3 2 1
 Feature   a\\_name\\twith\\nall\\r\t first line
 Energy
    -10.25
 Feature   a\\_name\\twith\\nall\\r\tsecond line
 Feature   old       style
END_CFG
"""

MINIMAL = b"""BEGIN_CFG
 Size
    2
 AtomData:  id type cartes_x cartes_y cartes_z
    1 0 0 0 0
    2 1 0 0 2.5
END_CFG
"""


def one(data: bytes) -> CfgConfiguration:
    (configuration,) = parse_cfg(data, "test.cfg")
    return configuration


def assert_same(a: CfgConfiguration, b: CfgConfiguration, **tolerance: float) -> None:
    for field in dataclasses.fields(CfgConfiguration):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            assert x.dtype == y.dtype
            if tolerance and x.dtype.kind == "f":
                np.testing.assert_allclose(x, y, **tolerance, err_msg=field.name)
            else:
                np.testing.assert_array_equal(x, y, err_msg=field.name)
        else:
            assert x == y, field.name


# ------------------------------------------------------------------ reading


def test_everything_the_format_can_say() -> None:
    configuration = one(EVERYTHING)
    assert configuration.types.tolist() == [1, 0]
    assert configuration.types.dtype == np.int32
    np.testing.assert_array_equal(configuration.positions, [[0.1, 0.2, 0.3], [1.1, 1.2, 1.3]])
    np.testing.assert_array_equal(configuration.cell, [[3, 0, 0], [0.1, 4, 0], [0, 0.2, 5]])
    np.testing.assert_array_equal(configuration.forces, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(configuration.plus_stress, [1, 2, 3, 4, 5, 6])
    assert configuration.energy == -10.25
    np.testing.assert_array_equal(configuration.site_energies, [-1.5, -2.5])
    np.testing.assert_array_equal(configuration.charges, [0.25, -0.25])
    np.testing.assert_array_equal(configuration.magmoms, [[1, 2, 3], [7, 8, 9]])
    np.testing.assert_array_equal(configuration.magmom_derivatives, [[4, 5, 6], [0, 1, 2]])
    np.testing.assert_array_equal(configuration.ghost, [False, True])
    np.testing.assert_array_equal(configuration.nbh_grades, [1.5, 2.5])
    assert configuration.features == {
        "EFS_by": "VASP 6.4",
        "a name\twith\nall\r": " first line\nsecond line",
        "old": "style",
    }


def test_what_is_not_there_is_none() -> None:
    configuration = one(MINIMAL)
    assert configuration.energy is None
    assert configuration.plus_stress is None
    assert configuration.features == {}
    for name in ("forces", "site_energies", "charges", "magmoms", "ghost", "nbh_grades"):
        assert getattr(configuration, name) is None
    assert not configuration.cell.any()


def test_windows_line_ends() -> None:
    assert_same(one(EVERYTHING.replace(b"\n", b"\r\n")), one(EVERYTHING))


def test_values_beside_the_field_name_and_blank_lines() -> None:
    data = (
        b"\n\nBEGIN_CFG\nSize 1\n\nSupercell 1 2 3 4\n5 6\n\nAtomData: direct_x direct_y direct_z"
    )
    with pytest.raises(FileFormatError, match="direct_x, direct_y, direct_z need a Supercell"):
        one(data + b"\n 0 0 0\nEnergy -1\nEND_CFG\n")
    data = data.replace(b"direct", b"cartes")
    configuration = one(data + b"\n 0 0 0\nEnergy -1\nEND_CFG\n")
    np.testing.assert_array_equal(configuration.cell, [[1, 2, 3], [4, 5, 6], [0, 0, 0]])
    assert configuration.energy == -1
    assert configuration.types.tolist() == [0]


@pytest.mark.parametrize(
    ("numbers", "cell"),
    [
        (b"0 0 7", [[0, 0, 7], [0, 0, 0], [0, 0, 0]]),
        (b"1 2 3 4 5 6", [[1, 2, 3], [4, 5, 6], [0, 0, 0]]),
        (b"1 2 3 4 5 6 7 8 10", [[1, 2, 3], [4, 5, 6], [7, 8, 10]]),
    ],
)
def test_one_two_or_three_lattice_vectors(numbers: bytes, cell: list[list[float]]) -> None:
    data = MINIMAL.replace(b" AtomData", b" Supercell\n" + numbers + b"\n AtomData")
    assert one(data).cell.tolist() == cell
    dataset = dataset_from_cfg([one(data)], ("Al", "Ni"))
    assert dataset.pbc[0].tolist() == [any(row) for row in cell]


def test_direct_coordinates() -> None:
    data = EVERYTHING.replace(b"cartes", b"direct")
    configuration = one(data)
    np.testing.assert_allclose(
        configuration.positions,
        np.array([[0.1, 0.2, 0.3], [1.1, 1.2, 1.3]]) @ configuration.cell,
        rtol=1e-15,
    )
    back = one(text_bytes(configuration, direct=True))
    np.testing.assert_allclose(back.positions, configuration.positions, rtol=1e-14)
    assert b"direct_x" in text_bytes(configuration, direct=True)
    with pytest.raises(DataError, match="three lattice vectors"):
        text_bytes(one(MINIMAL), direct=True)


def test_virial_is_divided_by_the_volume() -> None:
    data = EVERYTHING.replace(b"PlusStress:", b"Virial:")
    configuration = one(data)
    assert configuration.plus_stress is not None
    np.testing.assert_allclose(configuration.plus_stress, np.arange(1, 7) / 60, rtol=1e-15)
    with pytest.raises(FileFormatError, match="Virial: needs a Supercell"):
        one(MINIMAL.replace(b"END", b" Virial: xx yy zz yz xz xy\n 1 2 3 4 5 6\nEND"))


def test_old_features() -> None:
    data = MINIMAL.replace(b"END", b" Features: ID from\n  7\n here\n Energy 1\nEND")
    assert one(data).features == {"ID": "7", "from": "here"}
    assert one(data).energy == 1


def test_several_configurations_and_none() -> None:
    assert len(parse_cfg(EVERYTHING + b"\n\n" + MINIMAL, "test.cfg")) == 2
    assert parse_cfg(b"", "test.cfg") == []
    assert parse_cfg(b" \n\r\n", "test.cfg") == []
    empty = one(b"BEGIN_CFG\n Size\n 0\nEND_CFG\n")
    assert len(empty) == 0
    assert_same(one(text_bytes(empty)), empty)
    assert_same(one(binary_bytes(empty)), empty)


def changed(old: bytes, new: bytes) -> bytes:
    assert EVERYTHING.count(old) >= 1
    return EVERYTHING.replace(old, new, 1)


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"\nEGIN_CFG\n", 2, "expected BEGIN_CFG, found 'EGIN_CFG'"),
        (b"BEGIN\nSize\n", 1, "very old BEGIN/END form"),
        (MINIMAL[:-8], 6, "ends before the END_CFG of line 1"),
        (b"BEGIN_CFG\n" + MINIMAL, 2, "BEGIN_CFG before the END_CFG of line 1"),
        (b"BEGIN_CFG\nEND_CFG\n", 2, "no Size"),
        (b"BEGIN_CFG\nSize 3\nEND_CFG\n", 3, "no AtomData"),
        (changed(b"Size", b"Sice"), 2, "unknown field 'Sice'"),
        (changed(b"    2\n", b"    two\n"), 2, "one whole number after Size"),
        (changed(b"    2\n", b"    2 3\n"), 2, "one whole number after Size"),
        (changed(b"    2\n", b"    -2\n"), 2, "one whole number after Size"),
        (changed(b"    2\n", b"    " + b"9" * 6000 + b"\n"), 2, "one whole number after Size"),
        (changed(b"    2\n", b"    3\n"), 11, "expected 18 columns"),
        (changed(b"    2\n", b"    99999999\n"), 11, "expected 18 columns"),
        (changed(b"    2\n", b"    1\n"), 10, "unknown field '0'"),
        (changed(b" SuperCell", b" Size 4\n SuperCell"), 4, "contradicts the earlier Size 2"),
        (changed(b"5.0\n", b"5.0 1\n"), 4, "3, 6 or 9 numbers after Supercell, found 10"),
        (changed(b"5.0\n", b"5.o\n"), 4, "found '5.o'"),
        (changed(b"5.0\n", b"1e999\n"), 4, "not finite"),
        (changed(b" Atomic", b" Supercell 1 1 1\n Atomic"), 8, "Supercell is given twice"),
        (changed(b" fz fx", b" fz fy"), 8, "fy occurs twice"),
        (changed(b" fz fx", b" fz fw"), 8, "unknown column 'fw'"),
        (changed(b"cartes_z", b"direct_z"), 8, "must come together"),
        (changed(b"magmom_x", b"charges_"), 8, "unknown column 'charges_'"),
        (changed(b" cartes_z cartes_x cartes_y", b""), 8, "needs either cartes_x"),
        (changed(b"1   0.3", b"x   0.3"), 9, "type is 'x'; expected a whole number"),
        (changed(b"1   0.3", b"-1  0.3"), 9, "type is '-1'"),
        (changed(b"1   0.3", b"99999999999 0.3"), 9, "type is '99999999999'"),
        (changed(b"1.3 1.1", b"1_3 1.1"), 10, "cartes_z is '1_3'; expected a number"),
        (changed(b"1.3 1.1", b"nan 1.1"), 10, "positions of this atom are not finite"),
        (changed(b"6.0 4.0", b"inf 4.0"), 10, "forces of this atom are not finite"),
        (changed(b"  2   6.0", b"  3   6.0"), 10, "atom id '3'"),
        (changed(b"false", b"False"), 9, "ghost is 'False'; expected true or false"),
        (changed(b" Energy\n", b" Energy 1\n Energy\n"), 16, "Energy is given twice"),
        (changed(b"-10.25", b"minus ten"), 15, "found 'minus'"),
        (changed(b"-10.25", b"1 2"), 15, "one number after Energy, found 2"),
        (changed(b"-10.25", b"nan"), 15, "Energy has numbers that are not finite"),
        (changed(b"xy xz yz", b"xy xy yz"), 12, "expected xx yy zz yz xz xy in any order"),
        (changed(b"6 5 4 3 2 1", b"6 5 4 3 2"), 12, "six numbers after PlusStress:, found 5"),
        (changed(b"PlusStress:", b"Stress:"), 12, "change the sign"),
        (changed(b" Feature   EFS_by\tVASP 6.4", b" Feature"), 11, "expected a name after Feature"),
        (changed(b" Feature   EFS_by\tVASP 6.4", b" Features: a b\n 1"), 11, "names 2 values"),
        (changed(b" Size\n    2", b" "), 7, "AtomData: must come after Size"),
    ],
)
def test_what_is_refused_and_where(data: bytes, line: int, message: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        parse_cfg(data, "test.cfg")
    assert message in str(caught.value)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"test.cfg, line {line}: ")


def test_too_few_lines_for_the_size() -> None:
    data = b"BEGIN_CFG\nSize 3\nAtomData: cartes_x cartes_y cartes_z\n0 0 0\nEND_CFG\n"
    with pytest.raises(FileFormatError, match="Size is 3, but only 1 lines follow"):
        one(data)


# ------------------------------------------------------------------ binary


def test_binary_layout() -> None:
    """The bytes as MLIP writes them, put together by hand."""
    doubles = struct.Struct("<6d")
    data = (
        b"n" + struct.pack("<i", 1) + b"l" + struct.pack("<9d", 3, 0, 0, 0, 4, 0, 0, 0, 5)
        + b"p" + struct.pack("<3d", 0.1, 0.2, 0.3) + b"t" + struct.pack("<i", 2)
        + b"f" + struct.pack("<3d", 1, 2, 3) + b"v" + struct.pack("<d", -1.5) + b"g1"
        + b"s" + doubles.pack(1, 2, 3, 6, 4, 5) + b"e" + struct.pack("<d", -10.5)
        + b"F" + struct.pack("<i", 4) + b"a\tb " + struct.pack("<i", 3) + b"x\ny" + b"#"
    )  # fmt: skip
    configuration = one(data)
    assert configuration.types.tolist() == [2]
    assert configuration.cell.diagonal().tolist() == [3, 4, 5]
    assert configuration.positions.tolist() == [[0.1, 0.2, 0.3]]
    np.testing.assert_array_equal(configuration.forces, [[1, 2, 3]])
    np.testing.assert_array_equal(configuration.site_energies, [-1.5])
    np.testing.assert_array_equal(configuration.ghost, [True])
    np.testing.assert_array_equal(configuration.plus_stress, [1, 2, 3, 4, 5, 6])
    assert configuration.energy == -10.5
    assert configuration.features == {"a\tb ": "x\ny"}
    assert sorted(binary_bytes(configuration)) == sorted(data)
    assert len(parse_cfg(data + b"\n" + data, "test.cfg")) == 2


@pytest.mark.parametrize(
    ("data", "offset", "message"),
    [
        (b"n\x01\x00", 1, "expected 1 numbers (4 bytes), but only 2 bytes are left"),
        (b"n" + struct.pack("<i", -1), 1, "the number of atoms is -1"),
        (b"n" + struct.pack("<i", 2**31 - 1) + b"p" + bytes(48), 6, "expected 6442450941 numbers"),
        (b"n" + bytes(4) + b"p", 6, "the file ends inside a configuration"),
        (b"n" + bytes(4) + b"#", 6, "no positions"),
        (b"n" + bytes(4) + b"pp#", 6, "positions is given twice"),
        (b"n" + bytes(4) + b"px", 6, "unknown block b'x'"),
        (b"n" + bytes(4) + b"p#x", 7, "expected the letter n"),
        (b"n" + bytes(4) + b"pF" + struct.pack("<i", 10**9), 11, "expected 1000000000 numbers"),
        (b"n" + bytes(4) + b"pe" + struct.pack("<d", np.nan) + b"#", 7, "energy has numbers"),
        (b"n\x01\0\0\0p" + bytes(24) + b"g\x00#", 32, "ghost flags"),
        (b"n\x01\0\0\0p" + bytes(24) + b"t\xff\xff\xff\xff#", 35, "a type is negative"),
    ],
)
def test_what_is_refused_in_binary_and_where(data: bytes, offset: int, message: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        parse_cfg(data, "test.cfg")
    assert message in str(caught.value)
    assert caught.value.offset == offset


# ------------------------------------------------------------------ round trips

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
names = st.text(
    st.characters(exclude_characters="\\\x0b\x0c", exclude_categories=["Cs"]), min_size=1
)
names = names.filter(lambda name: name.encode().split() == [name.encode()] or " " in name)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def configurations(draw: st.DrawFn) -> CfgConfiguration:
    n = draw(st.integers(1, 4))

    def array(*shape: int, elements: Any = finite) -> Any:
        return draw(stn.arrays(np.float64, shape, elements=elements))

    def perhaps(*shape: int) -> Any:
        return array(*shape) if draw(st.booleans()) else None

    return CfgConfiguration(
        types=draw(stn.arrays(np.int32, n, elements=st.integers(0, 2**31 - 1))),
        positions=array(n, 3),
        cell=array(3, 3),
        energy=draw(st.none() | finite),
        forces=perhaps(n, 3),
        plus_stress=perhaps(6),
        site_energies=perhaps(n),
        charges=perhaps(n),
        magmoms=perhaps(n, 3),
        magmom_derivatives=perhaps(n, 3),
        ghost=draw(st.none() | stn.arrays(np.bool_, n)),
        nbh_grades=perhaps(n),
        features=draw(st.dictionaries(names, texts, max_size=3)),
    )


def writable(configuration: CfgConfiguration) -> bool:
    try:
        text_bytes(configuration)
    except DataError:
        return False
    return True


@given(configurations())
def test_full_precision_keeps_every_digit(configuration: CfgConfiguration) -> None:
    assert_same(one(text_bytes(configuration)), configuration)


@given(configurations())
def test_binary_keeps_every_digit(configuration: CfgConfiguration) -> None:
    without = dataclasses.replace(configuration, nbh_grades=None)
    assert_same(one(binary_bytes(configuration)), without)


@given(st.lists(st.floats(-1e3, 1e3), min_size=9, max_size=9))
def test_ordinary_precision(values: list[float]) -> None:
    base = one(EVERYTHING)
    table = np.array(values).reshape(3, 3)
    configuration = dataclasses.replace(
        base, positions=table[:2], cell=table, forces=table[1:], energy=values[0]
    )
    back = one(text_bytes(configuration, full_precision=False))
    assert back.energy == pytest.approx(configuration.energy, abs=1e-12)
    same_energy = dataclasses.replace(back, energy=configuration.energy)
    assert_same(same_energy, configuration, rtol=0, atol=5.1e-7)


@pytest.mark.parametrize("name", ["", "a\\_b", "\x0b", "a\x0cb"])
def test_feature_names_that_cannot_be_written(name: str) -> None:
    configuration = dataclasses.replace(one(MINIMAL), features={name: "x"})
    with pytest.raises(DataError, match="cannot be written"):
        text_bytes(configuration)


def test_the_ordinary_layout() -> None:
    text = text_bytes(one(EVERYTHING), full_precision=False).decode()
    lines = text.splitlines()
    assert lines[3:5] == [" Supercell", "         3.000000      0.000000      0.000000"]
    assert lines[7].startswith(
        " AtomData:  id type       cartes_x      cartes_y      cartes_z            site_en"
        "           fx          fy          fz      charge      magmom_x     magmom_y"
    )
    assert lines[8].startswith("             1    1       0.100000      0.200000      0.300000  ")
    assert " Energy\n        -10.250000000000\n" in text
    assert "\n         1.00000     2.00000     3.00000     4.00000     5.00000" in text
    assert text.endswith("END_CFG\n\n")


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("encoding", ["full", "binary"])
def test_files_and_appending(tmp_path: Path, encoding: Any) -> None:
    path = tmp_path / "a.cfg"
    first = dataclasses.replace(one(EVERYTHING), nbh_grades=None)
    second = one(MINIMAL)
    write_cfg(path, [first], encoding=encoding)
    write_cfg(path, [second, first], encoding=encoding, append=True)
    back = read_cfg(path)
    for a, b in zip(back, [first, second, first], strict=True):
        assert_same(a, b)
    other: Any = "binary" if encoding == "full" else "full"
    with pytest.raises(DataError, match="cannot append"):
        write_cfg(path, [second], encoding=other, append=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.cfg"]


def test_appending_behind_a_missing_line_end_and_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    write_cfg(path, [one(MINIMAL)], append=True)
    path.write_bytes(path.read_bytes().rstrip())
    write_cfg(path, [one(MINIMAL)], append=True)
    assert len(read_cfg(path)) == 2


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_bytes(MINIMAL)
    bad = dataclasses.replace(one(MINIMAL), features={"": "x"})
    with pytest.raises(DataError, match="configuration 1: "):
        write_cfg(path, [one(MINIMAL), bad])
    assert path.read_bytes() == MINIMAL
    with pytest.raises(DataError, match="cannot be written"):
        write_cfg(tmp_path / "nowhere" / "a.cfg", [])
    with pytest.raises(DataError, match="is a folder"):
        write_cfg(tmp_path, [])
    with pytest.raises(FileFormatError, match="no such file"):
        read_cfg(tmp_path / "nothing.cfg")
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_cfg(tmp_path)


def test_grades_do_not_fit_into_binary(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        write_cfg(tmp_path / "a.cfg", [one(EVERYTHING)], encoding="binary")
    assert "cannot hold nbh_grades" in caplog.text


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(DataError, match=r"forces has shape \(1, 3\); expected \(2, 3\)"):
        dataclasses.replace(one(MINIMAL), forces=np.zeros((1, 3)))


# ------------------------------------------------------------------ elements, labels, units


def test_to_a_dataset() -> None:
    dataset = dataset_from_cfg([one(EVERYTHING), one(MINIMAL)], ("Ni", "Al"))
    assert dataset.numbers.tolist() == [13, 28, 28, 13]
    assert dataset.pbc.tolist() == [[True] * 3, [False] * 3]
    assert dataset.has_energy.tolist() == [True, False]
    assert dataset.has_forces.tolist() == [True, False]
    assert dataset.has_stress.tolist() == [True, False]
    np.testing.assert_allclose(dataset.stresses[0], -np.arange(1, 7) / 60, rtol=1e-15)
    assert dataset.infos[0]["EFS_by"] == "VASP 6.4"
    arrays = dataset.infos[0][ARRAYS_KEY]
    assert set(arrays) == set(CFG_ARRAYS)
    assert dataset.infos[1] == {}


def test_from_a_dataset_and_back() -> None:
    dataset = dataset_from_cfg([one(EVERYTHING), one(MINIMAL)], ("Ni", "Al"))
    dataset = dataclasses.replace(dataset, weights=[2.5, 1], groups=("bulk", ""))
    written = cfg_from_dataset(dataset, ("Ni", "Al"))
    assert_same(
        dataclasses.replace(written[0], features={}),
        dataclasses.replace(one(EVERYTHING), features={}),
        rtol=1e-15,
    )
    assert written[0].features["species"] == "Ni Al"
    back = dataset_from_cfg(written)
    for field in dataclasses.fields(Dataset):
        if field.name not in ("infos", "stresses"):
            np.testing.assert_array_equal(getattr(back, field.name), getattr(dataset, field.name))
    np.testing.assert_allclose(back.stresses, dataset.stresses, rtol=1e-15)
    assert {**back.infos[0], ARRAYS_KEY: 0} == {**dataset.infos[0], ARRAYS_KEY: 0}


def test_types_follow_the_species_given() -> None:
    dataset = dataset_from_cfg([one(MINIMAL)], ("Ni", "Al"))
    assert cfg_from_dataset(dataset)[0].types.tolist() == [1, 0]  # by atomic number: Al, Ni
    assert cfg_from_dataset(dataset, ("Ni", "Cu", "Al"))[0].types.tolist() == [0, 2]


def test_species_must_be_known() -> None:
    plain = one(MINIMAL)
    with pytest.raises(SpeciesError, match=r"types, not elements.*--species"):
        dataset_from_cfg([plain], path="a.cfg")
    with pytest.raises(SpeciesError, match="atoms of type 1, but only 1 species"):
        dataset_from_cfg([plain], ("Al",))
    with pytest.raises(SpeciesError, match="'Xx' is not the symbol"):
        dataset_from_cfg([plain], ("Al", "Xx"))
    dataset = dataset_from_cfg([plain], ("Al", "Ni"))
    with pytest.raises(SpeciesError, match="Ni not among the species Al Cu"):
        cfg_from_dataset(dataset, ("Al", "Cu"))
    with pytest.raises(SpeciesError, match="Al is named twice"):
        cfg_from_dataset(dataset, ("Al", "Al"))


def test_a_wrong_order_of_species_is_noticed() -> None:
    dataset = dataset_from_cfg([one(MINIMAL)], ("Ni", "Al"))
    written = cfg_from_dataset(dataset, ("Ni", "Al"))
    with pytest.raises(SpeciesError, match="says that its types are Ni Al, but --species says"):
        dataset_from_cfg(written, ("Al", "Ni"))
    again = dataset_from_cfg(written, ("Ni", "Al", "Cu"))
    assert again.numbers.tolist() == [28, 13]


def test_a_stress_without_a_cell_is_left_out_aloud(caplog: pytest.LogCaptureFixture) -> None:
    data = MINIMAL.replace(b"END", b" PlusStress: xx yy zz yz xz xy\n 1 2 3 4 5 6\nEND")
    with caplog.at_level(logging.WARNING):
        dataset = dataset_from_cfg([one(data)], ("Al", "Ni"), path="a.cfg")
    assert not dataset.has_stress[0]
    assert "a.cfg: PlusStress of 1 configurations without a full cell" in caplog.text


def test_partly_periodic_cells() -> None:
    base = dataset_from_cfg([one(EVERYTHING)], ("Ni", "Al"))
    slab = dataclasses.replace(base, pbc=[[True, False, True]])
    (configuration,) = cfg_from_dataset(slab)
    back = one(text_bytes(configuration))
    np.testing.assert_array_equal(back.cell, [[3, 0, 0], [0, 0, 0], [0, 0.2, 5]])
    np.testing.assert_array_equal(back.plus_stress, configuration.plus_stress)
    again = dataset_from_cfg([configuration])
    assert again.pbc[0].tolist() == [True, False, True]


def test_information_becomes_text(caplog: pytest.LogCaptureFixture) -> None:
    base = dataset_from_cfg([one(MINIMAL)], ("Ni", "Al"))
    info = {"step": 3, "list": [1, 2.5], "array": np.arange(2), "yes": True, "none": None}
    info[ARRAYS_KEY] = {"tags": np.arange(2)}
    dataset = dataclasses.replace(base, infos=({**info, "other": {1, 2} - {2}},))
    with caplog.at_level(logging.WARNING):
        (configuration,) = cfg_from_dataset(dataset)
    assert "cannot hold the arrays tags" in caplog.text
    caplog.clear()
    cfg_from_dataset(Dataset.concatenate([dataset] * 3))
    assert [record.message for record in caplog.records] == [
        "a .cfg cannot hold the arrays tags; not written"
    ]
    assert configuration.features == {
        "step": "3",
        "list": "[1, 2.5]",
        "array": "[0, 1]",
        "yes": "true",
        "none": "null",
        "other": "{1}",
        "species": "Al Ni",
    }


def test_a_weight_that_is_no_number() -> None:
    configuration = dataclasses.replace(one(MINIMAL), features={"config_weight": "heavy"})
    with pytest.raises(FileFormatError, match="config_weight of configuration 0 is 'heavy'"):
        dataset_from_cfg([configuration], ("Al", "Ni"), path="a.cfg")
