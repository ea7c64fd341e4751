"""What every sampling begins with: ring polymers on a surface, and a structure that fits."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.reaction_rates.coordinates import ReactionCoordinate
from maxvolt.properties.reaction_rates.ring_polymers import RingPolymers
from maxvolt.properties.reaction_rates.settings import RateSettings
from maxvolt.properties.reaction_rates.surfaces import Particles, surface_of

__all__ = ["prepare"]

_FARTHEST = 0.5
"""How far from 1 the coordinate of a start may be."""


def prepare(
    interaction: Any,
    system: Atoms | Particles,
    coordinate: ReactionCoordinate,
    settings: RateSettings,
    threads: int,
) -> tuple[RingPolymers, NDArray[np.float64]]:
    """Make ring polymers, and return them with the positions to start from, shape (N, d).

    Raises
    ------
    DataError
        An interaction, system or coordinate that do not fit together; a start far from the
        transition state.
    """
    surface = surface_of(interaction, system, threads=threads)
    start = np.asarray(system.positions, float)
    masses = np.asarray(system.get_masses() if isinstance(system, Atoms) else system.masses, float)
    coordinate.check(start)
    with np.errstate(divide="ignore", invalid="ignore"):
        values, gradients = coordinate.evaluate(start[None], masses)
    value = float(values[0])
    if not np.isfinite(gradients).all():
        raise DataError(
            "the reaction coordinate has no slope at this structure: are two atoms, or "
            "both reactants, at one place?"
        )
    if not abs(value - 1) <= _FARTHEST:
        raise DataError(
            "expected a structure near the transition state, where the reaction coordinate is 1; "
            f"of this one it is {value:.3g}"
        )
    polymers = RingPolymers(
        surface,
        masses,
        settings.temperature,
        settings.beads,
        settings.timestep,
        settings.thermostat_time,
    )
    return polymers, start
