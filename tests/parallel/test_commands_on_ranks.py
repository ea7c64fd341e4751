"""Every command gives on any number of ranks the files and the output that it gives alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from mpi_runs import PROGRAMS, ended, start

from maxvolt import MTP, io
from maxvolt.dataset import Dataset

RANKS = (0, 1, 2, 3)
"""0: without mpiexec."""

COMMANDS: dict[str, list[str]] = {
    "train": [
        *("train", "train.xyz", "-o", "new.mtp", "--level", "6", "--ensemble", "2", "--json"),
        *("--max-iterations", "4", "--starts", "2", "--checkpoint", "fit.ckpt"),
    ],
    "train_with_active_set": [
        *("train", "train.xyz", "--init", "new.0.mtp", "-o", "pot.almtp", "--json"),
        *("--active-set", "neighborhood", "--max-iterations", "3", "--validation", "small.xyz"),
    ],
    "go_on": [
        *("train", "train.xyz", "-o", "new.mtp", "--level", "6", "--ensemble", "2", "--json"),
        *("--max-iterations", "6", "--starts", "2", "--checkpoint", "fit.ckpt", "--restart"),
    ],
    "train_apart": [
        *("train", "train.xyz", "-o", "apart.mtp", "--level", "6", "--ensemble", "2", "--json"),
        *("--max-iterations", "4", "--starts-apart", "--resampling", "bootstrap"),
    ],
    "train_robust": [
        *("train", "train.xyz", "-o", "robust.mtp", "--level", "6", "--robust", "--json"),
        *("--max-iterations", "4", "--starts", "2"),
    ],
    "evaluate": ["evaluate", "new.mtp", "large.xyz", "-o", "evaluated.cfg"],
    "evaluate_to_table": ["evaluate", "pot.almtp", "small.xyz"],
    "errors": ["errors", "new.mtp", "evaluated.cfg", "--species", "Mo", "--json"],
    "grade": ["grade", "pot.almtp", "large.xyz", "-o", "graded.cfg", "--json"],
    "grade_by_training_set": [
        *("grade", "new.0.mtp", "small.xyz", "--train", "train.xyz"),
        *("--save-active-set", "configurations.almtp"),
    ],
    "select": [
        *("select", "pot.almtp", "train.xyz", "small.xyz", "large.xyz", "-o", "selected.cfg"),
        *("--limit", "3", "--json"),
    ],
    "select_in_mlip_order": [
        *("select", "pot.almtp", "train.xyz", "small.xyz", "-o", "selected_by_mlip.cfg"),
        *("--mlip-order", "--json"),
    ],
    "relax": [
        *("relax", "pot.almtp", "many.xyz", "-o", "relaxed.xyz", "--max-steps", "3", "--json"),
        *("--save-unrelaxed", "unrelaxed.xyz", "--save-extrapolative", "kept.cfg"),
    ],
    "help": ["grade", "--help"],
    "bad_option": ["grade", "--nonsense"],
    "no_file": ["evaluate", "new.mtp", "missing.xyz"],
}
CODES = {"bad_option": 2, "no_file": 2}


def shaken(repeats: int, count: int, spread: float, seed: int) -> list[Atoms]:
    """Crystals of molybdenum whose atoms have been moved at random."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        atoms = bulk("Mo", cubic=True, a=3.16 * generator.uniform(0.97, 1.03)) * (
            repeats,
            repeats,
            repeats,
        )
        atoms.rattle(spread, rng=generator)
        found.append(atoms)
    return found


@pytest.fixture(scope="module")
def inputs() -> dict[str, Dataset]:
    """Structures; large ones of 11,664 atoms, each of which is evaluated as a piece of its own."""
    generator = np.random.default_rng(0)
    known = MTP(4, ["Mo"], 5.0, 2.0, 4)
    model = known.model
    known = known.with_coefficients(
        0.1 * generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        generator.normal(size=model.moment_coeffs.shape),
    )
    training = shaken(2, 40, 0.1, seed=1) + shaken(4, 8, 0.05, seed=2)
    return {
        "train.xyz": _labelled(training, known),
        "small.xyz": _labelled(shaken(3, 6, 0.2, seed=3), known),
        "large.xyz": Dataset.from_atoms(shaken(18, 3, 0.1, seed=4)),
        "many.xyz": Dataset.from_atoms(shaken(3, 180, 0.1, seed=5)),
    }


def _labelled(structures: list[Atoms], potential: MTP) -> Dataset:
    dataset = Dataset.from_atoms(structures)
    found = potential.evaluate_dataset(dataset)
    present = np.ones(len(dataset), np.bool_)
    return replace(
        dataset,
        energies=found.energies,
        forces=found.forces,
        stresses=found.stresses,
        has_energy=present,
        has_forces=present,
        has_stress=present,
    )


@pytest.fixture(scope="module")
def folders(
    inputs: dict[str, Dataset], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, Path]:
    """What all commands have left, by the number of ranks."""
    found = {}
    for ranks in RANKS:
        folder = found[ranks] = tmp_path_factory.mktemp(f"ranks{ranks}")
        for name, dataset in inputs.items():
            io.write(folder / name, dataset)
        (folder / "commands.json").write_text(json.dumps(list(COMMANDS.items())))
        program = PROGRAMS / "commands.py"
        # Threads do not matter either.
        code, output, messages = ended(
            start(ranks, program, folder=folder, threads="2" if ranks == 2 else "1")
        )
        assert code == 0, messages
        (folder / "codes.json").write_text(output)
        (folder / "messages.txt").write_text(messages)
    return found


def test_every_command_has_done_its_work(folders: dict[int, Path]) -> None:
    codes = json.loads((folders[0] / "codes.json").read_text())
    assert codes == {name: CODES.get(name, 0) for name in COMMANDS}


@pytest.mark.parametrize("ranks", RANKS[1:])
def test_ranks_end_with_the_same_exit_code(folders: dict[int, Path], ranks: int) -> None:
    alone = json.loads((folders[0] / "codes.json").read_text())
    printed = (folders[ranks] / "codes.json").read_text()
    # Each rank prints its codes; that lines of several may run into each other is the launcher's.
    assert printed.count(json.dumps(alone)) == ranks


@pytest.mark.parametrize("ranks", RANKS[1:])
def test_files_and_output_are_the_same_byte_for_byte(folders: dict[int, Path], ranks: int) -> None:
    skipped = {"codes.json", "messages.txt", "fit.ckpt"}  # a checkpoint is a dated archive
    names = {path.name for path in folders[0].iterdir()} - skipped
    assert {"new.0.mtp", "pot.almtp", "graded.cfg", "selected.cfg", "relax.out"} <= names
    assert names == {path.name for path in folders[ranks].iterdir()} - skipped
    for name in sorted(names):
        assert (folders[ranks] / name).read_bytes() == (folders[0] / name).read_bytes(), name


@pytest.mark.parametrize("ranks", RANKS[2:])
def test_messages_come_once(folders: dict[int, Path], ranks: int) -> None:
    messages = (folders[ranks] / "messages.txt").read_text()
    for part in ("missing.xyz: no such file", "evaluated.cfg: 3 structures", "wrote"):
        assert messages.count(part) == (folders[0] / "messages.txt").read_text().count(part)
    threads = "2 threads" if ranks == 2 else "1 thread"
    assert f"34992 atoms; {ranks} processes of {threads}" in messages
