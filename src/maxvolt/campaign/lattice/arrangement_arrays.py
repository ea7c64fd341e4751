"""Arrangements as arrays of a step's result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.lattice import Arrangement
from maxvolt.potentials.lattice import Supercell

__all__ = ["arrangements_in", "arrays_of", "digest_of"]


def arrays_of(arrangements: Sequence[Arrangement]) -> dict[str, NDArray[Any]]:
    """Edges, numbers of sites, species of all sites, energies."""
    none = np.empty(0, np.int64)
    return {
        "edges": np.array([one.supercell.vectors for one in arrangements], np.int64).reshape(
            -1, 3, 3
        ),
        "sites": np.array([len(one.occupation) for one in arrangements], np.int64),
        "species": np.concatenate([none, *(one.occupation for one in arrangements)]),
        "energies": np.array([one.energy for one in arrangements], np.float64),
    }


def arrangements_in(arrays: Mapping[str, NDArray[Any]]) -> list[Arrangement]:
    """The same back again."""
    ends = np.cumsum(arrays["sites"])[:-1]
    parts = np.split(arrays["species"], ends) if len(arrays["sites"]) else []
    return [
        Arrangement(Supercell.of(edges), species, float(energy))
        for edges, species, energy in zip(arrays["edges"], parts, arrays["energies"], strict=True)
    ]


def digest_of(arrangements: Sequence[Arrangement]) -> str:
    """Hash of edges, species and energies."""
    found = hashlib.sha256()
    for array in arrays_of(arrangements).values():
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
