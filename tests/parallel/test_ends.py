"""However a run on several ranks ends: with one message, an exit code, and nothing half-written."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from mpi_runs import ended, own_lines, process_of_rank, start, wait_for

from maxvolt import io
from maxvolt.dataset import Dataset
from promises import needs

TRAIN = (
    *("-m", "maxvolt", "train", "train.xyz", "-o", "pot.mtp", "--level", "8", "--starts", "2"),
    *("--tolerance", "1e-12", "--checkpoint", "fit.ckpt", "--max-iterations"),
)
ITERATIONS = "15"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A training set whose labels no potential describes, so that fits go on for long."""
    generator = np.random.default_rng(5)
    structures = []
    for _ in range(30):
        atoms = bulk("Mo", cubic=True, a=3.16) * (3, 3, 3)
        atoms.rattle(0.1, rng=generator)
        structures.append(atoms)
    dataset = Dataset.from_atoms(structures)
    present = np.ones(len(dataset), np.bool_)
    io.write(
        tmp_path / "train.xyz",
        replace(
            dataset,
            energies=generator.normal(size=len(dataset)),
            forces=generator.normal(size=(dataset.n_atoms, 3)),
            has_energy=present,
            has_forces=present,
        ),
    )
    return tmp_path


def begun(folder: Path, ranks: int = 2) -> subprocess.Popen[str]:
    """A training that has written its first checkpoint."""
    process = start(ranks, *TRAIN, ITERATIONS, folder=folder)
    wait_for((folder / "fit.ckpt").exists, process)
    return process


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("killed", [0, 1])
def test_after_a_kill_the_checkpoint_goes_on(folder: Path, killed: int) -> None:
    needs("SIGKILL")
    process = begun(folder)
    process_of_rank(process, killed).kill()
    code, output, messages = ended(process)
    assert code != 0
    assert "Killed" in output + messages  # the launcher says so
    assert "pot.mtp" not in files_of(folder)
    again = start(3, *TRAIN, ITERATIONS, "--restart", folder=folder)  # on more ranks, even
    assert ended(again)[0] == 0
    resumed = (folder / "pot.mtp").read_bytes()
    (folder / "fit.ckpt").unlink()
    assert ended(start(0, *TRAIN, ITERATIONS, folder=folder))[0] == 0
    assert (folder / "pot.mtp").read_bytes() == resumed


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_what_the_launcher_is_asked_ends_all_with_one_message(
    folder: Path, number: int, code: int, said: str
) -> None:
    process = begun(folder)
    process.send_signal(number)
    found, output, messages = ended(process)
    assert found == code
    assert "RMSE" not in output  # what the launcher itself says may be there
    assert own_lines(messages) == [f"maxvolt train: {said}"]
    assert files_of(folder) == {"train.xyz", "fit.ckpt"}


@pytest.mark.parametrize(
    ("rank", "said"),
    [(0, "maxvolt train: terminated"), (1, "maxvolt: process 1 of 2 was terminated")],
)
def test_a_rank_that_is_asked_to_end_ends_all(folder: Path, rank: int, said: str) -> None:
    process = begun(folder)
    process_of_rank(process, rank).terminate()
    code, output, messages = ended(process)
    assert (code, output) == (143, "")
    assert own_lines(messages) == [said]


def with_coinciding_atoms(folder: Path, name: str, structure: int) -> None:
    atoms = io.read(folder / "train.xyz").to_atoms()
    atoms[structure].positions[1] = atoms[structure].positions[0]
    io.write(folder / name, Dataset.from_atoms(atoms))


@pytest.mark.parametrize("structure", [0, 9, 29])
def test_a_bad_structure_of_any_rank_is_named_once(folder: Path, structure: int) -> None:
    """Portions of 512 atoms lie with three ranks; one of these structures is in each."""
    with_coinciding_atoms(folder, "bad.xyz", structure)
    command = ("-m", "maxvolt", "train", "bad.xyz", "-o", "pot.mtp", "--level", "6")
    code, output, messages = ended(start(3, *command, folder=folder))
    assert (code, output) == (2, "")
    (said,) = own_lines(messages)
    assert said.startswith(f"maxvolt train: error: structure {structure} of bad.xyz has two atoms")
    assert "Abort" not in messages
    assert files_of(folder) == {"train.xyz", "bad.xyz"}


def test_a_structure_that_cannot_be_evaluated_leaves_no_file(folder: Path) -> None:
    options = ("--level", "6", "--max-iterations", "1", "--starts", "1")
    train = ("-m", "maxvolt", "train", "train.xyz", "-o", "pot.mtp", *options)
    assert ended(start(0, *train, folder=folder))[0] == 0
    with_coinciding_atoms(folder, "bad.xyz", 29)
    before, inputs = files_of(folder), ("pot.mtp", "bad.xyz")
    for command in (["evaluate", *inputs, "-o", "out.xyz"], ["errors", *inputs]):
        code, output, messages = ended(start(2, "-m", "maxvolt", *command, folder=folder))
        assert (code, output) == (2, "")
        (said,) = own_lines(messages)
        assert said.startswith(f"maxvolt {command[0]}: error: ")
        assert "structure 29" in said
        assert files_of(folder) == before


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["run", "campaign.toml"], "say in the campaign file how many"),
        (["info", "train.xyz"], "MPI shares the work of train, evaluate"),
        (["relax", "pot.mtp", "train.xyz", "-o", "out.xyz", "--workers", "2"], "are the workers"),
    ],
)
def test_what_cannot_be_shared_is_refused(folder: Path, command: list[str], said: str) -> None:
    code, output, messages = ended(start(2, "-m", "maxvolt", *command, folder=folder))
    assert (code, output) == (2, "")
    (line,) = own_lines(messages)
    assert said in line
