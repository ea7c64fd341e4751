"""`maxvolt phase-diagram`: stable phases of an alloy on a lattice from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.units import kB

from ising_model import ising_model, square_or_cube
from maxvolt.cli import main
from maxvolt.io import write
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    Supercell,
    TensorTrain,
    environments_of,
    write_low_rank,
)
from promises import needs

SHORT = ("--points", "6", "--lines", "3", "--equilibration", "5", "--production", "20",
         "--runs", "1")  # fmt: skip


@pytest.fixture(scope="module")
def potential(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("phases") / "pot.lattice.npz"
    write_low_rank(ising_model(2), path)
    return path


@pytest.fixture(scope="module")
def candidates(potential: Path) -> Path:
    parent = ising_model(2).parent
    path = potential.parent / "candidates.extxyz"
    supercell = Supercell.of([[1, 1, 0], [1, -1, 0], [0, 0, 1]])
    write(path, parent.atoms(supercell, np.array([0, 1])))
    return path


def test_table_figure_and_json(
    potential: Path,
    candidates: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # names are told in one line
    kelvin = f"{1.5 / kB:.0f},{5 / kB:.0f}"
    given = [str(potential), "12x12x1", "--temperatures", kelvin, "--structures", str(candidates)]
    kept = ["--keep", str(tmp_path / "kept"), "--threads", "2"]
    figure = tmp_path / "phases.png"
    assert main(["phase-diagram", *given, *SHORT, *kept, "--plot", str(figure)]) == 0
    told = capsys.readouterr().out
    assert "ground state" in told
    assert "solution + solution" in told
    assert figure.stat().st_size > 10_000
    files = list((tmp_path / "kept").iterdir())
    assert main(["phase-diagram", *given, *SHORT, *kept, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert sorted(files) == sorted((tmp_path / "kept").iterdir())
    assert document["species"] == ["Co", "Fe"]
    assert [one["name"] for one in document["ground_states"]] == ["Co", "Fe"]
    cold, hot = document["temperatures"]
    (region,) = cold["two_phase_regions"]
    assert region["phases"] == ["solution", "solution"]
    assert region["concentrations"][0] < 0.1 < 0.9 < region["concentrations"][1]
    assert not hot["two_phase_regions"]
    mixing = hot["mixing"]
    assert len({len(values) for values in mixing.values()}) == 1
    assert min(mixing["free_energy"]) < 0


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_arrangements_are_enumerated(potential: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("enumeration")
    given = [str(potential), "6x6x1", "--temperatures", f"{5 / kB:.0f}", "--cells", "2"]
    assert main(["phase-diagram", *given, *SHORT, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["energy"] for one in document["ground_states"]] == pytest.approx([-2.0, -2.0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["12x12", "--temperatures", "300"], "SUPERCELL: expected repeats"),
        (["0x12x1", "--temperatures", "300"], "SUPERCELL: expected repeats"),
        (["4x4x1", "--temperatures", "warm"], "temperatures"),
        (["4x4x1", "--temperatures", "-300"], "positive"),
        (["4x4x1", "--temperatures", "300", "--points", "2"], "points"),
        (["4x4x1", "--temperatures", "300", "--plot", "figure.what"], "format of the figure"),
        (["4x4x1", "--temperatures", "300", "--structures", "none.xyz"], "none.xyz"),
    ],
)
def test_arguments_that_make_no_sense(
    potential: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["phase-diagram", str(potential), *words]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert not told.out


def test_a_structure_of_another_lattice_is_named(
    potential: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cubic.xyz"
    write(path, bulk("Fe", "fcc", a=3.0))
    words = ["4x4x1", "--temperatures", "300", "--structures", str(path)]
    assert main(["phase-diagram", str(potential), *words]) == 2
    assert f"{path}, structure 0: " in capsys.readouterr().err


def test_three_species_have_no_such_diagram(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = ParentLattice.of(square_or_cube(2), ["Mo", "Nb", "W"])
    (kind,) = environments_of(parent, 1)
    train = TensorTrain.random(kind.length, 3, 1, np.random.default_rng(0))
    path = tmp_path / "three.lattice.npz"
    write_low_rank(LowRankPotential(parent, 1, False, np.zeros((1, 3)), (train,)), path)
    assert main(["phase-diagram", str(path), "4x4x1", "--temperatures", "300"]) == 2
    assert "two species" in capsys.readouterr().err


def test_help_starts_without_numpy() -> None:
    words = "import sys; from maxvolt.cli import phase_diagram; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", words], check=True)
