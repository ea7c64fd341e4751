"""Transmission coefficients by Bennett and Chandler: how much of the flux stays across."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.properties.reaction_rates.checkpoints import Checkpoint
from maxvolt.properties.reaction_rates.coordinates import ReactionCoordinate
from maxvolt.properties.reaction_rates.dynamics import (
    Centroids,
    constrained_step,
    free_step,
    onto_surface,
)
from maxvolt.properties.reaction_rates.ring_polymers import RingPolymers, RingPolymerState
from maxvolt.properties.reaction_rates.settings import RateSettings
from maxvolt.properties.reaction_rates.umbrella import Observer, state_arrays, state_of

__all__ = ["Transmission", "sample_transmission"]

Array = NDArray[np.float64]

_FIRST_DECORRELATIONS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Transmission:
    """Transmission coefficient as it settles, equation (140).

    Attributes
    ----------
    times : shape (m,), fs
    values : shape (m,)
    errors : shape (m,)
        Standard errors, from leaving out one parent after the other.
    """

    times: Array
    values: Array
    errors: Array


def sample_transmission(
    polymers: RingPolymers,
    coordinate: ReactionCoordinate,
    start: Array,
    value: float,
    settings: RateSettings,
    checkpoint: Checkpoint,
    observer: Observer | None = None,
) -> Transmission:
    """Sample the dividing surface, and let trajectories leave it.

    Parameters
    ----------
    polymers
        What moves.
    coordinate
        Along which.
    start : shape (N, d), Angstrom
        A structure near the transition state.
    value
        Of the coordinate, at the dividing surface.
    settings
        Numbers, times, seed.
    checkpoint
        Where it is kept.
    observer
        Is called after each branching, with the parents and its number.
    """
    generator = np.random.default_rng([settings.seed, 1])
    steps = settings.steps(settings.recrossing_time)
    kept = checkpoint.read(generator)
    if kept is None:
        done, sums = 0, np.zeros((1 + steps, settings.parents))
        parents = polymers.state(np.repeat(start[None], settings.parents, axis=0), generator)
        onto_surface(polymers, parents, coordinate, value)
    else:
        done, sums = int(kept["done"]), kept["sums"]
        parents = state_of(kept)

    def arrays() -> dict[str, NDArray[Any]]:
        return {"done": np.array(done), "sums": sums, **state_arrays(parents)}

    wait = settings.steps(settings.decorrelation_time)
    while done < settings.branchings:
        for _ in range(wait * (1 if done else _FIRST_DECORRELATIONS)):
            constrained_step(polymers, parents, coordinate, value, generator)
        sums += _branch(polymers, coordinate, parents, value, settings, generator)
        done += 1
        if observer is not None:
            observer(polymers, parents, done)
        checkpoint.tell(done, settings.branchings, generator, arrays)
    return _coefficient(sums, settings.timestep)


def _branch(
    polymers: RingPolymers,
    coordinate: ReactionCoordinate,
    parents: RingPolymerState,
    value: float,
    settings: RateSettings,
    generator: np.random.Generator,
) -> Array:
    """Flux over the surface at first, then of those across after each step, shape (1 + m, R)."""
    pairs = settings.children
    children = RingPolymerState(
        **{
            name: np.concatenate([array] * (2 * pairs), axis=1)
            for name, array in state_arrays(parents).items()
        }
    )
    polymers.draw_momenta(children, generator)
    middle = children.momenta.shape[1] // 2
    children.momenta[:, middle:] = -children.momenta[:, :middle]
    centroids = Centroids.of(children, polymers, coordinate)
    speeds = centroids.velocities(children, polymers)
    speeds /= np.sqrt(centroids.inverse_masses(polymers))
    by_parent = (2 * pairs, parents.positions.shape[1])
    fluxes = [np.maximum(speeds, 0.0).reshape(by_parent).sum(axis=0)]
    for _ in range(settings.steps(settings.recrossing_time)):
        free_step(polymers, children)
        across = coordinate.is_across(children.centroids, polymers.masses[:, 0], value)
        fluxes.append((speeds * across).reshape(by_parent).sum(axis=0))
    return np.stack(fluxes)


def _coefficient(sums: Array, timestep: float) -> Transmission:
    whole = sums.sum(axis=1)
    left_out = whole[:, None] - sums
    of_each = left_out[1:] / left_out[0]
    count = sums.shape[1]
    spread = ((of_each - of_each.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return Transmission(
        np.asarray(timestep * np.arange(1, len(sums)), float),
        whole[1:] / whole[0],
        np.sqrt((count - 1) / count * spread),
    )
