"""Moment tensor potentials as a family that can be trained: settings, starts, files."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray
from pydantic import Field, model_validator

from maxvolt import limits
from maxvolt.dataset import Dataset
from maxvolt.fitting.contract import PotentialSection, Training
from maxvolt.fitting.variable_projection.curvature import curvature_of, shifted_linear
from maxvolt.fitting.variable_projection.member_fits import fit_members
from maxvolt.fitting.variable_projection.new_potential import (
    CUTOFF,
    LEVEL,
    RADIAL_BASIS_SIZE,
    default_min_dist,
)
from maxvolt.neighbors import minimum_distances
from maxvolt.potentials.mtp.basis.radial import RadialBasis
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.potential import MTP
from maxvolt.potentials.protocol import Potential
from maxvolt.sections import NonNegative, Positive, within

__all__ = ["TRAINING", "MomentTensorSection", "start_of_fit", "with_min_dist"]


class MomentTensorSection(PotentialSection):
    """The potential to train."""

    family: str = Field(default="mtp", json_schema_extra={"const": "mtp"})
    """Family of the potential: moment tensor potentials."""
    level: int = Field(default=LEVEL, ge=2, le=32, multiple_of=2)
    """Level of the basis: even, from 2 to 32; higher is more accurate and slower."""
    cutoff: Annotated[float, within(limits.CUTOFF)] = CUTOFF
    """Distance in Angstrom beyond which atoms do not interact."""
    min_dist: Literal["auto"] | NonNegative = "auto"
    """Where the radial basis begins, Angstrom; "auto" follows the training set."""
    radial_basis_size: Annotated[int, within(limits.RADIAL_SIZE, whole=True)] = RADIAL_BASIS_SIZE
    """Number of radial basis functions."""
    radial_basis: Literal["RBChebyshev", "RBChebyshev_repuls", "RBShapeev"] = "RBChebyshev"
    """Kind of radial basis, as MLIP names it."""
    zbl: tuple[Positive, Positive] | None = None
    """Short-range repulsion: inner and outer radius in Angstrom."""

    @model_validator(mode="after")
    def _range(self) -> MomentTensorSection:
        if self.min_dist != "auto" and self.cutoff - self.min_dist < limits.NARROWEST_BASIS:
            raise ValueError(
                f"min_dist = {self.min_dist:g} must be below cutoff = {self.cutoff:g} by "
                f"{limits.NARROWEST_BASIS:g} A or more; "
                'write min_dist = "auto"'
            )
        return self


def start_of_fit(section: MomentTensorSection, training: Dataset, before: Potential | None) -> MTP:
    """Potential to fit: with the radial functions of the one before, wherever that is possible.

    Parameters
    ----------
    section
        What is wanted.
    training
        Training set, for min_dist = "auto".
    before
        Potential of the iteration before, of whatever family.

    Returns
    -------
    MTP
        With the radial functions of `before` where it is of the same form, also where min_dist
        has become shorter; else untrained.
    """
    if not isinstance(before, MTP):
        before = None
    wanted = MTP(
        section.level,
        section.species,
        section.cutoff,
        _min_dist(section, training, before),
        section.radial_basis_size,
        radial_basis=section.radial_basis,
        repulsion=None if section.zbl is None else ZBL(*section.zbl),
    )
    if before is None or not _same_but_for_min_dist(before, wanted):
        return wanted
    model = before.model
    change = np.eye(section.radial_basis_size)
    if before.min_dist != wanted.min_dist:
        if section.radial_basis != "RBChebyshev":
            return wanted
        change = _change_of_range(model.radial, wanted.model.radial)
    return wanted.with_coefficients(
        model.radial_coeffs @ change,
        model.species_coeffs,
        model.moment_coeffs,
        scaling=model.scaling,
    )


def with_min_dist(potential: MTP, min_dist: float) -> MTP:
    """Return a potential whose radial basis begins elsewhere, with the same radial functions.

    Where the basis is not of Chebyshev polynomials, the coefficients stay, and the functions are
    others.
    """
    model = potential.model
    radial = replace(model.radial, min_dist=min_dist)
    coefficients = model.radial_coeffs
    if potential.is_trained and radial.kind == "RBChebyshev":
        coefficients = coefficients @ _change_of_range(model.radial, radial)
    changed = replace(model, radial=radial, radial_coeffs=coefficients)
    return MTP.from_model(changed, potential.species, potential.about)


def _min_dist(section: MomentTensorSection, training: Dataset, before: MTP | None) -> float:
    if section.min_dist != "auto":
        return section.min_dist
    shortest = minimum_distances(training, search_radius=section.cutoff).overall
    if before is not None and before.min_dist <= shortest and before.cutoff == section.cutoff:
        return before.min_dist
    return default_min_dist(shortest, section.cutoff, grows=True)


def same_form(potential: MTP, other: MTP) -> bool:
    """Whether two have the same species, basis and repulsion."""
    return potential.min_dist == other.min_dist and _same_but_for_min_dist(potential, other)


def _same_but_for_min_dist(one: MTP, other: MTP) -> bool:
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


def _change_of_range(before: RadialBasis, after: RadialBasis) -> NDArray[np.float64]:
    """Chebyshev polynomials of one range as sums of those of another, shape (R, R).

    Both span the polynomials of degree below R, so that the radial functions stay the same.
    """
    size = before.size
    old, new = ((basis.min_dist, basis.max_dist) for basis in (before, after))
    change = np.zeros((size, size))
    for k in range(size):
        coefficients = Chebyshev.basis(k, domain=old).convert(domain=new, kind=Chebyshev).coef
        change[k, : len(coefficients)] = coefficients
    return change


def _described(potential: MTP) -> dict[str, float | int | str]:
    return {"min_dist": potential.min_dist}


TRAINING = Training(
    potential=MTP,
    example="maxvolt.MTP(16, ['Mo'], 5.0, 2.0)",
    section=MomentTensorSection,
    suffix=".mtp",
    suffix_with_active_set=".almtp",
    start_of_fit=start_of_fit,
    fit_members=fit_members,
    same_form=same_form,
    described=_described,
    without=("network",),
    curvature=curvature_of,
    shifted_linear=shifted_linear,
)
