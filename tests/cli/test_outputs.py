"""Outputs that cannot hold what a command makes are refused before it reads or computes."""

from __future__ import annotations

import pytest

from maxvolt.cli import main

NOT_THERE = "none.xyz"


@pytest.mark.parametrize(
    ("arguments", "output", "complaint"),
    [
        (["evaluate", "POT", NOT_THERE, "-o"], "out.vasp", "does not hold energies"),
        (["evaluate", "POT", NOT_THERE, "-o"], "out.lmp", "does not hold energies"),
        (["grade", "POT", NOT_THERE, "-o"], "out.vasp", "does not hold energies"),
        (["label", "dimers.xyz", "--calculator", "no:Thing", "-o"], "POSCAR", "does not hold"),
        (["relax", "POT", NOT_THERE, "-o"], "CONTCAR", "does not hold energies"),
        (["relax", "POT", NOT_THERE, "-o", "a.xyz", "--save-unrelaxed"], "b.cif", "does not hold"),
        (
            ["relax", "POT", NOT_THERE, "-o", "a.xyz", "--save-extrapolative"],
            "out.vasp",
            "there may be several",
        ),
        (["select", "POT", NOT_THERE, "-o"], "out.cif", "does not hold energies"),
        (["select", "POT", NOT_THERE, "c.xyz", "-o"], "out.vasp", "there may be several"),
        (["cut-neighborhood", NOT_THERE, "-o"], "out.lmp", "there may be several"),
        (
            ["md", "POT", NOT_THERE, "--steps", "1", "--temperature", "1", "-o"],
            "out.cif",
            "cannot grow",
        ),
        (
            ["md", "POT", NOT_THERE, "--steps", "1", "--temperature", "1", "--save-extrapolative"],
            "out.vasp",
            "there may be several",
        ),
        (["convert", NOT_THERE, "--append"], "out.vasp", "cannot grow"),
        (["convert", NOT_THERE], "out.bundle", "does not tell the format"),
        (["convert", NOT_THERE], "OUTCAR", "read but not written"),
    ],
)
def test_before_the_work(
    arguments, output, complaint, trained, dimers, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    given = [trained.name if word == "POT" else word for word in arguments]
    before = sorted(tmp_path.iterdir())
    assert main([*given, output]) == 2
    message = capsys.readouterr().err
    assert complaint in message
    assert output in message
    assert sorted(tmp_path.iterdir()) == before
