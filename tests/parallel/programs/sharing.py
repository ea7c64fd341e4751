"""Share work among the ranks and compare with what one process gets; prints "as one process"."""

import math
import sys
import time
import warnings
from functools import partial

import numpy as np

from maxvolt.errors import DataError
from maxvolt.parallel.blocks import LocalBlocks
from maxvolt.parallel.session import started_ranks
from maxvolt.parallel.store import RemoteError

SHAPES = ((3, 5), (), (7,))


def numbers(seed):
    """Numbers of very different sizes, whose sum depends on the order."""
    generator = np.random.default_rng(seed)
    sizes = 10.0 ** generator.integers(-12, 12, size=(3, 5))
    return generator.normal(size=(3, 5)) * sizes


def products(factor):
    def work(seed, other):
        matrix = numbers(seed) * factor
        return (matrix, matrix.sum(), np.resize(matrix * other, 7)), f"{seed} beside {other}"

    return work


def halves():
    return lambda number: number / 2


def warning_once():
    def work(number):
        if number == 31:
            warnings.warn("thirty-one", UserWarning, stacklevel=1)

    return work


def first_bad(limit):
    def work(number):
        if number >= limit:
            raise DataError(f"block {number} is bad")
        return number

    return work


def broken():
    def work(number):
        return number + [][0]

    return work


def slow_first():
    def work(number):
        time.sleep(0.2 if number == 0 else 0.0)
        return number

    return work


def refused(error, function):
    """Message of an error that must be raised."""
    try:
        function()
    except error as found:
        return str(found)
    raise AssertionError(f"no {error.__name__}")


def check_blocks(ranks, count, threads):
    seeds, others = list(range(count)), [math.sqrt(i) for i in range(count)]
    here, there = LocalBlocks(seeds), ranks.place(seeds, [1.0 + i % 3 for i in seeds])
    assert len(there) == count
    assert list(there) == seeds
    assert set(there.owners) <= set(range(ranks.size))
    assert count < ranks.size or set(there.owners) == set(range(ranks.size))
    expected, kept = here.sums(partial(products, 1.5), SHAPES, here.beside(others))
    found, spread = there.sums(
        partial(products, 1.5), SHAPES, there.beside(others), threads=threads
    )
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
    assert list(spread) == list(kept)
    assert list(there.kept(halves).each(halves)) == [seed / 4 for seed in seeds]


def check_errors(ranks):
    blocks = ranks.place(list(range(20)), [1.0] * 20)
    for limit in (0, 7, 19):
        setup = partial(first_bad, limit)
        assert refused(DataError, lambda s=setup: list(blocks.each(s))) == f"block {limit} is bad"
        assert refused(DataError, lambda s=setup: blocks.kept(s)) == f"block {limit} is bad"
        assert refused(DataError, lambda s=setup: list(ranks.stream(s, range(20)))) == (
            f"block {limit} is bad"
        )
    in_sums = partial(first_bad, 3)
    assert refused(DataError, lambda: blocks.sums(in_sums, SHAPES, threads=1)) == "block 3 is bad"
    text = refused((RemoteError, IndexError), lambda: blocks.kept(broken))
    assert "IndexError: list index out of range" in text
    assert "sharing.py" in text
    assert list(blocks) == list(range(20)), "nothing works after an error"


def check_streams(ranks):
    assert list(ranks.stream(slow_first, range(100))) == list(range(100))
    free = list(ranks.stream(slow_first, range(100), ordered=False))
    assert sorted(free) == list(range(100))
    assert free[0] != 0, "the slow one held back the others"
    assert list(ranks.stream(halves, [])) == []
    left = ranks.stream(halves, iter(int, 1))  # without end
    assert next(left) == 0
    left.close()
    outer = ranks.stream(halves, range(10))
    assert next(outer) == 0
    check_blocks(ranks, 5, 1)  # while a stream is open
    assert list(outer) == [i / 2 for i in range(1, 10)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):  # some of them in a helper
            list(ranks.stream(warning_once, range(60)))
        list(ranks.place(list(range(40)), [1.0] * 40).kept(warning_once))
    assert [str(warning.message) for warning in caught] == ["thirty-one"] * 4


def main():
    size = int(sys.argv[1])
    with started_ranks() as ranks:
        if ranks is None:
            return
        assert ranks.size == size
        for count in (1, 2, 40):
            for threads in (1, 3):
                check_blocks(ranks, count, threads)
        check_errors(ranks)
        check_streams(ranks)
        print("as one process")


main()
