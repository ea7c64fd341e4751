"""What the fuzzing attacks share: damaged copies of files, and limits under which they are read."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import FrameType

from attacks.finding import FindingError

__all__ = ["limited", "mutations", "survive", "with_tokens"]

MEMORY = 2**30
"""Bytes that one small input may take beyond what the process has."""

SLOW, HANGING = 3.0, 30.0
"""Seconds of processor time that one small input may take, and of waiting until it is stopped."""

TOKENS = [
    b"0", b"-1", b"1e999", b"-1e-999", b"1e-320", b"nan", b"inf", b"2147483648", b"999999999",
    b"9" * 5000, b"1.5", b"{", b"}", b"{}", b"{{}}", b",", b"=", b"", b"\n", b"\r\n", b"\t",
    b"\x00", b"\xff\xfe", b" " * 3000, b"1," * 3000, b"[" * 3000, b"\xef\xbb\xbf",
]  # fmt: skip


@contextmanager
def limited(seconds: float = SLOW, memory: int = MEMORY) -> Iterator[None]:
    """Let a block take so much more memory and so much time.

    Raises
    ------
    FindingError
        It was slower; where it asks for more memory, MemoryError.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    bounded = sys.platform == "linux" and "libasan" not in os.environ.get("LD_PRELOAD", "")
    if bounded:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory, hard))
    alarmed = threading.current_thread() is threading.main_thread()
    if alarmed:
        before = signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, HANGING)
    began = time.process_time()
    try:
        yield
    finally:
        if alarmed:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    took = time.process_time() - began
    if bounded and took > seconds:
        raise FindingError(f"took {took:.1f} s")


def _stop(number: int, frame: FrameType | None) -> None:
    raise FindingError(f"did not end within {HANGING:g} s")


def survive(
    inputs: Iterator[bytes],
    check: Callable[[bytes], str],
    kept: Path,
    *,
    count: int,
    seconds: float = SLOW,
) -> Counter[str]:
    """Check so many inputs under limits of memory and time.

    Parameters
    ----------
    inputs
        Contents of damaged files.
    check
        Returns a word for how an input was met; whatever it raises is a finding.
    kept
        File for the input of a finding.
    count
        How many inputs.
    seconds
        That one may take.

    Returns
    -------
    outcomes
        How often each word was returned.
    """
    outcomes: Counter[str] = Counter()
    for number, data in enumerate(islice(inputs, count)):
        try:
            with limited(seconds):
                outcome = check(data)
        except Exception as error:
            kept.write_bytes(data)
            raise FindingError(f"input {number}: {type(error).__name__}: {error}") from error
        outcomes[outcome] += 1
    return outcomes


def mutations(
    pool: Sequence[bytes], generator: random.Random, tokens: Sequence[bytes] = ()
) -> Iterator[bytes]:
    """Give damaged copies of files, without end.

    Parameters
    ----------
    pool
        Whole files.
    generator
        Random numbers.
    tokens
        Pieces that the format gives meaning to, beside those that trouble any reader.
    """
    every = [*TOKENS, *tokens]
    kinds: list[Callable[[bytearray, Sequence[bytes], Sequence[bytes], random.Random], None]] = [
        _change_digit, _change_digit, _flip, _cut, _repeat, _insert, _replace_number,
        _swap_lines, _splice, _truncate,
    ]  # fmt: skip
    while True:
        data = bytearray(generator.choice(pool))
        for _ in range(generator.choice((1, 1, 1, 2, 3, 8))):
            generator.choice(kinds)(data, pool, every, generator)
        yield bytes(data)


def with_tokens(
    stream: Iterable[bytes],
    pool: Sequence[bytes],
    tokens: Sequence[bytes],
    generator: random.Random,
) -> Iterator[bytes]:
    """Put tokens of the format into damaged and, less often, into whole files."""
    for data in stream:
        # Some with their own tokens only: what can be read must be exercised too.
        changed = bytearray(data if generator.random() < 0.7 else generator.choice(pool))
        for _ in range(generator.choice((0, 0, 1, 2))):
            token = generator.choice(tokens)
            at = generator.randrange(len(changed) + 1)
            overwritten = generator.choice((0, len(token)))
            changed[at : at + overwritten] = token
        yield bytes(changed)


Bytes = Sequence[bytes]


def _span(data: bytearray, generator: random.Random, limit: int = 200) -> tuple[int, int]:
    start = generator.randrange(len(data) + 1)
    return start, min(len(data), start + generator.randrange(1, limit))


def _digits(data: bytearray) -> list[int]:
    return [i for i, byte in enumerate(data[:4000]) if 48 <= byte <= 57]


def _change_digit(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    if digits := _digits(data):
        data[generator.choice(digits)] = generator.randrange(48, 58)


def _flip(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    if data:
        data[generator.randrange(len(data))] = generator.randrange(256)


def _cut(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    start, end = _span(data, generator)
    del data[start:end]


def _repeat(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    start, end = _span(data, generator)
    data[start:start] = data[start:end] * generator.choice((1, 2, 50))


def _insert(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    at = generator.randrange(len(data) + 1)
    data[at:at] = generator.choice(tokens)


def _replace_number(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    if digits := _digits(data):
        at = generator.choice(digits)
        data[at : at + generator.randrange(1, 4)] = generator.choice(tokens)


def _swap_lines(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    i, j = generator.randrange(len(lines)), generator.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    data[:] = b"\n".join(lines)


def _splice(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    other = bytearray(generator.choice(pool))
    start, end = _span(other, generator)
    at = generator.randrange(len(data) + 1)
    data[at : at + generator.randrange(200)] = other[start:end]


def _truncate(data: bytearray, pool: Bytes, tokens: Bytes, generator: random.Random) -> None:
    del data[generator.randrange(len(data) + 1) :]
