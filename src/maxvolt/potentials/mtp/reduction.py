"""Potentials without some of their scalars, and without what only these needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["reduced", "reduced_table"]


def reduced(potential: MTP, kept: NDArray[np.int64]) -> MTP:
    """Return the potential with some of its scalars only, as if the others had coefficient zero.

    What nothing needs any more is dropped, too: products, moments and radial functions. The
    coefficients of what stays are the same.

    Parameters
    ----------
    potential
        Of any table.
    kept : shape (n,)
        Numbers of scalars, each once.

    Raises
    ------
    MaxvoltError
        No scalar is kept, or a number is out of range or twice.
    """
    table, functions = reduced_table(potential.model.table, kept)
    model = potential.model
    smaller = replace(
        model,
        table=table,
        radial_coeffs=model.radial_coeffs[:, :, functions],
        moment_coeffs=model.moment_coeffs[np.sort(kept)],
    )
    return MTP.from_model(smaller, potential.species, replace(potential.about, level=None))


def reduced_table(
    table: ContractionTable, kept: NDArray[np.int64]
) -> tuple[ContractionTable, NDArray[np.int64]]:
    """Leave out scalars, and products, moments and radial functions that only they needed.

    Radial functions are numbered anew by falling rank of their moments: the kernels complete the
    moments of each up to the highest rank of all that follow (`binding.layout`).

    Parameters
    ----------
    table
        The table.
    kept : shape (n,)
        Numbers of scalars; they stay in the order of the table.

    Returns
    -------
    table
        In the form of MLIP's files, as the one that was given.
    functions : shape (K,)
        Which radial function each new one was.

    Raises
    ------
    MaxvoltError
        No scalar is kept, or a number is out of range or twice.
    """
    kept = _checked(kept, len(table.scalars))
    scalars = table.scalars[kept]
    needed = _needed(table, scalars)
    n_basic = len(table.basic)
    basic = table.basic[needed[:n_basic]]
    functions = _by_falling_rank(basic)
    place = np.argsort(functions)  # of the functions that are left, in the old order
    old = np.sort(functions)
    basic = basic.copy()
    basic[:, 0] = place[np.searchsorted(old, basic[:, 0])]
    order = np.argsort(basic[:, 0], kind="stable")
    number = np.full(table.n_moments, -1, dtype=np.int64)
    number[np.flatnonzero(needed[:n_basic])[order]] = np.arange(len(basic))
    rest = n_basic + np.flatnonzero(needed[n_basic:])
    number[rest] = len(basic) + np.arange(len(rest))
    products = table.products[needed[table.products[:, 3]]].astype(np.int64)
    products[:, [0, 1, 3]] = number[products[:, [0, 1, 3]]]
    smaller = ContractionTable(
        basic[order].astype(np.int32),
        products.astype(np.int32),
        number[scalars].astype(np.int32),
        int(needed.sum()),
    )
    return smaller, functions


def _checked(kept: NDArray[np.int64], n_scalars: int) -> NDArray[np.int64]:
    found = np.unique(np.asarray(kept, dtype=np.int64))
    if len(found) == 0:
        raise MaxvoltError("a potential needs one scalar at least; keep some")
    if len(found) < len(kept) or found[0] < 0 or found[-1] >= n_scalars:
        raise MaxvoltError(
            f"expected different numbers of scalars from 0 to {n_scalars - 1}; got "
            f"{np.asarray(kept).tolist()}"
        )
    return found


def _needed(table: ContractionTable, scalars: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Moments that scalars are made of; targets come after their factors."""
    needed = np.zeros(table.n_moments, dtype=np.bool_)
    needed[scalars] = True
    for left, right, _, target in table.products[::-1].tolist():
        if needed[target]:
            needed[left] = needed[right] = True
    return needed


def _by_falling_rank(basic: NDArray[np.int32]) -> NDArray[np.int64]:
    """Radial functions that occur; first those with moments of high rank."""
    ranks = basic[:, 1:].sum(axis=1)
    functions = np.unique(basic[:, 0]).astype(np.int64)
    highest = np.array([ranks[basic[:, 0] == mu].max() for mu in functions])
    return functions[np.argsort(-highest, kind="stable")]
