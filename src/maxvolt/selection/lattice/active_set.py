"""D-optimal sets of arrangements, and grades by them: equations (211) to (213)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.errors import SettingsError
from maxvolt.fitting.lattice.arrangements import Arrangement, counted
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.tangent_space import TangentSpace
from maxvolt.selection.lattice.selected import ArrangementSelection
from maxvolt.selection.maxvol import Basis, exchange, largest_coordinates

__all__ = ["LatticeActiveSet"]

DAMPING = 0.01

SWAP = 1.001
"""Grade above which an arrangement enters the set."""

_UNIT_OF_CONCENTRATIONS = 1e-6
"""Rows of concentrations are not damped: anything new in them counts, as in `ActiveSet`."""

_NOTHING = 1e-10
"""Relative to the largest singular value of the rows: what rounding leaves."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LatticeActiveSet:
    """Arrangements whose rows span the largest volume, and grades of others by them.

    Rows are derivatives of the energy per site by what is linear in the concentrations, and by the
    tensors to first order (`TangentSpace`), so that they do not depend on which matrices make up a
    tensor.

    Attributes
    ----------
    potential
        Whose derivatives are taken.
    arrangements
        Those that the set was chosen from.
    damping
        Change of a row that counts as one of grade 1 where no arrangement of the set has it, in
        units of the root mean square of the rows of all environments.
    """

    potential: LowRankPotential
    arrangements: tuple[Arrangement, ...]
    damping: float = DAMPING

    def __post_init__(self) -> None:
        if not (np.isfinite(self.damping) and self.damping > 0):
            raise SettingsError(f"damping must be a number above 0, got {self.damping}")
        if not self.arrangements:
            raise SettingsError("an active set is chosen from one arrangement or more")

    def rows(self, arrangements: Sequence[Arrangement]) -> Array:
        """Rows of arrangements in units of the damping, shape (m, n)."""
        potential = self.potential
        given = counted(potential.parent, potential.environments, arrangements)
        blocks = [given.concentrations / _UNIT_OF_CONCENTRATIONS]
        for space, counts, environments in zip(
            self._spaces, given.counts, given.environments, strict=True
        ):
            of_all = np.sqrt(space.dimension * float(space.left.n_species) ** -space.left.length)
            blocks.append(space.rows(counts, environments) / (self.damping * of_all))
        return np.concatenate(blocks, axis=1)

    def grade(self, arrangements: Sequence[Arrangement]) -> Array:
        """Grades of arrangements, shape (m,): up to 1 they are interpolated."""
        if not arrangements:
            return np.empty(0)
        with threadpool_limits(1, user_api="blas"):
            return self._grades(self.rows(arrangements))

    @property
    def active(self) -> NDArray[np.int64]:
        """Numbers of the arrangements that are in the set, ascending."""
        return np.unique(self._chosen.owners[self._chosen.owners >= 0])

    @property
    def rank(self) -> int:
        """Number of rows that come from arrangements; the others are those of the damping."""
        return int((self._chosen.owners >= 0).sum())

    def select(
        self, candidates: Sequence[Arrangement], *, threshold: float, limit: int | None = None
    ) -> ArrangementSelection:
        """Select the candidates above the threshold that make the largest volume with the set.

        Parameters
        ----------
        candidates
            Arrangements, labelled or not.
        threshold
            Grade above which a candidate is looked at.
        limit
            Most to select.
        """
        if not candidates:
            return ArrangementSelection(np.empty(0, np.int64), np.empty(0))
        with threadpool_limits(1, user_api="blas"):
            rows = self.rows(candidates)
            grades = self._grades(rows)
            above = np.flatnonzero(grades > threshold)
            if not above.size or limit == 0:
                return ArrangementSelection(np.empty(0, np.int64), grades)
            chosen = _chosen(self._known[self.active], rows[above], limit)
            found = np.unique(chosen.owners[chosen.owners >= len(self.active)])
            return ArrangementSelection(above[found - len(self.active)], grades)

    @cached_property
    def _spaces(self) -> tuple[TangentSpace, ...]:
        return tuple(TangentSpace.of(train) for train in self.potential.trains)

    @cached_property
    def _known(self) -> Array:
        with threadpool_limits(1, user_api="blas"):
            return self.rows(self.arrangements)

    @cached_property
    def _chosen(self) -> _Chosen:
        with threadpool_limits(1, user_api="blas"):
            return _chosen(self._known, np.empty((0, self._known.shape[1])), None)

    def _grades(self, rows: Array) -> Array:
        axes = self._chosen.axes
        inside = rows @ axes
        outside = np.linalg.norm(rows - inside @ axes.T, axis=1)
        coordinates = largest_coordinates(inside @ self._chosen.basis.inverse)
        return np.asarray(np.maximum(coordinates, outside))


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Rows of largest volume.

    Attributes
    ----------
    axes : shape (n, p)
        Orthonormal, of the space that the rows span: their principal axes, which turn with them.
    basis
        Rows along these axes.
    owners : shape (p,)
        Number of the row at each position; -1 for one of the damping.
    """

    axes: Array
    basis: Basis
    owners: NDArray[np.int64]


def _chosen(first: Array, second: Array, limit: int | None) -> _Chosen:
    """Choose among rows, then exchange these for at most `limit` of others."""
    both = np.concatenate([first, second])
    _, sizes, right = np.linalg.svd(both, full_matrices=False)
    axes = np.ascontiguousarray(right[sizes > _NOTHING * sizes[0]].T)
    basis, owners = Basis(np.eye(axes.shape[1])), np.full(axes.shape[1], -1)
    for begin, end, most in ((0, len(first), None), (len(first), len(both), limit)):
        rows = both[begin:end] @ axes
        while True:
            taken = _exchanged(basis, rows, _room(owners, begin, most))
            if not taken:
                break
            for position, row in taken.items():
                owners[position] = begin + row
    return _Chosen(axes, basis, owners)


def _room(owners: NDArray[np.int64], begin: int, most: int | None) -> int | None:
    """How many rows may still be chosen of those that begin there."""
    return None if most is None else most - len(np.unique(owners[owners >= begin]))


def _exchanged(basis: Basis, rows: Array, most: int | None) -> dict[int, int]:
    """Swap rows in until none enlarges the volume, or so many are in."""
    coordinates = np.ascontiguousarray(rows @ basis.inverse)
    inside: set[int] = set()

    def close(candidate: int, _: int) -> None:
        inside.add(candidate)
        if most is not None and len(inside) >= most:
            coordinates[np.setdiff1d(np.arange(len(rows)), list(inside))] = 0.0

    if most is not None and most <= 0:
        return {}
    return basis.swap(rows, exchange(coordinates, SWAP, close))
