"""`maxvolt mindist`."""

from __future__ import annotations

import json

import pytest

from maxvolt.cli import main


def test_table(dimers, capsys):
    assert main(["mindist", str(dimers), "--below", "3.2"]) == 0
    printed = capsys.readouterr().out
    assert "Al - Ti" in printed
    assert "shortest: 2.500000 A, in structure 0" in printed
    assert "below 3.2 A: 2 of 3 structures" in printed


def test_json(dimers, capsys):
    assert main(["mindist", str(dimers), "--below", "3.2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shortest_A"] == pytest.approx(2.5)
    assert found["structure"] == 0
    assert found["pairs_A"] == {"Al - Ti": pytest.approx(2.5)}
    assert found["structures_A"] == pytest.approx([2.5, 3.0, 3.5])
    assert found["below"] == [0, 1]


def test_missing_file(tmp_path, capsys):
    assert main(["mindist", str(tmp_path / "none.xyz")]) == 2
    message = capsys.readouterr().err
    assert "none.xyz" in message
    assert message.count("\n") == 1
