"""Umbrella sampling along a reaction coordinate, and its integration to a free energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.reaction_rates.checkpoints import Checkpoint
from maxvolt.properties.reaction_rates.coordinates import ReactionCoordinate
from maxvolt.properties.reaction_rates.dynamics import Centroids, biased_step
from maxvolt.properties.reaction_rates.ring_polymers import RingPolymers, RingPolymerState
from maxvolt.properties.reaction_rates.settings import RateSettings

__all__ = [
    "FreeEnergy",
    "Windows",
    "integrate_windows",
    "sample_windows",
    "state_arrays",
    "state_of",
]

Array = NDArray[np.float64]
Observer = Callable[[RingPolymers, RingPolymerState, int], None]
"""Is shown what moves, where it is, and the number of the step."""

_PER_TELL = 10
_BINS_PER_WIDTH = 10


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Weighted histograms of k windows with r replicas, equation (137).

    Attributes
    ----------
    centres : shape (k,)
        Of the springs.
    widths : shape (k,)
        Standard deviations of the coordinate under a spring alone.
    bins : shape (m,)
        Middles of the bins, evenly spaced.
    counts : shape (r, k, m)
    """

    centres: Array
    widths: Array
    bins: Array
    counts: Array


@dataclass(frozen=True, slots=True, eq=False)
class FreeEnergy:
    """Free energy along the coordinate, 0 at the reactants.

    Attributes
    ----------
    coordinate : shape (m,)
    values : shape (m,), eV
    errors : shape (m,), eV
        Standard errors, from leaving out one replica of all windows after the other.
    """

    coordinate: Array
    values: Array
    errors: Array

    def at(self, coordinate: float) -> tuple[float, float]:
        """Free energy and its error, eV."""
        return (
            float(np.interp(coordinate, self.coordinate, self.values)),
            float(np.interp(coordinate, self.coordinate, self.errors)),
        )


def sample_windows(
    polymers: RingPolymers,
    coordinate: ReactionCoordinate,
    start: Array,
    settings: RateSettings,
    checkpoint: Checkpoint,
    observer: Observer | None = None,
) -> Windows:
    """Sample all replicas of all windows side by side.

    Parameters
    ----------
    polymers
        What moves.
    coordinate
        Along which.
    start : shape (N, d), Angstrom
        A structure near the transition state; springs lead from it to their windows in the first
        half of the equilibration.
    settings
        Windows, times, seed.
    checkpoint
        Where it is kept.
    observer
        Is called after each step.
    """
    generator = np.random.default_rng(settings.seed)
    centres, widths = settings.windows()
    each = np.repeat(centres, settings.replicas)
    stiffness = polymers.thermal_energy / np.repeat(widths, settings.replicas) ** 2
    histogram = _Histogram(centres, settings)
    equilibration = settings.steps(settings.equilibration_time)
    total = equilibration + settings.steps(settings.sampling_time)
    kept = checkpoint.read(generator)
    if kept is None:
        step = 0
        state = polymers.state(np.repeat(start[None], len(each), axis=0), generator)
    else:
        step, histogram.counts, state = int(kept["step"]), kept["counts"], state_of(kept)
    begin = coordinate.evaluate(start[None], polymers.masses[:, 0])[0][0]

    def arrays() -> dict[str, NDArray[Any]]:
        return {"step": np.array(step), "counts": histogram.counts, **state_arrays(state)}

    centroids = Centroids.of(state, polymers, coordinate)
    while step < total:
        lead = min(1.0, 2 * step / equilibration)
        springs = begin + lead * (each - begin)
        centroids = biased_step(
            polymers, state, coordinate, centroids, springs, stiffness, generator
        )
        step += 1
        if step > equilibration:
            histogram.add(centroids.values, np.sqrt(centroids.inverse_masses(polymers)))
        if observer is not None:
            observer(polymers, state, step)
        if step % _PER_TELL == 0 or step == total:
            checkpoint.tell(step, total, generator, arrays)
    return Windows(centres, widths, histogram.bins, histogram.counts)


class _Histogram:
    """Counts samples of all replicas, by window and bin."""

    def __init__(self, centres: Array, settings: RateSettings) -> None:
        spacing = settings.width / _BINS_PER_WIDTH
        self._first, self._spacing = centres[0], spacing
        size = int(np.ceil((centres[-1] - centres[0]) / spacing))
        self.bins = self._first + spacing * (np.arange(size) + 0.5)
        self.counts = np.zeros((settings.replicas, len(centres), size))
        replicas, windows = np.arange(settings.replicas), np.arange(len(centres))
        self._starts = size * (replicas * len(centres) + windows[:, None]).ravel()

    def add(self, values: Array, weights: Array) -> None:
        """Count one sample of each ring polymer, windows before replicas."""
        places = ((values - self._first) / self._spacing).astype(int)
        inside = (places >= 0) & (places < len(self.bins)) & (values >= self._first)
        flat = self.counts.reshape(-1)
        flat[self._starts[inside] + places[inside]] += weights[inside]


def state_arrays(state: RingPolymerState) -> dict[str, NDArray[Any]]:
    """Arrays of a state, by their names."""
    return {
        "positions": state.positions,
        "momenta": state.momenta,
        "forces": state.forces,
        "energies": state.energies,
    }


def state_of(arrays: dict[str, NDArray[Any]]) -> RingPolymerState:
    """State of arrays by their names."""
    return RingPolymerState(
        arrays["positions"], arrays["momenta"], arrays["forces"], arrays["energies"]
    )


def integrate_windows(windows: Windows, temperature: float) -> FreeEnergy:
    """Integrate the free energy from bin to bin, equation (138).

    Parameters
    ----------
    windows
        Their histograms.
    temperature : K

    Raises
    ------
    MaxvoltError
        No samples at a place between reactants and transition state.
    """
    kt = units.kB * temperature
    whole = windows.counts.sum(axis=0)
    values = kt * _reduced(windows, whole)
    left_out = np.stack([kt * _reduced(windows, whole - one) for one in windows.counts])
    count = len(left_out)
    errors = np.sqrt((count - 1) / count * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    return FreeEnergy(windows.bins, values, errors)


def _reduced(windows: Windows, counts: Array) -> Array:
    """Free energy over the thermal energy in each bin, 0 where the coordinate is 0."""
    bins = windows.bins
    springs = 0.5 * ((bins - windows.centres[:, None]) / windows.widths[:, None]) ** 2
    half = np.exp(0.5 * np.diff(springs, axis=1))
    above = (counts[:, 1:] * half).sum(axis=0)
    below = (counts[:, :-1] / half).sum(axis=0)
    if not (above.all() and below.all()):
        place = bins[:-1][(above == 0) | (below == 0)][0]
        raise MaxvoltError(
            f"umbrella sampling has no samples where the coordinate is {place:.3g}; use more or "
            "wider windows, or a longer sampling_time"
        )
    values = np.concatenate([[0.0], np.cumsum(np.log(below / above))])
    return np.asarray(values - np.interp(0.0, bins, values))
