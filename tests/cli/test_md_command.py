"""`maxvolt md`: trajectories, what is kept, and refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

import maxvolt
from maxvolt.cli import main
from maxvolt.sampling import rattle

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper


@pytest.fixture
def potential(tmp_path) -> Path:
    path = tmp_path / "cu.mtp"
    copper().write(path)
    return path


@pytest.fixture
def graded(tmp_path) -> Path:
    """The same with an active set made of crystals that are hardly disturbed."""
    path = tmp_path / "cu.almtp"
    training = rattle(bulk("Cu", a=3.62, cubic=True), 0.03, copies=30)
    maxvolt.ActiveSet.from_dataset(copper(), training).write(path)
    return path


@pytest.fixture
def crystal(tmp_path) -> Path:
    path = tmp_path / "fcc.xyz"
    write(path, bulk("Cu", a=3.62, cubic=True) * (2, 2, 2))
    return path


def arguments(potential, crystal, *more):
    given = ["md", str(potential), str(crystal), "--steps", "60", "--temperature", "600"]
    return [*given, "--threads", "1", "--timestep", "2", "--record-every", "20", *more]


def test_a_trajectory(potential, crystal, tmp_path, capsys):
    out = tmp_path / "out.xyz"
    out.write_text("something older")
    assert main(arguments(potential, crystal, "-o", str(out), "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kept_for_selection"] == 0
    (trajectory,) = found["trajectories"]
    assert trajectory["reason"] == "finished"
    assert trajectory["steps"] == trajectory["total_steps"] == 60
    assert trajectory["trace"]["step"] == [0, 20, 40, 60]
    dataset = maxvolt.read(out)
    assert [info["step"] for info in dataset.infos] == [0, 20, 40, 60]
    energies = trajectory["trace"]["potential_energy_eV"]
    np.testing.assert_allclose(dataset.energies, energies, atol=1e-9)
    np.testing.assert_allclose(copper().evaluate_dataset(dataset).energies, energies, atol=1e-9)


def test_a_seed_and_a_schedule(potential, crystal, capsys):
    def run(*more):
        schedule = ["--temperature", "ramp 10 900 60", "--json"]
        assert main(arguments(potential, crystal, *schedule, *more)) == 0
        return json.loads(capsys.readouterr().out)["trajectories"][0]["trace"]

    first, again, other = run("--seed", "3"), run("--seed", "3"), run("--seed", "4")
    assert first == again
    assert first != other
    assert first["temperature_K"][0] < 20


def test_grades_stop_it_and_structures_are_kept(graded, crystal, tmp_path, capsys):
    kept = tmp_path / "new.cfg"
    given = arguments(graded, crystal, "--select", "1.5", "--break", "20", "--json")
    assert main([*given, "--temperature", "4000", "--save-extrapolative", str(kept)]) == 0
    printed = capsys.readouterr()
    assert "grades: " in printed.err
    found = json.loads(printed.out)
    assert found["trajectories"][0]["reason"] == "grade"
    assert found["trajectories"][0]["steps"] < 60
    dataset = maxvolt.read(kept, species=["Cu"])
    assert len(dataset) == found["kept_for_selection"] > 0
    assert not dataset.has_energy.any()
    assert maxvolt.read_active_set(graded).grade(dataset)[-1] > 20


@pytest.mark.parametrize("ensemble", [["--ensemble", "npt", "--pressure", "5"], ["--thermostat", "bussi"], ["--strain", "ramp 0 0.01 60"]])  # fmt: skip  # noqa: E501
def test_other_ensembles(ensemble, potential, crystal, capsys):
    assert main(arguments(potential, crystal, *ensemble)) == 0
    assert "60 / 60" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--temperature", "warm"], "no schedule"),
        (["-o", "out.vasp"], "cannot grow"),
        (["--select", "20"], "0 < select <= break"),
        (["--min-distance", "Cu=2"], "pair of elements"),
        (["--species", "Al"], "Al"),
    ],
)
def test_refusals(more, complaint, potential, crystal, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments(potential, crystal, *more)) == 2
    assert complaint in capsys.readouterr().err


def test_an_untrained_potential_is_refused(crystal, tmp_path, capsys):
    path = tmp_path / "new.mtp"
    maxvolt.MTP(4, ["Cu"], 5.0, 2.0).write(path)
    assert main(arguments(path, crystal)) == 2
    assert "untrained" in capsys.readouterr().err


def test_grades_at_every_so_many_steps(graded, crystal, tmp_path, capsys):
    """The same is kept, and it ends at the same step."""
    found = []
    for every in ("1", "5"):
        rule = ["--select", "3", "--break", "30", "--grade-every", every, "--json"]
        assert main(arguments(graded, crystal, *rule)) == 0
        trajectory = json.loads(capsys.readouterr().out)["trajectories"][0]
        del trajectory["seconds"]
        found.append((trajectory.pop("trace")["step"], trajectory.pop("message")[:5], trajectory))
    assert found[0] == found[1]
    assert main(arguments(graded, crystal, "--grade-every", "7")) == 2
    assert "record_every = 20 must be a multiple of grade_every = 7" in capsys.readouterr().err
