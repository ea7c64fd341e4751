"""Evaluation plans of large tables kept in the user's cache folder.

The folder is ``$MAXVOLT_CACHE``, else ``$XDG_CACHE_HOME/maxvolt``, else ``~/.cache/maxvolt``. Files
in it may be deleted at any time: what is missing, damaged or cannot be written is made again.
"""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from maxvolt.basis.contraction import ContractionTable
from maxvolt.basis.invariants import Invariant
from maxvolt.errors import DataError
from maxvolt.files import replacing

__all__ = ["read_expansion", "table_key", "write_expansion"]

_VERSION = 2
"""Of the files; counted up when plans or their files change."""


def table_key(table: ContractionTable) -> str:
    """Tell tables apart by their contents: a name for the file of a plan."""
    digest = hashlib.sha256(repr((_VERSION, table.n_moments)).encode())
    for array in (table.basic, table.products, table.scalars):
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _path(key: str) -> Path:
    own = os.environ.get("MAXVOLT_CACHE")
    if own:
        return Path(own) / f"{key}.plan"
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "maxvolt" / f"{key}.plan"


def write_expansion(key: str, invariants: tuple[Invariant, ...], expansion: csr_array) -> None:
    """Keep a plan: a digest, and the arrays that it is the digest of."""
    arrays = BytesIO()
    np.savez(
        arrays,
        invariants=_rows(invariants),
        data=expansion.data,
        indices=expansion.indices,
        indptr=expansion.indptr,
    )
    contents = arrays.getvalue()
    try:
        path = _path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            stream.write(hashlib.sha256(contents).digest() + contents)
    except (OSError, DataError, RuntimeError):  # no home, or it must not be written to
        return


def read_expansion(key: str) -> tuple[tuple[Invariant, ...], csr_array] | None:
    """Read a plan that was kept; None where there is none, or a damaged one."""
    try:
        kept = _path(key).read_bytes()
    except (OSError, RuntimeError):
        return None
    digest, contents = kept[:32], kept[32:]
    if hashlib.sha256(contents).digest() != digest:
        return None
    with np.load(BytesIO(contents)) as arrays:
        rows = arrays["invariants"].tolist()
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
    expansion = csr_array(parts, shape=(len(parts[2]) - 1, len(rows)))
    return tuple(map(_invariant, rows)), expansion


def _rows(invariants: tuple[Invariant, ...]) -> NDArray[np.int16]:
    """One row an invariant: rank, lengths of both channels, four harmonics (mu, l), -1 for none."""
    rows = np.full((len(invariants), 11), -1, dtype=np.int16)
    for row, invariant in zip(rows, invariants, strict=True):
        numbers = [n for harmonic in invariant.left + invariant.right for n in harmonic]
        row[:3] = invariant.rank, len(invariant.left), len(invariant.right)
        row[3 : 3 + len(numbers)] = numbers
    return rows


def _invariant(row: list[int]) -> Invariant:
    rank, n_left, n_right = row[:3]
    factors = tuple((row[3 + 2 * k], row[4 + 2 * k]) for k in range(n_left + n_right))
    return Invariant(rank, factors[:n_left], factors[n_left:])
