"""What a curve of load against depth says: Hertz's law, the first pop-in, the hardness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from maxvolt.properties.statistics import SeriesMean, series_mean

__all__ = [
    "FEWEST_POINTS",
    "HertzFit",
    "contact_area",
    "find_pop_in",
    "fit_hertz",
    "hardness",
    "hertz_load",
    "load_noise",
]

FEWEST_POINTS = 8
"""In contact, for a fit of two numbers and a look at the scatter."""

_NOISE_AWAY = 6.0
"""Times the noise by which a load must fall for a pop-in."""

_LEAST_FALL = 0.02
"""Share of the load by which it must fall, where the noise is smaller."""

_NORMAL = 1.4826
"""Standard deviation over the median absolute deviation."""

_ELASTIC = 0.9
"""Share of the load of the pop-in up to which the slab is taken to be elastic."""


@dataclass(frozen=True, slots=True)
class HertzFit:
    """Hertz's law, fitted; depths in Angstrom, loads in eV/Angstrom.

    Attributes
    ----------
    modulus, modulus_error : eV/Angstrom^3
        Reduced modulus and its standard error from the scatter of the points.
    contact, contact_error : Angstrom
        Displacement of the sphere at the first contact.
    points
        In contact that were fitted.
    scatter
        Root mean square deviation of the loads.
    """

    modulus: float
    modulus_error: float
    contact: float
    contact_error: float
    points: int
    scatter: float


def hertz_load(depth: NDArray[np.float64], modulus: float, radius: float) -> NDArray[np.float64]:
    """Load of a sphere on a half space, equation (157); none where there is no contact.

    Parameters
    ----------
    depth : shape (n,), Angstrom
    modulus : eV/Angstrom^3
    radius : Angstrom

    Returns
    -------
    load : shape (n,), eV/Angstrom
    """
    reach = np.maximum(np.asarray(depth, float), 0.0)
    return np.asarray(4 / 3 * modulus * np.sqrt(radius) * reach**1.5)


def contact_area(depth: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Area of the cut of a sphere at a depth, equation (160), Angstrom^2; NaN outside of it."""
    reach = np.asarray(depth, float)
    area = np.pi * (2 * radius * reach - reach**2)
    return np.where((reach > 0) & (reach < radius), area, np.nan)


def load_noise(loads: NDArray[np.float64]) -> float:
    """Standard deviation of a load about a smooth curve.

    From the median of third differences, which neither the curve nor a few falls change.

    Parameters
    ----------
    loads : shape (n,)
        In equal steps of depth, in contact.
    """
    if len(loads) < FEWEST_POINTS:
        return np.nan
    third = np.diff(loads, 3)
    return float(_NORMAL * np.median(np.abs(third)) / np.sqrt(20))


def find_pop_in(loads: NDArray[np.float64]) -> int | None:
    """Find the first fall of a load below what it was before that is no noise.

    Parameters
    ----------
    loads : shape (n,)
        In equal steps of depth.

    Returns
    -------
    index
        Of the largest load before it; None where there is none.
    """
    noise = load_noise(loads[loads > 0])
    if not np.isfinite(noise):
        return None
    highest = np.maximum.accumulate(loads)
    fallen = highest - loads > np.maximum(_NOISE_AWAY * noise, _LEAST_FALL * highest)
    if not fallen.any():
        return None
    return int(np.argmax(loads[: int(np.argmax(fallen))]))


def fit_hertz(
    depths: NDArray[np.float64],
    loads: NDArray[np.float64],
    radius: float,
    pop_in: int | None,
    compliance: float = 0.0,
) -> HertzFit | None:
    """Fit modulus and first contact to the points before a pop-in, equation (159).

    Parameters
    ----------
    depths : shape (n,), Angstrom
        Displacements of the sphere, less how far atoms are within it.
    loads : shape (n,), eV/Angstrom
    radius : Angstrom
    pop_in
        Index of the largest load before it; up to 90 % of that is fitted. None: all points.
    compliance : Angstrom^2/eV
        By which the slab gives way beyond a half space, per load.

    Returns
    -------
    fit
        None where fewer than eight points are in contact, or nothing fits.
    """
    end = len(loads)
    if pop_in is not None:
        end = int(np.argmax(loads >= _ELASTIC * loads[pop_in])) + 1
    x, y = depths[:end] - compliance * loads[:end], loads[:end]
    touching = int((y > 0).sum())
    if touching < FEWEST_POINTS:
        return None
    first = float(x[np.argmax(y > 0)])
    reach = max(float(x[-1]) - first, 1e-3)
    guess = float(y[-1]) / (4 / 3 * np.sqrt(radius) * reach**1.5)
    try:
        found, covariance = curve_fit(
            lambda depth, modulus, contact: hertz_load(depth - contact, modulus, radius),
            x, y, (guess, first), bounds=([0.0, -np.inf], np.inf),
        )  # fmt: skip
    except RuntimeError:  # the fit does not converge: these are no loads of a contact
        return None
    errors = np.sqrt(np.diag(covariance))
    left = y - hertz_load(x - found[1], found[0], radius)
    return HertzFit(
        float(found[0]), float(errors[0]), float(found[1]), float(errors[1]), touching,
        float(np.sqrt(np.mean(left**2))),
    )  # fmt: skip


def hardness(
    depths: NDArray[np.float64], loads: NDArray[np.float64], radius: float, pop_in: int
) -> SeriesMean | None:
    """Mean pressure past a pop-in, equation (160), in eV/Angstrom^3, with an error by blocks.

    Parameters
    ----------
    depths : shape (n,), Angstrom
        Below the surface, on the way down.
    loads : shape (n,), eV/Angstrom
    radius : Angstrom
    pop_in
        Index of the largest load before it; values behind it count.

    Returns
    -------
    mean
        None where fewer than two values count.
    """
    pressures = (loads / contact_area(depths, radius))[pop_in + 1 :]
    pressures = pressures[np.isfinite(pressures)]
    return series_mean(pressures, 0) if len(pressures) > 1 else None
