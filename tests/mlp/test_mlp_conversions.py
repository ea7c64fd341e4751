"""`convert-cfg`, `convert`, and the commands that are short for them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from ase.io.lammpsdata import read_lammps_data
from mlp_cases import Files, configuration, crystal, mlp

from maxvolt.io.cfg import read_cfg
from maxvolt.io.cfg_write import text_bytes


@pytest.fixture
def outcar(shared: Path) -> Path:
    return shared / "reference" / "mlip3" / "examples" / "00.convert_vasp_outcar" / "OUTCAR"


@pytest.mark.parametrize(
    ("name", "option"),
    [("convert", "--input_format=outcar"), ("convert-cfg", "--input-format=vasp-outcar")],
)
def test_an_outcar_becomes_what_mlip_makes_of_it(
    name: str,
    option: str,
    outcar: Path,
    files: Files,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mlp(name, outcar, "out.cfg", option)
    expected = outcar.parent / "sample_out" / "relax.cfg"
    assert Path("out.cfg").read_bytes() == expected.read_bytes()
    assert capsys.readouterr().out == "Processed 3 configurations\n"


def test_options_for_an_outcar(outcar: Path, files: Files) -> None:
    of_mlip = read_cfg(outcar.parent / "sample_out" / "relax.cfg")
    words = ("convert", outcar, "out.cfg", "--input_format=outcar")
    mlp(*words, "--last", "--absolute_types", "--no_forces_stresses")
    (last,) = files.read("out.cfg")
    assert set(last.types.tolist()) == {
        47
    }  # the only atoms are silver; palladium, type 0, has none
    assert last.forces is None
    assert last.plus_stress is None
    assert last.energy == of_mlip[-1].energy
    mlp(*words, "--append", "--last")
    assert len(files.read("out.cfg")) == 2
    mlp("add-from-outcar", "db.cfg", outcar, outcar)
    mlp("add_from_outcar_last", "db.cfg", outcar)
    mlp("add-from-outcar-dyn", "db.cfg", outcar)
    energies = [one.energy for one in files.read("db.cfg")]
    first, middle, end = (one.energy for one in of_mlip)
    assert energies == [first, first, end, first, middle, end]


def unconverged(outcar: Path, target: Path) -> None:
    """Let the last step of an OUTCAR have made as many electronic steps as are allowed."""
    text = outcar.read_bytes()
    steps = max(int(n) for n in re.findall(rb"Iteration\s+3\(\s*(\d+)\)", text))
    text = re.sub(rb"NELM   =\s+\d+;", b"NELM   =    %3d;" % steps, text)
    target.write_bytes(text)


def test_steps_that_did_not_converge(
    outcar: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    unconverged(outcar, Path("OUTCAR"))
    mlp("convert", "OUTCAR", "out.cfg", "--input_format=outcar")
    kept = files.read("out.cfg")
    assert len(kept) < 3
    assert "--save_nonconverged keeps them" in capsys.readouterr().err
    mlp("convert", "OUTCAR", "out.cfg", "--input_format=outcar", "--save_nonconverged")
    noted = [one.features["EFS_by"] for one in files.read("out.cfg")]
    assert noted.count("VASP_not_converged") == 3 - len(kept)
    mlp("add-from-outcar-dyn", "db.cfg", "OUTCAR")
    assert len(files.read("db.cfg")) == len(kept)
    mlp("add_from_outcar_dyn", "db.cfg", "OUTCAR", "--save_nonconverged", "--absolute_types")
    assert [set(one.types.tolist()) for one in files.read("db.cfg")[-3:]] == [{47}] * 3
    mlp("filter-nonconv", "out.cfg")
    assert [one.features["EFS_by"] for one in files.read("out.cfg")] == ["VASP"] * len(kept)


def test_binary_and_back(files: Files) -> None:
    mlp("convert-cfg", "in.cfg", "bin.cfg", "--output-format=bin")
    assert Path("bin.cfg").read_bytes().startswith(b"n")
    mlp("to_bin", "in.cfg", "other.cfg")
    assert Path("other.cfg").read_bytes() == Path("bin.cfg").read_bytes()
    mlp("convert", "bin.cfg", "text.cfg", "--input_format=bin")
    mlp("from-bin", "bin.cfg", "again.cfg")
    text = b"".join(text_bytes(one, full_precision=False) for one in files.read("in.cfg"))
    assert Path("text.cfg").read_bytes() == text == Path("again.cfg").read_bytes()
    mlp("convert-cfg", "in.cfg", "text.cfg", "--append", "--last")
    assert Path("text.cfg").read_bytes().startswith(text)
    assert len(files.read("text.cfg")) == 4


def test_features_stand_in_the_order_of_their_names(files: Files) -> None:
    one = configuration(
        crystal(0), features={"from": "x", "EFS_by": "y", "mindist": "1", "ID": "3"}
    )
    files.write("out.cfg", [one])
    mlp("convert-cfg", "out.cfg", "sorted.cfg")
    assert list(files.read("sorted.cfg")[0].features) == ["EFS_by", "ID", "from", "mindist"]


def test_several_poscars_are_numbered(files: Files) -> None:
    mlp("convert-cfg", "in.cfg", "POSCAR", "--output-format=vasp-poscar")
    assert sorted(path.name for path in Path().glob("POSCAR*")) == ["POSCAR0", "POSCAR1", "POSCAR2"]
    lines = Path("POSCAR1").read_text().splitlines()
    assert lines[5].split() == ["2", "2"]  # no line of symbols, as in VASP 4
    expected = files.read("in.cfg")[1]
    mlp("convert", "in.cfg", "POSCAR", "--output_format=poscar", "--last")
    assert Path("POSCAR").exists()
    mlp("convert", "POSCAR1", "back.cfg", "--input_format=poscar")
    (back,) = files.read("back.cfg")
    order = np.argsort(expected.types, kind="stable")
    np.testing.assert_allclose(back.positions, expected.positions[order], atol=1e-6)
    assert back.types.tolist() == [0, 0, 1, 1]
    mlp("to-poscar", "in.cfg", "other")
    assert Path("other2").exists()


def test_a_poscar_counts_types_that_it_lacks(files: Files) -> None:
    one = crystal(0)
    first = configuration(one)
    only_second = configuration(one[[1, 3]])
    files.write("two.cfg", [first, only_second])
    mlp("convert-cfg", "two.cfg", "P", "--output-format=vasp-poscar")
    assert Path("P1").read_text().splitlines()[5].split() == ["0", "2"]


def test_absolute_types_in_the_order_of_potcar(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    mlp("remap_species", "in.cfg", "absolute.cfg", "46", "22")
    words = ("convert", "absolute.cfg", "P", "--output_format=poscar", "--last")
    mlp(*words)
    ascending = Path("P").read_text().splitlines()
    mlp(*words, "--type_order=46,22")
    turned = Path("P").read_text().splitlines()
    assert ascending[7:9] == turned[9:11]
    assert ascending[9:11] == turned[7:9]
    mlp(*words, "--type_order=46", code=2)
    assert "does not name the types 22" in capsys.readouterr().err


def test_a_data_file_of_lammps(files: Files) -> None:
    mlp("convert-cfg", "in.cfg", "data", "--output-format=lammps-datafile")
    assert sorted(path.name for path in Path().glob("data*")) == ["data0", "data1", "data2"]
    text = Path("data2").read_text()
    assert "2 atom types" in text
    assert "Masses" not in text
    atoms = read_lammps_data("data2", Z_of_type={1: 1, 2: 2}, atom_style="atomic")
    expected = files.read("in.cfg")[2]
    assert (atoms.numbers - 1).tolist() == expected.types.tolist()
    lengths = np.linalg.norm(expected.cell, axis=1)
    np.testing.assert_allclose(atoms.cell.lengths(), lengths, rtol=1e-6)
    distances = np.linalg.norm(expected.positions[1:] - expected.positions[0], axis=1)
    found = atoms.get_distances(0, range(1, 4))
    np.testing.assert_allclose(found, distances, rtol=1e-5)


DUMP = """\
ITEM: TIMESTEP
{step}
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0.0 4.0
0.0 5.0
0.0 6.0
ITEM: ATOMS id type {more}x y z fx fy fz
2 1 {second}1.0 2.0 3.0 0.1 0.2 0.3
1 3 {first}0.5 0.5 0.5 -0.1 -0.2 -0.3
"""


@pytest.mark.parametrize("elements", [False, True])
def test_a_dump_of_lammps(elements: bool, files: Files) -> None:
    more = {"more": "element ", "second": "Al ", "first": "Ti "}
    words = more if elements else dict.fromkeys(more, "")
    Path("a.dump").write_text("".join(DUMP.format(step=step, **words) for step in (0, 10)))
    mlp("convert", "a.dump", "out.cfg", "--input_format=lammps_dump")
    found = files.read("out.cfg")
    assert len(found) == 2
    assert found[1].types.tolist() == [2, 0]
    assert found[1].forces is None
    np.testing.assert_allclose(found[1].positions, [[0.5, 0.5, 0.5], [1, 2, 3]])
    np.testing.assert_allclose(found[1].cell, np.diag([4.0, 5.0, 6.0]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--input-format=cif",), "unknown format 'cif'"),
        (("--output-format=vasp-outcar",), "are not written"),
        (("--input-format=lammps-datafile",), "are not read"),
        (("--output-format=vasp-poscar", "--append"), "--append"),
    ],
)
def test_what_cannot_be_converted(
    words: tuple[str, ...], message: str, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    mlp("convert-cfg", "in.cfg", "out.cfg", *words, code=2)
    assert message in capsys.readouterr().err
    assert not Path("out.cfg").exists()


def test_clusters_have_no_poscar(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    atoms = crystal(0)
    atoms.pbc = False
    files.write("cluster.cfg", [configuration(atoms)])
    mlp("convert-cfg", "cluster.cfg", "P", "--output-format=vasp-poscar", code=2)
    assert "configuration 1 has no Supercell" in capsys.readouterr().err


def test_an_empty_file_is_no_error_and_a_damaged_one_is(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.cfg").write_text("")
    mlp("convert-cfg", "empty.cfg", "out.cfg")
    assert Path("out.cfg").read_bytes() == b""
    Path("out.cfg").write_text("what was here")
    text = Path("in.cfg").read_text()
    Path("damaged.cfg").write_text(text[: len(text) // 2])
    mlp("convert-cfg", "damaged.cfg", "out.cfg", code=2)
    assert "damaged.cfg, line" in capsys.readouterr().err
    assert Path("out.cfg").read_text() == "what was here"
    mlp("convert-cfg", "missing.cfg", "out.cfg", code=2)
    mlp("convert-cfg", "in.cfg", "in.cfg", code=2)
    assert len(files.read("in.cfg")) == 3


def test_the_lattice_is_mended_on_the_way(files: Files) -> None:
    one = files.read("in.cfg")[0]
    mlp("convert-cfg", "in.cfg", "out.cfg", "--fix-lattice", "--last")
    (fixed,) = files.read("out.cfg")
    assert not np.triu(fixed.cell, 1).any()
    assert fixed.volume == pytest.approx(files.read("in.cfg")[2].volume, rel=1e-5)
    assert one.volume > 0


def test_ase_reads_the_poscars(files: Files) -> None:
    mlp("convert-cfg", "in.cfg", "POSCAR", "--output-format=vasp-poscar", "--last")
    lines = Path("POSCAR").read_text().splitlines()
    lines.insert(5, "Ti Al")  # as scripts do for VASP 5
    Path("with_names").write_text("\n".join(lines) + "\n")
    atoms = read("with_names", format="vasp")
    assert atoms.get_chemical_formula() == "Al2Ti2"
