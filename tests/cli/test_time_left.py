"""The estimate of the time left."""

from __future__ import annotations

import pytest

from maxvolt.cli.time_left import TimeLeft, describe_seconds


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def after(steps: list[float]) -> tuple[TimeLeft, Clock]:
    """Estimate after steps that took so many seconds each."""
    clock = Clock()
    left = TimeLeft(clock)
    left.update(0)
    for done, seconds in enumerate(steps, start=1):
        clock.now += seconds
        left.update(done)
    return left, clock


def test_nothing_is_said_at_first() -> None:
    left, _ = after([1.0])
    assert left.seconds(1000) is None


def test_an_even_rate_is_exact() -> None:
    left, _ = after([0.5] * 20)
    assert left.seconds(100) == pytest.approx(40.0)


def test_a_slow_beginning_is_forgotten() -> None:
    left, _ = after([20.0, *[0.1] * 300])
    assert left.seconds(400) == pytest.approx(9.9, rel=0.05)


def test_it_converges() -> None:
    """Each estimate is within a tenth of what it takes, once a quarter is done."""
    steps = [(0.9, 1.1)[k % 2] for k in range(100)]
    for done in range(25, 100):
        left, _ = after(steps[:done])
        assert left.seconds(100) == pytest.approx(sum(steps[done:]), rel=0.1, abs=1.0)


def test_what_was_done_before_is_no_rate() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    left.update(9000)  # of an earlier run
    for done in range(9001, 9011):
        clock.now += 1.0
        left.update(done)
    assert left.seconds(10000) == pytest.approx(990.0)


def test_it_falls_while_a_step_runs_and_grows_when_one_hangs() -> None:
    left, clock = after([2.0] * 10)
    clock.now += 1.0
    assert left.seconds(20) == pytest.approx(19.0)
    clock.now += 200.0
    assert left.seconds(20) > 100.0


def test_words() -> None:
    said = [describe_seconds(s) for s in (None, 0.2, 59.6, 600, 7300, 40 * 86400)]
    assert said == ["", "1 s left", "60 s left", "10 min left", "2 h left", "40 days left"]
