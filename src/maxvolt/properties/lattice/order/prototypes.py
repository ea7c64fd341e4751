"""Ordered structures with names, as patterns along concentration waves of cubic lattices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.order.cubic_sites import BASES

__all__ = ["PROTOTYPES", "ROTATIONS", "Pattern", "Prototype", "patterns_in"]

Integers = NDArray[np.int64]

Pattern = tuple[int, ...]
"""Class of each sublattice, numbered as they appear."""

_WHOLE = 1e-6


def _rotations() -> Integers:
    found = []
    for axes, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        rotation = np.zeros((3, 3), np.int64)
        rotation[range(3), axes] = signs
        found.append(rotation)
    return np.array(found)


ROTATIONS = _rotations()
"""The 48 operations of a cube, shape (48, 3, 3)."""


@dataclass(frozen=True, slots=True)
class Prototype:
    """An ordered structure on a cubic lattice.

    Attributes
    ----------
    name
        Strukturbericht or common name.
    lattice
        "sc", "bcc" or "fcc".
    waves
        Wave vectors, in 2 pi / a, each with the number of different phases that sites have in it.
    letters
        Class of the sites by their phase; with two waves the phase of the second changes first.
    """

    name: str
    lattice: str
    waves: tuple[tuple[tuple[float, float, float], int], ...]
    letters: str

    @property
    def n_classes(self) -> int:
        """How many kinds of sites there are."""
        return len(set(self.letters))

    def pattern(self, rotation: Integers, places: Integers, ordered: Integers) -> Pattern | None:
        """Classes of sites in one orientation; None: the ordered cell has other waves.

        Parameters
        ----------
        rotation : shape (3, 3)
            Of the structure.
        places : shape (m, 3)
            Sites, in halves of the lattice constant.
        ordered : shape (3, 3)
            Edges of the ordered cell, rows, in the same unit.
        """
        number = np.zeros(len(places), np.int64)
        for wave, count in self.waves:
            turned = rotation @ np.array(wave) / 2.0
            closed = ordered @ turned
            if np.abs(closed - np.rint(closed)).max() > _WHOLE:
                return None
            phases = np.rint(count * (places @ turned)).astype(np.int64)
            number = number * count + phases % count
        return renumbered([self.letters[one] for one in number])


def renumbered(classes: list[str] | list[int]) -> Pattern:
    """Number classes as they appear."""
    seen: dict[str | int, int] = {}
    return tuple(seen.setdefault(one, len(seen)) for one in classes)


def _one(
    name: str, lattice: str, wave: tuple[float, float, float], letters: str, count: int = 0
) -> Prototype:
    return Prototype(name, lattice, ((wave, count or len(letters)),), letters)


_HALF = (0.5, 0.5, 0.5)

PROTOTYPES = (
    _one("B1", "sc", _HALF, "AB"),
    _one("B2", "bcc", (1.0, 0.0, 0.0), "AB"),
    _one("B32", "bcc", _HALF, "AABB"),
    _one("D0_3", "bcc", _HALF, "AAAB"),
    _one("L2_1", "bcc", _HALF, "ABAC"),
    _one("XA", "bcc", _HALF, "AABC"),
    _one("Y", "bcc", _HALF, "ABCD"),
    _one("B11", "bcc", (0.0, 0.0, 0.5), "AABB"),
    _one("C11_b", "bcc", (0.0, 0.0, 2 / 3), "AAB"),
    _one("L1_0", "fcc", (0.0, 0.0, 1.0), "AB"),
    _one("L1_1", "fcc", _HALF, "AB"),
    Prototype("L1_2", "fcc", (((1.0, 0.0, 0.0), 2), ((0.0, 1.0, 0.0), 2)), "AAAB"),
    _one("D0_22", "fcc", (1.0, 0.5, 0.0), "AAAB"),
    _one("40", "fcc", (1.0, 0.5, 0.0), "AABB"),
    _one("MoPt2", "fcc", (2 / 3, 2 / 3, 0.0), "AAB"),
    _one("D1_a", "fcc", (0.8, 0.4, 0.0), "AAAAB"),
)
"""B1: NaCl on a simple cubic lattice. L2_1, XA, Y: full, inverse and quaternary Heusler alloys.
B11: CuTi. C11_b: MoSi2. 40: NbP. D1_a: Ni4Mo. MoPt2: Immm."""


def patterns_in(lattice: str, ordered: Supercell) -> Iterator[tuple[Prototype, Pattern]]:
    """All variants of the named structures that repeat with an ordered cell.

    Parameters
    ----------
    lattice
        "sc", "bcc" or "fcc".
    ordered
        The cell, in the primitive vectors of the lattice; classes are those of its sublattices.
    """
    basis = BASES[lattice]
    places, edges = ordered.offsets() @ basis, ordered.vectors @ basis
    for prototype in PROTOTYPES:
        if prototype.lattice != lattice:
            continue
        seen: set[Pattern] = set()
        for rotation in ROTATIONS:
            for shift in places:
                pattern = prototype.pattern(rotation, places + shift, edges)
                if pattern is None:
                    break
                if pattern not in seen:
                    seen.add(pattern)
                    yield prototype, pattern
