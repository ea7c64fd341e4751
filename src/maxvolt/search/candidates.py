"""Candidates of a search: how each began, how its relaxation ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from maxvolt.sampling import RelaxationOutcome, StopReason

__all__ = ["Candidate", "Proposal", "atoms_from_dict", "atoms_to_dict"]


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A structure that is going to be relaxed.

    Attributes
    ----------
    atoms
    origin
        "random", "seed", "hop" or an operator of the evolution.
    parents
        Numbers of the candidates that it comes from.
    """

    atoms: Atoms
    origin: str
    parents: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A structure that has been relaxed.

    Attributes
    ----------
    number
        Counted through all generations, from 0.
    generation
    origin, parents
        As of `Proposal`.
    reason, message
        How the relaxation ended.
    steps
        Steps of it.
    grade
        Of the last structure; NaN where there is none.
    atoms
        The last structure.
    energy : eV
        Of the whole structure; NaN where it is not known.
    enthalpy : eV
        Energy plus pressure times volume.
    """

    number: int
    generation: int
    origin: str
    parents: tuple[int, ...]
    reason: StopReason
    message: str
    steps: int
    grade: float
    atoms: Atoms
    energy: float
    enthalpy: float

    @classmethod
    def of(
        cls,
        number: int,
        generation: int,
        proposal: Proposal,
        outcome: RelaxationOutcome,
        pressure: float,
    ) -> Candidate:
        """Take what came out of a relaxation; the pressure is in eV/Angstrom^3."""
        structure, calculator = outcome.structure, outcome.structure.calc
        energy = np.nan if calculator is None else float(calculator.results["energy"])
        atoms = Atoms(structure.numbers, structure.positions, cell=structure.cell)
        atoms.pbc = structure.pbc
        volume = atoms.get_volume() if pressure else 0.0
        return cls(
            number,
            generation,
            proposal.origin,
            proposal.parents,
            outcome.reason,
            outcome.message,
            outcome.steps,
            float(outcome.grade),
            atoms,
            energy,
            energy + pressure * volume,
        )

    @property
    def is_relaxed(self) -> bool:
        """Whether it came to its minimum."""
        return self.reason is StopReason.CONVERGED and bool(np.isfinite(self.enthalpy))

    @property
    def is_break(self) -> bool:
        """Whether the potential failed it: it extrapolated, or let atoms collapse.

        One that flies apart, or that never comes to rest, says nothing about the potential.
        """
        return self.reason in (StopReason.GRADE, StopReason.NOT_FINITE, StopReason.TOO_CLOSE)

    def labelled(self) -> Atoms:
        """Return the structure with its energy; its enthalpy and origin are in its infos."""
        atoms: Atoms = self.atoms.copy()
        atoms.info.update(candidate=self.number, generation=self.generation, origin=self.origin)
        atoms.info["enthalpy"] = self.enthalpy
        atoms.calc = SinglePointCalculator(atoms, energy=self.energy)
        return atoms

    def to_dict(self) -> dict[str, Any]:
        """Plain values, from which `from_dict` makes it again to the last bit."""
        return {
            "number": self.number,
            "generation": self.generation,
            "origin": self.origin,
            "parents": list(self.parents),
            "reason": str(self.reason),
            "message": self.message,
            "steps": self.steps,
            "grade": self.grade,
            "atoms": atoms_to_dict(self.atoms),
            "energy": self.energy,
            "enthalpy": self.enthalpy,
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Candidate:
        """Make it of what `to_dict` gave."""
        return cls(
            **{
                **found,
                "parents": tuple(found["parents"]),
                "reason": StopReason(found["reason"]),
                "atoms": atoms_from_dict(found["atoms"]),
            }
        )


def atoms_to_dict(atoms: Atoms, *, info: bool = True) -> dict[str, Any]:
    """Plain values of a structure without labels, with or without what its info says."""
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "pbc": atoms.pbc.tolist(),
        "info": dict(atoms.info) if info else {},
    }


def atoms_from_dict(found: Mapping[str, Any]) -> Atoms:
    """Make a structure of what `atoms_to_dict` gave."""
    return Atoms(**found)
