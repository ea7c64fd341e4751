"""Write extended XYZ with all digits.

ASE's own writer keeps only eight decimals, so that labels would change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from ase import Atoms
from ase.io.extxyz import key_val_dict_to_str, key_val_str_to_dict
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.labels import ARRAYS_KEY, other_results

__all__ = ["extxyz_bytes"]

# ASE does not annotate them.
_to_text: Callable[[Mapping[str, object]], str] = key_val_dict_to_str
_from_text: Callable[[str], dict[str, Any]] = key_val_str_to_dict

_LETTERS = {"f": "R", "i": "I", "u": "I", "b": "L", "U": "S"}
_RESERVED = frozenset({"Lattice", "Properties", "pbc"})


def extxyz_bytes(structures: Iterable[Atoms]) -> bytes:
    """Return structures with their labels as extended XYZ.

    The header holds ``energy`` (eV, force-consistent), ``stress`` (eV/Angstrom^3, sign of ASE),
    other results such as ``dipole`` and whatever else ``atoms.info`` has; the columns ``forces``
    (eV/Angstrom), other results of atoms such as ``magmoms``, and other arrays.
    """
    return "".join(_text(atoms) for atoms in structures).encode("utf-8", "surrogateescape")


def _text(atoms: Atoms) -> str:
    results = {} if atoms.calc is None else atoms.calc.results
    others = other_results(atoms)
    arrays = {"pos": atoms.positions}
    if "forces" in results:
        arrays["forces"] = results["forces"]
    for name, array in others.pop(ARRAYS_KEY, {}).items():
        arrays[name] = np.asarray(array)
    for name, array in atoms.arrays.items():
        if name not in ("numbers", "positions"):
            arrays[name] = array
    columns = [[f"{symbol:<2}" for symbol in atoms.symbols]]
    for array in arrays.values():
        columns += [_words(column) for column in array.reshape(len(atoms), -1).T]
    rows = (" ".join(row) for row in zip(*columns, strict=True))
    header = _header(atoms, arrays, {**others, **atoms.info})
    return f"{len(atoms)}\n{header}\n" + "\n".join(rows) + "\n"


def _header(atoms: Atoms, arrays: Mapping[str, NDArray[Any]], info: Mapping[str, Any]) -> str:
    results = {} if atoms.calc is None else atoms.calc.results
    items = []
    if atoms.cell.array.any():
        items.append(_to_text({"Lattice": atoms.cell.array.T}))
    items.append(
        "Properties=species:S:1"
        + "".join(f":{name}:{_letter(name, a)}:{a[0].size}" for name, a in arrays.items())
    )
    if "energy" in results:
        items.append(f"energy={float(results['energy'])!r}")
    if "stress" in results and atoms.pbc.all():
        items.append(_to_text({"stress": _tensor(results["stress"])}))
    for key, value in info.items():
        if key in _RESERVED:
            raise DataError(f"the information {key!r} would be mistaken for the {key} of the file")
        items.append(_item(key, value) if isinstance(value, str) else _other_item(key, value))
    items.append('pbc="{} {} {}"'.format(*("T" if repeats else "F" for repeats in atoms.pbc)))
    return " ".join(items)


def _other_item(key: str, value: object) -> str:
    return _to_text({key: value})


@lru_cache(maxsize=4096)
def _item(key: str, value: str) -> str:
    """Return a header item from which ASE reads the same text.

    Texts that look like something else, as 007 or T, or hold line ends are written in JSON.
    """
    quoted_key = key if re.fullmatch(r"[\w#.+-]+", key, re.ASCII) else _quoted(key)
    for text in (value, "_JSON " + json.dumps(value)):
        plain = re.fullmatch(r"[\w#.+-]+", text, re.ASCII)
        item = f"{quoted_key}={text if plain else _quoted(text)}"
        if "\n" in item or "\r" in item:
            continue
        back = _from_text(item)
        if list(back) == [key] and isinstance(back[key], str) and back[key] == value:
            return item
    raise DataError(f"the information {key!r} cannot be written to extended XYZ; rename it")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _words(column: NDArray[Any]) -> list[str]:
    """Return numbers with as many digits as needed to read the same ones back."""
    if column.dtype.kind == "b":
        return ["T" if value else "F" for value in column]
    if column.dtype.kind == "f":
        return [f"{value!r:>24}" for value in column.tolist()]
    return [str(value) for value in column.tolist()]


def _letter(name: str, array: NDArray[Any]) -> str:
    letter = _LETTERS.get(array.dtype.kind)
    if letter is None or array.ndim > 2 or any(character in name for character in ": \t\r\n"):
        raise DataError(f"the array {name!r} ({array.dtype}) cannot be written to extended XYZ")
    return letter


def _tensor(stress: NDArray[np.float64]) -> NDArray[np.float64]:
    xx, yy, zz, yz, xz, xy = stress
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
