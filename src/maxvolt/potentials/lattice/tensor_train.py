"""Functions of the species in an environment, as tensor trains: equation (200).

V(s_1, ..., s_n) is the product of n matrices, of which the k-th depends on the species s_k alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["TensorTrain", "row_products"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TensorTrain:
    """A tensor of n indices with c values each.

    Attributes
    ----------
    cores : n arrays of shape (c, r_(k-1), r_k)
        Matrices for each value of an index; r_0 = r_n = 1.
    """

    cores: tuple[Array, ...]

    @classmethod
    def random(
        cls, length: int, n_species: int, rank: int, generator: np.random.Generator
    ) -> TensorTrain:
        """Draw one of a rank, whose values are about 1."""
        ranks = bounded_ranks(length, n_species, rank)
        return cls(
            tuple(
                generator.normal(size=(n_species, left, right)) / np.sqrt(left)
                for left, right in pairwise(ranks)
            )
        )

    @classmethod
    def of_vector(cls, parameters: Array, ranks: Sequence[int], n_species: int) -> TensorTrain:
        """Make one of all parameters, core after core.

        Raises
        ------
        ValueError
            Their number is not what the ranks say.
        """
        shapes = [(n_species, left, right) for left, right in pairwise(ranks)]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        if parameters.shape != (ends[-1],) or min(ranks) < 1 or (ranks[0], ranks[-1]) != (1, 1):
            raise ValueError(f"ranks {list(ranks)} do not fit {parameters.size} parameters")
        parts = np.split(parameters, ends[:-1])
        return cls(tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))

    @classmethod
    def mean_of(cls, trains: Sequence[TensorTrain]) -> TensorTrain:
        """Mean of tensors of the same indices, with the matrices of all as diagonal blocks.

        Passing orthonormal columns and rows through cuts ranks down to what the indices on either
        side of a bond allow.
        """
        n = trains[0].length
        cores = []
        for place in range(n):
            blocks = [train.cores[place] for train in trains]
            if place == 0:
                cores.append(np.concatenate(blocks, axis=2) / len(trains))
            elif place == n - 1:
                cores.append(np.concatenate(blocks, axis=1))
            else:
                cores.append(_diagonal_blocks(blocks))
        return cls(tuple(cores)).centred_at(0).centred_at(n - 1)

    @property
    def length(self) -> int:
        """Number of indices, n."""
        return len(self.cores)

    @property
    def n_species(self) -> int:
        """Number of values of an index, c."""
        return int(self.cores[0].shape[0])

    @property
    def n_parameters(self) -> int:
        """Number of entries of all matrices."""
        return sum(core.size for core in self.cores)

    @property
    def ranks(self) -> tuple[int, ...]:
        """Sizes of the matrices, r_0 to r_n."""
        return (1, *(int(core.shape[2]) for core in self.cores))

    def values(self, environments: Integers) -> Array:
        """Values at M environments.

        Parameters
        ----------
        environments : shape (M, n), int
            Species.

        Returns
        -------
        values : shape (M,)
        """
        return np.asarray(self.lefts(environments)[-1][:, 0])

    def lefts(self, environments: Integers) -> list[Array]:
        """Products of the first k matrices, k = 0 to n, each of shape (M, r_k)."""
        found = [np.ones((len(environments), 1))]
        for core, species in zip(self.cores, np.asarray(environments).T, strict=True):
            found.append(row_products(found[-1], core, species))
        return found

    def rights(self, environments: Integers) -> list[Array]:
        """Products of the last n - k matrices, k = 0 to n, each of shape (M, r_k)."""
        found = [np.ones((len(environments), 1))]
        columns = np.asarray(environments).T
        for core, species in zip(self.cores[::-1], columns[::-1], strict=True):
            found.append(row_products(found[-1], core.transpose(0, 2, 1), species))
        return found[::-1]

    def table(self) -> Array:
        """Values at all c^n environments; the first index is the last to change."""
        found = np.ones((1, 1))
        for core in self.cores:
            found = np.einsum("ea,sab->esb", found, core).reshape(-1, core.shape[2])
        return np.ascontiguousarray(found[:, 0])

    def vector(self) -> Array:
        """All parameters, core after core."""
        return np.concatenate([core.ravel() for core in self.cores])

    def with_vector(self, parameters: Array) -> TensorTrain:
        """The same with other parameters."""
        return TensorTrain.of_vector(parameters, self.ranks, self.n_species)

    def scaled_to(self, size: float) -> TensorTrain:
        """A multiple whose root mean square over all environments is this."""
        factor = size / np.sqrt(self.mean_square())
        return TensorTrain((factor * self.cores[0], *self.cores[1:]))

    def without(self, place: int) -> TensorTrain:
        """The same with zeros at a place."""
        cores = list(self.cores)
        cores[place] = np.zeros_like(cores[place])
        return TensorTrain(tuple(cores))

    def norms(self) -> list[tuple[Array, Array]]:
        """For each place, sums over the indices to its left and right of squared products.

        Shapes (r_(k-1), r_(k-1)) and (r_k, r_k); the matrices of a place between them give the sum
        of the squares of all values.
        """
        lefts, rights = [np.ones((1, 1))], [np.ones((1, 1))]
        for core in self.cores[:-1]:
            lefts.append(np.einsum("sab,ac,scd->bd", core, lefts[-1], core, optimize=True))
        for core in self.cores[:0:-1]:
            rights.append(np.einsum("sab,bd,scd->ac", core, rights[-1], core, optimize=True))
        return list(zip(lefts, rights[::-1], strict=True))

    def mean_square(self) -> float:
        """Mean of the squared values over all c^n environments."""
        left, _ = self.norms()[-1]
        last = self.cores[-1]
        total = np.einsum("sab,ac,scb->", last, left, last, optimize=True)
        return float(total) * float(self.n_species) ** -self.length

    def centred_at(self, place: int) -> TensorTrain:
        """The same values with all matrices orthogonal but those of one place.

        To the left of it columns, to its right rows are orthonormal: the norm of what is left is
        that of the whole tensor.
        """
        train = self
        for k in range(place):
            train = train.passed_right(k)
        for k in range(train.length - 1, place, -1):
            train = train.passed_left(k)
        return train

    def passed_right(self, place: int) -> TensorTrain:
        """The same values with orthonormal columns at a place; what is left goes to the next."""
        cores = list(self.cores)
        c, left, right = cores[place].shape
        q, rest = np.linalg.qr(cores[place].reshape(c * left, right))
        cores[place] = q.reshape(c, left, -1)
        cores[place + 1] = rest @ cores[place + 1]
        return TensorTrain(tuple(cores))

    def passed_left(self, place: int) -> TensorTrain:
        """The same values with orthonormal rows at a place; what is left goes to the one before."""
        cores = list(self.cores)
        c, left, right = cores[place].shape
        q, rest = np.linalg.qr(cores[place].transpose(1, 0, 2).reshape(left, c * right).T)
        cores[place] = np.ascontiguousarray(q.T.reshape(-1, c, right).transpose(1, 0, 2))
        cores[place - 1] = cores[place - 1] @ rest.T
        return TensorTrain(tuple(cores))


def row_products(rows: Array, matrices: Array, species: Integers) -> Array:
    """Multiply each row by the matrix of its species."""
    found = np.empty((len(rows), matrices.shape[2]))
    for s, matrix in enumerate(matrices):
        chosen = np.flatnonzero(species == s)
        found[chosen] = rows[chosen] @ matrix
    return found


def _diagonal_blocks(blocks: Sequence[Array]) -> Array:
    """Matrices of a place, shape (c, sum of r, sum of r'), zero outside the blocks."""
    ends = np.cumsum([(0, 0), *(block.shape[1:] for block in blocks)], axis=0)
    found = np.zeros((len(blocks[0]), *ends[-1]))
    for block, (top, left), (bottom, right) in zip(blocks, ends[:-1], ends[1:], strict=True):
        found[:, top:bottom, left:right] = block
    return found


def bounded_ranks(length: int, n_species: int, rank: int) -> Sequence[int]:
    """Ranks of all bonds: no more than the indices on either side have values."""
    largest = [n_species ** min(k, length - k, 40) for k in range(length + 1)]
    return [min(rank, most) for most in largest]
