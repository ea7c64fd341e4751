"""Many scenarios at once: order, reproducibility, errors, deaths."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from ase.build import bulk
from fake_calculators import (
    Notebook,
    Springs,
    deadly_springs,
    graded_springs,
    no_calculator,
    raising_springs,
    springs,
)

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.sampling import (
    MolecularDynamics,
    Relaxation,
    StopReason,
    Thresholds,
    iterate_scenarios,
    rattle,
    run_scenarios,
)
from maxvolt.sampling.runner import run_tasks
from maxvolt.sampling.workers import Task

THRESHOLDS = Thresholds(1.0, 3.0)


def structures(number: int = 2) -> Dataset:
    return Dataset.from_atoms([bulk("Cu", cubic=True)] * number)


def scenarios():
    return [
        MolecularDynamics("hot", structures(3), 40, 2000.0, record_every=2),
        MolecularDynamics("cold", structures(2), 40, 200.0),
        Relaxation("relax", rattle(structures(2), 0.05), cell=False),
    ]


def numbers(results):
    return [
        (
            result.scenario,
            result.part,
            result.reason,
            result.steps,
            result.last.positions.tolist(),
            result.extrapolative.positions.tolist(),
            [info["step"] for info in result.extrapolative.infos],
        )
        for result in results
    ]


def test_results_come_in_order_and_do_not_depend_on_the_workers():
    run = partial(run_scenarios, scenarios(), graded_springs, THRESHOLDS, seed=5)
    serial = run()
    assert [(r.scenario, r.part) for r in serial] == [
        ("hot", 0),
        ("hot", 1),
        ("hot", 2),
        ("cold", 0),
        ("cold", 1),
        ("relax", 0),
    ]
    assert {r.reason for r in serial[:3]} == {StopReason.GRADE}
    assert numbers(run(executor=2)) == numbers(serial)
    with ThreadPoolExecutor(3) as pool:
        assert numbers(run(executor=pool)) == numbers(serial)
    other = run_scenarios(scenarios(), graded_springs, THRESHOLDS, seed=6)
    assert numbers(other)[0] != numbers(serial)[0]


def test_scenarios_do_not_see_each_other():
    alone = run_scenarios(scenarios()[1:2], graded_springs, THRESHOLDS, seed=5)
    together = run_scenarios(scenarios(), graded_springs, THRESHOLDS, seed=5)
    assert numbers(alone) == numbers(together)[3:5]


def test_parts_that_are_done_are_left_out():
    run = partial(run_scenarios, scenarios(), graded_springs, THRESHOLDS, seed=5)
    everything = numbers(run())
    first = iterate_scenarios(scenarios(), graded_springs, THRESHOLDS, seed=5)
    done = {(result.scenario, result.part) for result, _ in zip(first, range(2), strict=False)}
    assert done == {("hot", 0), ("hot", 1)}
    assert numbers(run(done=done)) == everything[2:]


@pytest.mark.parametrize("executor", [None, 2])
def test_errors_are_results(executor):
    results = run_scenarios(scenarios()[:1], raising_springs, THRESHOLDS, seed=5, executor=executor)
    assert {r.reason for r in results} == {StopReason.FAILED}
    assert {r.steps for r in results} == {3}
    assert {r.message for r in results} == {"RuntimeError: the calculator is out of order"}
    missing = run_scenarios(scenarios(), no_calculator, THRESHOLDS, seed=5, executor=executor)
    assert len(missing) == 6
    assert {r.message for r in missing} == {"RuntimeError: there is no calculator today"}
    assert [r.total_steps for r in missing] == [40, 40, 40, 40, 40, 2]
    assert all(r.last.positions.shape == (4, 3) for r in missing)


def test_a_worker_that_dies_is_a_failed_part_and_the_others_go_on():
    lively = Relaxation("short", structures(1), cell=False)  # ends before the calculator does
    mixed = [MolecularDynamics("hot", structures(1), 40, 2000.0), lively]
    results = run_scenarios(mixed, deadly_springs, THRESHOLDS, seed=5, executor=2)
    assert [r.reason for r in results] == [StopReason.FAILED, StopReason.FINISHED]
    assert "terminated abruptly" in results[0].message


def test_progress_counts_steps():
    told = []
    results = run_scenarios(scenarios(), springs, Thresholds(), seed=5, progress=told.append)
    assert sum(told) == sum(r.steps for r in results) == 5 * 40 + 2


@pytest.mark.parametrize("executor", [None, 2])
def test_recorders_follow_parts_where_they_run(executor: int | None, tmp_path: Path) -> None:
    results = run_scenarios(
        scenarios(),
        springs,
        Thresholds(),
        seed=5,
        executor=executor,
        recorder=partial(Notebook, tmp_path),
    )
    for result in results:
        notes = json.loads((tmp_path / f"{result.scenario}.{result.part}.json").read_text())
        assert notes["steps"] == notes["steps of the result"] == result.steps
        if result.trace is not None:
            assert notes["observed"] == result.trace.steps.tolist()
        assert (notes["process"] == os.getpid()) == (executor is None)


def test_recorders_let_trajectories_go_on(tmp_path: Path) -> None:
    run = partial(
        run_scenarios,
        scenarios()[1:2],
        partial(Springs, home=structures(1).positions),
        Thresholds(),
        seed=5,
        recorder=partial(Notebook, tmp_path),
    )
    whole = run()
    state = pickle.loads((tmp_path / "cold.0.state").read_bytes())
    assert state.step == 30
    rest = run()
    assert numbers(rest) == numbers(whole)
    notes = json.loads((tmp_path / "cold.0.json").read_text())
    assert notes["steps"] == 40
    assert notes["observed"] == [40]  # the steps before were done


def test_a_worker_that_dies_is_recorded(tmp_path: Path) -> None:
    hot = MolecularDynamics("hot", structures(1), 40, 2000.0)
    run_scenarios(
        [hot], deadly_springs, THRESHOLDS, seed=5, executor=2, recorder=partial(Notebook, tmp_path)
    )
    notes = json.loads((tmp_path / "hot.0.json").read_text())
    assert (notes["reason"], notes["process"]) == ("failed", os.getpid())


def test_a_recorder_that_cannot_write_fails_its_part(tmp_path: Path) -> None:
    missing = partial(Notebook, tmp_path / "missing")
    results = run_scenarios(scenarios()[2:], springs, THRESHOLDS, seed=5, recorder=missing)
    assert "No such file or directory" in results[0].message
    parts = [Task(scenarios()[2], THRESHOLDS, 5, partial(missing, scenarios()[2]))]
    with pytest.raises(FileNotFoundError):
        list(run_tasks(parts, springs, None, strict=True))


def test_a_factory_that_cannot_travel_is_refused():
    with pytest.raises(DataError, match=r"functools\.partial of them, no lambda"):
        run_scenarios([], lambda: springs(), Thresholds(), seed=0, executor=2)


def test_names_and_workers_are_checked():
    with pytest.raises(DataError, match="called 'hot'"):
        run_scenarios(scenarios()[:1] * 2, springs, THRESHOLDS, seed=1)
    with pytest.raises(DataError, match="workers"):
        run_scenarios(scenarios(), springs, THRESHOLDS, seed=1, executor=0)


def test_workers_leave_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from fake_calculators import springs
            from test_runner import structures
            from maxvolt.sampling import MolecularDynamics, Thresholds, run_scenarios

            if __name__ == "__main__":
                long = MolecularDynamics("long", structures(4), 10**8, 300.0)
                run_scenarios([long], springs, Thresholds(), seed=1, executor=2)
            """
        )
    )
    parent = subprocess.Popen([sys.executable, str(script)])
    family: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while len(family) < 4 and time.monotonic() < deadline:  # server, tracker, two workers
        time.sleep(0.1)
        family = psutil.Process(parent.pid).children(recursive=True)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert len(family) >= 4
    _, alive = psutil.wait_procs(family, timeout=30)
    for process in alive:
        process.kill()
    assert not alive


def test_abandoned_results_end_the_workers():
    long = MolecularDynamics("long", structures(4), 10**8, 300.0)
    short = Relaxation("short", rattle(structures(1), 0.1), cell=False)
    results = iterate_scenarios([short, long], springs, Thresholds(), seed=1, executor=2)
    assert next(results).scenario == "short"
    results.close()  # hangs for hours if workers are waited for


def test_nothing_is_lost_in_numbers():
    result = run_scenarios(scenarios()[2:], springs, Thresholds(), seed=1)[0]
    assert np.isnan(result.grades).all()
    assert [end.index for end in result.candidates] == [0, 1]
