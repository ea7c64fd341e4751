"""What can be said without MPI: who started a process, how work and cores are shared out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest

from maxvolt import processors
from maxvolt.errors import MaxvoltError
from maxvolt.parallel.blocks import LocalBlocks
from maxvolt.parallel.launcher import Launch, recognised_launch
from maxvolt.parallel.ranks import ONE_PROCESS, balanced
from maxvolt.processors import fair_share


@pytest.mark.parametrize(
    ("environment", "size", "rank"),
    [
        ({"PMI_SIZE": "4", "PMI_RANK": "3"}, 4, 3),
        ({"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"}, 2, 0),
        ({"MV2_COMM_WORLD_SIZE": "2", "MV2_COMM_WORLD_RANK": "1"}, 2, 1),
        ({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "7"}, 8, 7),
        ({"MAXVOLT_MPI": "yes"}, 0, 0),
    ],
)
def test_a_launcher_is_recognised(environment: Mapping[str, str], size: int, rank: int) -> None:
    found = recognised_launch(environment)
    assert isinstance(found, Launch)
    assert (found.size, found.rank) == (size, rank)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PMI_SIZE": "1", "PMI_RANK": "0"},
        {"SLURM_NTASKS": "8", "SLURM_PROCID": "0"},  # the script of a batch job
        {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"},
        {"PMI_SIZE": "many", "PMI_RANK": "0"},
        {"PMI_SIZE": "4", "PMI_RANK": "3", "MAXVOLT_MPI": "no"},
    ],
)
def test_a_process_that_was_started_alone_works_alone(environment: Mapping[str, str]) -> None:
    assert recognised_launch(environment) is None


def test_a_wish_that_means_nothing_is_refused() -> None:
    with pytest.raises(MaxvoltError, match="MAXVOLT_MPI=maybe: expected yes or no"):
        recognised_launch({"MAXVOLT_MPI": "maybe"})


@pytest.mark.parametrize(("rank", "lines"), [(0, 1), (1, 0)])
def test_without_mpi4py_one_process_says_so_and_none_runs(rank: int, lines: int) -> None:
    without = "import sys; sys.modules['mpi4py'] = None; from importlib import util as u; "
    without += "found = u.find_spec; u.find_spec = lambda n: None if n == 'mpi4py' else found(n); "
    program = f"{without}from maxvolt.cli import main; sys.exit(main(['info', 'missing.mtp']))"
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PMI_SIZE": "2", "PMI_RANK": str(rank)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("\n") == lines
    assert ("pip install maxvolt[mpi]" in run.stderr) == (lines == 1)


def test_nobody_has_much_more_to_do_than_the_others() -> None:
    costs = np.random.default_rng(1).uniform(1.0, 5.0, size=200).tolist()
    for processes in (1, 2, 3, 7):
        owners = np.array(balanced(costs, processes))
        loads = [sum(np.array(costs)[owners == p]) for p in range(processes)]
        assert max(loads) - min(loads) <= max(costs)
    assert balanced([], 3) == []
    assert sorted(balanced([1.0, 1.0], 3)) == [0, 1]
    assert balanced([9.0, 1.0, 1.0, 1.0], 2) == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("mine", "of_all", "quota", "share"),
    [
        (range(8), [range(8)], None, 8),
        (range(8), [range(8)] * 4, None, 2),
        (range(8), [range(8)] * 3, None, 2),
        (range(2), [range(2)] * 4, None, 1),
        (range(4), [range(4), range(4, 8)], None, 4),  # bound to cores of their own
        (range(4), [range(4), range(8)], None, 2),
        (range(8), [range(8)] * 2, 4.0, 2),
        (range(8), [range(8)] * 4, 1.5, 1),
    ],
)
def test_cores_are_shared_out(
    monkeypatch: pytest.MonkeyPatch,
    mine: range,
    of_all: list[range],
    quota: float | None,
    share: int,
) -> None:
    monkeypatch.setattr(processors, "cpu_quota", lambda: quota)
    assert fair_share(mine, of_all) == share


def test_one_process_adds_up_in_order_and_keeps_the_rest() -> None:
    blocks = ONE_PROCESS.place([1e16, 1.0, -1e16], [1.0] * 3)
    assert isinstance(blocks, LocalBlocks)

    def setup():
        return lambda number, name: ((np.array(number),), name * 2)

    (total,), kept = blocks.sums(setup, ((),), blocks.beside(["a", "b", "c"]), threads=2)
    assert total == (1e16 + 1.0) - 1e16
    assert list(kept) == ["aa", "bb", "cc"]


def test_a_stream_of_one_process_takes_items_as_they_are_asked_for() -> None:
    taken = []

    def items():
        for number in range(5):
            taken.append(number)
            yield number

    results = ONE_PROCESS.stream(lambda: lambda number: number + 1, items())
    assert (next(results), next(results)) == (1, 2)
    assert taken == [0, 1]
