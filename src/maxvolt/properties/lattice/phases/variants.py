"""How much of the order of ground states is in an arrangement, in any variant: equation (231)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.order.sublattices import Sublattices
from maxvolt.properties.lattice.phases.ground_states import GroundState

__all__ = ["Orders"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_EXACT = 1e-9
"""Relative to the largest singular value of patterns: what depends on the others."""

_COINCIDE = 1e-3
"""Of primitive vectors; places that are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class _Patterns:
    """Variants of one ground state with the same cell.

    Attributes
    ----------
    sublattices
        Sites of the supercell by the site of that cell.
    basis : shape (r, m)
        Of what variants add up to, orthonormal but for a factor: 1 is the length of a variant.
    """

    sublattices: Sublattices
    basis: Array


class Orders:
    """Ordered ground states in all their variants, in one supercell.

    Parameters
    ----------
    parent
        The lattice.
    supercell
        Of the arrangements. What does not repeat with it cannot be there without faults, and is
        left out.
    states
        Ground states; those of one species have no order.
    """

    def __init__(
        self, parent: ParentLattice, supercell: Supercell, states: Sequence[GroundState]
    ) -> None:
        self._found: list[_Patterns] = []
        for state in states:
            if state.pure:
                continue
            variants: dict[bytes, tuple[Supercell, list[Array]]] = {}
            for cell, occupation in _turned(parent, state):
                if not cell.numbers(supercell.vectors).any():
                    rows = variants.setdefault(cell.triangle.tobytes(), (cell, []))[1]
                    rows += _shifted(cell, occupation)
            for cell, rows in variants.values():
                sublattices = Sublattices(parent, supercell, cell)
                self._found.append(_Patterns(sublattices, _basis(np.unique(rows, axis=0))))

    def largest(self, occupation: NDArray[np.integer[Any]]) -> float:
        """Largest order of a ground state: 1 where it is perfect, 0 at random.

        It is the amplitude of its waves: side by side, variants have less of it than one alone.
        """
        return max(
            (
                float(np.linalg.norm(one.basis @ one.sublattices.occupations(occupation)[:, 1]))
                for one in self._found
            ),
            default=0.0,
        )


def _shifted(cell: Supercell, occupation: Integers) -> list[Array]:
    """Patterns of the arrangement moved by each vector of the lattice."""
    by_cell = (occupation - occupation.mean()).reshape(cell.n_cells, -1)
    cells = cell.offsets()
    return [by_cell[cell.numbers(cells + shift)].ravel() for shift in cells]


def _basis(patterns: Array) -> Array:
    _, size, right = np.linalg.svd(patterns, full_matrices=False)
    kept: Array = right[size > _EXACT * size[0]]
    return kept / np.linalg.norm(patterns[0])


def _turned(parent: ParentLattice, state: GroundState) -> Iterator[tuple[Supercell, Integers]]:
    """The arrangement after each operation that carries sites into sites."""
    cells, b = state.supercell.offsets(), len(parent.active)
    for operation in np.concatenate([parent.rotations, -parent.rotations]):
        for sites, steps in _carried(parent.places[parent.active], operation):
            cell = Supercell.of(state.supercell.vectors @ operation)
            there = cell.numbers((cells @ operation)[:, None] + steps) * b + sites
            occupation = np.empty_like(state.occupation)
            occupation[there.ravel()] = state.occupation
            yield cell, occupation


def _carried(places: Array, operation: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Site that each site comes to, and the cell of it, for each shift that the operation has."""
    moved = places @ operation
    for place in places:
        away = (moved + place - moved[0])[:, None] - places
        cells = np.rint(away)
        same = np.abs(away - cells).max(axis=-1) < _COINCIDE
        if same.any(axis=1).all():
            sites = same.argmax(axis=1)
            yield sites, cells[np.arange(len(places)), sites].astype(np.int64)
