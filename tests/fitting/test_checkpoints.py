"""Restarts: a fit that is cut off anywhere goes on to the same last bit, or says why not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_data import crystals, known_potential, labelled, relabelled

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FitError
from maxvolt.fitting import FitProgress, FitResult, FitSettings, Weights, fit
from maxvolt.fitting.variable_projection.checkpoint import (
    Checkpoint,
    fit_signature,
    read_checkpoint,
    write_checkpoint,
)
from maxvolt.fitting.variable_projection.levenberg_marquardt import FitState
from maxvolt.potentials import MTP, Ensemble
from promises import needs

SETTINGS = FitSettings(max_iterations=6, starts=2, start_iterations=3)
MEMBERS = 2


class CutOffError(Exception):
    """Stands for whatever ends a fit from outside."""


def training_set() -> Dataset:
    return labelled(known_potential(8, ["Mo"]), crystals(["Mo"], 8))


def untrained() -> MTP:
    return MTP(6, ["Mo"], 4.5, 2.0, 3)


def run(
    checkpoint: Path | None = None,
    *,
    restart: bool = False,
    progress: Callable[[FitProgress], None] | None = None,
    data: Dataset | None = None,
    **options: Any,
) -> FitResult:
    given = {"ensemble": MEMBERS, "settings": SETTINGS, "seed": 3, "threads": 1, **options}
    return fit(
        given.pop("potential", untrained()),
        training_set() if data is None else data,
        checkpoint=checkpoint,
        restart=restart,
        progress=progress,
        **given,
    )


def after(iterations: int) -> Callable[[FitProgress], None]:
    """A progress report that ends the fit after so many iterations."""
    left = [iterations]

    def report(_: FitProgress) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise CutOffError

    return report


def bits(result: FitResult) -> list[bytes]:
    assert isinstance(result.potential, Ensemble)
    return [member.model.parameters.tobytes() for member in result.potential.members]


def assert_same_fit(found: FitResult, expected: FitResult) -> None:
    assert bits(found) == bits(expected)
    assert found.members == expected.members
    assert found.training_errors == expected.training_errors


@pytest.fixture(scope="module")
def uninterrupted() -> FitResult:
    return run()


def count_iterations() -> int:
    seen: list[FitProgress] = []
    run(progress=seen.append)
    return len(seen)


def test_a_checkpoint_does_not_change_the_fit(uninterrupted: FitResult, tmp_path: Path) -> None:
    assert_same_fit(run(tmp_path / "fit.npz"), uninterrupted)
    assert [path.name for path in tmp_path.iterdir()] == ["fit.npz"]


def test_a_fit_cut_off_after_any_iteration_goes_on_bit_for_bit(
    uninterrupted: FitResult, tmp_path: Path
) -> None:
    total = count_iterations()
    assert total > 12
    for iterations in (1, 2, 4, 7, total // 2, total - 4, total - 1, total):
        checkpoint = tmp_path / f"{iterations}.npz"
        with pytest.raises(CutOffError):
            run(checkpoint, progress=after(iterations))
        assert_same_fit(run(checkpoint, restart=True), uninterrupted)


def test_a_fit_cut_off_again_and_again_goes_on_bit_for_bit(
    uninterrupted: FitResult, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "fit.npz"
    with pytest.raises(CutOffError):
        run(checkpoint, progress=after(1))
    result = None
    for restarts in range(100):  # noqa: B007 (looked at behind the loop)
        try:
            result = run(checkpoint, restart=True, progress=after(2))
        except CutOffError:
            continue
        break
    assert result is not None
    assert restarts > 5
    assert_same_fit(result, uninterrupted)


def test_a_finished_fit_is_read_and_not_repeated(uninterrupted: FitResult, tmp_path: Path) -> None:
    checkpoint = tmp_path / "fit.npz"
    run(checkpoint)
    told: list[FitProgress] = []
    assert_same_fit(run(checkpoint, restart=True, progress=told.append), uninterrupted)
    assert told == []


def test_another_number_of_threads_may_go_on(uninterrupted: FitResult, tmp_path: Path) -> None:
    checkpoint = tmp_path / "fit.npz"
    with pytest.raises(CutOffError):
        run(checkpoint, progress=after(5))
    assert_same_fit(run(checkpoint, restart=True, threads=2), uninterrupted)


def test_a_checkpoint_is_not_overwritten(tmp_path: Path) -> None:
    checkpoint = tmp_path / "fit.npz"
    with pytest.raises(CutOffError):
        run(checkpoint, progress=after(5), seed=4)
    before = checkpoint.read_bytes()
    with pytest.raises(FitError, match=r"fit\.npz: this checkpoint exists; continue from it"):
        run(checkpoint)
    assert checkpoint.read_bytes() == before


def test_a_raised_limit_of_iterations_goes_on(tmp_path: Path) -> None:
    few, many = replace(SETTINGS, max_iterations=4), replace(SETTINGS, max_iterations=9)
    checkpoint = tmp_path / "fit.npz"
    first = run(checkpoint, settings=few)
    assert {member.finished for member in first.members} == {"iteration limit"}
    assert_same_fit(run(checkpoint, settings=many, restart=True), run(settings=many))


SCRIPT = """
import sys, time
sys.path[:0] = {folders!r}
import test_checkpoints

def report(news):
    print(news.member, news.start, news.iteration, flush=True)
    time.sleep(0.02)

test_checkpoints.run({checkpoint!r}, progress=report)
"""


def test_a_killed_process_leaves_a_checkpoint_that_goes_on(
    uninterrupted: FitResult, tmp_path: Path
) -> None:
    needs("SIGKILL")
    checkpoint = tmp_path / "fit.npz"
    here = Path(__file__).parent
    script = SCRIPT.format(folders=[str(here), str(here.parent)], checkpoint=str(checkpoint))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert all(lines)
    assert_same_fit(run(checkpoint, restart=True), uninterrupted)


# --------------------------------------------------------------------- refusals


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "fit.npz"
    with pytest.raises(CutOffError):
        run(path, progress=after(5))
    return path


def by_one_bit(name: str) -> Dataset:
    """The training set with the last bit of one number changed."""
    data = training_set()
    values = getattr(data, name).copy()
    values.flat[2] = np.nextafter(values.flat[2], 0.0)
    return relabelled(data, **{name: values})


CHANGES: dict[str, dict[str, Any]] = {
    "seed": {"seed": 4},
    "members": {"ensemble": 3},
    "weights": {"weights": Weights(forces=0.02)},
    "scaling": {"scaling": "structures"},
    "settings": {"settings": replace(SETTINGS, ridge=1e-11)},
    "isolated energies": {"isolated_energies": {"Mo": 0.0}},
    "level": {"potential": MTP(8, ["Mo"], 4.5, 2.0, 3)},
    "cutoff": {"potential": MTP(6, ["Mo"], 4.6, 2.0, 3)},
    "energies": {"data": by_one_bit("energies")},
    "forces": {"data": by_one_bit("forces")},
    "stresses": {"data": by_one_bit("stresses")},
    "positions": {"data": by_one_bit("positions")},
    "cells": {"data": by_one_bit("cells")},
    "weights of structures": {"data": relabelled(training_set(), weights=np.full(8, 0.5))},
    "fewer structures": {"data": training_set().select(slice(0, 7))},
    "order of structures": {"data": training_set().select([1, 0, *range(2, 8)])},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_checkpoint_of_another_fit_is_refused(what: str, checkpoint: Path) -> None:
    before = checkpoint.read_bytes()
    with pytest.raises(FitError, match=r"fit\.npz: the checkpoint belongs to a fit with other"):
        run(checkpoint, restart=True, **CHANGES[what])
    assert checkpoint.read_bytes() == before


def test_the_scale_of_the_start_is_part_of_the_signature() -> None:
    model = known_potential(8, ["Mo"]).model
    signatures = {
        fit_signature(
            MTP.from_model(replace(model, scaling=scaling), ["Mo"]), training_set(), SETTINGS
        )
        for scaling in (1.0, 2.0)
    }
    assert len(signatures) == 2


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FitError, match=r"none\.npz: no such checkpoint; start without restart"):
        run(tmp_path / "none.npz", restart=True)
    with pytest.raises(FitError, match="a restart needs a checkpoint file to continue from"):
        run(None, restart=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text", b"\x93NUMPY\x01\x00", b"\0" * 99])
def test_a_file_that_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fit.npz"
    path.write_bytes(content)
    with pytest.raises(FitError, match=r"fit\.npz: not a checkpoint"):
        run(path, restart=True)


def test_an_array_and_another_archive_are_refused(tmp_path: Path) -> None:
    array, archive, lists = (tmp_path / name for name in ("a.npy", "b.npz", "c.npz"))
    np.save(array, np.zeros(3))
    np.savez(archive, something=np.zeros(3))
    np.savez(lists, document=np.array('{"states": [], "losses": [], "signature": ""}'))
    for path in (array, archive, lists):
        with pytest.raises(FitError, match="not a checkpoint"):
            run(path, restart=True)


def read_or_none(path: Path, signature: str) -> Checkpoint | None:
    try:
        return read_checkpoint(path, signature)
    except FitError:
        return None


def test_damaged_checkpoints_are_refused_or_mean_the_same(checkpoint: Path) -> None:
    whole = checkpoint.read_bytes()
    document = np.load(checkpoint)["document"]
    signature = str(document).split('"signature": "')[1].split('"')[0]
    expected = read_checkpoint(checkpoint, signature)
    generator = random.Random(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        if generator.random() < 0.3:
            damaged = damaged[: generator.randrange(len(damaged))]
        else:
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        checkpoint.write_bytes(damaged)
        found = read_or_none(checkpoint, signature)
        if found is None:
            refused += 1
            continue
        assert found.losses == expected.losses
        for name, state in expected.states.items():
            np.testing.assert_array_equal(found.states[name].radial, state.radial)
    assert refused > 250


def test_states_are_kept_to_the_last_bit(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    state = FitState(
        radial=generator.normal(size=5) * 10.0 ** np.arange(-200, 300, 100),
        linear=np.array([np.nextafter(1.0, 2.0), -0.0, 5e-324]),
        loss=0.1 + 0.2,
        damping=1.0 / 3.0,
        growth=4.0,
        iteration=17,
        quiet=2,
        finished="converged",
    )
    kept = Checkpoint("s", {"0": state}, {"0": (1.0 / 3.0, 1e-300)})
    write_checkpoint(tmp_path / "fit.npz", kept)
    found = read_checkpoint(tmp_path / "fit.npz", "s")
    assert found.losses == kept.losses
    for name in ("loss", "damping", "growth", "iteration", "quiet", "finished"):
        assert getattr(found.states["0"], name) == getattr(state, name)
    for name in ("radial", "linear"):
        assert getattr(found.states["0"], name).tobytes() == getattr(state, name).tobytes()


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checkpoint.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(DataError, match="No space left"):
        run(checkpoint, restart=True)
    assert checkpoint.read_bytes() == before
    assert [path.name for path in checkpoint.parent.iterdir()] == ["fit.npz"]
