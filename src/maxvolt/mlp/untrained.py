"""Untrained potentials of MLIP's levels, made when they are asked for."""

from __future__ import annotations

import re
from pathlib import Path

from maxvolt.errors import MaxvoltError
from maxvolt.limits import CUTOFF, MOST_SPECIES, NARROWEST_BASIS, RADIAL_SIZE
from maxvolt.potentials.mtp.basis.contraction import contraction_table
from maxvolt.potentials.mtp.basis.radial import RADIAL_BASIS_TYPES
from maxvolt.potentials.mtp.files.access import PotentialFile

__all__ = ["LEVELS", "level_of_name", "untrained_potential"]

LEVELS = tuple(range(2, 29, 2))
"""Of the files that MLIP comes with."""

_NAME = re.compile(r"(\d\d?)\.(mtp|almtp)")


def level_of_name(path: str | Path) -> int | None:
    """Level that the name of one of MLIP's untrained potentials says: 16 for ``16.mtp``."""
    found = _NAME.fullmatch(Path(path).name)
    level = int(found[1]) if found else 0
    return level if level in LEVELS else None


def untrained_potential(
    level: int,
    *,
    species_count: int = 1,
    min_dist: float = 2.0,
    max_dist: float = 5.0,
    radial_basis_size: int = 8,
    radial_basis_type: str = "RBChebyshev",
) -> PotentialFile:
    """Make an untrained potential as MLIP's files have it; the defaults are those of its files.

    The scalars span what those of MLIP's file span; their order and their products differ.

    Parameters
    ----------
    level
        Even, from 2 to 28.
    species_count
        Number of types of atoms.
    min_dist, max_dist : float, Angstrom
        Range of the radial basis.
    radial_basis_size
        Number of its functions.
    radial_basis_type
        Name of the basis.

    Raises
    ------
    MaxvoltError
        A value out of its range.
    """
    if level not in LEVELS:
        raise MaxvoltError(f"level {level}: expected an even number from 2 to {LEVELS[-1]}")
    if radial_basis_type not in RADIAL_BASIS_TYPES:
        raise MaxvoltError(
            f"radial basis {radial_basis_type!r}: expected {', '.join(RADIAL_BASIS_TYPES)}"
        )
    CUTOFF.check("max_dist", max_dist)
    RADIAL_SIZE.check("radial_basis_size", radial_basis_size)
    if not 1 <= species_count <= MOST_SPECIES:
        raise MaxvoltError(f"species_count is {species_count}; expected 1 to {MOST_SPECIES}")
    if not 0 <= min_dist <= max_dist - NARROWEST_BASIS:
        raise MaxvoltError(
            f"expected 0 <= min_dist < max_dist, apart by {NARROWEST_BASIS:g} A or more; got "
            f"{min_dist:g} and {max_dist:g}"
        )
    table = contraction_table(level)
    return PotentialFile(
        radial_basis_type=radial_basis_type,
        min_dist=min_dist,
        max_dist=max_dist,
        radial_basis_size=radial_basis_size,
        alpha_moments_count=table.n_moments,
        alpha_index_basic=table.basic,
        alpha_index_times=table.products,
        alpha_moment_mapping=table.scalars,
        species_count=species_count,
        radial_coeffs=None,
        species_coeffs=None,
        moment_coeffs=None,
        species_labels=None,
        species=None,
        scaling=1.0,
        name="MTP1m",
        tag="",
        active_set=None,
    )
