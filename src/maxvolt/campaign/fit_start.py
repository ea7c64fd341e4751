"""Where a fit begins: with the potential of the iteration before, wherever that is possible."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from maxvolt.campaign.settings.sections import PotentialSection
from maxvolt.dataset import Dataset
from maxvolt.neighbors import minimum_distances
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.basis.repulsion import ZBL

__all__ = ["start_of_fit"]

_BELOW_SHORTEST = 0.95
"""min_dist = "auto" as part of the shortest distance: training sets grow towards shorter ones."""


def start_of_fit(section: PotentialSection, training: Dataset, before: MTP | None) -> MTP:
    """Potential to fit.

    Parameters
    ----------
    section
        What is wanted.
    training
        Training set, for min_dist = "auto".
    before
        Potential of the iteration before.

    Returns
    -------
    MTP
        With the radial functions of `before` where it is of the same form, also where min_dist
        has become shorter; else untrained.
    """
    wanted = MTP(
        section.level,
        section.species,
        section.cutoff,
        _min_dist(section, training, before),
        section.radial_basis_size,
        radial_basis=section.radial_basis,
        repulsion=None if section.zbl is None else ZBL(*section.zbl),
    )
    if before is None or not _same_form(before, wanted):
        return wanted
    model = before.model
    change = np.eye(section.radial_basis_size)
    if before.min_dist != wanted.min_dist:
        if section.radial_basis != "RBChebyshev":
            return wanted
        change = _change_of_range(before, wanted)
    return wanted.with_coefficients(
        model.radial_coeffs @ change,
        model.species_coeffs,
        model.moment_coeffs,
        scaling=model.scaling,
    )


def _min_dist(section: PotentialSection, training: Dataset, before: MTP | None) -> float:
    if section.min_dist != "auto":
        return section.min_dist
    shortest = minimum_distances(training, search_radius=section.cutoff).overall
    if before is not None and before.min_dist <= shortest and before.cutoff == section.cutoff:
        return before.min_dist
    return float(min(_BELOW_SHORTEST * shortest, 0.5 * section.cutoff))


def _same_form(one: MTP, other: MTP) -> bool:
    a, b = one.model, other.model
    return (
        one.species == other.species
        and one.cutoff == other.cutoff
        and a.radial.kind == b.radial.kind
        and a.repulsion == b.repulsion
        and a.radial_coeffs.shape == b.radial_coeffs.shape
        and np.array_equal(a.table.basic, b.table.basic)
        and np.array_equal(a.table.products, b.table.products)
        and np.array_equal(a.table.scalars, b.table.scalars)
    )


def _change_of_range(before: MTP, after: MTP) -> NDArray[np.float64]:
    """Chebyshev polynomials of one range as sums of those of another, shape (R, R).

    Both span the polynomials of degree below R, so that the radial functions stay the same.
    """
    size = before.radial_basis_size
    old, new = ((p.min_dist, p.cutoff) for p in (before, after))
    change = np.zeros((size, size))
    for k in range(size):
        coefficients = Chebyshev.basis(k, domain=old).convert(domain=new, kind=Chebyshev).coef
        change[k, : len(coefficients)] = coefficients
    return change
