"""The command that says what is installed of LAMMPS, and compares it with Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ase import Atoms
from lammps_cases import alloy, potential, slab
from lammps_runs import run

import maxvolt
from maxvolt.cli import main
from maxvolt.cli.lammps import INPUT
from maxvolt.selection.weights import Mode


def test_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lammps"]) == 0
    said = capsys.readouterr().out
    assert "pair_style maxvolt works" in said
    assert INPUT in said
    assert main(["lammps", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problem"] is None
    assert Path(found["program"]).name == "lmp"
    assert found["plugin_version"]


def test_the_input_that_is_printed_works(tmp_path: Path) -> None:
    """With a small crystal and few steps."""
    from ase.build import bulk

    training = maxvolt.Dataset.from_atoms([bulk("Al", cubic=True) * 2])
    soft = potential(2, ("Al",))
    maxvolt.ActiveSet.from_dataset(soft, training).write(tmp_path / "pot.maxvolt")
    maxvolt.write(tmp_path / "structure.data", training)
    text = INPUT.replace("10000", "3").replace("select 2 break 10", "select 1e8 break 1e9")
    done = run(tmp_path, text + "\n")
    assert done.returncode == 0, done.stdout[-1000:]


@pytest.mark.parametrize("mode", ["configuration", "neighborhood"])
def test_the_check_compares_everything(
    mode: Mode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = maxvolt.Dataset.from_atoms([alloy(1, seed) for seed in range(30)])
    active_set = maxvolt.ActiveSet.from_dataset(potential(6), training, mode=mode)
    active_set.write(tmp_path / "pot.almtp")
    cluster = Atoms("CuAuCu", [[0, 0, 0], [0, 0, 2.5], [2.1, 0, 1]])  # no cell at all
    wire = Atoms("CuAu", [[0, 0, 0], [0.5, 0.3, 2.4]], cell=[0, 0, 5], pbc=[False, False, True])
    structures = maxvolt.Dataset.from_atoms([alloy(2), slab(), cluster, wire])
    maxvolt.write(tmp_path / "s.xyz", structures)
    for number in range(len(structures)):
        words = ["lammps", "check", str(tmp_path / "pot.almtp"), str(tmp_path / "s.xyz")]
        assert main([*words, "--index", str(number), "--json"]) == 0
        found = {d["quantity"]: d for d in json.loads(capsys.readouterr().out)}
        expected = active_set.potential.evaluate(structures[number])
        assert found["energy"]["size"] == pytest.approx(abs(expected.energy))
        assert found["forces"]["size"] == pytest.approx(abs(expected.forces).max())
        assert ("stress" in found) == structures[number].pbc.all()
        assert ("grades of atoms" in found) == (mode == "neighborhood")
        assert all(d["relative"] < 1e-10 for d in found.values())
        assert all(d["largest"].keys() == {"1", "2"} for d in found.values())


def test_a_difference_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    potential(6).write(tmp_path / "pot.mtp")
    maxvolt.write(tmp_path / "s.xyz", maxvolt.Dataset.from_atoms([alloy(1)]))
    words = ["lammps", "check", str(tmp_path / "pot.mtp"), str(tmp_path / "s.xyz")]
    assert main([*words, "--ranks", "1", "--tolerance", "1e-30"]) == 2
    said = capsys.readouterr()
    assert "LAMMPS and Python do not agree" in said.err
    assert "difference on" in said.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "pot.mtp"], "check needs POT and STRUCTURE"),
        (["check", "pot.mtp", "s.xyz", "--index", "7"], "--index 7: s.xyz holds 1"),
        (["check", "none.mtp", "s.xyz"], "none.mtp"),
    ],
)
def test_what_cannot_be_checked(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    potential(2).write(tmp_path / "pot.mtp")
    maxvolt.write(tmp_path / "s.xyz", maxvolt.Dataset.from_atoms([alloy(1)]))
    assert main(["lammps", *words]) == 2
    assert message in capsys.readouterr().err
