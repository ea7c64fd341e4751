"""Viscosity by the fluctuations of the stress: the formula of Green and Kubo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray

from maxvolt.units import GPA_PER_EV_A3

__all__ = ["MPA_S", "GreenKubo", "green_kubo_viscosity"]

_WINDOW = 20.0
"""Correlation times after which the integral ends: the stress of a melt forgets slowly at last."""

_MOST_BLOCKS = 20
_LENGTH = 5
"""Of a block, in the time up to which is integrated, at least."""

MPA_S = 1e-3 * GPA_PER_EV_A3
"""Of one eV fs / Angstrom^3 in mPa s."""


@dataclass(frozen=True, slots=True, eq=False)
class GreenKubo:
    """A viscosity and what it was integrated from.

    Attributes
    ----------
    value, error : mPa s
        The error is that of the mean over blocks.
    cutoff_time : fs
        Up to which is integrated.
    blocks
        Their number.
    times : shape (n,), fs
    correlation : shape (n,)
        Autocorrelation of the stress, 1 at time 0.
    running : shape (n,), mPa s
        The integral up to each time.
    """

    value: float
    error: float
    cutoff_time: float
    blocks: int
    times: NDArray[np.float64]
    correlation: NDArray[np.float64]
    running: NDArray[np.float64]


def green_kubo_viscosity(
    stresses: NDArray[np.float64],
    value_time: float,
    volume: float,
    temperature: float,
    cutoff_time: float | None = None,
) -> GreenKubo:
    """Integrate the autocorrelation of the shear stress, equation (100).

    All components of the traceless stress are used (P. J. Daivis, D. J. Evans, J. Chem. Phys. 100,
    541 (1994)).

    Parameters
    ----------
    stresses : shape (n, 6), eV/Angstrom^3
        With the part of the momenta, in equal steps of time.
    value_time : fs
        From a stress to the next.
    volume : Angstrom^3
    temperature : K
    cutoff_time : fs or None
        Up to which is integrated; None: twenty times the integrated correlation time, found as in
        equation (53) with another window; a quarter of the series at most.
    """
    shear = _shear(stresses)
    scale = MPA_S * volume / (units.kB * temperature)
    whole = scale * _running(shear, value_time)
    if cutoff_time is None:
        last = _window(whole / (scale * np.mean(shear**2)) / value_time)
    else:
        last = round(cutoff_time / value_time)
    last = max(1, min(last, len(shear) // 4))
    blocks = max(2, min(_MOST_BLOCKS, len(shear) // (_LENGTH * last)))
    length = len(shear) // blocks
    each = np.array(
        [
            scale * _running(shear[k * length : (k + 1) * length], value_time)[last]
            for k in range(blocks)
        ]
    )
    shown = slice(0, 2 * last + 1)
    correlation = _autocorrelation(shear)[shown].mean(axis=1)
    return GreenKubo(
        float(whole[last]),
        float(each.std(ddof=1) / np.sqrt(blocks)),
        last * value_time,
        blocks,
        np.arange(len(correlation), dtype=np.float64) * value_time,
        correlation / correlation[0],
        whole[shown],
    )


def _shear(stresses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Six components of the traceless stress whose mean square is that of one shear, shape (n, 6).

    The sum over the tensor, s:s / 10, is their mean: those off the diagonal count 2 / 10, those on
    it 1 / 10, of which the isotropic average is 4 / 3 of the square of a shear.
    """
    diagonal = stresses[:, :3] - stresses[:, :3].mean(axis=1, keepdims=True)
    return np.concatenate([diagonal * np.sqrt(0.6), stresses[:, 3:] * np.sqrt(1.2)], axis=1)


def _autocorrelation(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean products of values some steps apart, of each column, shape (n, columns)."""
    n = len(series)
    power = np.abs(np.fft.rfft(series, 2 * n, axis=0)) ** 2
    products = np.fft.irfft(power, axis=0)[:n]
    return np.asarray(products / np.arange(n, 0, -1)[:, None])


def _running(shear: NDArray[np.float64], value_time: float) -> NDArray[np.float64]:
    """Integral of the mean autocorrelation up to each time, by trapezoids, shape (n,)."""
    mean = _autocorrelation(shear).mean(axis=1)
    steps = (mean[1:] + mean[:-1]) / 2 * value_time
    return np.concatenate([[0.0], np.cumsum(steps)])


def _window(times: NDArray[np.float64]) -> int:
    """First step that is twenty times the integral up to it, in steps."""
    enough = np.flatnonzero(np.arange(1, len(times)) >= _WINDOW * np.maximum(times[1:], 0.5))
    return int(enough[0]) + 1 if len(enough) else len(times) - 1
