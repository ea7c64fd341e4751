"""The long-range order of arrangements, and its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.order.concentration_waves import ConcentrationWaves
from maxvolt.properties.lattice.order.cubic_sites import CubicSites
from maxvolt.properties.lattice.order.naming import degrees, named
from maxvolt.properties.lattice.order.peaks import (
    Peak,
    peaks_of,
    shares_of_waves,
    significant,
)
from maxvolt.properties.lattice.order.sublattices import shares
from maxvolt.properties.lattice.order.variants import aligned_mean, ordered_cell

__all__ = ["OrderedState", "SiteClass", "ordered_state"]

Array = NDArray[np.float64]

_LONG_WAVES = 0.35
"""Of 2 pi / a: what is longer separates an alloy, it does not order it."""

_MOST_SUBLATTICES = 64


@dataclass(frozen=True, slots=True, eq=False)
class SiteClass:
    """Sites that an order makes equal.

    Attributes
    ----------
    share
        Of all sites.
    occupations : shape (c,)
        Of the species there.
    degrees : shape (c,)
        Degree of order of each species, equation (225).
    """

    share: float
    occupations: Array
    degrees: Array

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "share": self.share,
            "occupations": self.occupations.tolist(),
            "degrees": self.degrees.tolist(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SiteClass:
        """Take what `to_dict` gave."""
        return cls(
            float(values["share"]), np.array(values["occupations"]), np.array(values["degrees"])
        )


@dataclass(frozen=True, slots=True, eq=False)
class OrderedState:
    """Long-range order of arrangements on a cubic lattice.

    Attributes
    ----------
    text
        What it is, with the species that are enriched on each kind of site: "B2(Mo; Ta)",
        "layered <100> (Mo | W | Ta | W)", "disordered", "separated", or "not known".
    structures
        Names without species.
    classes
        Kinds of sites, none where there is no order or too many sublattices.
    peaks
        Corners of the Brillouin zone, and other waves of the order.
    n_sublattices
        Sites of the ordered cell; 0 where there is no order, or more than 64.
    """

    text: str
    structures: tuple[str, ...]
    classes: tuple[SiteClass, ...]
    peaks: tuple[Peak, ...]
    n_sublattices: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, of which `from_dict` makes it again."""
        return {
            "text": self.text,
            "structures": list(self.structures),
            "classes": [one.to_dict() for one in self.classes],
            "peaks": [one.to_dict() for one in self.peaks],
            "n_sublattices": self.n_sublattices,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> OrderedState:
        """Take what `to_dict` gave."""
        return cls(
            str(values["text"]), tuple(values["structures"]),
            tuple(SiteClass.from_dict(one) for one in values["classes"]),
            tuple(Peak.from_dict(one) for one in values["peaks"]), int(values["n_sublattices"]),
        )  # fmt: skip


def ordered_state(
    parent: ParentLattice,
    supercell: Supercell,
    occupations: Sequence[NDArray[np.integer[Any]]] | NDArray[np.integer[Any]],
) -> OrderedState:
    """Find the long-range order of arrangements, and name it.

    Parameters
    ----------
    parent
        Lattice whose sites with a choice form a simple, body-centred or face-centred cubic one.
    supercell
        Of the arrangements. Only order that repeats in it is seen.
    occupations : shape (n, n_sites), or (n_sites,)
        Arrangements of one simulation, which may be variants of the same order; or a single one.
        One arrangement of up to 48 sites is taken as a perfect structure, whatever it is.

    Raises
    ------
    SettingsError
        The sites form another lattice, or there is no arrangement.
    """
    arrangements = np.atleast_2d(np.asarray(occupations))
    if arrangements.size == 0 or arrangements.shape[1] != parent.n_sites(supercell):
        raise SettingsError(
            f"arrangements have one species for each of {parent.n_sites(supercell)} sites; got an "
            f"array of shape {arrangements.shape}"
        )
    waves = ConcentrationWaves(CubicSites.of(parent, supercell))
    c = len(parent.species)
    strengths = shares_of_waves(waves, arrangements, c)
    index = significant(waves, strengths, len(arrangements))
    peaks = peaks_of(waves, arrangements, c, index)
    if not len(index):
        return _without_classes("disordered", peaks)
    if np.linalg.norm(waves.vectors(waves.numbers(index)), axis=1).max() < _LONG_WAVES:
        return _without_classes("separated", peaks)
    ordered = ordered_cell(waves, index, _MOST_SUBLATTICES)
    if ordered is None:
        return _without_classes("not known", peaks)
    text, structures, classes = _classes(waves, ordered, arrangements, parent.species)
    return OrderedState(text, structures, classes, peaks, ordered.n_cells)


def _without_classes(text: str, peaks: tuple[Peak, ...]) -> OrderedState:
    return OrderedState(text, (text,), (), peaks, 0)


def _classes(
    waves: ConcentrationWaves,
    ordered: Supercell,
    arrangements: NDArray[np.integer[Any]],
    species: Sequence[str],
) -> tuple[str, tuple[str, ...], tuple[SiteClass, ...]]:
    """Text, names and kinds of sites."""
    sites = waves.sites
    numbers = ordered.numbers(sites.supercell.offsets())
    every = [
        shares(numbers, ordered.n_cells, sites.occupation(one), len(species))
        for one in arrangements
    ]
    mean = aligned_mean(sites.lattice, ordered, np.array(every))
    found = named(sites.lattice, ordered, mean, species)
    pattern = tuple(range(ordered.n_cells)) if found is None else found.pattern
    means, degree = degrees(pattern, mean)
    sizes = np.bincount(pattern) / len(pattern)
    classes = tuple(
        SiteClass(float(size), one, of_one)
        for size, one, of_one in zip(sizes, means, degree, strict=True)
    )
    if found is None:
        return "not known", ("not known",), classes
    return found.text, found.structures, classes
