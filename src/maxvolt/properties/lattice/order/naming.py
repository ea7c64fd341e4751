"""Names of ordered states by the occupations of their sublattices: equation (225)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.order.cubic_sites import BASES
from maxvolt.properties.lattice.order.prototypes import (
    ROTATIONS,
    Pattern,
    Prototype,
    patterns_in,
    renumbered,
)

__all__ = ["Named", "degrees", "named"]

Array = NDArray[np.float64]

_WITHIN = 0.05
"""Of the variance between sublattices that may be left between those of one class."""

_ENRICHED = 0.2
"""Degree of order from which a species is named at a sublattice."""

_LEAST = 0.02
"""Of the variance of a species, from which it has an order of its own."""


_MOST_TOLD = 8
"""Layers whose species are told one by one; longer periods are mostly two orders side by side."""


@dataclass(frozen=True, slots=True)
class Named:
    """Names of structures, with the sublattices that they make equal.

    Attributes
    ----------
    structures
        Their names; several where some species have one order and some another.
    text
        Names with the species that are enriched on each kind of site, as "B2(Mo; Ta)".
    pattern
        Kind of site of each sublattice.
    """

    structures: tuple[str, ...]
    text: str
    pattern: Pattern


def degrees(pattern: Pattern, occupations: Array) -> tuple[Array, Array]:
    """Average over classes, and compare with the most order that the composition allows.

    Parameters
    ----------
    pattern
        Class of each sublattice.
    occupations : shape (m, c)
        Of the sublattices.

    Returns
    -------
    means : shape (classes, c)
        Occupations.
    degrees : shape (classes, c)
        1: all sites of the class have the species, or all its atoms are there; 0: as everywhere.
    """
    classes = np.array(pattern)
    shares = np.bincount(classes) / len(classes)
    means = np.array([occupations[classes == one].mean(axis=0) for one in range(len(shares))])
    everywhere = occupations.mean(axis=0)
    most = np.minimum(1.0, everywhere / shares[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (means - everywhere) / (most - everywhere)
    return means, np.where(most > everywhere, found, 0.0)


def named(
    lattice: str, ordered: Supercell, occupations: Array, species: Sequence[str]
) -> Named | None:
    """Compare with the structures that are known, all species together and one by one.

    Parameters
    ----------
    lattice
        "sc", "bcc" or "fcc".
    ordered
        Cell of the sublattices.
    occupations : shape (m, c)
        Of the sublattices.
    species
        Symbols.
    """
    known = list(patterns_in(lattice, ordered))
    together = _nearest(known, occupations)
    apart = _apart(known, occupations, species)
    if apart is not None:
        return apart
    if together is not None:
        return _with_species(known, *together, occupations, species)
    return _layers(lattice, ordered, occupations, species)


def _nearest(
    known: list[tuple[Prototype, Pattern]], occupations: Array
) -> tuple[Prototype, Pattern] | None:
    """Structure with the fewest classes that leaves next to no variance within them."""
    deviations = occupations - occupations.mean(axis=0)
    total = (deviations**2).sum()
    best: dict[int, tuple[float, int]] = {}
    for place, (_, pattern) in enumerate(known):
        classes = np.array(pattern)
        count = int(classes.max()) + 1
        within = 0.0
        for one in range(count):
            part = deviations[classes == one]
            within += ((part - part.mean(axis=0)) ** 2).sum()
        best[count] = min(best.get(count, (np.inf, 0)), (float(within), place))
    for count in sorted(best):
        within, place = best[count]
        if within <= _WITHIN * total:
            return known[place]
    return None


def _apart(
    known: list[tuple[Prototype, Pattern]], occupations: Array, species: Sequence[str]
) -> Named | None:
    """Different structures of different species, as B2 of two and B32 of two others.

    Each of them must be that of two species or more: in L2_1, of A2BC, A alone is as in B2.
    """
    everywhere = occupations.mean(axis=0)
    groups: dict[str, list[int]] = {}
    patterns: dict[str, Pattern] = {}
    for s in range(len(species)):
        variance = occupations[:, s].var()
        if variance <= _LEAST * everywhere[s] * (1 - everywhere[s]):
            continue
        found = _nearest(known, occupations[:, [s]])
        if found is None:
            return None
        name = found[0].name
        if patterns.setdefault(name, found[1]) != found[1]:
            return None
        groups.setdefault(name, []).append(s)
    if len(groups) < 2 or min(len(members) for members in groups.values()) < 2:
        return None
    texts = []
    for name, members in groups.items():
        lists = _enriched(patterns[name], occupations, species, members)
        texts.append(f"{name}({'; '.join(_in_order(lists, patterns[name]))})")
    combined = renumbered([str(one) for one in zip(*patterns.values(), strict=True)])
    return Named(tuple(groups), " + ".join(texts), combined)


def _enriched(
    pattern: Pattern, occupations: Array, species: Sequence[str], members: Sequence[int]
) -> list[str]:
    """Symbols of the species that are enriched on each class."""
    _, found = degrees(pattern, occupations)
    return [",".join(species[s] for s in members if row[s] >= _ENRICHED) or "-" for row in found]


def _in_order(lists: list[str], pattern: Pattern) -> list[str]:
    """The class with most sites first, equal ones in alphabetical order."""
    sizes = np.bincount(pattern)
    order = sorted(range(len(lists)), key=lambda one: (-sizes[one], lists[one]))
    return [lists[one] for one in order]


def _with_species(
    known: list[tuple[Prototype, Pattern]],
    prototype: Prototype,
    pattern: Pattern,
    occupations: Array,
    species: Sequence[str],
) -> Named:
    """Join classes that the same species prefer: D0_3 of A3B need not have three equal sites.

    With two species there are two kinds of sites: those that are most alike are joined.
    """
    lists = _enriched(pattern, occupations, species, range(len(species)))
    if (occupations.max(axis=0) > 0).sum() == 2:
        joined = _two_classes(pattern, occupations)
    else:
        joined = renumbered([lists[one] for one in pattern])
    name = next((one.name for one, classes in known if classes == joined), None)
    if name is None or joined == pattern:
        return Named(
            (prototype.name,),
            f"{prototype.name}({'; '.join(_in_order(lists, pattern))})",
            pattern,
        )
    lists = _enriched(joined, occupations, species, range(len(species)))
    return Named((name,), f"{name}({'; '.join(_in_order(lists, joined))})", joined)


def _two_classes(pattern: Pattern, occupations: Array) -> Pattern:
    """Join the two classes whose occupations differ least, until there are two."""
    while max(pattern) > 1:
        means, _ = degrees(pattern, occupations)
        apart = np.linalg.norm(means[:, None] - means, axis=2) + np.diag([np.inf] * len(means))
        one, two = np.unravel_index(np.argmin(apart), apart.shape)
        pattern = renumbered([int(one) if k == two else k for k in pattern])
    return pattern


def _layers(
    lattice: str, ordered: Supercell, occupations: Array, species: Sequence[str]
) -> Named | None:
    """Describe layers whose sites are all equal: along <100>, <110> or <111>."""
    basis = BASES[lattice]
    steps = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    count = len(occupations)
    for family, direction in _directions():
        along = basis @ direction
        inside = steps[steps @ along == 0]
        if ordered.numbers(inside).any():
            continue
        heights = ordered.offsets() @ along // np.gcd.reduce(along) % count
        layers = np.argsort(heights)
        lists = _enriched(tuple(range(count)), occupations[layers], species, range(len(species)))
        text = " | ".join(_smallest(lists)) if count <= _MOST_TOLD else f"period of {count} layers"
        return Named((f"layered {family}",), f"layered {family} ({text})", tuple(range(count)))
    return None


def _directions() -> Iterator[tuple[str, NDArray[np.int64]]]:
    for family, one in (("<100>", (1, 0, 0)), ("<110>", (1, 1, 0)), ("<111>", (1, 1, 1))):
        for direction in np.unique(ROTATIONS @ np.array(one), axis=0):
            yield family, direction


def _smallest(lists: list[str]) -> list[str]:
    """The same of all shifts and mirror images of a row of layers."""
    turned = [row[k:] + row[:k] for row in (lists, lists[::-1]) for k in range(len(lists))]
    return min(turned)
