"""Steps of ring polymers: under a bias of the centroids, on a surface of the coordinate, free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.reaction_rates.coordinates import ReactionCoordinate
from maxvolt.properties.reaction_rates.ring_polymers import RingPolymers, RingPolymerState

__all__ = ["Centroids", "biased_step", "constrained_step", "free_step", "onto_surface"]

Array = NDArray[np.float64]

_NEWTON_STEPS = 50
_ON_SURFACE = 1e-10
"""How far from its value a constrained coordinate may be."""


@dataclass(slots=True, eq=False)
class Centroids:
    """Coordinate of the centroids of a state.

    Attributes
    ----------
    values : shape (R,)
    gradients : shape (R, N, d), 1/Angstrom
    """

    values: Array
    gradients: Array

    @classmethod
    def of(
        cls, state: RingPolymerState, polymers: RingPolymers, coordinate: ReactionCoordinate
    ) -> Centroids:
        """Evaluate the coordinate."""
        return cls(*coordinate.evaluate(state.centroids, polymers.masses[:, 0]))

    def inverse_masses(self, polymers: RingPolymers) -> Array:
        """Sum of squared gradients over masses, shape (R,)."""
        return np.asarray((self.gradients**2 / polymers.masses).sum(axis=(1, 2)))

    def velocities(self, state: RingPolymerState, polymers: RingPolymers) -> Array:
        """Time derivatives of the coordinate, shape (R,)."""
        velocities = state.centroid_momenta / polymers.masses
        return np.asarray((self.gradients * velocities).sum(axis=(1, 2)))


def _kick(polymers: RingPolymers, state: RingPolymerState) -> None:
    """Half a step of the forces."""
    state.momenta += 0.5 * polymers.timestep * state.forces


def _pull(
    polymers: RingPolymers, state: RingPolymerState, centroids: Centroids, pull: Array
) -> None:
    """Half a step of a pull on the coordinate, shape (R,), eV, which acts on centroids."""
    per_mode = 0.5 * polymers.timestep * np.sqrt(polymers.beads) * pull
    state.momenta[0] += per_mode[:, None, None] * centroids.gradients


def biased_step(
    polymers: RingPolymers,
    state: RingPolymerState,
    coordinate: ReactionCoordinate,
    centroids: Centroids,
    centres: Array,
    stiffness: Array,
    generator: np.random.Generator,
) -> Centroids:
    """One thermal step under springs on the coordinate; kick, drift, thermostat, drift, kick.

    Parameters
    ----------
    polymers, state, coordinate
        What moves; the state is changed.
    centroids
        Of the state.
    centres : shape (R,)
        Of the springs.
    stiffness : shape (R,), eV
        Of the springs.
    generator
        Of the thermostat.

    Returns
    -------
    centroids
        Of the new state.
    """
    _kick(polymers, state)
    _pull(polymers, state, centroids, -stiffness * (centroids.values - centres))
    polymers.drift(state)
    polymers.thermalise(state, generator)
    polymers.drift(state)
    polymers.renew_forces(state)
    _kick(polymers, state)
    centroids = Centroids.of(state, polymers, coordinate)
    _pull(polymers, state, centroids, -stiffness * (centroids.values - centres))
    return centroids


def constrained_step(
    polymers: RingPolymers,
    state: RingPolymerState,
    coordinate: ReactionCoordinate,
    value: float,
    generator: np.random.Generator,
) -> None:
    """One thermal step on the surface where the coordinate has a value, equation (139).

    The state must lie on the surface, with momenta along it (`onto_surface`).

    Raises
    ------
    MaxvoltError
        A step led too far from the surface.
    """
    _kick(polymers, state)
    _along_surface(polymers, state, Centroids.of(state, polymers, coordinate))
    _constrained_drift(polymers, state, coordinate, value)
    polymers.thermalise(state, generator)
    _along_surface(polymers, state, Centroids.of(state, polymers, coordinate))
    _constrained_drift(polymers, state, coordinate, value)
    polymers.renew_forces(state)
    _kick(polymers, state)
    _along_surface(polymers, state, Centroids.of(state, polymers, coordinate))


def free_step(polymers: RingPolymers, state: RingPolymerState) -> None:
    """One step without thermostat, bias and constraint."""
    _kick(polymers, state)
    polymers.drift(state)
    polymers.drift(state)
    polymers.renew_forces(state)
    _kick(polymers, state)


def onto_surface(
    polymers: RingPolymers, state: RingPolymerState, coordinate: ReactionCoordinate, value: float
) -> None:
    """Move centroids onto a surface of the coordinate, from near it, and turn momenta along it."""
    centroids = Centroids.of(state, polymers, coordinate)
    _move_onto(polymers, state, coordinate, value, centroids.gradients)
    polymers.renew_forces(state)
    _along_surface(polymers, state, Centroids.of(state, polymers, coordinate))


def _along_surface(polymers: RingPolymers, state: RingPolymerState, centroids: Centroids) -> None:
    """Take the part across the surface out of the momenta of the centroids."""
    across = centroids.velocities(state, polymers) / centroids.inverse_masses(polymers)
    across *= np.sqrt(polymers.beads)
    state.momenta[0] -= across[:, None, None] * centroids.gradients


def _constrained_drift(
    polymers: RingPolymers, state: RingPolymerState, coordinate: ReactionCoordinate, value: float
) -> None:
    """Move freely for half a step, then back onto the surface along its old normal."""
    normals = Centroids.of(state, polymers, coordinate).gradients
    polymers.drift(state)
    moved = _move_onto(polymers, state, coordinate, value, normals)
    half = 0.5 * polymers.timestep
    state.momenta[0] += (np.sqrt(polymers.beads) * moved / half)[:, None, None] * normals
    _along_surface(polymers, state, Centroids.of(state, polymers, coordinate))


def _move_onto(
    polymers: RingPolymers,
    state: RingPolymerState,
    coordinate: ReactionCoordinate,
    value: float,
    normals: Array,
) -> Array:
    """Shift centroids along normals over masses until they are on the surface; return how far."""
    directions = normals / polymers.masses
    root = np.sqrt(polymers.beads)
    moved = np.zeros(len(normals))
    for _ in range(_NEWTON_STEPS):
        centroids = Centroids.of(state, polymers, coordinate)
        missing = value - centroids.values
        if np.abs(missing).max() < _ON_SURFACE:
            return moved
        slope = (centroids.gradients * directions).sum(axis=(1, 2))
        shift = missing / slope
        moved += shift
        state.positions[0] += root * shift[:, None, None] * directions
    raise MaxvoltError(
        "a ring polymer could not be kept on the surface of the transition state; try a shorter "
        "timestep, or a start nearer to the transition state"
    )
