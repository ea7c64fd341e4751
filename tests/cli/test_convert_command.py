"""`maxvolt convert`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maxvolt.cli import main


def test_there_and_back(dimers, tmp_path, capsys):
    import maxvolt

    cfg, back = tmp_path / "dimers.cfg", tmp_path / "back.xyz"
    assert main(["convert", str(dimers), str(cfg), "--species", "Ti,Al"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["convert", str(cfg), str(back), "--species", "Ti,Al", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "output": str(back),
        "format": "extxyz",
        "structures": 3,
        "atoms": 6,
        "dropped": {},
        "labels_written": True,
    }
    first, second = maxvolt.read(dimers), maxvolt.read(back)
    assert np.array_equal(second.numbers, first.numbers)
    assert second.energies == pytest.approx(first.energies, abs=1e-9)
    assert second.forces == pytest.approx(first.forces, abs=1e-6)


PLAIN = """BEGIN_CFG
 Size
    2
 AtomData:  id type cartes_x cartes_y cartes_z
    1 0 0 0 0
    2 1 0 0 2.5
 Feature   MV_grade    1.5
END_CFG
"""


def test_cfg_to_cfg_needs_no_names_and_keeps_all(tmp_path, capsys):
    plain, binary, back = (tmp_path / name for name in ("a.cfg", "b.bin.cfg", "c.cfg"))
    plain.write_text(PLAIN * 2)
    assert main(["convert", str(plain), str(binary)]) == 0
    assert main(["convert", str(binary), str(back), "--index", "1"]) == 0
    assert main(["convert", str(binary), str(back), "--index", "0:1", "--append"]) == 0
    text = back.read_text()
    assert text.count("BEGIN_CFG") == 2
    assert text.count("MV_grade") == 2
    assert "species" not in text
    capsys.readouterr()
    assert main(["convert", str(binary), str(back), "--index", "7"]) == 2
    assert f"--index 7: {binary} holds 2 structures" in capsys.readouterr().err
    assert main(["convert", str(binary), str(back), "--index", "some"]) == 2
    assert "expected a number or a range" in capsys.readouterr().err


def test_a_file_without_names_asks_for_species(tmp_path, capsys):
    cfg, back = tmp_path / "plain.cfg", tmp_path / "back.xyz"
    cfg.write_text(PLAIN)
    assert main(["convert", str(cfg), str(back)]) == 2
    message = capsys.readouterr().err
    assert "--species" in message
    assert message.count("\n") == 1
    assert not back.exists()


def test_index_and_append(dimers, tmp_path):
    import maxvolt

    out = tmp_path / "out.xyz"
    assert main(["convert", str(dimers), str(out), "--index", "-1"]) == 0
    assert maxvolt.read(out).energies == pytest.approx([-5.0])
    assert main(["convert", str(dimers), str(out), "--index", "0", "--append"]) == 0
    assert maxvolt.read(out).energies == pytest.approx([-5.0, -3.0])


def test_failure_leaves_no_file_and_keeps_the_old_one(tmp_path, capsys):
    bad, out = tmp_path / "bad.cfg", tmp_path / "out.xyz"
    bad.write_text("BEGIN_CFG\n Size\n  many\nEND_CFG\n")
    out.write_text("precious")
    assert main(["convert", str(bad), str(out), "--species", "Ti"]) == 2
    assert "bad.cfg, line 2" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.cfg", "out.xyz"]


@pytest.mark.parametrize("output", ["out.xyz", "out.cfg"])
def test_nothing_to_convert(output, tmp_path, capsys):
    (tmp_path / "empty.cfg").write_text("")
    assert main(["convert", str(tmp_path / "empty.cfg"), str(tmp_path / output)]) == 2
    assert "no structure to write" in capsys.readouterr().err
    assert not (tmp_path / output).exists()


@pytest.mark.parametrize("index", ["3", "-4"])
def test_an_index_out_of_range_names_file_and_option(index, dimers, tmp_path, capsys):
    out = tmp_path / "out.xyz"
    assert main(["convert", str(dimers), str(out), f"--index={index}"]) == 2
    assert f"--index {index}: {dimers} holds 3 structures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.data", "a.data: 1 structure as lammps-data; labels not written\n"),
        ("a.lmp", "a.lmp: 1 structure as lammps-data; labels not written\n"),
        ("a.vasp", "a.vasp: 1 structure as vasp; labels not written\n"),
        ("a.cfg", "a.cfg: 1 structure as cfg\n"),
        ("a.db", "a.db: 1 structure as db\n"),
    ],
)
def test_the_result_names_the_format(name, result, tmp_path, capsys):
    source = tmp_path / "one.xyz"
    source.write_text(
        '2\nLattice="9 0 0 0 9 0 0 0 9" pbc="T T T" energy=1.0\nTi 0 0 0\nAl 0 0 2.5\n'
    )
    assert main(["convert", str(source), str(tmp_path / name)]) == 0
    assert capsys.readouterr().err.endswith(result)
    assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize("name", ["a.data", "a.lmp", "POSCAR"])
def test_several_structures_do_not_fit_into_files_of_one(name, dimers, tmp_path, capsys):
    assert main(["convert", str(dimers), str(tmp_path / name)]) == 2
    assert "holds one structure, there are 3" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


# ------------------------------------------------------------------ types, constraints

POSCAR = """copper on nickel
1.0
4.0 0.0 0.0
0.0 4.0 0.0
0.0 0.0 8.0
Ni Cu
1 1
Selective dynamics
Direct
0.0 0.0 0.0 F F F
0.5 0.5 0.5 T T T
"""


def types_of(path):
    from maxvolt.io.cfg import read_cfg

    return [record.types.tolist() for record in read_cfg(path)]


def test_types_of_a_cfg_follow_the_order_of_vasp(tmp_path, capsys):
    """MLIP numbers them so: a potential that it trained finds its species."""
    poscar, other, cfg = (tmp_path / name for name in ("POSCAR", "CONTCAR", "a.cfg"))
    poscar.write_text(POSCAR)
    assert main(["convert", str(poscar), str(cfg)]) == 0
    assert f"types in the order of {poscar}: 0 Ni, 1 Cu (--species" in capsys.readouterr().err
    assert types_of(cfg) == [[0, 1]]
    other.write_text(POSCAR.replace("Ni Cu", "Al Ni"))
    assert main(["convert", str(other), str(cfg), "--append", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["species"] == ["Ni", "Cu", "Al"]
    assert types_of(cfg) == [[0, 1], [2, 0]]
    assert main(["convert", str(poscar), str(cfg), "--species", "Cu,Ni"]) == 0
    assert "order" not in capsys.readouterr().err
    assert types_of(cfg) == [[1, 0]]


def test_mlip_conversion_of_an_outcar(shared, tmp_path, capsys):
    """The POTCAR begins with Pd, of which there is no atom: it is type 0 all the same."""
    example = shared / "reference" / "mlip3" / "examples" / "00.convert_vasp_outcar"
    cfg = tmp_path / "a.cfg"
    command = ["convert", str(example / "OUTCAR"), str(cfg), "--output-format", "cfg-ordinary"]
    assert main(command) == 0
    assert ": 0 Pd, 1 Ag (" in capsys.readouterr().err
    ours = [line for line in cfg.read_text().splitlines() if line != " Feature   species\tPd Ag"]
    assert ours == (example / "sample_out" / "relax.cfg").read_text().splitlines()


def test_constraints_are_kept_or_named(tmp_path, capsys):
    import maxvolt

    poscar, cfg, back, data = (tmp_path / n for n in ("POSCAR", "a.cfg", "CONTCAR", "data.NiCu"))
    poscar.write_text(POSCAR)
    assert main(["convert", str(poscar), str(cfg)]) == 0
    assert main(["convert", str(cfg), str(back)]) == 0
    assert "warning" not in capsys.readouterr().err
    fixed = [{"name": "FixAtoms", "kwargs": {"indices": [0]}}]
    assert maxvolt.read(back).infos[0] == {"constraints": fixed}
    assert main(["convert", str(poscar), str(data), "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["constraints_not_written"] == ["FixAtoms"]
    assert "does not keep the constraints FixAtoms; not written" in output.err


def test_unconverged_steps_alone_tell_of_the_option_that_keeps_them(shared, tmp_path, capsys):
    outcar, out = str(shared / "faults/vasp/OUTCAR_nelm_reached"), tmp_path / "out.xyz"
    assert main(["convert", outcar, str(out)]) == 2
    assert (
        "1 dropped: electronic steps not converged; --keep-unconverged" in capsys.readouterr().err
    )
    assert main(["convert", outcar, str(out), "--keep-unconverged"]) == 0
    assert out.exists()
