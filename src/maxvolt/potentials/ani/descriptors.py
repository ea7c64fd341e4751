"""Symmetry functions of ANI, equations (163) to (166), and their derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import NDArray

from maxvolt.potentials.ani.environments import Environments
from maxvolt.potentials.ani.libraries import require_torch
from maxvolt.potentials.ani.settings import ANISettings

__all__ = ["Descriptors", "FeatureDerivatives"]

Tensor = Any
"""A tensor of torch, which is imported where it is used."""

_ANGLE = 0.95
"""Factor of cosines, of the ANI programs: it keeps the angle away from 0 and pi."""


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

    def slopes(
        self, by_feature: Tensor, owners: Tensor, neighbor_types: Tensor, near: Tensor
    ) -> Tensor:
        """Slopes by the vectors to neighbours, of what has these by the functions, (P, 3).

        The chain rule (171), which can be differentiated by `by_feature`.

        Parameters
        ----------
        by_feature : shape (N, F)
        owners, neighbor_types : shape (P,)
        near : shape (Q,)
            As of `Environments`.
        """
        n_radial, n_angular = self.radial.shape[1], self.angular.shape[2]
        n_species = (by_feature.shape[1] - n_angular) // n_radial
        of_radial = by_feature[:, : n_species * n_radial].reshape(-1, n_radial)
        rows = of_radial.index_select(0, owners * n_species + neighbor_types)
        along = (rows * self.radial).sum(dim=1)[:, None] * self.directions
        of_angular = by_feature[:, n_species * n_radial :].index_select(0, owners[near])
        return along.index_add(0, near, (self.angular @ of_angular[:, :, None])[:, :, 0])


@dataclass(frozen=True, slots=True, eq=False)
class Descriptors:
    """Symmetry functions in one precision.

    Attributes
    ----------
    settings
        Cutoffs and exponents.
    n_species : int
    radial_centers, shell_centers : Angstrom
    section_centers : radian
        Centres of the functions.
    pair_of : shape (C, C)
        Number of an unordered pair of species.
    dtype
        Of the arithmetic.
    device
        Where it is done.
    """

    settings: ANISettings
    n_species: int
    radial_centers: Tensor
    shell_centers: Tensor
    section_centers: Tensor
    pair_of: Tensor
    dtype: Any
    device: Any

    @classmethod
    def of(cls, settings: ANISettings, n_species: int, dtype: Any, device: Any = "cpu") -> Self:
        """Make them for so many species."""
        torch = require_torch()
        first, second = torch.triu_indices(n_species, n_species)
        pair_of = torch.zeros((n_species, n_species), dtype=torch.int64)
        pair_of[first, second] = pair_of[second, first] = torch.arange(len(first))
        radial, shells, sections = (
            torch.as_tensor(values).to(device, dtype)
            for values in (
                settings.radial_centers,
                settings.shell_centers,
                settings.section_centers,
            )
        )
        return cls(settings, n_species, radial, shells, sections, pair_of.to(device), dtype, device)

    def tensor(self, values: NDArray[Any]) -> Tensor:
        """Put an array on the device."""
        return require_torch().tensor(values, device=self.device)

    @property
    def n_pairs(self) -> int:
        """Number of unordered pairs of species."""
        return self.n_species * (self.n_species + 1) // 2

    def with_derivatives(self, where: Environments) -> FeatureDerivatives:
        """Symmetry functions and their derivatives, equations (186) to (188).

        Parameters
        ----------
        where
            Atoms and neighbours.
        """
        torch = require_torch()
        vectors = self.tensor(where.vectors).to(self.dtype)
        lengths = vectors.norm(dim=1)
        directions = vectors / lengths[:, None]
        n, owners = len(where.types), self.tensor(where.owners)
        radial, by_length = self._radial(lengths)
        sums = radial.new_zeros((n * self.n_species, radial.shape[1])).index_add(
            0, owners * self.n_species + self.tensor(where.neighbor_types), radial
        )
        angular, by_vector = self._angular(where, lengths, directions)
        size = self.n_species * radial.shape[1]
        features = torch.cat([sums.reshape(n, size), angular], dim=1)
        return FeatureDerivatives(features, directions, by_length, by_vector)

    def _radial(self, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Radial functions of pairs, equation (164), and their derivatives by the length."""
        eta = self.settings.exponents[0]
        cut, slope = _cutoff(lengths[:, None], self.settings.radial_cutoff)
        away = lengths[:, None] - self.radial_centers
        gauss = 0.25 * (-eta * away**2).exp()
        return gauss * cut, gauss * (slope - 2.0 * eta * away * cut)

    def _angular(
        self, where: Environments, lengths: Tensor, directions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Angular functions of atoms, (N, A), and derivatives by vectors of near pairs, (Q, 3, A).

        Each function of a triple is one of distances times one of the angle, so that sums over
        triples are products of matrices, and no function of a triple is held.
        """
        torch = require_torch()
        near, ends = self.tensor(where.near), self.tensor(where.triples)
        kinds = self.tensor(where.neighbor_types)[near]
        owners = self.tensor(where.owners)[near]
        r, u = lengths[near], directions[near]
        cut, cut_slope = _cutoff(r, self.settings.angular_cutoff)
        of_pair = self.pair_of[kinds[ends[0]], kinds[ends[1]]]
        first, second = ends
        cosines = (u[first] * u[second]).sum(dim=1)
        sections, by_cosine = self._sections(cosines)
        away = 0.5 * (r[first] + r[second])[:, None] - self.shell_centers
        eta = self.settings.exponents[1]
        gauss = (-eta * away**2).exp()
        shells = gauss * (cut[first] * cut[second])[:, None]
        n = len(where.types)
        groups = owners[first] * self.n_pairs + of_pair
        sums = _Groups.of(groups, n * self.n_pairs).products((shells,), (sections,))
        # Each triple counts for both of its pairs, the other one being the partner.
        by_length, turned = [], []
        for pair, partner in ((first, second), (second, first)):
            rise = cut_slope[pair, None] - eta * away * cut[pair, None]
            by_length.append(gauss * rise * cut[partner, None])
            turn = (u[partner] - cosines[:, None] * u[pair]) / r[pair, None]
            turned.append((by_cosine[:, None, :] * turn[:, :, None]).flatten(1))
        sides = torch.cat([first, second]) * self.n_pairs + torch.cat([of_pair, of_pair])
        groups_of_pairs = _Groups.of(sides, len(near) * self.n_pairs)
        along = groups_of_pairs.products(by_length, (sections, sections))
        across = groups_of_pairs.products((shells, shells), turned)
        n_shells, n_sections = along.shape[1:]
        size = self.n_pairs * n_shells * n_sections
        along = along.reshape(len(near), 1, self.n_pairs, n_shells, n_sections)
        across = across.reshape(len(near), self.n_pairs, n_shells, 3, n_sections)
        by_vector = across.permute(0, 3, 1, 2, 4) + u[:, :, None, None, None] * along
        return sums.reshape(n, size), by_vector.reshape(len(near), 3, size)

    def _sections(self, cosines: Tensor) -> tuple[Tensor, Tensor]:
        """Functions of the angles of triples, and derivatives by their cosines.

        Cosines of differences of angles follow from sines and cosines: no angle is needed.
        """
        torch = require_torch()
        zeta = self.settings.exponents[2]
        cosines = _ANGLE * cosines[:, None]
        sines = (1.0 - cosines**2).sqrt()
        of_cosine, of_sine = torch.cos(self.section_centers), torch.sin(self.section_centers)
        # Rounding may leave less than nothing where the angle is opposite to a centre.
        base = (0.5 + 0.5 * (cosines * of_cosine + sines * of_sine)).clamp(min=0.0)
        power = base ** (zeta - 1.0)
        slope = _ANGLE * (of_cosine - cosines / sines * of_sine)
        return 2.0 * base * power, zeta * power * slope


def _cutoff(lengths: Tensor, cutoff: float) -> tuple[Tensor, Tensor]:
    """Cutoff function (163) of lengths below it, and its slope."""
    phase = math.pi / cutoff * lengths
    return 0.5 + 0.5 * phase.cos(), -0.5 * math.pi / cutoff * phase.sin()


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Rows that belong to groups, of which outer products are summed.

    The rows of a group fill a matrix each, with zeros below them, so that the sum is a product of
    matrices. Groups of similar size are taken together: at most half of the rows are zeros.

    Attributes
    ----------
    n
        Number of groups.
    classes
        Groups of similar size: their numbers, rows of the largest, which rows are theirs (None:
        all are), and where these go.
    """

    n: int
    classes: tuple[tuple[Tensor, int, Tensor | None, Tensor], ...]

    @classmethod
    def of(cls, groups: Tensor, n: int) -> Self:
        """Group rows by the number of the group of each, shape (T,)."""
        torch = require_torch()
        counts = torch.bincount(groups, minlength=n)
        order = torch.argsort(groups, stable=True)
        place = torch.empty_like(groups)
        place[order] = torch.arange(len(groups), device=groups.device)
        place -= (torch.cumsum(counts, dim=0) - counts)[groups]
        classes = []
        while (most := int(counts.max()) if n else 0) > 0:
            chosen = torch.nonzero(2 * counts > most).flatten()
            number = torch.full_like(counts, -1)
            number[chosen] = torch.arange(len(chosen), device=groups.device)
            numbers = number[groups]
            rows = torch.nonzero(numbers >= 0).flatten()
            if len(rows) == len(groups):
                classes.append((chosen, most, None, numbers * most + place))
            else:
                classes.append((chosen, most, rows, numbers[rows] * most + place[rows]))
            counts[chosen] = 0
        return cls(n, tuple(classes))

    def products(self, left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
        """Sums of outer products, shape (n, S, Z), of rows in pieces, (T, S) and (T, Z) in all."""
        torch = require_torch()
        found = left[0].new_zeros((self.n, left[0].shape[1], right[0].shape[1]))
        for chosen, most, rows, slots in self.classes:
            filled = [
                _filled(pieces, rows, slots, len(chosen) * most).unflatten(0, (len(chosen), most))
                for pieces in (left, right)
            ]
            found[chosen] = torch.bmm(filled[0].transpose(1, 2), filled[1])
        return found


def _filled(pieces: Sequence[Tensor], rows: Tensor | None, slots: Tensor, size: int) -> Tensor:
    """Put some rows of pieces into their places among zeros."""
    torch = require_torch()
    found = pieces[0].new_zeros((size, pieces[0].shape[1]))
    if rows is not None:
        return found.index_copy_(0, slots, torch.cat(tuple(pieces))[rows])
    for piece, places in zip(pieces, slots.chunk(len(pieces)), strict=True):
        found.index_copy_(0, places, piece)
    return found
