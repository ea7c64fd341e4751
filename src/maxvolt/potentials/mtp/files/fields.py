"""The fields of a potential file, with their types, before any rule is looked at."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord

__all__ = ["InvalidPotentialError", "PotentialFields"]


class InvalidPotentialError(DataError):
    """The contents of a `PotentialFile` break a rule.

    Parameters
    ----------
    field
        Name of the field of `PotentialFile` at fault.
    message
        What is wrong with it and what was expected.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True, eq=False)
class PotentialFields:
    """What `maxvolt.potentials.mtp.files.record.PotentialFile` holds; arrays become read-only.

    Raises
    ------
    InvalidPotentialError
        An array is not made of integers or of finite numbers.
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

    @property
    def radial_funcs_count(self) -> int:
        """Number of radial functions K, one for each mu."""
        return int(self.alpha_index_basic[:, 0].max()) + 1

    @property
    def n_parameters(self) -> int:
        """Number of coefficients, trained or not: radial, species and moment."""
        radial = self.species_count**2 * self.radial_funcs_count * self.radial_basis_size
        return radial + self.species_count + len(self.alpha_moment_mapping)


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
