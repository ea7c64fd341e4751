"""The ordered cell that waves leave as it is, and variants of the order in it."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.order.concentration_waves import ConcentrationWaves
from maxvolt.properties.lattice.order.cubic_sites import BASES
from maxvolt.properties.lattice.order.prototypes import ROTATIONS

__all__ = ["aligned_mean", "ordered_cell"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


def ordered_cell(waves: ConcentrationWaves, index: Integers, largest: int) -> Supercell | None:
    """Find the smallest cell with which all of these waves repeat.

    Parameters
    ----------
    waves
        Of the supercell.
    index
        Places of the waves.
    largest
        Sites that the cell may have; None is returned where it has more.
    """
    numbers = waves.numbers(index)
    rows: list[Integers] = []
    left = largest
    for axis in range(3):
        # The shortest step along this axis that steps along those before can make up for.
        before = np.array(list(product(*(range(row[k]) for k, row in enumerate(rows)))), np.int64)
        for length in range(1, left + 1):
            steps = np.zeros((len(before), 3), np.int64)
            steps[:, :axis], steps[:, axis] = before, length
            there = np.flatnonzero(waves.invariant(numbers, steps))
            if len(there):
                rows.append(steps[there[0]])
                left //= length
                break
        else:
            return None
    return Supercell.of(np.array(rows))


def aligned_mean(lattice: str, ordered: Supercell, occupations: Array) -> Array:
    """Average occupations of sublattices, whichever variant of the order each arrangement has.

    A variant is the order shifted by a vector of the lattice or turned by an operation of the
    cube; each arrangement is taken in the variant that is nearest to the mean of the others.

    Parameters
    ----------
    lattice
        "sc", "bcc" or "fcc".
    ordered
        Cell of the sublattices.
    occupations : shape (n, m, c)
        Of the m sublattices, in n arrangements.

    Returns
    -------
    mean : shape (m, c)
    """
    variants = _variants(lattice, ordered)
    spread = occupations.var(axis=1).sum(axis=1)
    mean = occupations[np.argmax(spread)]
    for _ in range(2):  # the second time with a mean that is no single arrangement
        nearest = [
            one[variants[np.argmax(np.einsum("vmc,mc->v", one[variants], mean))]]
            for one in occupations
        ]
        mean = np.mean(nearest, axis=0)
    return np.asarray(mean)


def _variants(lattice: str, ordered: Supercell) -> Integers:
    """Sublattice that comes to the place of each, shape (variants, m)."""
    basis = BASES[lattice]
    cells = ordered.offsets()
    found = []
    for rotation in ROTATIONS:
        turn = np.rint(basis @ rotation.T @ np.linalg.inv(basis)).astype(np.int64)
        if ordered.numbers(ordered.vectors @ turn).any():
            continue
        found += [ordered.numbers(cells @ turn + shift) for shift in cells]
    return np.unique(np.array(found), axis=0)
