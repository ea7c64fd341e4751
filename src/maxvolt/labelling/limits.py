"""When a result is no label: limits, and the check of what a calculator returned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.errors import DataError

__all__ = ["CalculatedLabels", "LabelLimits", "RejectedError", "labels_from_results"]


@dataclass(frozen=True, slots=True)
class LabelLimits:
    """What a calculation may take, and what its result may be.

    Parameters
    ----------
    max_force
        Largest force of a label, eV/Angstrom; beyond, the result is quarantined.
    timeout
        Wall time that one attempt may take, in seconds; None for no limit.
    retries
        How often a calculation that failed or hung is tried again. One that did not converge or
        gave absurd numbers would do so again and is not repeated.
    """

    max_force: float = 50.0
    timeout: float | None = None
    retries: int = 1

    def __post_init__(self) -> None:
        if not self.max_force > 0:
            raise DataError(f"max_force is {self.max_force}; expected a number above 0 (eV/A)")
        if self.timeout is not None and not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise DataError(f"timeout is {self.timeout}; expected seconds above 0, or None")
        if self.retries < 0:
            raise DataError(f"retries is {self.retries}; expected 0 or more")


class RejectedError(Exception):
    """A result that must not become a label; the message is the reason."""


@dataclass(frozen=True, slots=True, eq=False)
class CalculatedLabels:
    """Labels of one structure.

    Parameters
    ----------
    free_energy : eV
        The energy that the forces are derivatives of.
    energy : eV
        What the calculator calls the energy (often extrapolated to zero smearing); kept for
        those who browse the database, never trained on.
    forces : shape (N, 3), eV/Angstrom
    stress : shape (6,), eV/Angstrom^3, or None
    """

    free_energy: float
    energy: float
    forces: NDArray[np.float64]
    stress: NDArray[np.float64] | None

    def to_results(self) -> dict[str, Any]:
        """Return them by the names that ASE gives them."""
        results: dict[str, Any] = {
            "energy": self.energy,
            "free_energy": self.free_energy,
            "forces": self.forces,
        }
        return results if self.stress is None else {**results, "stress": self.stress}


def labels_from_results(
    results: Mapping[str, Any], atoms: Atoms, limits: LabelLimits
) -> CalculatedLabels:
    """Check the results of a calculator and return them as labels.

    Parameters
    ----------
    results
        ``energy``, ``forces`` and where there are any ``free_energy`` and ``stress``, in ASE's
        units.
    atoms
        The structure they belong to. Only one that is periodic in all directions has a stress.
    limits
        The largest force.

    Raises
    ------
    RejectedError
        Says what is wrong with them.
    """
    energies = [
        _numbers(results, name, ()) for name in ("free_energy", "energy") if _has(results, name)
    ]
    if not energies:
        raise RejectedError("the calculator gave no energy")
    if not _has(results, "forces"):
        raise RejectedError("the calculator gave no forces")
    forces = _numbers(results, "forces", (len(atoms), 3))
    largest = float(np.linalg.norm(forces, axis=1).max())
    if largest > limits.max_force:
        raise RejectedError(
            f"a force of {largest:.6g} eV/A is above the limit of {limits.max_force:g} eV/A"
        )
    stress = None
    if _has(results, "stress") and atoms.pbc.all() and cell_volume(atoms.cell.array) > 0:
        stress = _numbers(results, "stress", (6,))
    return CalculatedLabels(
        free_energy=float(energies[0]), energy=float(energies[-1]), forces=forces, stress=stress
    )


def _has(results: Mapping[str, Any], name: str) -> bool:
    return results.get(name) is not None


def _numbers(results: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        values = np.asarray(results[name], np.float64)
    except (TypeError, ValueError) as error:
        raise RejectedError(f"{name} is {results[name]!r:.40}; expected numbers") from error
    if values.shape != shape:
        raise RejectedError(f"{name} has shape {values.shape}; expected {shape}")
    if not np.isfinite(values).all():
        raise RejectedError(f"{name} holds NaN or infinity")
    return values
