"""What a .mtp or .almtp file says."""

from __future__ import annotations

from dataclasses import dataclass

from maxvolt.potentials.mtp.files.fields import PotentialFields
from maxvolt.potentials.mtp.files.rules import check_rules

__all__ = ["VERSION", "PotentialFile"]

VERSION = "1.1.0"  # the only version of the format


@dataclass(frozen=True, slots=True, eq=False)
class PotentialFile(PotentialFields):
    """Exactly what a .mtp or .almtp file says; arrays are copied and made read-only.

    C is the number of species, K of radial functions, R the size of the radial basis, B the
    number of basic moments, T of products, S of scalars.

    Parameters
    ----------
    radial_basis_type
        One of `maxvolt.potentials.mtp.basis.radial.RADIAL_BASIS_TYPES`.
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
        potential_name, and the text after potential_tag without the element symbols.
    active_set
        What follows the potential, for grades of extrapolation; None if nothing does.

    Raises
    ------
    InvalidPotentialError
        Naming the field that breaks a rule.
    """

    def __post_init__(self) -> None:
        PotentialFields.__post_init__(self)
        check_rules(self)

    @property
    def is_trained(self) -> bool:
        """Whether radial, species and moment coefficients are all there."""
        return (
            self.radial_coeffs is not None
            and self.species_coeffs is not None
            and self.moment_coeffs is not None
        )
