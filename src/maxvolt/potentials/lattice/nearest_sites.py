"""Sites of a lattice that are nearest to atoms, and the shift that brings them nearest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

__all__ = ["DeformedLattice", "Nearest"]

_ANCHORS = 2
"""Atoms that are put on sites to find a shift."""

_COMPARED = 100
"""Atoms by which shifts are compared, at most."""

_IMAGES = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The nearest site of each atom that may have its species.

    Attributes
    ----------
    cells : shape (N, 3), int64
        Primitive cells, in primitive vectors.
    sites : shape (N,), int64
        Of the primitive cell.
    vectors : shape (N, 3), Angstrom
        From the sites to the atoms.
    """

    cells: Integers
    sites: Integers
    vectors: Array


@dataclass(frozen=True, eq=False)
class DeformedLattice:
    """A lattice as it is turned and strained in a structure.

    Attributes
    ----------
    primitive : shape (3, 3), Angstrom
        Primitive vectors, rows.
    places : shape (B, 3)
        Sites, in primitive vectors.
    """

    primitive: Array
    places: Array

    @cached_property
    def _reduced(self) -> Array:
        return np.asarray(minkowski_reduce(self.primitive)[0])

    def nearest(self, positions: Array, allowed: NDArray[np.bool_]) -> Nearest:
        """Find the nearest sites.

        Parameters
        ----------
        positions : shape (N, 3), Angstrom
        allowed : shape (N, B)
            Whether an atom may be on a site of the primitive cell.
        """
        sites = self.places @ self.primitive
        away = positions[:, None] - sites
        inside = away - np.rint(away @ np.linalg.inv(self._reduced)) @ self._reduced
        images = inside[:, :, None] + _IMAGES @ self._reduced  # (N, B, 27, 3)
        squares = np.einsum("abij,abij->abi", images, images)
        squares[~allowed] = np.inf
        flat = squares.reshape(len(positions), -1).argmin(axis=1)
        chosen, image = np.divmod(flat, len(_IMAGES))
        vectors = images[np.arange(len(positions)), chosen, image]
        cells = (positions - sites[chosen] - vectors) @ np.linalg.inv(self.primitive)
        return Nearest(np.rint(cells).astype(np.int64), chosen.astype(np.int64), vectors)

    def shift(self, positions: Array, allowed: NDArray[np.bool_]) -> tuple[Array, float]:
        """Find the common shift without which the atoms are nearest to sites.

        Each of a few atoms, first those that fit on the fewest sites, is put on each site that it
        may have; the mean of what is left is taken out until the nearest sites stay.

        Returns
        -------
        shift : shape (3,), Angstrom
        distance : Angstrom
            Root mean square distance of the atoms from their nearest sites.
        """
        order = np.argsort(allowed.sum(axis=1), kind="stable")
        some = order[:: -(-len(order) // _COMPARED)]
        tried = [np.zeros(3)] + [
            positions[atom] - site @ self.primitive
            for atom in order[:_ANCHORS]
            for site in self.places[allowed[atom]]
        ]
        found = [self._settled(positions[some], allowed[some], shift) for shift in tried]
        # What is as good without a shift has none but for a fraction of a bond.
        best = min(range(len(found)), key=lambda number: (round(found[number][1], 6), number))
        return found[best]

    def _settled(
        self, positions: Array, allowed: NDArray[np.bool_], shift: Array
    ) -> tuple[Array, float]:
        distance = np.inf
        while True:
            vectors = self.nearest(positions - shift, allowed).vectors
            left = vectors - vectors.mean(axis=0)
            now = float(np.sqrt(np.mean(np.sum(left**2, axis=1))))
            if not now < distance - 1e-9:
                return shift, distance
            shift, distance = shift + vectors.mean(axis=0), now
