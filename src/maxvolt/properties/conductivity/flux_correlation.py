"""Thermal conductivity by the fluctuations of the heat flux: the formula of Green and Kubo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray

__all__ = ["W_MK", "FluxIntegral", "integrate_flux"]

W_MK = 1602.176634
"""Of one eV / (ps Angstrom K) in W/m/K."""

_WINDOW = 5.0
"""Correlation times after which the integral may end, so that no chance ends it sooner."""

_SHARE = 4
"""Of a run: up to so small a part of it is integrated at most."""

_LENGTH = 5
"""Of a block, in the time up to which is integrated, at least."""


@dataclass(frozen=True, slots=True, eq=False)
class FluxIntegral:
    """A conductivity and what it was integrated from.

    Attributes
    ----------
    value, error : W/m/K
        The error is that of the mean over blocks.
    cutoff_time : ps
        Up to which is integrated.
    converged
        Whether the rule for the cutoff was met within a quarter of a run.
    blocks
        Number of blocks that hardly depend on each other.
    times : shape (n,), ps
    correlation : shape (n,)
        Autocorrelation of the flux, 1 at time 0.
    running, running_error : shape (n,), W/m/K
        The integral up to each time, and the standard error of its mean over runs.
    """

    value: float
    error: float
    cutoff_time: float
    converged: bool
    blocks: int
    times: NDArray[np.float64]
    correlation: NDArray[np.float64]
    running: NDArray[np.float64]
    running_error: NDArray[np.float64]


def integrate_flux(
    fluxes: Sequence[NDArray[np.float64]],
    value_time: float,
    volume: float,
    temperature: float,
    cutoff_time: float | None = None,
) -> FluxIntegral:
    """Integrate the autocorrelation of the heat flux, equations (125) and (126).

    Each component is one more sample of the same integral: give those that are equivalent.

    Parameters
    ----------
    fluxes : each of shape (n, components), eV Angstrom/ps
        Of independent runs of the same length, in equal steps of time; not divided by the volume.
    value_time : ps
        From a flux to the next.
    volume : Angstrom^3
    temperature : K
    cutoff_time : ps or None
        Up to which is integrated; None: over a stretch and a second one of the same length, the
        first that adds no more than its own statistical error. A quarter of a run at most.
    """
    scale = W_MK / (volume * units.kB * temperature**2)
    length = min(len(one) for one in fluxes)
    series = np.concatenate([np.asarray(one[:length], float) for one in fluxes], axis=1)
    longest = max(2, length // _SHARE)
    correlations = _autocorrelation(series, longest + 1)
    running = scale * _integral(correlations, value_time)
    means = running.mean(axis=1)
    if cutoff_time is None:
        last, converged = _cutoff(running, means / (scale * value_time * correlations[0].mean()))
    else:
        last, converged = max(1, min(round(cutoff_time / value_time), longest)), True
    blocks = _of_blocks(series, last, scale, value_time)
    shown = slice(0, min(2 * last, longest) + 1)
    correlation = correlations[shown].mean(axis=1)
    return FluxIntegral(
        float(means[last]),
        float(_standard_error(blocks)),
        last * value_time,
        converged,
        len(blocks),
        np.arange(len(correlation), dtype=np.float64) * value_time,
        correlation / correlation[0],
        means[shown],
        _standard_error(running[shown].T),
    )


def _cutoff(running: NDArray[np.float64], times: NDArray[np.float64]) -> tuple[int, bool]:
    """Step at which the integral ends, and whether it has converged, equation (126).

    Parameters
    ----------
    running : shape (n, samples)
    times : shape (n,)
        Integrated correlation time up to each step, in steps.
    """
    steps = np.arange(1, (len(running) - 1) // 2 + 1)
    following = running[2 * steps] - running[steps]
    is_noise = np.abs(following.mean(axis=1)) <= _standard_error(following.T)
    is_long = steps >= _WINDOW * np.maximum(times[steps], 0.5)
    enough = np.flatnonzero(is_noise & is_long)
    return (2 * int(steps[enough[0]]), True) if len(enough) else (2 * int(steps[-1]), False)


def _of_blocks(
    series: NDArray[np.float64], last: int, scale: float, value_time: float
) -> NDArray[np.float64]:
    """Integral up to a step, of each block of each run and component, shape (blocks,)."""
    count = max(1, len(series) // (_LENGTH * last))
    length = len(series) // count
    parts = series[: count * length].reshape(count, length, -1)
    found = [
        scale * _integral(_autocorrelation(part, last + 1), value_time)[last] for part in parts
    ]
    return np.concatenate(found)


def _standard_error(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the mean over the first axis; of a single sample it is not known."""
    if len(samples) < 2:
        return np.full(samples.shape[1:], np.nan)
    return np.asarray(samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))


def _autocorrelation(series: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Mean products of values some steps apart, of each column, shape (count, columns)."""
    n = len(series)
    power = np.abs(np.fft.rfft(series, 2 * n, axis=0)) ** 2
    products = np.fft.irfft(power, axis=0)[:count]
    return np.asarray(products / np.arange(n, n - count, -1)[:, None])


def _integral(correlations: NDArray[np.float64], value_time: float) -> NDArray[np.float64]:
    """Integral up to each time, by trapezoids, of each column, shape (n, columns)."""
    steps = (correlations[1:] + correlations[:-1]) / 2 * value_time
    return np.concatenate([np.zeros((1, correlations.shape[1])), np.cumsum(steps, axis=0)])
