"""The small parts of the benchmarks that measure."""

from __future__ import annotations

from performance.child import peak_memory, run_in_child
from performance.sections.training_curves import read_mlip_log, seconds_to_converge
from performance.timing import smallest_times


def test_every_piece_of_work_takes_its_turns() -> None:
    calls: list[str] = []
    works = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = smallest_times(works, 0.0, least=4)
    assert times.keys() == {"a", "b"}
    assert calls.count("a") >= 4
    assert calls.count("b") >= 4
    assert calls[:4] == ["a", "b", "a", "b"]


def test_lines_of_a_training_log() -> None:
    log = "  0.017 \ttolerance = 1\n  6.993 BFGS iter 0: f=2.98\n 70.2 BFGS iter 1: f=1e-1\n"
    assert read_mlip_log(log) == ([6.993, 70.2], [2.98, 0.1])


def test_convergence_is_a_small_fall_over_ten_steps() -> None:
    falling = tuple(0.9**k for k in range(12))
    assert seconds_to_converge(tuple(range(12)), falling) is None
    still = (1.0, *[0.5] * 12)
    assert seconds_to_converge(tuple(range(13)), still) == 11


def allocate(count: int) -> tuple[int, int]:
    before = peak_memory()
    held = bytearray(count)
    held[::4096] = b"\1" * len(held[::4096])
    return before, peak_memory()


def test_memory_is_that_of_the_child() -> None:
    before, after = run_in_child(allocate, 200 * 2**20)
    assert after - before > 190 * 2**20
