"""`maxvolt calibrate`, and expected errors in `maxvolt grade`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import maxvolt
from maxvolt.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from docs.preparations import aluminium

    folder = tmp_path_factory.mktemp("calibrate")
    aluminium(folder)
    return folder


def calibrated(files: Path, *words: str, held_out: tuple[str, ...] = ()) -> int:
    train = ["--train", str(files / "train.xyz")]
    return main(["calibrate", str(files / "pot.almtp"), *held_out, *train, *words])


def test_tables_file_and_figure(files, tmp_path, capsys) -> None:
    out, figure = tmp_path / "pot.uncertainty", tmp_path / "reliability.png"
    words = ("--measure", "grade", "--measure", "posterior", "-o", str(out), "--plot", str(figure))
    assert calibrated(files, *words) == 0
    printed = capsys.readouterr()
    assert "stated" in printed.out
    assert "missed" in printed.out
    assert "at grade 10 a force error of" in printed.out
    assert "10-fold cross-validation of 16 structures" in printed.err
    assert figure.stat().st_size > 1000
    found = maxvolt.read_uncertainty(out)
    assert found.calibration.names == ("grade", "posterior")
    command = ["grade", str(files / "pot.almtp"), str(files / "new.xyz")]
    assert main([*command, "--uncertainty", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (first, *_), errors = document["structures"], found.of(files / "new.xyz")
    assert first["expected_force_error_eV_per_A"] == pytest.approx(errors.structures[0])
    assert [row["grade"] for row in document["thresholds"]] == [2.0, 10.0]
    assert main([*command, "--uncertainty", str(out)]) == 0
    printed = capsys.readouterr()
    assert "expected error" in printed.out
    assert "at grade 2 a force error of" in printed.err


def test_json(files, tmp_path, capsys) -> None:
    assert calibrated(files, "--json", "-o", str(tmp_path / "pot.uncertainty")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["structures"] == 16
    stated = [row["stated"] for row in document["reliability"]["coverage"]]
    assert stated == [0.5, 0.68, 0.8, 0.9, 0.95]


def test_five_structures_have_tables_and_a_warning(files, tmp_path, capsys) -> None:
    few, out = tmp_path / "few.xyz", tmp_path / "pot.uncertainty"
    maxvolt.write(few, maxvolt.read(files / "train.xyz").select(range(5)))
    assert calibrated(files, "-o", str(out), held_out=(str(few),)) == 0
    printed = capsys.readouterr()
    assert "stated" in printed.out
    assert "warning: 5 structures with forces are few" in printed.err
    assert calibrated(files, "-o", str(out), "--json", held_out=(str(few),)) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning in " ".join(printed.err.split())


def test_what_is_refused(files, tmp_path, capsys) -> None:
    out = tmp_path / "pot.uncertainty"
    assert main(["calibrate", str(files / "pot.mtp"), "-o", str(out)]) == 2
    assert "HELD_OUT" in capsys.readouterr().err
    words = ["calibrate", str(files / "pot.mtp"), str(files / "test.xyz"), "-o", str(out)]
    assert main(words) == 2
    assert "training set" in capsys.readouterr().err
    assert main([*words, "--train", str(files / "train.xyz")]) == 2
    assert "too few" in capsys.readouterr().err
    assert not out.exists()
    graded = ["grade", str(files / "pot.almtp"), str(files / "new.xyz")]
    assert main([*graded, "--uncertainty", str(files / "new.xyz")]) == 2
    assert "new.xyz" in capsys.readouterr().err


def test_held_out_structures_may_stand_anywhere(files, tmp_path, capsys) -> None:
    few, out = str(tmp_path / "few.xyz"), str(tmp_path / "pot.uncertainty")
    maxvolt.write(few, maxvolt.read(files / "train.xyz").select(range(5)))
    pot, train = str(files / "pot.almtp"), ["--train", str(files / "train.xyz")]
    for words in ([pot, *train, few], [*train, pot, few], [pot, few, *train]):
        assert main(["calibrate", *words, "-o", out, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["structures"] == 5
    with pytest.raises(SystemExit):
        main(["calibrate", pot, *train, few, few, "-o", out])
    assert f"unrecognized arguments: {few} (see" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["calibrate", pot, "--trian", few, "-o", out])
    assert "did you mean --train?" in capsys.readouterr().err
