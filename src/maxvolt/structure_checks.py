"""What the arrays of a dataset must hold: checks that name the first structure at fault."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import DataError

__all__ = [
    "check_cells",
    "check_labels",
    "check_offsets",
    "check_structures",
    "read_only",
    "structure_indices",
]

_SMALLEST_CELL_DETERMINANT = 1e-6
"""Smallest |det| of the normalised lattice vectors of a usable cell (1 for orthogonal ones)."""

_LARGEST_LENGTH = 1e9
"""Longest lattice vector component (Angstrom); longer ones are not lengths but wrong numbers."""


def read_only(
    name: str, values: object, dtype: type, shape: tuple[int, ...] | None
) -> NDArray[Any]:
    """Return a contiguous, read-only array of the right type and shape.

    Parameters
    ----------
    name
        Of the field, for messages.
    values
        What was given for it.
    dtype, shape
        What is expected; None: one dimension with at least one entry.
    """
    try:
        array: NDArray[Any] = np.ascontiguousarray(values, dtype).view()
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} cannot be read as an array of {dtype.__name__}") from error
    if shape is None and (array.ndim != 1 or not len(array)):
        raise DataError(f"{name} has shape {array.shape}; expected one dimension, n + 1 entries")
    if shape is not None and array.shape != shape:
        raise DataError(f"{name} has shape {array.shape}; expected {shape}")
    array.flags.writeable = False
    return array


def check_offsets(offsets: NDArray[np.int64]) -> None:
    """Refuse offsets that do not begin with 0, and structures without atoms."""
    if offsets[0] != 0:
        raise DataError(f"offsets begins with {offsets[0]}; expected 0")
    empty = np.flatnonzero(np.diff(offsets) < 1)
    if len(offsets) > 1 and len(empty):
        raise DataError(f"structure {empty[0]} has no atoms; leave it out")


def check_structures(
    offsets: NDArray[np.int64],
    numbers: NDArray[np.int32],
    positions: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> None:
    """Refuse positions, elements and weights that no structure can have."""
    bad = np.asarray(~np.isfinite(positions).all(axis=-1))
    _refuse(_owner(offsets, bad), "has positions that are not finite numbers")
    unknown = (numbers < 1) | (numbers >= len(chemical_symbols))
    _refuse(_owner(offsets, unknown), "has atoms that are not a chemical element")
    bad_weight = ~(np.isfinite(weights) & (weights >= 0))
    _refuse(np.flatnonzero(bad_weight), "has a weight that is negative or not finite")


def check_cells(cells: NDArray[np.float64], pbc: NDArray[np.bool_]) -> None:
    """Refuse cells whose periodic lattice vectors do not span their directions."""
    _refuse(
        np.flatnonzero(~np.isfinite(cells).all(axis=(1, 2))),
        "has a cell that is not made of finite numbers",
    )
    far = np.abs(cells).max(axis=(1, 2), initial=0.0) > _LARGEST_LENGTH
    _refuse(np.flatnonzero(far), f"has a cell longer than {_LARGEST_LENGTH:g} Angstrom")
    for pattern in np.unique(pbc, axis=0):
        if not pattern.any():
            continue
        of_pattern = np.flatnonzero((pbc == pattern).all(axis=1))
        vectors = cells[of_pattern][:, pattern]
        lengths = np.linalg.norm(vectors, axis=2)
        unit = vectors / np.where(lengths > 0, lengths, 1.0)[..., None]
        with np.errstate(all="ignore"):
            gram = np.linalg.det(unit @ unit.transpose(0, 2, 1))
        _refuse(
            of_pattern[~(gram >= _SMALLEST_CELL_DETERMINANT**2)],
            "is periodic along lattice vectors that are zero or linearly dependent",
        )


def check_labels(
    offsets: NDArray[np.int64], labels: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]
) -> dict[str, NDArray[np.float64]]:
    """Refuse labels that are said to exist and do not; erase those that are said not to.

    Parameters
    ----------
    offsets : shape (n + 1,)
    labels
        Energies, forces and stresses by name, each with the presence of the label in the n
        structures.

    Returns
    -------
    erased
        By name, read-only, those that had numbers where there is no label; now NaN.
    """
    erased = {}
    for name, (values, present) in labels.items():
        finite = np.isfinite(values)
        wrong = ~np.asarray(finite if values.ndim == 1 else finite.all(axis=-1))
        if name == "forces":
            present = np.repeat(present, np.diff(offsets))
            owners = _owner(offsets, present & wrong)
        else:
            owners = np.flatnonzero(present & wrong)
        _refuse(owners, _NOT_FINITE[name])
        mask = present if values.ndim == 1 else present[:, None]
        if not np.isnan(values[np.broadcast_to(~mask, values.shape)]).all():
            erased[name] = np.where(mask, values, np.nan)
            erased[name].flags.writeable = False
    return erased


_NOT_FINITE = {
    "energies": "has an energy that is not finite",
    "forces": "has forces that are not finite on some atoms",
    "stresses": "has a stress that is not finite",
}


def structure_indices(which: ArrayLike | slice, n: int) -> NDArray[np.int64]:
    """Return the indices of some of n structures: of a mask, of integers or of a slice."""
    if isinstance(which, slice):
        return np.arange(n)[which]
    chosen = np.atleast_1d(np.asarray(which))
    if chosen.dtype == np.bool_:
        if chosen.shape != (n,):
            raise DataError(f"mask of shape {chosen.shape} for {n} structures; need ({n},)")
        return np.flatnonzero(chosen)
    if chosen.size == 0:
        return np.empty(0, np.int64)
    if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer):
        raise DataError("select needs a boolean mask, a list of integers or a slice")
    if chosen.min() < -n or chosen.max() >= n:
        raise DataError(f"select asks for a structure outside 0 to {n - 1}")
    return np.asarray(chosen % n, np.int64)


def _owner(offsets: NDArray[np.int64], atom_mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.searchsorted(offsets, np.flatnonzero(atom_mask), side="right") - 1


def _refuse(structures: NDArray[np.int64], what: str) -> None:
    if len(structures):
        more = len(np.unique(structures)) - 1
        others = f" (and {more} more)" if more else ""
        raise DataError(f"structure {structures[0]}{others} {what}")
