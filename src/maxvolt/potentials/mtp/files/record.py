"""What a .mtp or .almtp file says."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from maxvolt.potentials.mtp.files.rules import InvalidPotentialError, check_rules

__all__ = ["VERSION", "PotentialFile"]

VERSION = "1.1.0"  # the only version of the format


@dataclass(frozen=True, slots=True, eq=False)
class PotentialFile:
    """Exactly what a .mtp or .almtp file says; arrays are copied and made read-only.

    C is the number of species, K of radial functions, R the size of the radial basis, B the
    number of basic moments, T of products, S of scalars.

    Parameters
    ----------
    radial_basis_type
        One of `RADIAL_BASIS_TYPES`.
    min_dist, max_dist
        Range of the radial basis in A; max_dist is the cutoff.
    radial_basis_size
        R.
    alpha_moments_count
        Number of moments, basic ones and products together.
    alpha_index_basic
        Moment indices {mu, nx, ny, nz}, shape=(B, 4), dtype=int32.
    alpha_index_times
        Products M[i3] += multiplier * M[i0] * M[i1], rows {i0, i1, multiplier, i3} in the order
        of evaluation, shape=(T, 4), dtype=int32.
    alpha_moment_mapping
        Moments that are the scalars, shape=(S,), dtype=int32.
    species_count
        C.
    radial_coeffs
        shape=(C, C, K, R); None if untrained.
    species_coeffs
        Energy of each species in eV, shape=(C,); None if untrained.
    moment_coeffs
        Coefficient of each scalar in eV, shape=(S,); None if untrained.
    species_labels
        Species ids of the radial blocks, in order of first appearance; None stands for 0, 1, ...
    species
        Element symbols, in the order of the labels; None if the file names none.
    scaling
        Factor of all radial functions.
    name, tag
        potential_name, and the text behind potential_tag without the element symbols.
    active_set
        What follows the potential, for grades of extrapolation; None if nothing does.

    Raises
    ------
    InvalidPotentialError
        Naming the field that breaks a rule.
    """

    radial_basis_type: str
    min_dist: float
    max_dist: float
    radial_basis_size: int
    alpha_moments_count: int
    alpha_index_basic: NDArray[np.int32]
    alpha_index_times: NDArray[np.int32]
    alpha_moment_mapping: NDArray[np.int32]
    species_count: int = 1
    radial_coeffs: NDArray[np.float64] | None = None
    species_coeffs: NDArray[np.float64] | None = None
    moment_coeffs: NDArray[np.float64] | None = None
    species_labels: tuple[int, ...] | None = None
    species: tuple[str, ...] | None = None
    scaling: float = 1.0
    name: str = "MTP"
    tag: str = ""
    active_set: ActiveSetRecord | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.startswith("alpha_index") or field.name == "alpha_moment_mapping":
                object.__setattr__(self, field.name, _frozen_integers(field.name, value))
            elif field.name.endswith("_coeffs") and value is not None:
                object.__setattr__(self, field.name, _frozen_reals(field.name, value))
        check_rules(self)

    @property
    def radial_funcs_count(self) -> int:
        """Number of radial functions K, one for each mu."""
        return int(self.alpha_index_basic[:, 0].max()) + 1

    @property
    def n_parameters(self) -> int:
        """Number of coefficients, trained or not: radial, species and moment."""
        radial = self.species_count**2 * self.radial_funcs_count * self.radial_basis_size
        return radial + self.species_count + len(self.alpha_moment_mapping)

    @property
    def is_trained(self) -> bool:
        """Whether radial, species and moment coefficients are all there."""
        return (
            self.radial_coeffs is not None
            and self.species_coeffs is not None
            and self.moment_coeffs is not None
        )


def _frozen_integers(field: str, value: Any) -> NDArray[np.int32]:
    array = np.asarray(value)
    if array.size == 0:  # level 2 has no products
        array = np.zeros((0, 4) if field == "alpha_index_times" else 0, dtype=np.int32)
    if array.dtype.kind not in "iu":
        raise InvalidPotentialError(field, f"expected integers, found {array.dtype}")
    if array.size and (array.min() < -(2**31) or array.max() >= 2**31):
        raise InvalidPotentialError(field, "a number does not fit into 32 bits")
    result = np.array(array, dtype=np.int32, order="C")
    result.setflags(write=False)
    return result


def _frozen_reals(field: str, value: Any) -> NDArray[np.float64]:
    result = np.array(value, dtype=np.float64, order="C")
    if not np.isfinite(result).all():
        raise InvalidPotentialError(field, "a coefficient is not a finite number")
    result.setflags(write=False)
    return result
