"""Damaged, foreign and poisoned files in the cache of plans change no plan and raise nothing."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from unittest import mock

import numpy as np

from attacks.finding import FindingError
from attacks.mutations import mutations, survive
from maxvolt.archives import read_arrays
from maxvolt.potentials.mtp.basis.contraction import contraction_table
from maxvolt.potentials.mtp.basis.plan import PlanStore
from maxvolt.potentials.mtp.basis.plan_files import table_key

__all__ = ["trial"]

LEVEL, INPUTS = 10, 60
DIGEST = 32


def inputs(whole: bytes, key: str, generator: random.Random) -> Iterator[bytes]:
    """Give damaged files: as they are, with a right digest, or with arrays changed."""
    for data in mutations([whole], generator):
        kind = generator.randrange(3)
        if kind == 0:
            yield data
            continue
        contents = data[DIGEST:]
        if kind == 1:
            contents = _changed(whole[DIGEST:], generator)
        yield hashlib.sha256(key.encode() + contents).digest() + contents


def _changed(contents: bytes, generator: random.Random) -> bytes:
    """Change a number, or leave some out, in one of the arrays."""
    arrays = read_arrays(contents)
    name = generator.choice(sorted(arrays))
    array = arrays[name]
    if generator.random() < 0.3:
        arrays[name] = array[: generator.randrange(len(array) + 1)]
    else:
        value = generator.choice((0, 1, -1, 3, 99, -(2**15), 2**15 - 1, 2**31 - 1, 0.5))
        place = tuple(generator.randrange(length) for length in array.shape)
        array[place] = np.array(value).astype(array.dtype)
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def trial(seed: int, scratch: Path, count: int = INPUTS) -> str:
    """Put damaged files in place of a plan, and compare the plan with the true one."""
    table = contraction_table(LEVEL)
    key = table_key(table)
    with mock.patch.dict(os.environ, {"MAXVOLT_CACHE": str(scratch)}):
        true = PlanStore(worth_keeping=0).plan(table)
        assert true is not None
        path = scratch / f"{key}.plan"

        def check(data: bytes) -> str:
            path.write_bytes(data)
            found = PlanStore(worth_keeping=0).plan(table)
            if found is None or found.invariants != true.invariants:
                raise FindingError("another plan")
            if abs(found.expansion - true.expansion).max() > 1e-6:
                raise FindingError("other coefficients")
            return "held"

        stream = inputs(path.read_bytes(), key, random.Random(seed))
        survive(stream, check, scratch / "input.plan", count=count)
    return "held"
