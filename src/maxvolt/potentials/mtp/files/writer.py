"""A `PotentialFile` as the bytes of a .mtp file, in the layout of MLIP."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.files.active_set import format_active_set
from maxvolt.potentials.mtp.files.record import VERSION, PotentialFile

__all__ = ["format_potential"]


def format_potential(potential: PotentialFile) -> bytes:
    """Write a potential as the bytes of a file.

    Parameters
    ----------
    potential
        What to write.
    """
    lines = ["MTP", f"version = {VERSION}"]
    if potential.name:
        lines.append(f"potential_name = {potential.name}")
    if potential.radial_coeffs is not None or potential.scaling != 1.0:
        lines.append(f"scaling = {_real(potential.scaling)}")
    lines += [
        f"species_count = {potential.species_count}",
        f"potential_tag = {_joined_tag(potential)}",
        f"radial_basis_type = {potential.radial_basis_type}",
        f"\tmin_dist = {_real(potential.min_dist)}",
        f"\tmax_dist = {_real(potential.max_dist)}",
        f"\tradial_basis_size = {potential.radial_basis_size}",
        f"\tradial_funcs_count = {potential.radial_funcs_count}",
    ]
    if potential.radial_coeffs is not None:
        lines += ["\tradial_coeffs", *_radial_lines(potential, potential.radial_coeffs)]
    lines += [
        f"alpha_moments_count = {potential.alpha_moments_count}",
        f"alpha_index_basic_count = {len(potential.alpha_index_basic)}",
        f"alpha_index_basic = {_rows(potential.alpha_index_basic)}",
        f"alpha_index_times_count = {len(potential.alpha_index_times)}",
        f"alpha_index_times = {_rows(potential.alpha_index_times)}",
        f"alpha_scalar_moments = {len(potential.alpha_moment_mapping)}",
        f"alpha_moment_mapping = {_braced(map(str, potential.alpha_moment_mapping.tolist()))}",
    ]
    if potential.species_coeffs is not None:
        lines.append(f"species_coeffs = {_reals(potential.species_coeffs)}")
    if potential.moment_coeffs is not None:
        lines.append(f"moment_coeffs = {_reals(potential.moment_coeffs)}")
    rest = b"" if potential.active_set is None else format_active_set(potential.active_set)
    return "\n".join(lines).encode() + rest


def _joined_tag(potential: PotentialFile) -> str:
    if potential.species is None:
        return potential.tag
    return f"{potential.tag} species: {' '.join(potential.species)}".lstrip()


def _radial_lines(potential: PotentialFile, coeffs: NDArray[np.float64]) -> Iterable[str]:
    labels = potential.species_labels or tuple(range(potential.species_count))
    for i, first in enumerate(labels):
        for j, second in enumerate(labels):
            yield f"\t\t{first}-{second}"
            for row in coeffs[i, j]:
                yield f"\t\t\t{_reals(row)}"


def _real(value: float) -> str:
    """Write 16 significant digits as MLIP does, or 17 where the number needs them."""
    text = f"{value:.15e}"
    return text if float(text) == value else f"{value:.16e}"


def _reals(values: NDArray[np.float64]) -> str:
    return _braced(map(_real, values.tolist()))


def _rows(table: NDArray[np.int32]) -> str:
    return _braced(_braced(map(str, row)) for row in table.tolist())


def _braced(items: Iterable[str]) -> str:
    return "{" + ", ".join(items) + "}"
