"""Constraints of a structure as plain data, which files, archives and datasets can hold.

A constraint is kept as the dictionary that ASE makes of it: ``{"name": "FixAtoms", "kwargs":
{"indices": [0, 1]}}``. Labels stay what they are: forces on fixed atoms are those that were
computed, not zero.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian, FixScaled, dict2constraint
from numpy.typing import NDArray

from maxvolt.errors import DataError

__all__ = [
    "CONSTRAINTS_KEY",
    "attach_constraints",
    "constraint_records",
    "is_constraint_records",
    "records_from_selective_flags",
]

_logger = logging.getLogger(__name__)

CONSTRAINTS_KEY = "constraints"
"""Key of ``Dataset.infos`` under which the constraints of a structure are kept."""

Record = dict[str, Any]


def constraint_records(atoms: Atoms) -> list[Record]:
    """Return the constraints of a structure as dictionaries of plain numbers and lists.

    Constraints of one kind on single atoms, as readers make them, become one. A constraint that
    numbers and lists cannot hold (FixSymmetry refers to a whole structure) is left out, with a
    warning.
    """
    records: list[Record] = []
    masked: dict[tuple[str, tuple[bool, ...]], list[int]] = {}
    for constraint in atoms.constraints:
        kind = type(constraint)
        if kind in (FixCartesian, FixScaled, FixAtoms):
            mask = (True, True, True) if kind is FixAtoms else constraint.mask
            whole = all(mask)  # whichever way it is said
            key = ("FixAtoms" if whole else kind.__name__, tuple(bool(fixed) for fixed in mask))
            masked.setdefault(key, []).extend(int(index) for index in constraint.index)
            continue
        try:
            records.append(_plain(constraint.todict()))
        except (AttributeError, NotImplementedError, TypeError):
            _logger.warning(
                "a constraint %s cannot be kept with the structure; left out", kind.__name__
            )
    return _masked_records(masked) + records


def records_from_selective_flags(free: NDArray[np.bool_]) -> list[Record]:
    """Return the constraints that VASP's selective dynamics stands for.

    Parameters
    ----------
    free : shape (N, 3), bool
        Whether each atom may move along each lattice vector.
    """
    masked: dict[tuple[str, tuple[bool, ...]], list[int]] = {}
    for index, row in enumerate(~np.asarray(free, np.bool_)):
        mask = tuple(row.tolist())
        name = "FixAtoms" if all(mask) else "FixScaled"
        masked.setdefault((name, mask), []).append(index)
    return _masked_records(masked)


def is_constraint_records(value: object) -> bool:
    """Whether a value is a list of constraints as `constraint_records` returns it."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(one, Mapping) and set(one) == {"name", "kwargs"} for one in value)
    )


def attach_constraints(atoms: Atoms, records: Sequence[Mapping[str, Any]]) -> None:
    """Give a structure the constraints that `constraint_records` returned.

    Raises
    ------
    DataError
        A record is not a constraint of ASE, or names atoms that are not there.
    """
    constraints = []
    for record in records:
        try:
            constraint = dict2constraint({"name": record["name"], "kwargs": dict(record["kwargs"])})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the constraint {str(dict(record))[:80]} is not one that ASE knows; expected "
                "a name and arguments such as FixAtoms with indices"
            ) from error
        named = getattr(constraint, "index", ())
        # Of the centre of mass ASE says that all atoms are concerned, as a slice.
        index = np.asarray(() if isinstance(named, slice) else named, np.int64)
        if len(index) and not -len(atoms) <= index.min() <= index.max() < len(atoms):
            raise DataError(
                f"the constraint {record['name']} names atom {index.max()} (from 0) of a structure "
                f"of {len(atoms)} atoms; correct or remove it"
            )
        constraints.append(constraint)
    atoms.set_constraint(constraints)


def _masked_records(masked: Mapping[tuple[str, tuple[bool, ...]], list[int]]) -> list[Record]:
    records = []
    for (name, mask), indices in masked.items():
        chosen = sorted(set(indices))
        if not chosen or not any(mask):
            continue
        if name == "FixAtoms":
            records.append({"name": name, "kwargs": {"indices": chosen}})
        else:
            records.append({"name": name, "kwargs": {"a": chosen, "mask": list(mask)}})
    return records


def _plain(value: Any) -> Any:
    """Return a value made of what JSON has.

    Raises
    ------
    TypeError
        It holds something else.
    """
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} is not plain data")
