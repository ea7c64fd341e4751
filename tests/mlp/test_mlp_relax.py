"""`relax` of both versions: relaxed configurations, what extrapolates, settings from files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from mlp_cases import SPECIES, Files, configuration, crystal, mlp

from maxvolt.io.cfg import read_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp import relaxation_files
from maxvolt.mlp.relaxation import Relaxing
from maxvolt.mlp.type_distances import shortest_by_types
from maxvolt.units import GPA_PER_EV_A3

MLIP_INI = "mtp-filename pot.mtp  # by MLIP-2\nselect FALSE\n"

SELECTING = """\
mtp-filename            pot.mtp
select                  TRUE
select:threshold        {save}
select:threshold-break  {stop}
select:save-selected    selected.cfg
select:load-state       state.als
"""


def as_atoms(one: CfgConfiguration) -> Atoms:
    return Atoms(
        [SPECIES[kind] for kind in one.types],
        one.positions,
        cell=one.cell,
        pbc=one.cell.any(axis=1),
    )


def largest(files: Files, one: CfgConfiguration, pressure: float = 0.0) -> tuple[float, float]:
    """Longest force, and largest stress in GPa, by the potential itself."""
    found = files.potential.evaluate(as_atoms(one))
    assert found.stress is not None
    stress = found.stress * GPA_PER_EV_A3 + pressure * np.repeat([1, 0], 3)
    return float(np.linalg.norm(found.forces, axis=1).max()), float(abs(stress).max())


@pytest.mark.parametrize("version", [2, 3])
def test_relaxed_configurations(
    version: int, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {"ID": "7", "mindist": "1.9"}
    files.write("in.cfg", [replace(one, features=kept) for one in files.read("in.cfg")])
    if version == 2:
        Path("mlip.ini").write_text(MLIP_INI)
        mlp("relax", "mlip.ini", "--cfg-filename=in.cfg", "--save-relaxed=out.cfg", "--log=log")
    else:
        mlp("relax", "pot.mtp", "in.cfg", "out.cfg", "--log=log")
    assert capsys.readouterr().out == "From 3 configurations 3 were relaxed successfully\n"
    found = files.read("out.cfg")
    assert len(found) == 3
    for one, before in zip(found, files.read("in.cfg"), strict=True):
        force, stress = largest(files, one)
        assert force < 1.1e-4  # positions have six decimals
        assert stress < 1.5e-3
        assert one.types.tolist() == before.types.tolist()
        assert one.energy == pytest.approx(files.potential.evaluate(as_atoms(one)).energy, abs=1e-6)
        features = dict(one.features)
        noted = re.fullmatch(
            r"\{\(0,0\):(.*),\(0,1\):(.*),\(1,1\):(.*)\}", features.pop("mindists")
        )
        assert noted is not None
        distances = list(shortest_by_types(one).values())
        np.testing.assert_allclose(np.array(noted.groups(), float), distances, atol=3e-6)
        made_by = {2: "MultiMTP", 3: "MultiMTP3"}[version]
        assert features == kept | {"EFS_by": made_by, "from": "relaxation_OK"}
    log = Path("log").read_text().splitlines()
    assert log[0] == "Relaxation: starting relaxation cfg#1"
    assert log[1].startswith("cfg 1\titr ")
    assert log[2] == "Relaxation of cfg#1 completed successfully"


def test_pressure(files: Files) -> None:
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", "--pressure=20")
    mlp("relax", "pot.mtp", "in.cfg", "free.cfg", "--relax:pressure=0")
    for one, free in zip(files.read("out.cfg"), files.read("free.cfg"), strict=True):
        assert largest(files, one, pressure=20.0)[1] < 2e-3
        assert one.volume < 0.96 * free.volume
        work = 20.0 / GPA_PER_EV_A3 * one.volume
        assert one.energy is not None
        assert float(one.features["PV"]) == pytest.approx(work, abs=2e-5)
        assert float(one.features["enthalpy"]) == pytest.approx(one.energy + work, abs=2e-5)


def test_only_the_atoms_or_only_the_cell(files: Files) -> None:
    before = files.read("in.cfg")
    mlp("relax", "pot.mtp", "in.cfg", "atoms.cfg", "--stress_tolerance=0")
    mlp("relax", "pot.mtp", "in.cfg", "cell.cfg", "--force_tolerance=0")
    atoms, cells = files.read("atoms.cfg"), files.read("cell.cfg")
    for one, atom, cell in zip(before, atoms, cells, strict=True):
        np.testing.assert_allclose(atom.cell, one.cell, atol=1e-6)
        assert largest(files, atom)[0] < 1.1e-4
        assert largest(files, atom)[1] > 1e-2
        scaled = np.linalg.solve(one.cell.T, one.positions.T)
        np.testing.assert_allclose(
            np.linalg.solve(cell.cell.T, cell.positions.T), scaled, atol=1e-6
        )
        assert largest(files, cell)[1] < 2e-3
        assert largest(files, cell)[0] > 1e-2


def test_clusters_and_crystals_in_one_file(files: Files) -> None:
    cluster = crystal(1)
    cluster.pbc = False
    files.write("mixed.cfg", [configuration(cluster), configuration(crystal(2))])
    mlp("relax", "pot.mtp", "mixed.cfg", "out.cfg")
    first, second = files.read("out.cfg")
    assert not first.cell.any()
    forces = files.potential.evaluate(as_atoms(first)).forces
    assert np.linalg.norm(forces, axis=1).max() < 1.1e-4
    assert second.volume > 0


def test_atoms_that_a_feature_fixes(files: Files) -> None:
    fixed = configuration(crystal(3), features={"relax:fixed_atoms": "0,2"})
    files.write("in.cfg", [fixed])
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", "--stress_tolerance=0")
    (one,) = files.read("out.cfg")
    moved = np.linalg.norm(one.positions - fixed.positions, axis=1)
    assert (moved[[0, 2]] < 1e-6).all()
    assert (moved[[1, 3]] > 1e-3).all()
    files.write("in.cfg", [configuration(crystal(3), features={"relax:fixed_atoms": "4"})])
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", code=2)


def test_what_fails_is_saved_as_it_was(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    before = files.read("in.cfg")
    words = (
        "relax",
        "pot.mtp",
        "in.cfg",
        "out.cfg",
        "--iteration_limit=2",
        "--save_unrelaxed=un.cfg",
    )
    mlp(*words, "--log=stdout")
    said = capsys.readouterr()
    assert "relaxation of cfg#1 failed: step limit" in said.err
    assert said.out.endswith("From 3 configurations 0 were relaxed successfully\n")
    assert "Relaxation of cfg#3 failed: step limit" in said.out
    assert files.read("out.cfg") == []
    for one, unrelaxed in zip(before, files.read("un.cfg"), strict=True):
        np.testing.assert_allclose(unrelaxed.positions, one.positions, atol=1e-6)
        assert unrelaxed.features == one.features
    mlp(*words, "--save_unrelaxed=out.cfg")
    assert len(files.read("out.cfg")) == 3


def test_distances_that_are_too_short(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    close = crystal(3)
    close.positions[1] = close.positions[0] + [0.6, 0.1, 0.0]
    files.write("close.cfg", [configuration(close)])
    mlp("relax", "pot.mtp", "close.cfg", "out.cfg", "--mindist=1.0")
    assert "cfg#1 failed: too close" in capsys.readouterr().err
    mlp("relax", "pot.mtp", "close.cfg", "out.cfg", "--mindist=1.0", "--init_mindist=2.2")
    (one,) = files.read("out.cfg")
    assert largest(files, one)[0] < 1.1e-4
    mlp("relax", "pot.mtp", "close.cfg", "out.cfg", "--iteration_limit=0", "--init_mindist=2.2")
    (one,) = files.read("out.cfg")
    assert one.features["from"] == "fix_mindist_OK"
    assert min(shortest_by_types(one).values()) > 2.2 - 1e-6
    mlp("relax", "pot.mtp", "close.cfg", "out.cfg", "--init_mindist=9")
    assert "9 A apart" in capsys.readouterr().err


def test_the_lattice_is_corrected_first(files: Files) -> None:
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", "--correct_cell")
    for one in files.read("out.cfg"):
        assert not np.triu(one.cell, 1).any()
        assert (np.diag(one.cell) > 0).all()
        assert largest(files, one)[0] < 1.1e-4


# ------------------------------------------------------------------ extrapolation


def grades_on_the_way(files: Files) -> np.ndarray:
    return files.active_set.grade([as_atoms(one) for one in files.read("in.cfg")])


def test_mlip_3_keeps_what_extrapolates(files: Files) -> None:
    first = grades_on_the_way(files)
    save, stop = 0.5 * first.min(), 2 * first.max()
    words = ("relax", "pot.almtp", "in.cfg", "out.cfg", "--extrapolation_control")
    mlp(*words, f"--threshold_save={save}", f"--threshold_break={stop}")
    kept = files.read("preselected.cfg")
    assert len(kept) >= 3
    graded = files.active_set.grade([as_atoms(one) for one in kept])
    for one, grade in zip(kept, graded, strict=True):
        assert float(one.features["MV_grade"]) == pytest.approx(grade, rel=1e-3)
        assert one.features["EFS_by"] == "MultiMTP3"
        assert one.energy is not None
        assert list(one.features) == sorted(one.features)
    mlp(*words, f"--threshold_save={stop}", f"--threshold_break={2 * stop}")
    assert Path("preselected.cfg").read_bytes() == b""


def test_a_grade_above_the_break_ends_a_relaxation(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    first = grades_on_the_way(files)
    middle = 0.999 * float(np.median(first))  # not the grade itself, whose last digit may differ
    words = ("relax", "pot.almtp", "in.cfg", "out.cfg", "--extrapolation_control")
    save = f"--threshold_save={middle}"
    mlp(*words, save, f"--threshold_break={middle}", "--save_extrapolative_to=e.cfg")
    said = capsys.readouterr().err
    expected = [number for number in range(3) if first[number] >= middle]
    assert all(f"cfg#{number + 1} failed: grade" in said for number in expected)
    starts = [files.read("in.cfg")[number].positions for number in expected]
    found = [one.positions for one in files.read("e.cfg")]
    assert all(any(abs(a - b).max() < 1e-6 for b in found) for a in starts)
    mlp(*words, save, "--threshold_break=0", "--save_extrapolative_to=e.cfg")
    assert "failed" not in capsys.readouterr().err
    mlp(*words, "--threshold_save=20", "--threshold_break=3", code=2)
    assert "0 < select <= break" in capsys.readouterr().err


def test_mlip_2_adds_to_what_was_kept(files: Files) -> None:
    first = grades_on_the_way(files)
    Path("mlip.ini").write_text(SELECTING.format(save=0.5 * first.min(), stop=0))
    words = ("relax", "mlip.ini", "--cfg-filename=in.cfg", "--save-relaxed=out.cfg")
    mlp(*words)
    number = len(files.read("selected.cfg"))
    mlp(*words)
    assert len(files.read("selected.cfg")) == 2 * number >= 6
    Path("selected.cfg").unlink()
    Path("mlip.ini").write_text(SELECTING.format(save=1e9, stop=0))
    mlp(*words)
    assert not Path("selected.cfg").exists()


def test_an_active_set_of_another_potential(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    model = files.potential.model
    other = files.potential.with_coefficients(
        2 * model.radial_coeffs, model.species_coeffs, model.moment_coeffs
    )
    other.write("pot.mtp")
    Path("mlip.ini").write_text(SELECTING.format(save=2, stop=10))
    mlp("relax", "mlip.ini", "--cfg-filename=in.cfg", "--save-relaxed=out.cfg", code=2)
    assert "made for another potential" in capsys.readouterr().err
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", "--extrapolation_control", code=2)
    assert "pot.mtp: holds no active set" in capsys.readouterr().err


# ------------------------------------------------------------------ settings and refusals


def test_the_line_outranks_the_file(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    Path("relax.ini").write_text(
        "relax:iteration_limit 1\nrelax:use_gd_method TRUE\nrelax:presure 3\nrelax:log log\n"
    )
    words = ("relax", "pot.mtp", "in.cfg", "out.cfg", "--relaxation_settings=relax.ini")
    mlp(*words)
    said = capsys.readouterr()
    assert "From 3 configurations 0" in said.out
    assert "relax.ini, line 2: relax:use_gd_method: makes no difference here" in said.err
    assert "relax.ini, line 3: relax:presure: is no key" in said.err
    assert "did you mean pressure?" in said.err
    assert "step limit" in Path("log").read_text()
    mlp(*words, "--iteration_limit=500")
    assert "From 3 configurations 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ini", "options", "message"),
    [
        ("select FALSE\n", (), "mlip.ini: mtp-filename is missing"),
        (MLIP_INI + "fit TRUE\n", (), "mlip.ini, line 3: fit: a potential cannot be fitted"),
        (MLIP_INI + "calculate-efs FALSE\n", (), "relaxations need forces"),
        (MLIP_INI + "select:save-state s.als\n", (), "does not change during relaxations"),
        ("mtp-filename pot.mtp\nselect TRUE\n", (), "select is TRUE without select:load-state"),
        (MLIP_INI, ("--min-dist=x",), "--min-dist: expected a number"),
        (MLIP_INI, ("--max-step=0",), "max_step must be a number above 0"),
        (MLIP_INI, ("--max-stp=0.1",), "did you mean --max-step?"),
        ("mtp-filename none.mtp\n", (), "none.mtp"),
    ],
)
def test_what_cannot_be_relaxed(
    ini: str,
    options: tuple[str, ...],
    message: str,
    files: Files,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mlip.ini").write_text(ini)
    words = ("relax", "mlip.ini", "--cfg-filename=in.cfg", "--save-relaxed=out.cfg", *options)
    mlp(*words, code=2)
    assert message in capsys.readouterr().err
    assert not Path("out.cfg").exists()


def test_more_of_what_cannot_be_relaxed(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mlip.ini").write_text(MLIP_INI)
    mlp("relax", "mlip.ini", "--save-relaxed=out.cfg", code=2)
    assert "--cfg-filename: is missing" in capsys.readouterr().err
    mlp("relax", "mlip.ini", "--cfg-filename=in.cfg")
    assert "without --save-relaxed" in capsys.readouterr().err
    mlp("relax", "pot.mtp", "in.cfg", "in.cfg", code=2)
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", "--freeze_small_grads", code=2)
    assert "atoms are moved together" in capsys.readouterr().err
    Path("relax.ini").write_text("relax:freeze_small_grads TRUE\n")
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", "--relaxation_settings=relax.ini", code=2)
    assert "relax.ini, line 1: relax:freeze_small_grads" in capsys.readouterr().err
    unknown = replace(files.read("in.cfg")[0], types=np.array([0, 1, 2, 0], np.int32))
    files.write("types.cfg", [unknown])
    mlp("relax", "pot.mtp", "types.cfg", "out.cfg", code=2)
    assert "type 2" in capsys.readouterr().err


def test_nothing_to_relax(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.cfg").write_text("")
    mlp("relax", "pot.mtp", "empty.cfg", "out.cfg")
    assert Path("out.cfg").read_bytes() == b""
    assert "From 0 configurations 0" in capsys.readouterr().out


def test_portions_give_what_the_whole_gives(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to rounding, which depends on what is evaluated together."""
    nothing = CfgConfiguration(np.zeros(0, np.int32), np.zeros((0, 3)), np.zeros((3, 3)))
    close = crystal(3)
    close.positions[1] = close.positions[0] + [0.6, 0.1, 0.0]
    first, *others = files.read("in.cfg")
    files.write("some.cfg", [nothing, first, configuration(close), *others])
    words = ("relax", "pot.almtp", "some.cfg", "out.cfg", "--extrapolation_control", "--log=log")
    words += ("--threshold_save=1e-9", "--threshold_break=0", "--save_unrelaxed=un.cfg")
    names = ("out.cfg", "un.cfg", "preselected.cfg")
    mlp(*words, "--mindist=1")
    whole = {name: files.read(name) for name in names}
    log = re.findall(r"cfg#(\d) (\w+)", Path("log").read_text())
    assert log == [("2", "completed"), ("3", "failed"), ("4", "completed"), ("5", "completed")]
    cut = list(relaxation_files.portions(files.read("some.cfg"), 8))
    assert [list(part) for part in cut] == [[1, 2], [3, 4]]
    monkeypatch.setattr(relaxation_files.portions, "__defaults__", (8,))
    mlp(*words, "--mindist=1")
    assert re.findall(r"cfg#(\d) (\w+)", Path("log").read_text()) == log
    for name, expected in whole.items():
        found = files.read(name)
        assert len(found) == len(expected) > 0
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one.positions, other.positions, atol=1e-4)


def test_what_has_been_relaxed_survives_the_end(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaxation_files.portions, "__defaults__", (4,))
    relax, calls = Relaxing.relax, []

    def ended(self: Relaxing, *arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return relax(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Relaxing, "relax", ended)
    mlp("relax", "pot.mtp", "in.cfg", "out.cfg", code=130)
    assert len(files.read("out.cfg")) == 2


# ------------------------------------------------------------------ examples of MLIP-3


def test_the_example_of_a_relaxation(shared: Path, files: Files) -> None:
    """Its numbers came from another potential; how it ends and what is written must hold."""
    folder = shared / "reference" / "mlip3" / "examples" / "07.relax"
    Path("out").mkdir()
    settings = f"--relaxation_settings={folder / 'relax.ini'}"
    mlp("relax", folder / "pot.almtp", folder / "to-relax.cfg", "out/relaxed.cfg", settings)
    found = read_cfg("out/relaxed.cfg")
    sample = read_cfg(folder / "sample_out" / "relaxed.cfg.0")
    assert len(found) == len(sample) == 25
    assert Path("out/relaxation.log").read_text().count("completed successfully") == 25
    assert Path("out/relaxed.cfg").stat().st_size == (
        (folder / "sample_out" / "relaxed.cfg.0").stat().st_size
    )  # the same lines, in the same widths
    for one, theirs in zip(found, sample, strict=True):
        assert list(one.features) == list(theirs.features)
        for name in ("EFS_by", "from", "mindist"):
            assert one.features[name] == theirs.features[name]
        assert one.forces is not None
        assert one.plus_stress is not None
        assert np.linalg.norm(one.forces, axis=1).max() < 1.01e-4
        assert abs(one.plus_stress / one.volume * GPA_PER_EV_A3).max() < 1.01e-3


def test_the_example_of_a_preselection(shared: Path, files: Files) -> None:
    folder = shared / "reference" / "mlip3" / "examples" / "08.relax_preselect"
    Path("out").mkdir()
    mlp(
        *("relax", folder / "pot.almtp", folder / "to-relax.cfg", "out/relaxed.cfg"),
        *("--extrapolation_control", "--save_extrapolative_to=out/preselected.cfg"),
        f"--relaxation_settings={folder / 'relax.ini'}",
    )
    kept = read_cfg("out/preselected.cfg")
    log = Path("out/relaxation.log").read_text()
    failed = log.count(" failed: grade: ")
    assert 0 < failed == 25 - len(read_cfg("out/relaxed.cfg"))
    grades = [float(one.features["MV_grade"]) for one in kept]
    assert min(grades) >= 2.1
    assert sum(grade >= 10.0 for grade in grades) == failed
    (sample,) = {tuple(one.features) for one in read_cfg(folder / "sample_out/preselected.cfg.0")}
    assert {tuple(one.features) for one in kept} == {sample}
