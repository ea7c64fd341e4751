"""A potential on the way of a pruning, and what is known of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from maxvolt.potentials.mtp.potential import MTP

__all__ = ["PruningStage", "StageNumbers"]


@dataclass(frozen=True, slots=True)
class StageNumbers:
    """What a stage's potential costs, and how good it is; NaN where there are no labels.

    Attributes
    ----------
    scalars, moments, parameters : int
        Of the table, and all coefficients.
    operations : float
        Of an atom, equation (252).
    microseconds : float
        Of energies, forces and stresses of an atom, measured on one thread.
    loss : float
        On the training set, after the coefficients were refitted.
    training_energy, training_force : float, eV/atom and eV/Angstrom
        Root mean square errors, forces by component.
    validation_energy, validation_force : float, eV/atom and eV/Angstrom
        Likewise, of structures that were not fitted.
    """

    scalars: int
    moments: int
    parameters: int
    operations: float
    microseconds: float
    loss: float
    training_energy: float
    training_force: float
    validation_energy: float = np.nan
    validation_force: float = np.nan


@dataclass(frozen=True, slots=True, eq=False)
class PruningStage:
    """A potential with fewer scalars than the one before, all coefficients refitted.

    Attributes
    ----------
    potential : MTP
    numbers : StageNumbers
    step : float
        Part of the cost that was to go; 0 where nothing was.
    """

    potential: MTP
    numbers: StageNumbers
    step: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        units = {
            "microseconds": "us_per_atom",
            "training_energy": "training_energy_eV_per_atom",
            "training_force": "training_force_eV_per_A",
            "validation_energy": "validation_energy_eV_per_atom",
            "validation_force": "validation_force_eV_per_A",
        }
        return {units.get(name, name): value for name, value in asdict(self.numbers).items()}
