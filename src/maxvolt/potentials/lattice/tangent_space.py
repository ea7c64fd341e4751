"""First-order changes of tensor trains, each once: equations (211) and (212).

Matrices may be changed so that no value of the tensor changes: the row of one place by any matrix,
the column of the next by its inverse. With orthonormal columns to the left of a place and rows to
its right, and changes at all places but the last that are orthogonal to the matrices there, each
change of the tensor belongs to one change of the matrices, of the same norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.lattice.tensor_train import TensorTrain, row_products

__all__ = ["TangentSpace"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TangentSpace:
    """Orthonormal changes of a tensor that its train makes to first order.

    Attributes
    ----------
    left, right
        The train with orthonormal columns at all places but the last, and with orthonormal rows at
        all but the first.
    free : n arrays of shape (c, r_(k-1), m_k)
        Orthonormal columns that are orthogonal to the matrices of a place; of the last one, all.
    """

    left: TensorTrain
    right: TensorTrain
    free: tuple[Array, ...]

    @classmethod
    def of(cls, train: TensorTrain) -> TangentSpace:
        """Prepare that of a train, whatever its matrices are that give the same values."""
        n = train.length
        left = train.centred_at(0).centred_at(n - 1)
        return cls(
            left,
            left.centred_at(0),
            tuple(_orthogonal_to(core, last=k == n - 1) for k, core in enumerate(left.cores)),
        )

    @property
    def dimension(self) -> int:
        """Number of changes."""
        pairs = zip(self.free, self.left.ranks[1:], strict=True)
        return sum(free.shape[2] * after for free, after in pairs)

    def changes(self, environments: Integers) -> Iterator[Array]:
        """Values of the changes at M environments, place after place, shape (M, m_k r_k) each."""
        lefts, rights = self.left.lefts(environments), self.right.rights(environments)
        for place, free in enumerate(self.free):
            before = row_products(lefts[place], free, environments[:, place])
            yield (before[:, :, None] * rights[place + 1][:, None, :]).reshape(len(before), -1)

    def rows(self, counts: Any, environments: Integers) -> Array:
        """Sums of the changes over the environments of arrangements.

        Parameters
        ----------
        counts : sparse, shape (S, M)
            How often each environment is in each arrangement.
        environments : shape (M, n), int
            Species.

        Returns
        -------
        rows : shape (S, dimension)
        """
        return np.concatenate([counts @ part for part in self.changes(environments)], axis=1)


def _orthogonal_to(core: Array, *, last: bool) -> Array:
    c, before, after = core.shape
    if last:
        return np.eye(c * before).reshape(c, before, -1)
    whole = np.linalg.qr(core.reshape(c * before, after), mode="complete").Q
    return np.ascontiguousarray(whole[:, after:].reshape(c, before, -1))
