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
        "structures": 3,
        "atoms": 6,
    }
    first, second = maxvolt.read(dimers), maxvolt.read(back)
    assert np.array_equal(second.numbers, first.numbers)
    assert second.energies == pytest.approx(first.energies, abs=1e-9)
    assert second.forces == pytest.approx(first.forces, abs=1e-6)


def test_a_file_without_names_asks_for_species(dimers, tmp_path, capsys):
    cfg, back = tmp_path / "dimers.cfg", tmp_path / "back.xyz"
    assert main(["convert", str(dimers), str(cfg), "--species", "Ti,Al"]) == 0
    capsys.readouterr()
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
    assert "bad.cfg, line 3" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.cfg", "out.xyz"]
