"""How many threads and processes are used where nobody says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt import processors as cores
from maxvolt.errors import MaxvoltError


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend an affinity of four cores, no quota and no environment variable."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 4, 6}, raising=False)
    monkeypatch.setattr(cores, "cpu_quota", lambda: None)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.usefixtures("four_cores")
def test_threads_are_those_given_then_of_openmp_then_of_the_affinity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cores.thread_count(None) == 4
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert cores.thread_count(None) == 3
    assert cores.thread_count(7) == 7
    assert cores.thread_count(np.int64(2)) == 2


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(("text", "count"), [("2,4", 2), (" 8 ", 8), ("0", 4), ("all", 4), ("", 4)])
def test_first_level_of_openmp_counts_and_nonsense_does_not(
    monkeypatch: pytest.MonkeyPatch, text: str, count: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert cores.thread_count(None) == count


@pytest.mark.usefixtures("four_cores")
def test_processes_do_not_follow_the_variable_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores.worker_count(None) == 4
    assert cores.worker_count(2) == 2
    with pytest.raises(MaxvoltError, match="workers must be at least 1"):
        cores.worker_count(0)


@pytest.mark.usefixtures("four_cores")
@pytest.mark.parametrize(("quota", "count"), [(1.5, 2), (0.2, 1), (9.0, 4), (None, 4)])
def test_a_quota_below_the_affinity_limits(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, count: int
) -> None:
    monkeypatch.setattr(cores, "cpu_quota", lambda: quota)
    assert cores.core_count() == count


def _groups(folder: Path, files: dict[str, str], membership: str) -> float | None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "membership").write_text(membership)
    cores.cpu_quota.cache_clear()
    try:
        return cores.cpu_quota(folder, folder / "membership")
    finally:
        cores.cpu_quota.cache_clear()


def test_quota_is_the_smallest_of_a_control_group_and_those_around_it(tmp_path: Path) -> None:
    files = {"job/cpu.max": "max 100000\n", "cpu.max": "150000 100000\n"}
    assert _groups(tmp_path, files, "0::/job\n") == 1.5
    files = {"job/cpu.max": "50000 100000\n"}
    assert _groups(tmp_path, files, "0::/job\n") == 0.5


def test_quota_of_the_first_version_of_control_groups(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/a/cpu.cfs_quota_us": "300000\n",
        "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    assert _groups(tmp_path, files, "5:memory:/a\n4:cpu,cpuacct:/a\n") == 3.0


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    cores.cpu_quota.cache_clear()
    assert cores.cpu_quota(tmp_path, tmp_path / "absent") is None
    cores.cpu_quota.cache_clear()


WRONG = [(0, "at least 1"), (-2, "at least 1"), (2.5, "whole number"), ("2", "whole number")]


@pytest.mark.parametrize(("threads", "message"), [*WRONG, (True, "whole number")])
def test_threads_that_cannot_be_are_refused(threads: object, message: str) -> None:
    with pytest.raises(MaxvoltError, match=message):
        cores.thread_count(threads)  # type: ignore[arg-type]


def _trained() -> maxvolt.MTP:
    start = maxvolt.MTP(2, ["Mo"], 4.0, 2.0)
    model = start.model
    return start.with_coefficients(
        np.ones(model.radial_coeffs.shape), np.ones(1), np.ones(len(model.moment_coeffs))
    )


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_every_call_refuses_such_threads_even_without_work(threads: int) -> None:
    potential, empty = _trained(), maxvolt.Dataset.from_atoms([])
    atoms = bulk("Mo")
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0)
    labelled = maxvolt.Dataset.from_atoms([atoms])
    active = maxvolt.ActiveSet.empty(potential)
    ensemble = maxvolt.Ensemble((potential, potential))
    committee = maxvolt.Committee(ensemble, 1.0, 1.0)
    calls = [
        lambda: potential.evaluate_dataset(empty, threads=threads),
        lambda: potential.energy_gradients(empty, threads=threads),
        lambda: potential.site_energy_gradients(empty, threads=threads),
        lambda: list(potential.iter_energy_gradients([], threads=threads)),
        lambda: ensemble.evaluate_dataset(empty, threads=threads),
        lambda: active.grade([], threads=threads),
        lambda: active.select([], threads=threads),
        lambda: committee.grade([], threads=threads),
        lambda: committee.site_grades([], threads=threads),
        lambda: committee.select([], threshold=2.0, threads=threads),
        lambda: maxvolt.Committee.from_dataset(ensemble, empty, threads=threads),
        lambda: maxvolt.ActiveSet.from_dataset(potential, empty, threads=threads),
        lambda: maxvolt.compute_errors(potential, labelled, threads=threads),
        lambda: maxvolt.Calculator(potential, threads=threads),
    ]
    for call in calls:
        with pytest.raises(MaxvoltError, match="threads must be"):
            call()
