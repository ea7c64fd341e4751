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
        lengths = vectors.norm(dim=1)
        near, triples, of_pair = self._triples(where)
        ends = near[triples]
        angular = self.angular(lengths[ends], vectors[ends])
        return self._collected(where, self.radial(lengths), angular, near[triples[0]], of_pair)

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
        return FeatureDerivatives(
            self._collected(where, radial, terms, near[triples[0]], of_pair),
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

    def _collected(
        self, where: Environments, radial: Tensor, angular: Tensor, first: Tensor, of_pair: Tensor
    ) -> Tensor:
        """Sum the terms of pairs and of triples, whose first pairs are given, for each atom."""
        torch = require_torch()
        n, owners = len(where.types), torch.as_tensor(where.owners)
        by_species = radial.new_zeros((n * self.n_species, radial.shape[1])).index_add(
            0, owners * self.n_species + torch.as_tensor(where.neighbor_types), radial
        )
        by_pair = radial.new_zeros((n * self.n_pairs, angular.shape[1])).index_add(
            0, owners[first] * self.n_pairs + of_pair, angular
        )
        return torch.cat([by_species.reshape(n, -1), by_pair.reshape(n, -1)], dim=1)


def _along(function: Any, where: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Give a function and its derivative along a direction."""
    torch = require_torch()
    with warnings.catch_warnings():
        # torch warns when it first loads its own code for this, which uses torch.jit.
        warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
        value, slope = torch.func.jvp(function, (where,), (direction,))
    return value, slope
