"""Ranges, and threads behind them."""

from __future__ import annotations

import multiprocessing
import os

import pytest

from maxvolt.native.threads import run_ranges, split


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


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    assert _lengths() == [3, 2]  # makes the threads of this process
    child = multiprocessing.get_context("fork").Process(target=_lengths)
    child.start()
    child.join(timeout=30)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert child.exitcode == 0
