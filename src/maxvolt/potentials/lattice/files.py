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
from maxvolt.potentials.lattice.ensemble import LowRankEnsemble
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.tensor_train import TensorTrain

__all__ = [
    "is_lattice_potential",
    "read_low_rank",
    "read_low_rank_ensemble",
    "write_low_rank",
]

_SUFFIX = ".lattice.npz"
"""How names of files of potentials on a lattice end."""

_FORMAT = "maxvolt low-rank potential"
_VERSION = 2
"""Of files with several members; those of one are of version 1, which has no members."""


def is_lattice_potential(path: Path) -> bool:
    """Whether a file is a potential on a lattice, by its name."""
    return path.name.endswith(_SUFFIX)


def write_low_rank(potential: LowRankPotential | LowRankEnsemble, path: str | Path) -> None:
    """Write a potential or an ensemble, with its lattice and the symbols of its species.

    Parameters
    ----------
    potential
        What is written.
    path
        Ends with ``.lattice.npz`` by convention.
    """
    members = potential.members if isinstance(potential, LowRankEnsemble) else (potential,)
    first, parent = members[0], potential.parent
    ranks = [[train.ranks for train in one.trains] for one in members]
    single = len(members) == 1
    head = {
        "format": _FORMAT,
        "version": 1 if single else _VERSION,
        "allowed": parent.allowed,
        "shells": first.shells,
        "symmetric": first.symmetric,
        "ranks": ranks[0] if single else ranks,
    }
    arrays: dict[str, Any] = {
        "head": np.frombuffer(json.dumps(head).encode(), np.uint8),
        "cell": parent.cell,
        "places": parent.places,
    }
    for number, one in enumerate(members):
        prefix = _prefix(number, len(members))
        arrays[f"{prefix}atomic"] = one.atomic
        arrays |= {f"{prefix}train_{k}": train.vector() for k, train in enumerate(one.trains)}
    with replacing(path) as file:
        np.savez(file, **arrays)


def read_low_rank(path: str | Path) -> LowRankPotential:
    """Read a potential; of an ensemble, that of its mean energies.

    Raises
    ------
    FileFormatError
        The file is no low-rank potential, is damaged, or is of a later version.
    """
    return read_low_rank_ensemble(path).mean


def read_low_rank_ensemble(path: str | Path) -> LowRankEnsemble:
    """Read all members; a single potential is an ensemble of one.

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
    except FileNotFoundError:
        raise FileFormatError(path, "no such file; check the path") from None
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise FileFormatError(path, f"is no low-rank potential: {error}") from error
    if version > _VERSION:
        raise FileFormatError(
            path, f"has version {version}; this maxvolt reads up to {_VERSION}: update it"
        )
    try:
        return _ensemble(head, arrays)
    except (MaxvoltError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(path, f"is a damaged low-rank potential: {error}") from error


def _ensemble(head: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> LowRankEnsemble:
    allowed = tuple(tuple(map(str, one)) for one in head["allowed"])
    cell, places = arrays["cell"], arrays["places"]
    if cell.shape != (3, 3) or places.shape != (len(allowed), 3):
        raise ValueError("the lattice has arrays of wrong shapes")
    if not all(np.isfinite(array).all() for name, array in arrays.items() if name != "head"):
        raise ValueError("it has numbers that are not finite")
    parent = ParentLattice(cell, places, allowed)
    of_members = [head["ranks"]] if int(head["version"]) == 1 else head["ranks"]
    members = []
    for number, of_trains in enumerate(of_members):
        prefix = _prefix(number, len(of_members))
        trains = tuple(
            TensorTrain.of_vector(
                arrays[f"{prefix}train_{k}"], tuple(map(int, ranks)), len(parent.species)
            )
            for k, ranks in enumerate(of_trains)
        )
        members.append(
            LowRankPotential(
                parent,
                int(head["shells"]),
                bool(head["symmetric"]),
                arrays[f"{prefix}atomic"],
                trains,
            )
        )
    return LowRankEnsemble(tuple(members))


def _prefix(number: int, count: int) -> str:
    """Before the names of the arrays of a member."""
    return "" if count == 1 else f"{number}_"
