"""Force constants of a crystal by phonopy, from small displacements in a large cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.elemental_crystals import reach_of, repeats
from maxvolt.properties.shells import interaction_cutoff, nearest_shell

__all__ = [
    "PhononSettings",
    "clear_displacement",
    "phonons_of",
    "phonopy_cell",
    "require_phonopy",
]

_SMALLEST_DISPLACEMENT = 1e-4
"""Angstrom, below which rounding spoils differences of forces."""

_BEYOND_IMAGES = 0.1


@dataclass(frozen=True, slots=True)
class PhononSettings:
    """Settings of force constants.

    Parameters
    ----------
    size : Angstrom or None
        Height of the large cell along each vector; None: twice the cutoff, beyond which atoms do
        not feel their images.
    displacement : Angstrom
        How far an atom is moved; less where a neighbour shell would cross the cutoff.
    mesh
        Number of wave vectors along each reciprocal vector, for densities and thermal properties.
    """

    size: float | None = None
    displacement: float = 0.01
    mesh: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.displacement < 0.5 or self.mesh < 1:
            raise DataError(
                "phonons: expected a displacement between 0 and 0.5 A and a mesh of at least 1; "
                f"got {self.displacement!r} and {self.mesh!r}"
            )


def require_phonopy(purpose: str) -> Any:
    """Import phonopy.

    Raises
    ------
    MaxvoltError
        It is not installed.
    """
    try:
        import phonopy
    except ImportError as error:
        raise MaxvoltError(
            f"{purpose}: needs phonopy; install it with: pip install maxvolt[phonopy]"
        ) from error
    return phonopy


def phonons_of(
    calculator: Any, crystal: Atoms, settings: PhononSettings, purpose: str
) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Compute the force constants of a crystal at rest.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    crystal
        Its cell and positions are at rest.
    settings
        Size and displacement.
    purpose
        What is computed, for messages.

    Returns
    -------
    phonons
        ``phonopy.Phonopy`` with force constants.
    warnings, notes
        What speaks against them, and what was chosen.
    """
    phonopy = require_phonopy(purpose)
    reach, notes = reach_of(calculator)
    times = repeats(crystal.cell.array, settings.size or 2 * reach + _BEYOND_IMAGES)
    unit = phonopy_cell(crystal)
    phonons = phonopy.Phonopy(unit, supercell_matrix=np.diag(times), primitive_matrix="auto")
    displacement, warnings = clear_displacement(calculator, crystal, settings.displacement)
    phonons.generate_displacements(distance=displacement, is_plusminus=True)
    forces = []
    for cell in phonons.supercells_with_displacements:
        atoms = Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
        atoms.calc = calculator
        forces.append(atoms.get_forces())
    phonons.forces = np.array(forces)
    phonons.produce_force_constants()
    count = int(np.prod(times)) * len(crystal)
    notes += (
        f"force constants from displacements of {displacement:g} A in a cell of {count} atoms",
        "without non-analytic terms: in a polar crystal, optical branches near Γ are not split",
    )
    return phonons, warnings, notes


def phonopy_cell(crystal: Atoms) -> Any:
    """Give a crystal as phonopy and phono3py take it."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        crystal.get_chemical_symbols(),
        cell=crystal.cell.array,
        scaled_positions=crystal.get_scaled_positions(),
        masses=crystal.get_masses(),
    )


def clear_displacement(
    calculator: Any, crystal: Atoms, most: float
) -> tuple[float, tuple[str, ...]]:
    """Largest displacement at which no shell crosses the cutoff."""
    cutoff = interaction_cutoff(calculator)
    shell = None if cutoff is None else nearest_shell(crystal, cutoff)
    if shell is None or shell.gap > most:
        return most, ()
    if shell.gap / 2 > _SMALLEST_DISPLACEMENT:
        return shell.gap / 2, ()
    return most, (
        f"{shell} crosses the cutoff within any displacement: force constants are means of both "
        "sides of a jump; train with another cutoff",
    )
