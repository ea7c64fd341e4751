"""`maxvolt train`."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from maxvolt.cli import main
from maxvolt.cli.fit_progress import LogReporter
from maxvolt.cli.train_options import add_arguments, isolated_energies
from maxvolt.fitting import FitProgress, FitSettings, Weights
from maxvolt.fitting.progress_display import describe_progress
from maxvolt.potentials import read_potential
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.selection import has_active_set, read_active_set

SMALL = ["--level", "6", "--cutoff", "4.5", "--radial-basis-size", "4", "--threads", "1"]


def aluminium(count: int, seed: int) -> list:
    rng = np.random.default_rng(seed)
    structures = []
    for _ in range(count):
        atoms = bulk("Al", cubic=True)
        atoms.set_cell(atoms.cell * rng.uniform(0.97, 1.04), scale_atoms=True)
        atoms.positions += rng.normal(scale=0.08, size=(4, 3))
        atoms.calc = EMT()
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        atoms.calc = SinglePointCalculator(atoms, **results)
        structures.append(atoms)
    return structures


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write(folder / "train.xyz", aluminium(20, seed=0), format="extxyz")
    write(folder / "test.xyz", aluminium(5, seed=1), format="extxyz")
    return folder


def test_a_potential_and_its_errors(data, tmp_path, capsys):
    output = tmp_path / "pot.mtp"
    arguments = ["train", str(data / "train.xyz"), "-o", str(output), *SMALL]
    arguments += ["--validation", str(data / "test.xyz"), "--max-iterations", "8", "--json"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert "20 structures, 80 atoms" in printed.err
    assert "1 thread\n" in printed.err
    assert [one["file"] for one in document["potentials"]] == [str(output)]
    losses = document["potentials"][0]["losses"]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) > 1
    validation = document["datasets"]["validation"]["total"]
    # The reference scatters by 20 meV/atom and 400 meV/A: a fit must be far below.
    assert validation["energy_per_atom_eV"]["rmse"] < 0.005
    assert validation["force_components_eV_per_A"]["rmse_percent"] < 20
    # What was written is what was measured.
    assert main(["errors", str(output), str(data / "test.xyz"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["datasets"]["test.xyz"]["total"]
    assert again["force_components_eV_per_A"]["rmse"] == pytest.approx(
        validation["force_components_eV_per_A"]["rmse"], rel=1e-9
    )


def test_an_ensemble_from_an_initial_potential(data, tmp_path, capsys):
    first, second = tmp_path / "first.mtp", tmp_path / "second.mtp"
    train = ["train", str(data / "train.xyz"), "--max-iterations", "2", "--threads", "1"]
    assert main([*train, "-o", str(first), *SMALL]) == 0
    assert main([*train, "-o", str(second), "--init", str(first), "--ensemble", "2"]) == 0
    printed = capsys.readouterr()
    assert "2 sigma" in printed.out
    assert f"potential 0 goes on from {first}, the other 1 of the ensemble begin" in printed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "first.mtp",
        "second.0.mtp",
        "second.1.mtp",
    ]
    assert main(["info", str(tmp_path / "second.1.mtp"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["level"], found["cutoff_A"], found["species"]) == (6, 4.5, ["Al"])


def test_options_of_a_new_potential_do_not_go_with_init(data, tmp_path, capsys):
    arguments = ["train", str(data / "train.xyz"), "-o", str(tmp_path / "p.mtp")]
    assert main([*arguments, "--init", "first.mtp", "--level", "8", "--cutoff", "5"]) == 2
    assert "--init brings its own --level, --cutoff" in capsys.readouterr().err


def test_an_ensemble_goes_on_member_by_member(data, tmp_path, capsys):
    """Each from its own potential; for another number of members it is refused."""
    train = ["train", str(data / "train.xyz"), "--max-iterations", "2", "--threads", "1", "--json"]
    train += ["--resampling", "none", "--starts", "1"]
    ens, more = tmp_path / "ens.mtp", tmp_path / "more.mtp"
    assert main([*train, "-o", str(ens), *SMALL, "--ensemble", "2"]) == 0
    ends = [one["losses"][-1] for one in json.loads(capsys.readouterr().out)["potentials"]]
    assert main([*train, "-o", str(more), "--init", str(ens), "--ensemble", "2"]) == 0
    printed = capsys.readouterr()
    assert "at random" not in printed.err
    begins = [one["losses"][0] for one in json.loads(printed.out)["potentials"]]
    assert begins == pytest.approx(ends, rel=1e-6)
    assert ends[0] != pytest.approx(ends[1], rel=1e-3)
    for number in ("1", "3"):
        output = str(tmp_path / "p.mtp")
        assert main([*train, "-o", output, "--init", str(ens), "--ensemble", number]) == 2
        message = capsys.readouterr().err
        assert f"names an ensemble of 2 potentials, and --ensemble {number} of them" in message
        assert f"--init {tmp_path / 'ens.0.mtp'}" in message
    assert main([*train, "-o", str(ens), "--init", str(ens), "--ensemble", "2"]) == 2
    assert "would overwrite the input" in capsys.readouterr().err


def test_a_repulsion_can_be_added_to_an_initial_potential(data, tmp_path):
    first, second = tmp_path / "first.mtp", tmp_path / "second.mtp"
    train = ["train", str(data / "train.xyz"), "--max-iterations", "1", "--threads", "1"]
    assert main([*train, "-o", str(first), *SMALL]) == 0
    assert main([*train, "-o", str(second), "--init", str(first), "--zbl", "1.0", "2.0"]) == 0
    assert read_potential(first).model.repulsion is None
    assert read_potential(second).model.repulsion == ZBL(1.0, 2.0)


def test_defaults_are_those_of_fit():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options, settings, weights = parser.parse_args(["t", "-o", "p"]), FitSettings(), Weights()
    for name in ("starts", "max_iterations", "tolerance"):
        assert getattr(options, name) == getattr(settings, name)
    assert options.energy_weight == weights.energy
    assert options.force_weight == weights.forces
    assert options.stress_weight == weights.stress


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--restart"], "name it with --checkpoint"),
        (["--level", "1"], "level"),
        (["--cutoff", "2", "--min-dist", "3"], "min_dist"),
        (["--energy-weight", "0", "--force-weight", "0", "--stress-weight", "0"], "weights"),
        (["--species", "Cu"], "Al"),
        (["--validation", "none.xyz"], "none.xyz"),
        (["--isolated-energies", "data"], "isolated atom"),
        (["--isolated-energies", "Al=-1,W=-4"], "W is not among the species"),
    ],
)
def test_bad_settings_are_one_message(arguments, complaint, data, tmp_path, capsys):
    output = tmp_path / "pot.mtp"
    assert main(["train", str(data / "train.xyz"), "-o", str(output), *arguments]) == 2
    error_lines = capsys.readouterr().err.splitlines()
    assert complaint in error_lines[-1]
    assert error_lines[-1].startswith("maxvolt train: error: ")
    assert not output.exists()


def test_an_old_checkpoint_is_not_overwritten(data, tmp_path, capsys):
    checkpoint = tmp_path / "fit.ckpt"
    checkpoint.write_text("precious")
    arguments = ["train", str(data / "train.xyz"), "-o", str(tmp_path / "p.mtp")]
    assert main([*arguments, "--checkpoint", str(checkpoint)]) == 2
    assert "continue it with --restart" in capsys.readouterr().err
    assert checkpoint.read_text() == "precious"


def test_interrupted_and_continued_is_the_same_as_in_one_go(data, tmp_path):
    command = [sys.executable, "-m", "maxvolt", "train", str(data / "train.xyz")]
    command += ["--level", "8", "--cutoff", "4.5", "--threads", "1", "--max-iterations", "100"]
    command += ["--tolerance", "1e-12"]
    whole, parts = tmp_path / "whole.mtp", tmp_path / "parts.mtp"
    checkpoint = tmp_path / "fit.ckpt"
    subprocess.run([*command, "-o", str(whole)], check=True, capture_output=True)

    command += ["-o", str(parts), "--checkpoint", str(checkpoint)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    give_up = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < give_up:
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert errors.splitlines()[-1] == "maxvolt train: interrupted"
    assert not parts.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit.ckpt", "whole.mtp"]

    subprocess.run([*command, "--restart"], check=True, capture_output=True)
    assert parts.read_bytes() == whole.read_bytes()


def progress(**changes) -> FitProgress:
    values = {
        "member": 1,
        "members": 5,
        "start": 1,
        "starts": 3,
        "iteration": 12,
        "most_iterations": 100,
        "loss": 1.5e-3,
        "energy_rmse": 0.002,
        "force_rmse": 0.1,
        "stress_rmse": float("nan"),
        "elapsed": 65.0,
        "remaining": 4000.0,
        "finished": "",
    }
    return FitProgress(**{**values, **changes})


def test_progress_in_words():
    assert describe_progress(progress()) == (
        "potential 2 of 5, start 2 of 3, iteration 12 of 100: "
        "loss 1.5000e-03, energy 2 meV/atom, force 100 meV/A, 0:01:05, about 1:06:40 to go"
    )
    last = progress(members=1, start=3, finished="converged")
    assert describe_progress(last).startswith("full fit, iteration 12 of 100: ")
    assert describe_progress(last).endswith("0:01:05, converged")


def test_a_log_gets_a_line_now_and_then(capsys):
    report = LogReporter()
    for elapsed in range(25):
        report(progress(elapsed=float(elapsed)))
    report(progress(elapsed=25.0, finished="converged"))
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_energies_of_isolated_atoms():
    assert isolated_energies("data") == "data"
    assert isolated_energies("Ti=-1.5, Al=2") == {"Ti": -1.5, "Al": 2.0}
    for text in ("Ti", "Ti=low", ""):
        with pytest.raises(Exception, match="expected fit, data, or energies"):
            isolated_energies(text)


def test_an_almtp_holds_an_active_set_that_select_may_write_back(data, tmp_path, capsys):
    output = tmp_path / "pot.almtp"
    train = ["train", str(data / "train.xyz"), "-o", str(output), *SMALL, "--max-iterations", "2"]
    for choice, mode in ((None, "configuration"), ("neighborhood", "neighborhood"), ("none", None)):
        assert main([*train, *([] if choice is None else ["--active-set", choice])]) == 0
        if mode is None:
            assert not has_active_set(output)
        else:
            assert f"active set: {mode} mode" in capsys.readouterr().err
            assert read_active_set(output).mode == mode
    command = ["select", str(output), str(data / "train.xyz"), "--save-active-set", str(output)]
    assert main(command) == 0
    assert read_active_set(output).mode == "configuration"
    assert main([*train[:3], str(tmp_path / "p.mtp"), *SMALL, "--active-set", "neighborhood"]) == 2
    assert "end the name" in capsys.readouterr().err


def test_help_and_error_agree_on_levels(data, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "even, 2 to 32" in " ".join(capsys.readouterr().out.split())
    output = tmp_path / "pot.mtp"
    assert main(["train", str(data / "train.xyz"), "-o", str(output), "--level", "33"]) == 2
    assert "even, from 2 to 32" in capsys.readouterr().err


def test_a_run_whose_data_are_refused_leaves_no_file(data, tmp_path, capsys):
    output, checkpoint = tmp_path / "pot.mtp", tmp_path / "fit.ckpt"
    arguments = ["train", str(data / "train.xyz"), "-o", str(output), "--species", "Cu"]
    assert main([*arguments, "--checkpoint", str(checkpoint)]) == 2
    assert "train.xyz" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
