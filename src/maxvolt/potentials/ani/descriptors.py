"""Symmetry functions of ANI, equations (163) to (166), by the terms of torchani."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Self

from maxvolt.potentials.ani.environments import Environments
from maxvolt.potentials.ani.libraries import require_torch, require_torchani
from maxvolt.potentials.ani.settings import ANISettings

__all__ = ["Descriptors", "FeatureDerivatives"]

Tensor = Any
"""A tensor of torch, which is imported where it is used."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureDerivatives:
    """Symmetry functions of N atoms and their derivatives by the vectors to neighbours.

    Attributes
    ----------
    features : shape (N, F)
    directions : shape (P, 3)
        Unit vectors of the pairs.
    radial : shape (P, R)
        Derivatives of the radial functions of the pair's own species by its length.
    angular : shape (Q, 3, A)
        Derivatives of all angular functions by the vectors of the pairs inside the angular cutoff.
    """

    features: Tensor
    directions: Tensor
    radial: Tensor
    angular: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Descriptors:
    """Symmetry functions in one precision.

    Attributes
    ----------
    n_species : int
    radial, angular
        Terms of torchani: a row of functions for each distance, and for each triple.
    pair_of : shape (C, C)
        Number of an unordered pair of species.
    dtype
        Of the arithmetic.
    """

    n_species: int
    radial: Any
    angular: Any
    pair_of: Tensor
    dtype: Any

    @classmethod
    def of(cls, settings: ANISettings, n_species: int, dtype: Any) -> Self:
        """Make them for so many species."""
        torch, torchani = require_torch(), require_torchani()
        eta, angular_eta, zeta = settings.exponents
        radial = torchani.aev.ANIRadial(
            eta, [0.0] * settings.radial_functions, settings.radial_cutoff
        )
        angular = torchani.aev.ANIAngular(
            angular_eta,
            zeta,
            [0.0] * settings.angular_shells,
            [0.0] * settings.angular_sections,
            settings.angular_cutoff,
        )
        # torchani rounds its constants to single precision: given again with all digits.
        exact = {
            radial: {"eta": [eta], "shifts": settings.radial_centers},
            angular: {
                "eta": [angular_eta],
                "zeta": [zeta],
                "shifts": settings.shell_centers,
                "sections": settings.section_centers,
            },
        }
        for term, constants in exact.items():
            for name, values in constants.items():
                setattr(term, name, torch.as_tensor(values, dtype=torch.float64).to(dtype))
        first, second = torch.triu_indices(n_species, n_species)
        pair_of = torch.zeros((n_species, n_species), dtype=torch.int64)
        pair_of[first, second] = pair_of[second, first] = torch.arange(len(first))
        return cls(n_species, radial, angular, pair_of, dtype)

    @property
    def n_pairs(self) -> int:
        """Number of unordered pairs of species."""
        return self.n_species * (self.n_species + 1) // 2

    @property
    def n_radial(self) -> int:
        """Radial functions of an atom, for all species of neighbours."""
        return int(self.n_species * self.radial.num_feats)

    def features(self, where: Environments, vectors: Tensor) -> Tensor:
        """Symmetry functions of every atom, shape (N, F).

        Parameters
        ----------
        where
            Atoms and neighbours.
        vectors : shape (P, 3), Angstrom
            Those of `where` as a tensor, by which the result can be differentiated.
        """
        torch = require_torch()
        lengths = vectors.norm(dim=1)
        radial = self._of_pairs(where, self.radial(lengths))
        return torch.cat([radial, self._of_triples(where, vectors, lengths)], dim=1)

    def with_derivatives(self, where: Environments) -> FeatureDerivatives:
        """Symmetry functions and their derivatives, by forward differentiation of the terms."""
        torch = require_torch()
        vectors = torch.as_tensor(where.vectors).to(self.dtype)
        lengths = vectors.norm(dim=1)
        radial, d_radial = _along(self.radial, lengths, torch.ones_like(lengths))
        near, triples, of_pair = self._triples(where)
        ends = vectors[near[triples]]

        def angular_terms(ends: Tensor) -> Tensor:
            return self.angular(ends.norm(dim=2), ends)

        size = self.angular.num_feats
        by_vector = vectors.new_zeros((3, len(near) * self.n_pairs, size))
        terms = angular_terms(ends)
        for side in (0, 1):
            rows = triples[side] * self.n_pairs + of_pair
            for axis in range(3):
                along = torch.zeros_like(ends)
                along[side, :, axis] = 1.0
                by_vector[axis].index_add_(0, rows, _along(angular_terms, ends, along)[1])
        n = len(where.types)
        groups = torch.as_tensor(where.owners)[near[triples[0]]] * self.n_pairs + of_pair
        summed = terms.new_zeros((n * self.n_pairs, size)).index_add(0, groups, terms)
        return FeatureDerivatives(
            torch.cat([self._of_pairs(where, radial), summed.reshape(n, -1)], dim=1),
            vectors / lengths[:, None],
            d_radial,
            by_vector.reshape(3, len(near), -1).transpose(0, 1).contiguous(),
        )

    def _triples(self, where: Environments) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs inside the angular cutoff, triples of them, and the pair of species of each."""
        torch = require_torch()
        near, triples = torch.as_tensor(where.near), torch.as_tensor(where.triples)
        types = torch.as_tensor(where.neighbor_types)[near[triples]]
        return near, triples, self.pair_of[types[0], types[1]]

    def _of_pairs(self, where: Environments, radial: Tensor) -> Tensor:
        """Sum the radial functions of pairs for each atom and species of neighbours."""
        torch = require_torch()
        n, owners = len(where.types), torch.as_tensor(where.owners)
        by_species = radial.new_zeros((n * self.n_species, radial.shape[1])).index_add(
            0, owners * self.n_species + torch.as_tensor(where.neighbor_types), radial
        )
        return by_species.reshape(n, -1)

    def _of_triples(self, where: Environments, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Sum the angular functions of triples for each atom and pair of species.

        Each function is one of the distances times one of the angle: the sum over triples is a
        product of matrices, and no function of a triple is held. Atoms with fewer triples than
        others have zeros for those that are missing.
        """
        torch = require_torch()
        near, triples, of_pair = self._triples(where)
        ends = near[triples]
        # By index_select, whose derivative is much faster than that of an index in brackets.
        first, second = (vectors.index_select(0, one) for one in ends)
        r = torch.stack([lengths.index_select(0, one) for one in ends])
        cut = self.angular.cutoff_fn(r, self.angular.cutoff)
        cosines = (first * second).sum(dim=1) / (r[0] * r[1])
        shells = self.angular.compute_radial(r[0, :, None], r[1, :, None])
        shells = shells * (cut[0] * cut[1])[:, None]
        n = len(where.types) * self.n_pairs
        groups = torch.as_tensor(where.owners)[ends[0]] * self.n_pairs + of_pair
        summed = _summed_products(shells, self._sections(cosines), groups, n)
        return summed.reshape(len(where.types), -1)

    def _sections(self, cosines: Tensor) -> Tensor:
        """Functions of the angles of triples, by their cosines: no angle is needed for (165)."""
        torch = require_torch()
        cosines = 0.95 * cosines
        both = torch.stack([cosines, (1.0 - cosines**2).sqrt()], dim=1)
        centers = self.angular.sections
        overlap = both @ torch.stack([torch.cos(centers), torch.sin(centers)])
        return 2.0 * (0.5 + 0.5 * overlap) ** self.angular.zeta


def _summed_products(left: Tensor, right: Tensor, groups: Tensor, n: int) -> Tensor:
    """Sum outer products of the rows of two matrices over the rows of each of n groups.

    The rows of a group fill a matrix each, with zeros below them, so that the sum is a product of
    matrices. Groups of similar size are taken together: at most half of the rows are zeros.

    Parameters
    ----------
    left, right : shapes (T, S), (T, Z)
    groups : shape (T,)
        Number of the group of each row.
    n
        Number of groups.

    Returns
    -------
    tensor of shape (n, S, Z)
    """
    torch = require_torch()
    found = left.new_zeros((n, left.shape[1], right.shape[1]))
    counts = torch.bincount(groups, minlength=n)
    order = torch.argsort(groups, stable=True)
    place = torch.empty_like(groups)
    place[order] = torch.arange(len(groups), device=groups.device)
    place -= (torch.cumsum(counts, dim=0) - counts)[groups]
    while (most := int(counts.max()) if n else 0) > 0:
        chosen = torch.nonzero(2 * counts > most).flatten()
        row = torch.full_like(counts, -1)
        row[chosen] = torch.arange(len(chosen), device=row.device)
        rows = torch.nonzero(row[groups] >= 0).flatten()
        slots = row[groups[rows]] * most + place[rows]
        matrices = [
            values.new_zeros((len(chosen) * most, values.shape[1]))
            .index_copy(0, slots, values if len(rows) == len(values) else values[rows])
            .reshape(len(chosen), most, -1)
            for values in (left, right)
        ]
        products = torch.bmm(matrices[0].transpose(1, 2), matrices[1])
        found = found.index_copy(0, chosen, products)
        counts[chosen] = 0
    return found


def _along(function: Any, where: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Give a function and its derivative along a direction."""
    torch = require_torch()
    with warnings.catch_warnings():
        # torch warns when it first loads its own code for this, which uses torch.jit.
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        value, slope = torch.func.jvp(function, (where,), (direction,))
    return value, slope
