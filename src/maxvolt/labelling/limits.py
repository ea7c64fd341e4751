"""When a result is not a label: limits, and the check of what a calculator returned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.units import Hartree
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.errors import DataError

__all__ = [
    "LONGEST_CALCULATION",
    "NO_LIMITS",
    "CalculatedLabels",
    "LabelLimits",
    "RejectedError",
    "labels_from_results",
]

LONGEST_CALCULATION = 86400.0
"""Seconds that one attempt may take where nothing else is said: a day."""

_ALL_ELECTRONS = 2 * 0.7687 * Hartree
"""Twice the energy of an atom of Z electrons by Thomas and Fermi, over Z^(7/3), eV: no code that
counts all electrons, relativistic ones included, gives as much for any element."""

_INTERACTION = 1000.0
"""What atoms may have besides, eV per atom."""

_REAL = "fiu"
"""Kinds of NumPy's numbers that are real: neither text nor complex."""


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
    max_energy
        Largest size of an energy, eV per atom; beyond, the result is quarantined. None: 1000 eV and
        twice the Thomas-Fermi energy of the element (aluminium: 17.6 keV), which no code exceeds,
        even one that counts all electrons.
    max_stress
        Largest size of a component of the stress, eV/Angstrom^3; beyond, the result is quarantined.
    """

    max_force: float = 50.0
    timeout: float | None = LONGEST_CALCULATION
    retries: int = 1
    max_energy: float | None = None
    max_stress: float = 100.0

    def __post_init__(self) -> None:
        for name, unit in (("max_force", "eV/A"), ("max_energy", "eV"), ("max_stress", "eV/A^3")):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise DataError(f"{name} is {value}; expected a number above 0 ({unit})")
        if self.timeout is not None and not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise DataError(f"timeout is {self.timeout}; expected seconds above 0, or None")
        if self.retries < 0:
            raise DataError(f"retries is {self.retries}; expected 0 or more")

    def largest_energy(self, atoms: Atoms) -> float:
        """Return the largest size that an energy of a structure may have, eV."""
        if self.max_energy is not None:
            return self.max_energy * len(atoms)
        charges = np.asarray(atoms.numbers, np.float64)
        return float((_INTERACTION + _ALL_ELECTRONS * charges ** (7 / 3)).sum())


NO_LIMITS = LabelLimits(max_force=math.inf, timeout=None, max_energy=math.inf, max_stress=math.inf)
"""For labels that have been judged before: only what no structure can have is refused."""


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
        The largest energy, force and stress.

    Raises
    ------
    RejectedError
        Says what is wrong with them.
    """
    energies = _energies(results, atoms, limits)
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
        if np.abs(stress).max() > limits.max_stress:
            raise RejectedError(
                f"a stress of {np.abs(stress).max():.6g} eV/A^3 is above the limit of "
                f"{limits.max_stress:g} eV/A^3"
            )
    return CalculatedLabels(
        free_energy=energies[0], energy=energies[-1], forces=forces, stress=stress
    )


def _energies(results: Mapping[str, Any], atoms: Atoms, limits: LabelLimits) -> list[float]:
    """Return the energies there are, the force-consistent one first."""
    names = [name for name in ("free_energy", "energy") if _has(results, name)]
    if not names:
        raise RejectedError("the calculator gave no energy")
    energies = [float(_numbers(results, name, ())) for name in names]
    for name, energy in zip(names, energies, strict=True):
        limit = limits.largest_energy(atoms)
        if abs(energy) > limit:
            raise RejectedError(
                f"{name} is {energy / len(atoms):.6g} eV/atom, beyond the limit of "
                f"{limit / len(atoms):.6g} eV/atom"
            )
    return energies


def _has(results: Mapping[str, Any], name: str) -> bool:
    return results.get(name) is not None


def _numbers(results: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a copy of a result as numbers: calculators may go on to change their own arrays."""
    try:
        given = np.asarray(results[name])
        if given.dtype.kind not in _REAL:
            raise TypeError
        values = np.array(given, np.float64)
    except (TypeError, ValueError) as error:
        raise RejectedError(f"{name} is {results[name]!r:.40}; expected numbers") from error
    if values.shape != shape:
        raise RejectedError(f"{name} has shape {values.shape}; expected {shape}")
    if not np.isfinite(values).all():
        raise RejectedError(f"{name} holds NaN or infinity")
    return values
