"""The slab that a sphere is pressed into, and what its elastic constants say about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.deformation import require_bulk
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.elastic_constants import elastic_constants
from maxvolt.properties.elemental_crystals import reach_of
from maxvolt.properties.extremes.indentation_settings import IndentationSettings
from maxvolt.properties.extremes.slab_elasticity import indentation_modulus, slab_compliance
from maxvolt.properties.extremes.slabs import crystal_across, crystal_at_temperature, slab_across
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["IndentedSlab", "prepare_slab"]

_LEAST_HEIGHT = 4.0
"""Of the slab, over the cutoff: one is held, one has a thermostat, two are free."""


@dataclass(frozen=True, slots=True, eq=False)
class IndentedSlab:
    """A slab and what is known of it.

    Attributes
    ----------
    atoms
        Perfect, at the lattice constants of the temperature.
    top, ground, bath : Angstrom
        Heights of the highest atoms; up to which atoms are held; up to which others have a
        thermostat.
    width : Angstrom
        Least distance from an atom to its own images.
    timestep : fs
    density : u/Angstrom^3
    stiffness : shape (6, 6), eV/Angstrom^3
        Elastic constants of the crystal with these lattice constants at rest, turned as the slab.
    modulus : eV/Angstrom^3
        Of indentation, that follows from them.
    compliance : Angstrom^2/eV
        By which the slab gives way beyond a half space, per load.
    warnings, notes
        Of the crystal.
    """

    atoms: Atoms
    top: float
    ground: float
    bath: float
    width: float
    timestep: float
    density: float
    stiffness: NDArray[np.float64]
    modulus: float
    compliance: float
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def height(self) -> float:
        """Of what is not held, Angstrom."""
        return self.top - self.ground


def prepare_slab(
    calculator: Any, atoms: Atoms, settings: IndentationSettings, keeping: Keeping, purpose: str
) -> IndentedSlab:
    """Cut a slab of a crystal at temperature, and find what its elastic constants say.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium.
    settings
        Plane, size, temperature.
    keeping
        Where segments are kept.
    purpose
        What is computed, for messages.

    Raises
    ------
    DataError
        The structure is not periodic, the slab is thinner than four cutoffs, or the crystal is not
        stable.
    """
    require_bulk(atoms, purpose)
    reach, notes = reach_of(calculator)
    if settings.height < _LEAST_HEIGHT * reach:
        raise DataError(
            f"{purpose}: height ({settings.height:g} A) must be {_LEAST_HEIGHT:g} cutoffs of "
            f"{reach:g} A at least: one is held, one has a thermostat, and two are free"
        )
    cell, found = crystal_at_temperature(calculator, atoms, settings, keeping, purpose)
    slab = slab_across(cell, settings.plane, settings.width, settings.height)
    turned = crystal_across(cell, settings.plane)
    stiffness = elastic_constants(calculator, turned).matrix / GPA_PER_EV_A3
    heights = slab.positions[:, 2]
    top, ground = float(heights.max()), float(heights.min()) + reach
    plane = slab.cell.array[:2, :2]
    area = abs(float(np.linalg.det(plane)))
    masses = turned.get_masses().sum()
    return IndentedSlab(
        slab,
        top,
        ground,
        ground + reach,
        area / float(np.linalg.norm(plane, axis=1).max()),
        found.timestep,
        float(masses / turned.get_volume()),
        stiffness,
        indentation_modulus(stiffness),
        slab_compliance(stiffness, plane, top - ground),
        found.warnings,
        (
            f"slab of {len(slab)} atoms, {area**0.5:.3g} Å wide and {top - ground:.3g} Å high "
            f"above the lowest {reach:.3g} Å, which are held; the next {reach:.3g} Å have a "
            "thermostat",
            *found.notes,
            *notes,
        ),
    )
