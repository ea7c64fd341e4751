"""`maxvolt mc`: Monte Carlo on a lattice from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read

from maxvolt.cli import main
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    TensorTrain,
    environments_of,
    write_low_rank,
)


@pytest.fixture(scope="module")
def potential(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "W"])
    (kind,) = environments_of(parent, 1)
    train = TensorTrain.random(kind.length, 2, 2, np.random.default_rng(0)).scaled_to(0.02)
    path = tmp_path_factory.mktemp("mc") / "pot.lattice.npz"
    write_low_rank(LowRankPotential(parent, 1, False, np.zeros((1, 2)), (train,)), path)
    return path


SHORT = ("--equilibration", "5", "--production", "50", "--shells", "1")


def test_table_structure_and_figure(
    potential: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(potential), "4x4x4", "--composition", "Mo=1,W=3", "--temperatures", "900:300:-300"]
    kept = ["--keep", str(tmp_path / "kept")]
    figure, last = tmp_path / "mc.png", tmp_path / "last.xyz"
    assert main(["mc", *given, *SHORT, *kept, "--plot", str(figure), "-o", str(last)]) == 0
    told = capsys.readouterr().out
    assert all(f"\n {kelvin} " in told for kelvin in (900, 600, 300))
    assert figure.stat().st_size > 1000
    atoms = read(last)
    assert sorted(atoms.get_chemical_symbols()).count("Mo") == 16
    assert len(list((tmp_path / "kept").iterdir())) == 3
    assert main(["mc", *given, *SHORT, *kept, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["species"] == ["Mo", "W"]
    assert [one["temperature"] for one in document["temperatures"]] == [900, 600, 300]
    assert np.array(document["temperatures"][0]["order"]).shape == (1, 2, 2)
    # A structure goes on where it was, and species replace each other where that is asked for.
    given = [str(potential), str(last), "--temperatures", "300", "--chemical-potentials"]
    assert main(["mc", *given, "Mo=5,W=0", *SHORT, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["temperatures"]
    assert one["concentrations"][0] > 0.95


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["4x4x4", "--temperatures", "300"], "--composition is needed"),
        (["4x4x4", "--temperatures", "300", "--composition", "Mo=1,Nb=1"], "composition"),
        (["4x4x4", "--temperatures", "300", "--composition", "Mo=much"], "--composition"),
        (["4x4x4", "--temperatures", "300:200:10", "--composition", "Mo=1"], "leads away"),
        (["4x4x4", "--temperatures", "warm", "--composition", "Mo=1"], "temperatures"),
        (["4x4x4", "--temperatures", "-5", "--composition", "Mo=1"], "positive"),
        (["nowhere.xyz", "--temperatures", "300"], "there is no nowhere.xyz"),
        (["4x4x4", "--temperatures", "300", "--composition", "Mo=1", "--chemical-potentials",
          "Mo=0"], "--chemical-potentials"),
        (["0x4x4", "--temperatures", "300", "--composition", "Mo=1"], "plane"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(
    potential: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mc", str(potential), *words, *SHORT]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert not told.out


def test_a_file_that_is_no_potential(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "pot.npz"
    bad.write_text("MTP")
    words = ["4x4x4", "--temperatures", "300", "--composition", "Mo=1"]
    assert main(["mc", str(bad), *words]) == 2
    assert "pot.npz: is no low-rank potential" in capsys.readouterr().err


def test_help_starts_without_numpy() -> None:
    import subprocess

    words = "import sys; from maxvolt.cli import mc; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", words], check=True)
