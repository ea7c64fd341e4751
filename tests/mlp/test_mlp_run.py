"""`run`, `sample`, `recognize` and `self-test`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from mlp_cases import SPECIES, Files, configuration, crystal, mlp

import maxvolt
from maxvolt.mlp import checks_of_itself

Capsys = pytest.CaptureFixture[str]


def ini(text: str) -> None:
    Path("mlip.ini").write_text(f"mtp-filename pot.mtp\n{text}")


def grades_of(files: Files, name: str) -> np.ndarray:
    return files.active_set.grade(maxvolt.read(name, species=SPECIES))


def test_run_evaluates_and_writes(files: Files) -> None:
    bare = [configuration(crystal(seed)) for seed in range(5)]
    files.write("bare.cfg", bare)
    ini("write-cfgs out.cfg\nwrite-cfgs:skip 1\n")
    mlp("run", "mlip.ini", "bare.cfg")
    found = files.read("out.cfg")
    assert len(found) == 3
    expected = files.potential.evaluate(crystal(2))
    assert found[1].energy == pytest.approx(expected.energy, abs=1e-9)
    np.testing.assert_allclose(found[1].forces, expected.forces, atol=1e-6)
    assert found[1].features == {"EFS_by": "MultiMTP"}
    mlp("run", "mlip.ini", "bare.cfg", "--write-cfgs:skip=0", "--calculate-efs=FALSE")
    assert [one.energy for one in files.read("out.cfg")] == [None] * 5


def test_run_compares_with_labels(files: Files, capsys: Capsys) -> None:
    ini("check-errors TRUE\n")
    mlp("run", "mlip.ini", "train.cfg")
    printed = capsys.readouterr().out
    mlp("calc-errors", "pot.mtp", "train.cfg")
    assert capsys.readouterr().out == printed
    ini("check-errors report.txt\n")
    mlp("run", "mlip.ini", "train.cfg")
    assert Path("report.txt").read_text().strip() == printed.strip()
    files.write("bare.cfg", [configuration(crystal(0))])
    mlp("run", "mlip.ini", "bare.cfg", code=2)
    assert "mlip.ini, line 2: check-errors" in capsys.readouterr().err


def test_run_keeps_what_extrapolates(files: Files, capsys: Capsys) -> None:
    grades = grades_of(files, "in.cfg")
    middle = float(np.median(grades))
    ini(
        "select TRUE\nselect:load-state state.als\nselect:save-selected kept.cfg\n"
        f"select:threshold {middle}\n"
    )
    mlp("run", "mlip.ini", "in.cfg")
    kept = [float(one.features["MV_grade"]) for one in files.read("kept.cfg")]
    np.testing.assert_allclose(kept, grades[grades >= middle], rtol=1e-6, atol=1e-6)
    break_at = f"--select:threshold-break={middle}"
    mlp("run", "mlip.ini", "in.cfg", break_at, "--write-cfgs=all.cfg", code=2)
    number = int(np.flatnonzero(grades >= middle)[0]) + 1
    assert f"configuration {number} has the grade" in capsys.readouterr().err
    assert len(files.read("kept.cfg")) == 1
    assert len(files.read("all.cfg")) == 3


def test_run_of_mlip_3(files: Files) -> None:
    Path("mlip.ini").write_text(
        "mlip:load_from pot.almtp\nextrapolation_control TRUE\n"
        "extrapolation_control:threshold_save 1e-9\nextrapolation_control:threshold_break 0\n"
    )
    mlp("run", "mlip.ini", "in.cfg")
    kept = [float(one.features["MV_grade"]) for one in files.read("preselected.cfg")]
    np.testing.assert_allclose(kept, grades_of(files, "in.cfg"), rtol=1e-6, atol=1e-6)


def test_run_selects_an_active_set(files: Files) -> None:
    ini("select TRUE\nselect:save-state new.als\nselect:save-selected chosen.cfg\n")
    mlp("run", "mlip.ini", "train.cfg")
    active_set = maxvolt.read_active_set("new.als", SPECIES)
    assert len(files.read("chosen.cfg")) == len(active_set.structures) > 0
    assert active_set.grade(maxvolt.read("train.cfg", species=SPECIES)).max() <= 1.0011


def test_run_fits(files: Files, capsys: Capsys) -> None:
    model = files.potential.model
    wrong = files.potential.with_coefficients(
        1.2 * model.radial_coeffs, model.species_coeffs, model.moment_coeffs
    )
    wrong.write("pot.mtp")
    ini("fit TRUE\nfit:save fitted.mtp\nfit:force-weight 0.1\n")
    mlp("run", "mlip.ini", "train.cfg")
    labels = maxvolt.read("train.cfg", species=SPECIES)
    errors = [
        abs(maxvolt.load(path, SPECIES).evaluate_dataset(labels).forces - labels.forces).max()
        for path in ("pot.mtp", "fitted.mtp")
    ]
    assert errors[1] < 0.01 * errors[0]
    ini("fit TRUE\n")
    mlp("run", "mlip.ini", "train.cfg", code=2)
    assert "without fit:save" in capsys.readouterr().err
    ini("fit TRUE\nselect TRUE\nselect:load-state state.als\n")
    mlp("run", "mlip.ini", "train.cfg", code=2)


def test_run_warns_about_unknown_keys(files: Files, capsys: Capsys) -> None:
    ini("abinitio void\nselect:log log.txt\n")
    mlp("run", "mlip.ini", "in.cfg", "--sellect=TRUE")
    said = capsys.readouterr().err
    assert "mlip.ini, line 2: abinitio: is no key" in said
    assert "mlip.ini, line 3: select:log: makes no difference" in said
    assert "--sellect: is no key that mlp knows, ignored; did you mean select?" in said


# ------------------------------------------------------------------ sample


def test_sampled_configurations(files: Files, capsys: Capsys) -> None:
    grades = grades_of(files, "in.cfg")
    middle = float(np.median(grades))
    words = ("sample", "pot.almtp", "in.cfg", "out.cfg", f"--threshold_save={middle}")
    mlp(*words, "--threshold_break=0")
    printed = re.findall(r"cfg#(\d)\tgrade (\S+)", capsys.readouterr().out)
    assert [number for number, _ in printed] == ["1", "2", "3"]
    np.testing.assert_allclose([float(grade) for _, grade in printed], grades, rtol=1e-5)
    kept = files.read("out.cfg")
    assert len(kept) == (grades >= middle).sum()
    assert all("MV_grade" in one.features for one in kept)
    mlp(*words, "--threshold_break=0", "--add_grade_feature=false", "--log=none")
    assert capsys.readouterr().out == ""
    assert not any("MV_grade" in one.features for one in files.read("out.cfg"))
    mlp(*words, f"--threshold_break={middle}", "--log=log.txt", code=2)
    assert len(files.read("out.cfg")) == 1
    assert (
        Path("log.txt").read_text().count("grade") == int(np.flatnonzero(grades >= middle)[0]) + 1
    )
    mlp("sample", "pot.mtp", "in.cfg", "out.cfg", code=2)
    assert "holds no active set" in capsys.readouterr().err


# ------------------------------------------------------------------ recognize


def test_what_is_unknown_is_recognized(files: Files, capsys: Capsys) -> None:
    mlp("recognize", "pot.mtp", "train.cfg", "--train=known.almtp")
    odd = crystal(0) * (2, 2, 2)
    odd.positions[5] += [0.5, 0.3, 0.0]
    files.write("odd.cfg", [configuration(odd), configuration(crystal(0))])
    mlp("recognize", "known.almtp", "odd.cfg")
    text = Path("recognition.txt").read_text()
    first = re.search(r"cfg# 1\ni1= (\d+) g1=(\S+)\ti2= (\d+) g2=(\S+)", text)
    assert first is not None
    known = maxvolt.read_active_set("known.almtp", SPECIES)
    alike = odd.copy()
    alike.symbols = [SPECIES[0]] * len(odd)
    grades = known.site_grades(alike)
    assert int(first[1]) == grades.argmax()
    assert float(first[2]) == pytest.approx(grades.max(), rel=1e-4)
    assert float(first[4]) == pytest.approx(np.sort(grades)[-2], rel=1e-4)
    assert text.count("lattice_cubic_check") == 2
    mlp("recognize", "pot.almtp", "odd.cfg", code=2)
    assert "is of configurations" in capsys.readouterr().err


# ------------------------------------------------------------------ the test of itself


@pytest.mark.parametrize("name", ["self-test", "test"])
def test_it_tests_itself(name: str, capsys: Capsys) -> None:
    mlp(name)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "All tests passed"
    assert all(line.endswith(": ok") for line in lines[:-1])
    assert len(lines) == 9


def test_it_notices_wrong_forces(monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    evaluate = maxvolt.MTP.evaluate

    def wrong(self: maxvolt.MTP, *arguments: object, **options: object) -> object:
        from dataclasses import replace

        found = evaluate(self, *arguments, **options)  # type: ignore[arg-type]
        return replace(found, forces=1.0001 * found.forces)

    monkeypatch.setattr(maxvolt.MTP, "evaluate", wrong)
    first = next(checks_of_itself.checks())
    assert not first.is_right
    mlp("self-test", code=2)
    said = capsys.readouterr()
    assert "test 1: forces against differences of the energy" in said.out
    assert "WRONG" in said.out
    assert "1 tests failed" in said.err
