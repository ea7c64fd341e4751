"""Which gradients of a structure become rows of an active set, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maxvolt.errors import DataError

__all__ = ["Mode", "RowWeights", "weights_of_mode"]

Mode = Literal["configuration", "neighborhood"]
"""One row per structure (its energy), or one row per atom (its site energy)."""


@dataclass(frozen=True, slots=True)
class RowWeights:
    """Weights of the rows of a structure of N atoms, equation (36); a weight of zero: no such row.

    Parameters
    ----------
    energy
        Of the gradient of the energy, divided by N^(scaling/2).
    force
        Of the gradients of the 3N force components.
    stress
        Of the gradients of the components of the virial, divided by N^(scaling/2).
    site_energy
        Of the gradients of the site energies: zero or not is all that counts, as in MLIP.
    scaling
        0, 1 or 2; with 2 the energy per atom counts.

    Raises
    ------
    DataError
        A weight that is negative or not finite, none above zero, or another scaling.
    """

    energy: float = 1.0
    force: float = 0.0
    stress: float = 0.0
    site_energy: float = 0.0
    scaling: int = 2

    def __post_init__(self) -> None:
        values = (self.energy, self.force, self.stress, self.site_energy)
        if not all(np.isfinite(value) and value >= 0 for value in values) or not any(values):
            raise DataError(
                f"weights {values} of energy, force, stress and site energy; expected numbers of "
                "0 or more, at least one of them above 0"
            )
        if self.scaling not in (0, 1, 2):
            raise DataError(f"scaling is {self.scaling}; expected 0, 1 or 2")

    @property
    def mode(self) -> Mode:
        """Whether atoms have rows of their own."""
        return "neighborhood" if self.site_energy else "configuration"


def weights_of_mode(weights: RowWeights | None, mode: Mode | None) -> RowWeights:
    """Return the weights that a caller means, who gives weights, a mode, both or neither.

    Raises
    ------
    DataError
        Weights and mode that contradict each other, or an unknown mode.
    """
    if mode not in (None, "configuration", "neighborhood"):
        raise DataError(f"mode is {mode!r}; expected 'configuration' or 'neighborhood'")
    if weights is None:
        if mode == "neighborhood":
            return RowWeights(energy=0.0, site_energy=1.0)
        return RowWeights()
    if mode is not None and mode != weights.mode:
        raise DataError(
            f"mode is {mode!r}, but with these weights it is {weights.mode!r} (neighborhood: a "
            "weight of the site energies above 0); give only one of them"
        )
    return weights
