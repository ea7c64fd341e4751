"""Arrangements drawn at random: supercells of few sites, compositions, species."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from maxvolt.campaign.lattice.settings import DrawnSection
from maxvolt.errors import SettingsError
from maxvolt.fitting.lattice import Arrangement
from maxvolt.fitting.lattice.arrangements import counted
from maxvolt.potentials.lattice import Environment, ParentLattice, Supercell

__all__ = ["draw_arrangement", "first_arrangements", "new_among"]

_TRIES = 10_000
"""Of compositions within the limits."""

_LONGEST = 2.5
"""Longest edge of a supercell over its shortest."""

_SHAPES = 50
"""Tries to find such a supercell."""

_SAME_SHARE = 9
"""Decimals to which shares of environments are compared."""


def draw_arrangement(
    parent: ParentLattice, drawn: DrawnSection, generator: np.random.Generator
) -> Arrangement:
    """Draw number of sites, supercell, composition and species.

    Raises
    ------
    SettingsError
        No composition within the limits is found.
    """
    b = len(parent.active)
    least, most = ceil(drawn.sites[0] / b), drawn.sites[1] // b
    if most < least:
        raise SettingsError(
            f"sites = {list(drawn.sites)} in [drawn]: no supercell has as many, as a primitive "
            f"cell has {b}"
        )
    supercell = _draw_supercell(parent, int(generator.integers(least, most + 1)), generator)
    for _ in range(_TRIES):
        occupation = _draw_occupation(parent, supercell, generator)
        if _is_within(parent, occupation, drawn):
            return Arrangement(supercell, occupation)
    raise SettingsError(
        f"composition in [drawn]: none of {_TRIES} drawn arrangements of "
        f"{len(occupation)} sites is within its limits; widen them, or draw more sites"
    )


def first_arrangements(
    parent: ParentLattice, drawn: DrawnSection, generator: np.random.Generator
) -> list[Arrangement]:
    """One of each species alone where that may be, then some that are drawn."""
    single = Supercell.of([1, 1, 1])
    found = []
    for number in range(len(parent.species)):
        # Sites that may not have the species have the first that they may.
        first = parent.may_have.argmax(axis=1)
        occupation = np.where(parent.may_have[:, number], number, first).astype(np.int64)
        if _is_within(parent, occupation, drawn):
            found.append(Arrangement(single, occupation))
    return [*found, *(draw_arrangement(parent, drawn, generator) for _ in range(drawn.first))]


def new_among(
    parent: ParentLattice,
    kinds: Sequence[Environment],
    known: Sequence[Arrangement],
    others: Sequence[Arrangement],
) -> NDArray[np.int64]:
    """Numbers of those with other environments than all known ones, and than those before them."""
    if not others:
        return np.empty(0, np.int64)
    given = counted(parent, kinds, [*known, *others])
    seen, new = set(), []
    for number in range(len(known) + len(others)):
        parts = []
        for counts in given.counts:
            row = counts[[number]].tocoo()
            order = np.argsort(row.col)
            parts.append(row.col[order].astype(np.int64).tobytes())
            parts.append(np.round(row.data[order], _SAME_SHARE).tobytes())
        key = b"|".join(parts)
        if number >= len(known) and key not in seen:
            new.append(number - len(known))
        seen.add(key)
    return np.array(new, np.int64)


def _draw_supercell(
    parent: ParentLattice, n_cells: int, generator: np.random.Generator
) -> Supercell:
    """Draw one of the superlattices, all being equally likely that are not too long."""
    shapes = [
        (a, b, n_cells // (a * b))
        for a in range(1, n_cells + 1)
        for b in range(1, n_cells + 1)
        if n_cells % (a * b) == 0
    ]
    # So many superlattices have these diagonals of their Hermite normal form.
    weights = np.array([a**2 * b for a, b, _ in shapes], float)
    best, shortest = np.eye(3), np.inf
    for _ in range(_SHAPES):
        diagonal = shapes[int(generator.choice(len(shapes), p=weights / weights.sum()))]
        edges = np.diag(diagonal)
        for row, column in ((1, 0), (2, 0), (2, 1)):
            edges[row, column] = generator.integers(diagonal[column])
        reduced, change = minkowski_reduce(edges @ parent.cell)
        lengths = np.linalg.norm(reduced, axis=1)
        ratio = float(lengths.max() / lengths.min())
        if ratio < shortest:
            best, shortest = change @ edges, ratio
        if shortest <= _LONGEST:
            break
    return Supercell.of(best)


def _draw_occupation(
    parent: ParentLattice, supercell: Supercell, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw shares of the species that sites may have, all being equally likely, then the sites."""
    n = parent.n_sites(supercell)
    of_sites = parent.may_have[np.arange(n) % len(parent.active)]
    occupation = np.empty(n, np.int64)
    for choice in np.unique(parent.may_have, axis=0):
        sites = np.flatnonzero((of_sites == choice).all(axis=1))
        species = np.flatnonzero(choice)
        shares = generator.dirichlet(np.ones(len(species)))
        # Whole atoms nearest to the shares, at random where they are between.
        ends = np.floor(np.cumsum(shares) * len(sites) + generator.random()).astype(int)
        counts = np.diff(np.minimum(ends, len(sites)), prepend=0)
        counts[-1] = len(sites) - counts[:-1].sum()
        occupation[sites] = generator.permutation(np.repeat(species, counts))
    return occupation


def _is_within(parent: ParentLattice, occupation: NDArray[np.int64], drawn: DrawnSection) -> bool:
    unknown = sorted(set(drawn.composition) - set(parent.species))
    if unknown:
        raise SettingsError(f"composition in [drawn]: no site has {', '.join(unknown)}")
    shares = np.bincount(occupation, minlength=len(parent.species)) / len(occupation)
    return all(
        least - 1e-9 <= shares[parent.species.index(name)] <= most + 1e-9
        for name, (least, most) in drawn.composition.items()
    )
