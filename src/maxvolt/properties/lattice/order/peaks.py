"""Structure factors of pairs of species, and which of them are peaks: equations (223), (224)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcinv

from maxvolt.properties.lattice.order.concentration_waves import ConcentrationWaves
from maxvolt.properties.lattice.order.prototypes import ROTATIONS

__all__ = ["Peak", "peaks_of", "shares_of_waves", "significant", "star_of"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_SPECIAL: dict[str, tuple[tuple[float, float, float], ...]] = {
    "sc": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.0), (0.5, 0.0, 0.0)),
    "bcc": ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, 0.5, 0.0)),
    "fcc": ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (1.0, 0.5, 0.0)),
}
"""Corners of the Brillouin zones, in 2 pi / a, where symmetry wants maxima or minima."""

_LEAST = 0.02
"""Of the variance of a species that one wave must hold to be order."""

_BY_CHANCE = 0.01
"""Probability that sites at random have a wave that seems to be order."""

_EXACT, _NOTHING = 48, 1e-6
"""Up to so many sites, one arrangement is taken as it is: all its waves count."""

_SHOULDER = 0.3
"""Of 2 pi / a: what is smaller than something so near is its flank."""

_MOST = 200


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """A star of wave vectors, and what arrangements have there.

    Attributes
    ----------
    star
        Its name: one wave vector, in 2 pi / a, as "(1/2 1/2 1/2)".
    arms
        Wave vectors of the star in the supercell.
    shares : shape (c,)
        Of the variance of each species that the star holds, 0 to 1: equation (224); NaN of a
        species that is nowhere or everywhere.
    structure_factor : shape (c, c)
        Mean over the arms, equation (223).
    moments
        Mean of the square and of the fourth power of the amplitude of all species and arms.
    """

    star: str
    arms: int
    shares: Array
    structure_factor: Array
    moments: tuple[float, float]

    @property
    def cumulant(self) -> float:
        """Of the amplitude, equation (209): 2/3 where it is the same in all arrangements."""
        second, fourth = self.moments
        return 1.0 - fourth / (3.0 * second**2) if second > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "star": self.star,
            "arms": self.arms,
            "shares": [None if np.isnan(one) else float(one) for one in self.shares],
            "structure_factor": self.structure_factor.tolist(),
            "moments": list(self.moments),
            "cumulant": None if np.isnan(self.cumulant) else self.cumulant,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Peak:
        """Take what `to_dict` gave."""
        return cls(
            str(values["star"]), int(values["arms"]), np.array(values["shares"], float),
            np.array(values["structure_factor"], float),
            (float(values["moments"][0]), float(values["moments"][1])),
        )  # fmt: skip


def shares_of_waves(
    waves: ConcentrationWaves, occupations: NDArray[np.integer[Any]], n_species: int
) -> Array:
    """Share of the variance of each species in each wave, mean over arrangements.

    Returns
    -------
    shares : shape (n_sites, n_species)
        0 for the wave of infinite length.
    """
    found = np.zeros((len(waves.sites.order), n_species))
    for species in range(n_species):
        for occupation in occupations:
            found[:, species] += np.abs(waves.amplitudes(occupation, species)) ** 2
        found[0, species] = 0.0
        total = found[:, species].sum()
        found[:, species] /= total if total > 0 else 1.0
    return found


def significant(waves: ConcentrationWaves, shares: Array, arrangements: int) -> Integers:
    """Find the waves that are order: more than chance gives, and no flanks of others.

    Returns
    -------
    index : shape (n,)
        Places of the waves, the strongest first.
    """
    n = len(shares)
    strongest = shares.max(axis=1)
    if n <= _EXACT and arrangements == 1:
        return np.flatnonzero(strongest > _NOTHING)
    index = np.argsort(-strongest, kind="stable")[:_MOST]
    index = index[strongest[index] > _LEAST]
    numbers = waves.numbers(index)
    # At random a wave is a normal random number, complex or, where it is its own opposite, real.
    probability = _BY_CHANCE / shares.size
    real = (2 * numbers % waves.grid == 0).all(axis=1)
    by_chance = np.where(real, 2 * erfcinv(probability) ** 2, -np.log(probability)) / n
    index, numbers = (one[strongest[index] > by_chance] for one in (index, numbers))
    kept: list[int] = []
    for place, one in enumerate(index):
        stronger = waves.vectors(numbers[:place] - numbers[place])
        if not (np.linalg.norm(stronger, axis=1) < _SHOULDER).any():
            kept.append(int(one))
    return np.array(kept, np.int64)


def star_of(vector: Array) -> str:
    """Name the star of a shortest wave vector, in 2 pi / a."""
    parts = sorted(np.abs(vector), reverse=True)
    return "(" + " ".join(str(Fraction(float(x)).limit_denominator(1000)) for x in parts) + ")"


def peaks_of(
    waves: ConcentrationWaves,
    occupations: NDArray[np.integer[Any]],
    n_species: int,
    index: Integers,
) -> tuple[Peak, ...]:
    """Describe the corners of the Brillouin zone that the supercell has, and given waves.

    Parameters
    ----------
    waves
        Of the supercell.
    occupations : shape (n, n_sites)
        Arrangements.
    n_species
        Their number.
    index
        Places of waves whose stars are wanted, too.
    """
    stars = _stars(waves, index)
    every = np.concatenate([np.empty(0, np.int64), *stars.values()])
    amplitudes = np.array([
        [waves.amplitudes(one, species)[every] for species in range(n_species)]
        for one in occupations
    ])  # fmt: skip
    counts = np.array([np.bincount(one, minlength=n_species) for one in occupations])
    share = counts / len(waves.sites.order)
    variance = (share * (1 - share)).mean(axis=0)
    found, begin = [], 0
    for name, places in stars.items():
        part = amplitudes[:, :, begin : begin + len(places)]
        begin += len(places)
        products = np.einsum("tsk,tuk->su", part.conj(), part).real / len(occupations)
        squares = (np.abs(part) ** 2).sum(axis=(1, 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = np.where(variance > 0, products.diagonal() / variance, np.nan)
        factor = products * len(waves.sites.order) / len(places)
        moments = float(squares.mean()), float((squares**2).mean())
        found.append(Peak(name, len(places), shares, factor, moments))
    return tuple(found)


def _stars(waves: ConcentrationWaves, index: Integers) -> dict[str, Integers]:
    """Places of the waves of each star, by its name."""
    vectors = waves.vectors(waves.numbers(index)) if len(index) else np.empty((0, 3))
    given: Iterable[Array] = [np.array(one) for one in _SPECIAL[waves.sites.lattice]]
    found: dict[str, Integers] = {}
    for vector in [*given, *vectors]:
        numbers = [waves.find(rotation @ vector) for rotation in ROTATIONS]
        there = [one for one in numbers if one is not None]
        if there:
            found.setdefault(star_of(vector), np.unique(waves.index(np.array(there))))
    return found
