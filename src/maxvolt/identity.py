"""What makes two structures the same: one digest of a structure, wherever one is needed.

A structure is its atomic numbers, positions, cell, periodic directions, initial magnetic moments
and initial charges, in the order in which the atoms are given. Lengths count to 1e-8 Angstrom:
finer than any file keeps and any energy feels, coarser than what differs between machines. Nothing
else of a structure reaches a calculator, so nothing else belongs to its identity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DIGEST_DIGITS", "INITIAL_ARRAYS", "structure_digest"]

INITIAL_ARRAYS = ("initial_magmoms", "initial_charges")
"""ASE's names of the per-atom arrays that belong to a structure besides numbers and positions."""

DIGEST_DIGITS = 32
"""Hexadecimal digits of a digest."""

_VERSION = b"maxvolt structure 1"  # digests are kept in label databases: a change makes a new one
_LENGTH_STEP = 1e-8
_MOMENT_STEP = 1e-6


def structure_digest(
    numbers: NDArray[Any],
    positions: NDArray[np.float64],
    cell: NDArray[np.float64],
    pbc: NDArray[np.bool_],
    arrays: Mapping[str, Any] | None = None,
) -> str:
    """Return the digest of a structure, 32 hexadecimal digits.

    Parameters
    ----------
    numbers : shape (N,)
        Atomic numbers.
    positions : shape (N, 3), Angstrom
    cell : shape (3, 3), Angstrom
    pbc : shape (3,)
        Which lattice vectors repeat.
    arrays
        Per-atom arrays, of which those named in `INITIAL_ARRAYS` count where they are not zero.
    """
    digest = hashlib.sha256(_VERSION)
    digest.update(np.array([len(numbers)], "<i8").tobytes())
    digest.update(np.asarray(numbers, "<i4").tobytes())
    digest.update(_rounded(positions, _LENGTH_STEP))
    digest.update(_rounded(cell, _LENGTH_STEP))
    digest.update(np.asarray(pbc, "u1").tobytes())
    for name in INITIAL_ARRAYS:
        values = None if arrays is None else arrays.get(name)
        if values is not None and np.any(values):
            digest.update(name.encode() + _rounded(values, _MOMENT_STEP))
    return digest.hexdigest()[:DIGEST_DIGITS]


def _rounded(values: Any, step: float) -> bytes:
    """Return numbers as bytes, equal for numbers that round to the same multiple of `step`."""
    return np.rint(np.asarray(values, np.float64) / step).astype("<i8").tobytes()
