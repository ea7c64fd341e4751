"""Whether LAMMPS and a calculator have the same potential, told by energies or forces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError

__all__ = ["require_same_energies", "require_same_forces"]

_SAME = 1e-2
"""By how much differences of energies may differ, over the spread of the energies; and forces, over
their size."""


def require_same_energies(
    calculator: Any,
    structures: Sequence[Atoms],
    energies: Sequence[float],
    spread: float,
    purpose: str,
) -> None:
    """Refuse a pair style that is another potential: differences of energies tell.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    structures
        Of a simulation in LAMMPS.
    energies : eV
        Of them, by LAMMPS.
    spread : eV
        By which energies differ in the simulation.
    purpose
        What is computed, for messages.

    Raises
    ------
    DataError
        The energies differ by more than a constant.
    """
    apart = []
    for structure, energy in zip(structures, energies, strict=True):
        asked = structure.copy()
        asked.calc = calculator
        apart.append(float(asked.get_potential_energy()) - energy)
    if np.ptp(apart) > _SAME * spread:
        raise DataError(
            f"{purpose}: LAMMPS and the calculator disagree: the difference of their energies "
            f"changes by {np.ptp(apart):.2g} eV between structures, whose energies spread by "
            f"{spread:.2g} eV; give the pair style of the same potential"
        )


def require_same_forces(
    calculator: Any, structure: Atoms, forces: NDArray[np.float64], purpose: str
) -> None:
    """Refuse a pair style that is another potential: forces tell.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    structure
        Of a simulation in LAMMPS.
    forces : shape (N, 3), eV/Angstrom
        On its atoms, by LAMMPS.
    purpose
        What is computed, for messages.

    Raises
    ------
    DataError
        The forces differ.
    """
    asked = structure.copy()
    asked.calc = calculator
    apart = float(np.sqrt(np.mean((asked.get_forces() - forces) ** 2)))
    size = float(np.sqrt(np.mean(forces**2)))
    if apart > _SAME * size:
        raise DataError(
            f"{purpose}: LAMMPS and the calculator disagree: forces differ by {apart:.2g} eV/A, "
            f"their size is {size:.2g} eV/A; give the pair style of the same potential"
        )
