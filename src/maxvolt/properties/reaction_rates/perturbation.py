"""From the rate on one surface to that on another, by free-energy perturbation at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.properties.reaction_rates.coordinates import ReactionCoordinate
from maxvolt.properties.reaction_rates.dynamics import (
    Centroids,
    biased_step,
    constrained_step,
    onto_surface,
)
from maxvolt.properties.reaction_rates.preparation import prepare
from maxvolt.properties.reaction_rates.ring_polymers import RingPolymers
from maxvolt.properties.reaction_rates.settings import RateSettings
from maxvolt.properties.reaction_rates.surfaces import Particles, Surface, surface_of

__all__ = ["SurfaceChange", "change_of_surface"]


@dataclass(frozen=True, slots=True)
class SurfaceChange:
    """What another surface makes of the rate of transition state theory, equation (143).

    Attributes
    ----------
    factor, error
        Rate on the other surface over that on the sampled one, and its standard error.
    at_reactants, at_transition : eV
        Changes of the free energy at both ends; only their difference matters.
    """

    factor: float
    error: float
    at_reactants: float
    at_transition: float

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the keys."""
        return {
            "factor": self.factor,
            "factor_error": self.error,
            "free_energy_change_at_reactants_eV": self.at_reactants,
            "free_energy_change_at_transition_eV": self.at_transition,
        }


def change_of_surface(
    sampled: Any,
    other: Any,
    system: Atoms | Particles,
    coordinate: ReactionCoordinate,
    settings: RateSettings,
    *,
    threads: int = 1,
) -> SurfaceChange:
    """Find how the rate of transition state theory changes with the surface.

    Ring polymers on the first surface, held at the reactants and at the transition state, are
    evaluated on the other, too. That needs far fewer samples than two rates where the surfaces
    are alike, and tells how a potential changes the rate, or corrects a rate on a potential to its
    reference.

    Parameters
    ----------
    sampled, other
        Surfaces, potentials or calculators as of `reaction_rate`.
    system, coordinate
        As of `reaction_rate`.
    settings
        `parents`, `decorrelation_time` and `branchings` say how much is sampled.
    threads
        Of the compiled core, for potentials.

    Raises
    ------
    DataError, EvaluationError, MaxvoltError
        As of `reaction_rate`.
    """
    polymers, start = prepare(sampled, system, coordinate, settings, threads)
    second = surface_of(other, system, threads=threads)
    generator = np.random.default_rng([settings.seed, 2])
    transition = 1.0 if settings.transition is None else settings.transition
    ends = [
        _differences(polymers, second, coordinate, start, value, settings, generator)
        for value in (0.0, transition)
    ]
    kt = polymers.thermal_energy
    (reactants, error), (barrier, barrier_error) = (_change(end, kt) for end in ends)
    factor = float(np.exp(-(barrier - reactants) / kt))
    error = factor * float(np.hypot(error, barrier_error)) / kt
    return SurfaceChange(factor, error, reactants, barrier)


def _differences(
    polymers: RingPolymers,
    other: Surface,
    coordinate: ReactionCoordinate,
    start: NDArray[np.float64],
    value: float,
    settings: RateSettings,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Other surface less the sampled one, mean of the beads, eV, shape (samples, replicas).

    Constrained dynamics weighs places as the rate does, so that no weights are needed.
    """
    state = polymers.state(np.repeat(start[None], settings.parents, axis=0), generator)
    centroids = Centroids.of(state, polymers, coordinate)
    begin = centroids.values.copy()
    stiffness = np.full(settings.parents, polymers.thermal_energy / settings.width**2)
    steps = settings.steps(settings.equilibration_time)
    for step in range(steps):
        centres = begin + min(1.0, 2 * step / steps) * (value - begin)
        centroids = biased_step(
            polymers, state, coordinate, centroids, centres, stiffness, generator
        )
    onto_surface(polymers, state, coordinate, value)
    differences = []
    for sample in range(settings.branchings + 1):
        for _ in range(settings.steps(settings.decorrelation_time)):
            constrained_step(polymers, state, coordinate, value, generator)
        if sample:
            beads = polymers.bead_positions(state).reshape(-1, *start.shape)
            energies = other(beads)[0].reshape(state.energies.shape)
            differences.append((energies - state.energies).mean(axis=0))
    return np.array(differences)


def _change(differences: NDArray[np.float64], thermal_energy: float) -> tuple[float, float]:
    """Change of the free energy, eV, and its error from leaving out one replica after the other."""
    lowest = differences.min()
    factors = np.exp(-(differences - lowest) / thermal_energy).mean(axis=0)
    count = len(factors)
    change = lowest - thermal_energy * np.log(factors.mean())
    left_out = -thermal_energy * np.log((factors.sum() - factors) / (count - 1))
    spread = ((left_out - left_out.mean()) ** 2).sum()
    return float(change), float(np.sqrt((count - 1) / count * spread))
