"""Files of low-rank potentials: NumPy archives of plain arrays."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.archives import read_arrays
from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.files import replacing
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.tensor_train import TensorTrain

__all__ = ["read_low_rank", "write_low_rank"]

_FORMAT, _VERSION = "maxvolt low-rank potential", 1


def write_low_rank(potential: LowRankPotential, path: str | Path) -> None:
    """Write a potential, with its lattice and the symbols of its species.

    Parameters
    ----------
    potential
        What is written.
    path
        Ends with ``.lattice.npz`` by convention.
    """
    parent = potential.parent
    head = {
        "format": _FORMAT,
        "version": _VERSION,
        "allowed": parent.allowed,
        "shells": potential.shells,
        "symmetric": potential.symmetric,
        "ranks": [train.ranks for train in potential.trains],
    }
    arrays: dict[str, Any] = {
        "head": np.frombuffer(json.dumps(head).encode(), np.uint8),
        "cell": parent.cell,
        "places": parent.places,
        "atomic": potential.atomic,
    }
    arrays |= {f"train_{k}": train.vector() for k, train in enumerate(potential.trains)}
    with replacing(path) as file:
        np.savez(file, **arrays)


def read_low_rank(path: str | Path) -> LowRankPotential:
    """Read a potential.

    Raises
    ------
    FileFormatError
        The file is no low-rank potential, is damaged, or is of a later version.
    """
    path = Path(path)
    try:
        arrays = read_arrays(path)
        head: dict[str, Any] = json.loads(arrays["head"].tobytes())
        if head["format"] != _FORMAT:
            raise ValueError("its head is another one")
        version = int(head["version"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise FileFormatError(path, f"is no low-rank potential: {error}") from error
    if version > _VERSION:
        raise FileFormatError(
            path, f"has version {version}; this maxvolt reads up to {_VERSION}: update it"
        )
    try:
        return _potential(head, arrays)
    except (MaxvoltError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(path, f"is a damaged low-rank potential: {error}") from error


def _potential(head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> LowRankPotential:
    allowed = tuple(tuple(map(str, one)) for one in head["allowed"])
    cell, places = arrays["cell"], arrays["places"]
    if cell.shape != (3, 3) or places.shape != (len(allowed), 3):
        raise ValueError("the lattice has arrays of wrong shapes")
    if not all(np.isfinite(array).all() for name, array in arrays.items() if name != "head"):
        raise ValueError("it has numbers that are not finite")
    parent = ParentLattice(cell, places, allowed)
    trains = tuple(
        TensorTrain.of_vector(arrays[f"train_{k}"], tuple(map(int, ranks)), len(parent.species))
        for k, ranks in enumerate(head["ranks"])
    )
    return LowRankPotential(
        parent, int(head["shells"]), bool(head["symmetric"]), arrays["atomic"], trains
    )
