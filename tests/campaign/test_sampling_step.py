"""Scenarios in processes that die, and scenarios that raise."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path

import pytest
from ase.build import bulk
from campaign_files import InThisProcess, Run

from maxvolt.campaign.record.fingerprints import fingerprint
from maxvolt.campaign.record.heartbeat import Heartbeat, read_heartbeats
from maxvolt.campaign.record.storage import read_result
from maxvolt.campaign.steps.sampling import Part, run_parts
from maxvolt.campaign.steps.scenarios import scenario_fingerprint
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.sampling import MolecularDynamics, SamplingResult
from maxvolt.sampling.processes import WorkerPool


@dataclass(frozen=True)
class Trouble:
    """A scenario that goes wrong."""

    name: str
    kills: bool = False
    part: int = 0
    total_steps: int = 7

    @property
    def structures(self) -> Dataset:
        return Dataset.from_atoms([bulk("Al")])

    def split(self) -> tuple[Trouble, ...]:
        return (self,)

    def run(self, *_: object, **__: object) -> SamplingResult:
        if self.kills:
            os._exit(9)
        raise RuntimeError("the neighbours are lost")


def part(scenario: Trouble, folder: Path) -> Part:
    return Part(scenario, 0, "abc", folder / f"{scenario.name}.npz")


def run(finished: Run, parts: list[Part], pool: WorkerPool) -> list[Part]:
    """Run parts with the newest potential of a campaign; return them as they end."""
    last = finished.folder.iterations()[-1]
    potential = finished.folder.iteration(last.outcome()["files"]["potential"])
    done: list[Part] = []
    settings = last.settings()
    files = potential.potential_files(settings.potential)
    run_parts(parts, files, settings.selection, pool, done.append)
    return done


def test_an_error_is_a_result(finished: Run, tmp_path: Path) -> None:
    bad = part(Trouble("bad"), tmp_path)
    assert run(finished, [bad], WorkerPool(InThisProcess())) == [bad]
    result = read_result(bad.path)
    assert result.record["reason"] == "failed"
    assert result.record["is_break"]
    assert result.record["message"] == "RuntimeError: the neighbours are lost"
    assert (result.record["steps"], result.record["total_steps"]) == (0, 7)
    assert len(result.datasets["extrapolative"]) == 0


def test_a_process_that_dies_takes_no_other_scenario_with_it(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    parts = [
        part(scenario, tmp_path)
        for scenario in (Trouble("a"), Trouble("killer", kills=True), Trouble("b"))
    ]
    with WorkerPool(2) as pool:
        done = run(finished, parts, pool)
    assert sorted(one.key for one in done) == [("a", 0), ("b", 0), ("killer", 0)]
    messages = [read_result(one.path).record["message"] for one in parts]
    assert messages[0] == messages[2] == "RuntimeError: the neighbours are lost"
    assert "the process died" in messages[1]
    assert 'outside of if __name__ == "__main__":' in messages[1]


def test_an_executor_that_takes_no_more_work_is_no_fault_of_scenarios(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    parts = [
        part(scenario, tmp_path) for scenario in (Trouble("killer", kills=True), Trouble("later"))
    ]
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
        WorkerPool(executor) as pool,
        pytest.raises(MaxvoltError, match="executor has died"),
    ):
        run(finished, parts, pool)
    assert not any(one.path.exists() for one in parts)


def test_heartbeats(tmp_path: Path) -> None:
    beat = Heartbeat(tmp_path / "warm.0.npz", 100)
    beat(30)
    assert read_heartbeats(tmp_path) == {"warm.0": (30, 100)}
    beat.remove()
    assert read_heartbeats(tmp_path) == {}


def test_a_heartbeat_that_cannot_be_written_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    beat = Heartbeat(tmp_path / "warm.0.npz", 100)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        beat(30)
    assert read_heartbeats(tmp_path) == {}
    beat.remove()
    Heartbeat(tmp_path / "missing" / "warm.0.npz", 100)(30)


def test_a_setting_that_changes_nothing_leaves_results_of_older_campaigns_valid() -> None:
    """Fingerprints are those of before there was `grade_every`, or `keep_most`, unless used."""
    crystal = bulk("Cu", cubic=True)
    one, other = (
        MolecularDynamics("md", crystal, 10, 300.0, grade_every=every) for every in (1, 5)
    )
    described: list[object] = ["MolecularDynamics"]
    for field in fields(MolecularDynamics):
        if field.name not in ("grade_every", "keep_most"):
            value = getattr(one, field.name)
            described += [field.name, value if isinstance(value, Dataset) else repr(value)]
    assert scenario_fingerprint(one) == fingerprint(described)
    assert scenario_fingerprint(other) != scenario_fingerprint(one)
