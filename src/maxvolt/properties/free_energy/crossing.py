"""Where the Gibbs energies of two phases cross: the temperature of a transition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from maxvolt.errors import DataError
from maxvolt.properties.free_energy.result import FreeEnergies

__all__ = ["Crossing", "crossing"]

_RESAMPLES = 200
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Crossing:
    """Temperature at which two phases have the same Gibbs energy.

    Attributes
    ----------
    temperature, error : K
    entropy : eV/atom/K
        Of the second phase less that of the first.
    """

    temperature: float
    error: float
    entropy: float


def crossing(first: FreeEnergies, second: FreeEnergies, *, seed: int = 0) -> Crossing:
    """Find where the Gibbs energies of two phases cross.

    The difference of both is a polynomial through the temperatures that both have, of the second
    order at most; the error comes from drawing the free energies anew with theirs.

    Parameters
    ----------
    first, second
        At the same pressure.
    seed
        Of the random numbers of the error.

    Raises
    ------
    DataError
        They have fewer than two temperatures in common, other pressures, or do not cross between
        the lowest and the highest of them, or little beyond.
    """
    one = {s.temperature: s for s in first.states}
    other = {s.temperature: s for s in second.states}
    common = sorted(one.keys() & other.keys())
    if len(common) < _FEWEST:
        raise DataError(
            "free energy: two phases are compared at two or more temperatures that both have; "
            f"got {', '.join(f'{t:g}' for t in sorted(one)) or 'none'} and "
            f"{', '.join(f'{t:g}' for t in sorted(other)) or 'none'} K"
        )
    if len({s.pressure for s in (*first.states, *second.states)}) > 1:
        raise DataError("free energy: the two phases have different pressures")
    temperatures = np.array(common)
    differences = np.array([other[t].gibbs - one[t].gibbs for t in common])
    errors = np.array([np.hypot(one[t].error, other[t].error) for t in common])
    value, slope = _root(temperatures, differences)
    if value is None:
        raise DataError(
            f"free energy: the phases do not cross between {common[0]:g} and {common[-1]:g} K; "
            f"their difference is {1e3 * differences[0]:.3g} and {1e3 * differences[-1]:.3g} "
            "meV/atom there; take other temperatures"
        )
    generator = np.random.default_rng(seed)
    drawn = differences + errors * generator.standard_normal((_RESAMPLES, len(common)))
    roots = [root for row in drawn if (root := _root(temperatures, row)[0]) is not None]
    return Crossing(value, float(np.std(roots, ddof=1)), -slope)


def _root(
    temperatures: NDArray[np.float64], differences: NDArray[np.float64]
) -> tuple[float | None, float]:
    """Root of the polynomial through the differences, and its slope there."""
    middle = temperatures.mean()
    scaled = temperatures / middle - 1
    fitted = np.polynomial.Polynomial.fit(
        scaled, differences, min(2, len(temperatures) - 1), domain=[-1, 1]
    )
    beyond = 0.25 * (scaled[-1] - scaled[0])
    low, high = scaled[0] - beyond, scaled[-1] + beyond
    if fitted(low) * fitted(high) > 0:
        return None, 0.0
    root = float(brentq(fitted, low, high))
    return middle * (1 + root), float(fitted.deriv()(root)) / middle
