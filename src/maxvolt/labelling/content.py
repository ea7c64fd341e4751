"""What makes two calculations the same: the digest of the structure and that of the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from maxvolt.errors import DataError
from maxvolt.identity import DIGEST_DIGITS, INITIAL_ARRAYS, structure_digest

__all__ = [
    "bare_structure",
    "canonical_json",
    "check_structure",
    "label_key",
    "plain_json",
    "settings_hash",
    "structure_hash",
]

_LARGEST = 1e9
"""Of a length, a moment, a charge; multiples of the steps of digests then fit into 64 bits."""


def bare_structure(atoms: Atoms) -> Atoms:
    """Return what a calculator may see of a structure, and nothing else."""
    bare = Atoms(
        numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell.array, pbc=atoms.pbc
    )
    for name in INITIAL_ARRAYS:
        if name in atoms.arrays and np.any(atoms.arrays[name]):
            bare.set_array(name, np.asarray(atoms.arrays[name], np.float64))
    return bare


def check_structure(atoms: Atoms) -> None:
    """Refuse what is not a structure.

    Raises
    ------
    DataError
        An atomic number belongs to no element; a length, moment or charge is not finite, or beyond
        all that a structure can have.
    """
    strange = [int(number) for number in atoms.numbers if not 0 <= number < len(chemical_symbols)]
    if strange:
        raise DataError(f"atomic number {strange[0]} belongs to no element")
    arrays = {"positions": atoms.positions, "cell": atoms.cell.array}
    arrays |= {name: atoms.arrays[name] for name in INITIAL_ARRAYS if name in atoms.arrays}
    for name, values in arrays.items():
        largest = np.abs(np.asarray(values, np.float64)).max(initial=0.0)
        if not largest <= _LARGEST:  # NaN, too
            raise DataError(f"{name} holds {largest:g}; expected numbers up to {_LARGEST:g}")


def structure_hash(atoms: Atoms) -> str:
    """Return the hash of a structure, 32 hexadecimal digits."""
    return structure_digest(
        atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, atoms.arrays
    )


def settings_hash(calculator: str, settings: Mapping[str, Any]) -> str:
    """Return the hash of a calculator's name and all its settings, 32 hexadecimal digits."""
    text = canonical_json({"calculator": calculator, "settings": settings})
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]


def label_key(structure: str, reference: str) -> str:
    """Return the one name of a calculation, from the hashes of structure and settings."""
    return hashlib.sha256(f"{structure} {reference}".encode()).hexdigest()[:DIGEST_DIGITS]


def canonical_json(value: Any) -> str:
    """Return JSON that is the same for equal values: sorted keys, whole numbers without a point."""
    plain = _without_points(plain_json(value))
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def plain_json(value: Any) -> Any:
    """Return a value as it comes back from JSON: tuples and arrays are lists.

    Raises
    ------
    TypeError, ValueError
        When the value is not JSON, or holds NaN or infinity.
    """
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise TypeError(f"the name {name!r} is not a string")
        return {name: plain_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain_json(value.tolist())
    return json.loads(json.dumps(value, allow_nan=False))


def _without_points(value: Any) -> Any:
    """Return plain JSON with 400 in place of 400.0."""
    if isinstance(value, dict):
        return {name: _without_points(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_points(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
