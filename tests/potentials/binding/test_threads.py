"""Ranges, and threads behind them."""

from __future__ import annotations

import _thread
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from maxvolt.threads import map_ranges, run_ranges, split
from promises import needs


@pytest.mark.parametrize("n", [0, 1, 8, 255, 1000, 12345])
@pytest.mark.parametrize("parts", [0, 1, 2, 7])
def test_ranges_cover_everything_once_in_nearly_equal_parts(n: int, parts: int) -> None:
    ranges = split(n, parts)
    assert [i for begin, end in ranges for i in range(begin, end)] == list(range(n))
    assert len(ranges) == max(1, min(parts, n))
    lengths = [end - begin for begin, end in ranges]
    assert max(lengths) - min(lengths) <= 1


def _lengths() -> list[int]:
    return run_ranges(lambda _, begin, end: end - begin, [(0, 3), (3, 5)], 2)


def _singles(count: int) -> list[tuple[int, int]]:
    return [(i, i + 1) for i in range(count)]


@pytest.mark.parametrize("threads", [1, 2, 5, 100])
def test_results_come_in_order_whatever_takes_longest(threads: int) -> None:
    def work(begin: int, _: int) -> int:
        time.sleep(0.002 * (begin % 3))
        return begin

    assert list(map_ranges(work, _singles(30), threads)) == list(range(30))


def test_no_more_threads_than_asked_for_and_few_results_ahead() -> None:
    for _ in map_ranges(lambda *_: None, _singles(20), 6):
        pass  # as many helpers as no later call asks for
    lock, now, most, begun = threading.Lock(), 0, 0, 0

    def work(begin: int, _: int) -> None:
        nonlocal now, most, begun
        with lock:
            now, begun = now + 1, begun + 1
            most = max(most, now)
        time.sleep(0.001)
        with lock:
            now -= 1

    for done, _ in enumerate(map_ranges(work, _singles(40), 3)):
        assert begun <= done + 6 + 1
    assert most <= 3


def test_helpers_share_the_work() -> None:
    met = threading.Barrier(2, timeout=20)
    names = run_ranges(lambda *_: (met.wait(), threading.current_thread().name)[1], _singles(2), 2)
    assert len(set(names)) == 2


def test_the_first_error_in_order_is_raised_and_nothing_more_is_begun() -> None:
    begun = []

    def work(begin: int, _: int) -> int:
        begun.append(begin)
        if begin in (3, 4):
            raise ValueError(begin)
        return begin

    results = map_ranges(work, _singles(1000), 2)
    assert [next(results), next(results), next(results)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)
    time.sleep(0.01)
    assert len(begun) < 20


def test_several_threads_may_ask_at_once_and_work_may_ask_again() -> None:
    def work(begin: int, _: int) -> int:
        return sum(run_ranges(lambda _, i, __: i, _singles(begin + 2), 4))

    expected = [sum(range(begin + 2)) for begin in range(12)]
    found: list[list[int]] = []

    def ask() -> None:
        found.append(list(map_ranges(work, _singles(12), 4)))

    asking = [threading.Thread(target=ask, daemon=True) for _ in range(5)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(timeout=60)
    assert found == [expected] * 5


def test_an_abandoned_iterator_gives_its_helpers_back() -> None:
    def first() -> Iterator[int]:
        return map_ranges(lambda begin, _: begin, _singles(1000), 2)

    for _ in range(5):
        assert next(first()) == 0
    test_helpers_share_the_work()


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_the_work_when_the_ranges_at_hand_are_done(threads: int) -> None:
    begun = []

    def work(begin: int, _: int) -> None:
        begun.append(begin)
        if begin == 3:
            _thread.interrupt_main()
        time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        list(map_ranges(work, _singles(1000), threads))
    time.sleep(0.05)
    assert len(begun) < 20


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
def test_a_forked_process_has_threads_of_its_own() -> None:
    needs("fork")
    assert _lengths() == [3, 2]  # makes the threads of this process
    child = multiprocessing.get_context("fork").Process(target=_lengths)
    child.start()
    child.join(timeout=30)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert child.exitcode == 0


_EVALUATE_WITHOUT_END = """
import threading, time
import numpy as np
import maxvolt
from ase.build import bulk

start = maxvolt.MTP(8, ["Cu"], 5.0, 2.0)
model = start.model
random = np.random.default_rng(0)
potential = start.with_coefficients(
    random.normal(size=model.radial_coeffs.shape), np.zeros(1),
    0.1 * random.normal(size=len(model.moment_coeffs)),
)
where = potential.neighborhoods(bulk("Cu", cubic=True) * 8)

def evaluate():
    while True:
        potential.evaluate_neighborhoods(where, threads=THREADS)

for _ in range(3):
    threading.Thread(target=evaluate, daemon=True).start()
time.sleep(0.2)
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_program_ends_while_daemon_threads_evaluate(threads: int) -> None:
    program = _EVALUATE_WITHOUT_END.replace("THREADS", str(threads))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
