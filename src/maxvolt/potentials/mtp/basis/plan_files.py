"""Evaluation plans of large tables kept in the user's cache folder.

The folder is ``$MAXVOLT_CACHE``, else ``$XDG_CACHE_HOME/maxvolt``, else ``~/.cache/maxvolt``. Files
in it may be deleted at any time: what is missing, damaged, of another table or cannot be written is
made again. A digest of key and contents stands before the contents; as anybody can compute it, a
plan is believed only where it also gives the scalars of its table, for random moments.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from maxvolt.archives import read_arrays
from maxvolt.errors import DataError
from maxvolt.files import replacing_path
from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.expansion import are_scalars
from maxvolt.potentials.mtp.basis.harmonics import HIGHEST_RANK
from maxvolt.potentials.mtp.basis.invariants import MOST_FACTORS, Invariant, scalar_vertices

__all__ = ["read_expansion", "table_key", "write_expansion"]

_VERSION = 3
"""Of the files; counted up when plans or their files change."""

_LARGEST = 2**30
"""Bytes of a file; the plan of level 28 has a few million."""

_DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile)
"""What reading a file raises that holds no plan."""


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
        with replacing_path(path) as temporary:  # in place of whatever has the name, pipes too
            temporary.write_bytes(_digest(key, contents) + contents)
    except (OSError, DataError, RuntimeError):  # no home, or it must not be written to
        return


def _digest(key: str, contents: bytes) -> bytes:
    return hashlib.sha256(key.encode() + contents).digest()


def read_expansion(
    key: str, table: ContractionTable
) -> tuple[tuple[Invariant, ...], csr_array] | None:
    """Read a plan that was kept; None where there is none that gives the scalars of the table."""
    try:
        kept = _contents(_path(key))
        digest, contents = kept[:32], kept[32:]
        if _digest(key, contents) != digest:
            return None
        arrays = read_arrays(contents)
        invariants = tuple(map(_invariant, _checked_rows(arrays["invariants"])))
        expansion = _checked_expansion(arrays, (len(table.scalars), len(invariants)))
    except _DAMAGE:
        return None
    vertices = scalar_vertices(table)
    if vertices is None or not are_scalars(table, vertices, list(invariants), expansion):
        return None
    return invariants, expansion


def _contents(path: Path) -> bytes:
    """Bytes of a file; what is not one, or is too large, is as good as damaged."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - of a descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise OSError("no file of a plan")
        return stream.read(found.st_size)


def _checked_expansion(arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> csr_array:
    """Return a sparse matrix whose parts fit each other, which SciPy takes on trust.

    Raises
    ------
    ValueError
        They do not.
    """
    data, indices, indptr = arrays["data"], arrays["indices"], arrays["indptr"]
    fits = (
        data.dtype == np.float64
        and indices.dtype == indptr.dtype
        and indptr.dtype in (np.int32, np.int64)
        and data.shape == indices.shape == (len(data),)
        and indptr.shape == (shape[0] + 1,)
        and indptr[0] == 0
        and indptr[-1] == len(data)
        and (np.diff(indptr) >= 0).all()
        and ((indices >= 0) & (indices < shape[1])).all()
    )
    if not fits:
        raise ValueError("no sparse matrix of this shape")
    return csr_array((data, indices, indptr), shape=shape)


def _checked_rows(rows: NDArray[np.int16]) -> list[list[int]]:
    """Rows of invariants as `_rows` makes them.

    Raises
    ------
    ValueError
        They are not.
    """
    if rows.dtype != np.int16 or rows.ndim != 2 or rows.shape[1] != 11 or not len(rows):
        raise ValueError("no rows of invariants")
    rank, n_left, n_right = rows[:, :3].T
    factors = rows[:, 3:].reshape(len(rows), MOST_FACTORS, 2)
    n_factors = n_left + n_right
    present = np.arange(MOST_FACTORS) < n_factors[:, None]
    fits = (
        (min(n_left.min(), n_right.min()) >= 0)
        and max(n_left.max(), n_right.max()) <= 2
        and ((rank >= 0) & (rank <= 2 * HIGHEST_RANK)).all()
        and (factors[present] >= 0).all()
        and (factors[present][:, 1] <= HIGHEST_RANK).all()
        and (factors[~present] == -1).all()
    )
    if not fits:
        raise ValueError("rows that are no invariants")
    return [list(map(int, row)) for row in rows.tolist()]


def _rows(invariants: tuple[Invariant, ...]) -> NDArray[np.int16]:
    """One row per invariant: rank, lengths of both channels, four harmonics (mu, l) or -1."""
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
