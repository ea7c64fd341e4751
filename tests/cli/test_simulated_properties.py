"""`maxvolt property` and `maxvolt card` of properties from dynamics: kept, killed, gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import maxvolt
from embedded_atoms import Analytic
from maxvolt.cli import main
from maxvolt.cli.results_and_runs import _Bars, results_and_runs
from maxvolt.report.card.telling import hearing, worker_tells
from promises import needs

SHORT = ("atoms=32", "equilibration_time=0.5", "production_time=0.5", "temperature=80")


@pytest.fixture
def potential(tmp_path: Path) -> Path:
    return Analytic(("Al",)).write(tmp_path / "Al.eam.alloy", 301, 301)


def settings(owner: str = "") -> list[str]:
    return [word for one in SHORT for word in ("--set", owner + one)]


def test_statistical_errors_are_printed(
    potential: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["property", "density", str(potential), "fcc:Al:4.0", *settings()]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "statistical error" in shown.out
    assert "g/cm³" in shown.out
    assert "--keep FOLDER" in shown.err
    folder = potential.with_name("runs")
    assert main([*words, "--keep", str(folder), "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["values"]["density"]["statistical_error"] > 0
    assert "density: " in shown.err
    assert len(list(folder.glob("*.npz"))) == 2
    assert main([*words, "--keep", str(folder), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["values"] == found["values"]


def test_what_keeps_nothing_says_so(potential: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["property", "lattice", str(potential), "fcc:Al:4.0", "--keep", "runs"]
    assert main(words) == 2
    assert "lattice runs no simulation" in capsys.readouterr().err
    file = potential.with_name("file")
    file.touch()
    words = ["property", "density", str(potential), "fcc:Al:4.0", "--keep", str(file)]
    assert main(words) == 2
    assert "cannot be a folder" in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_card_has_what_is_included_and_tells_what_it_simulates(
    potential: Path, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    page = potential.with_name("card.html")
    words = ["card", str(potential), "--species", "Al", "--only", "lattice", "--include", "density"]
    assert main([*words, *settings("density."), "--workers", workers, "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "Density" in text
    assert re.search(r">2\.\d+ \(0\.\d+\)<", text)  # a density and its standard error
    kept = potential.with_name("card_results") / "simulations"
    assert len(list(kept.glob("*.npz"))) == 2
    shown = capsys.readouterr().err.splitlines()
    parts = [line for line in shown if line.startswith("Al.eam.alloy: density, ")]
    assert [re.sub(r"[0-9]+", "N", line) for line in parts] == [
        "Al.eam.alloy: density, equilibration: N steps",
        "Al.eam.alloy: density, density: N steps",
    ]
    assert sum(" of 2: Al.eam.alloy: " in line for line in shown) == 2


def test_a_terminal_has_a_bar_for_each_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=StringIO(), force_terminal=True, width=100, highlight=False)
    monkeypatch.setattr("maxvolt.cli.results_and_runs.stderr_console", lambda: screen)
    with results_and_runs(2) as shown:
        assert isinstance(shown, _Bars)
        shown.runs("pot.mtp: density", "equilibration", 10, 240)
        shown.runs("pot.mtp: density", "density", 480, 960)
        shown.runs("pot.mtp: viscosity", "melting", 1, 100)
        (whole, density, viscosity) = shown._bars.tasks
        assert (density.description, density.completed) == ("pot.mtp: density, density", 480)
        assert density.total == 960
        shown.has_ended("pot.mtp: density", 1, 2)
        shown.runs("pot.mtp: density", "density", 960, 960)  # late
        assert [task.id for task in shown._bars.tasks] == [whole.id, viscosity.id]
        assert shown._bars.tasks[0].completed == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_command_that_was_ended_goes_on(potential: Path, name: str) -> None:
    needs("SIGKILL")
    folder = potential.with_name("runs")
    command = [sys.executable, "-m", "maxvolt", "property", "density", str(potential)]
    command += ["fcc:Al:4.0", *settings(), "--keep", str(folder), "--json"]
    longer = [word.replace("production_time=0.5", "production_time=50") for word in command]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        longer, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=quiet
    ) as process:
        deadline = time.monotonic() + 120
        while not list(folder.glob("equilibration-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)  # in the next simulation
        process.send_signal(getattr(signal, name))
        out, errors = process.communicate()
    assert process.returncode in (130, -signal.SIGINT, -signal.SIGKILL)
    assert not out
    assert b"Traceback" not in errors
    assert (b"the same command goes on" in errors) == (name == "SIGINT")
    (kept,) = folder.glob("equilibration-*.npz")
    modified = kept.stat().st_mtime_ns
    done = subprocess.run(command, capture_output=True, text=True, env=quiet, check=True)
    assert json.loads(done.stdout)["values"]["density"]["value"] > 0
    assert kept.stat().st_mtime_ns == modified


def test_the_largest_grade_of_a_simulation_is_told_and_kept(tmp_path: Path) -> None:
    from ase.build import bulk

    from maxvolt.properties import Keeping, compute_property

    sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
    from make_potentials import copper

    potential = copper()
    crystals = [bulk("Cu", cubic=True, a=a) for a in (3.55, 3.6, 3.65)]
    for crystal in crystals:
        crystal.rattle(0.05, seed=1)
    active = maxvolt.ActiveSet.from_dataset(
        potential, maxvolt.Dataset.from_atoms(crystals), mode="neighborhood"
    )
    chosen = {"atoms": 32, "equilibration_time": 0.2, "production_time": 0.2, "temperature": 30.0}
    keeping = Keeping(tmp_path)
    found, again = (
        compute_property("density", potential, bulk("Cu"), chosen, query=active, keeping=keeping)
        for _ in range(2)
    )
    assert found.largest_grade is not None
    assert found.largest_grade > 0
    assert again.largest_grade == found.largest_grade
    assert again.values == found.values


def test_workers_do_not_wait_for_who_has_stopped_reading() -> None:
    def closed(*message: object) -> None:
        raise BrokenPipeError

    with hearing(closed) as prepare:
        assert prepare is not None
        prepare()
        for step in range(5000):  # far more than a pipe holds
            worker_tells("pot.mtp: density", "equilibration", step, 5000)
