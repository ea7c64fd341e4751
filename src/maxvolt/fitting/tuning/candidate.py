"""What is tried, and what is known of it then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maxvolt.fitting.tuning.held_out import HeldOutErrors

__all__ = ["Candidate", "Tried"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Settings of a potential and of its fit.

    Attributes
    ----------
    level : int
        Of the basis, before pruning.
    cutoff : float, Angstrom
    radial_basis_size : int
    force_weight : float
        Of forces in the loss, Angstrom^2/eV^2.
    stage : int
        Of the pruning; 0: all scalars of the level.
    """

    level: int
    cutoff: float
    radial_basis_size: int
    force_weight: float
    stage: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A candidate, fitted and tried on the held-out structures.

    Attributes
    ----------
    candidate : Candidate
    file : Path
        Its potential.
    scalars, parameters : int
    microseconds : float
        Of energies, forces and stresses of an atom, measured on one thread.
    errors : HeldOutErrors
    """

    candidate: Candidate
    file: Path
    scalars: int
    parameters: int
    microseconds: float
    errors: HeldOutErrors

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        one = self.candidate
        return {
            "level": one.level,
            "cutoff_A": one.cutoff,
            "radial_basis_size": one.radial_basis_size,
            "force_weight": one.force_weight,
            "pruning_stage": one.stage,
            "file": str(self.file),
            "scalars": self.scalars,
            "parameters": self.parameters,
            "us_per_atom": self.microseconds,
            "force_eV_per_A": self.errors.force,
            "energy_eV_per_atom": self.errors.energy,
        }
