"""Where the Gibbs energies of two phases cross: the temperature of a transition."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.free_energy.result import FreeEnergies

__all__ = ["Crossing", "crossing"]

_FEWEST = 2
_ORDER = 2
"""Of the polynomial, at most."""

_BEYOND = 0.25
"""Of the range of temperatures, up to which a crossing may lie outside of it."""


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


def crossing(first: FreeEnergies, second: FreeEnergies) -> Crossing:
    """Find where the Gibbs energies of two phases cross.

    The difference of both is a polynomial through the temperatures that both have, of the second
    order at most; the error is that of its value there, from those of the free energies, over its
    slope. Where it crosses twice, the crossing nearest to the middle of the temperatures counts.

    Parameters
    ----------
    first, second
        At the same pressure.

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
    middle = float(temperatures.mean())
    scaled = temperatures / middle - 1
    powers = np.arange(min(_ORDER, len(common) - 1) + 1)
    solved = np.linalg.pinv(scaled[:, None] ** powers)
    coefficients = solved @ differences
    root = _root(coefficients, scaled)
    if root is None:
        raise DataError(
            f"free energy: the phases do not cross between {common[0]:g} and {common[-1]:g} K; "
            f"their difference is {1e3 * differences[0]:.3g} and {1e3 * differences[-1]:.3g} "
            "meV/atom there; take other temperatures"
        )
    slope = float(coefficients[1:] @ (powers[1:] * root ** powers[:-1])) / middle
    error = float(np.linalg.norm(root**powers @ solved * errors))
    return Crossing(middle * (1 + root), error / abs(slope), -slope)


def _root(coefficients: NDArray[np.float64], scaled: NDArray[np.float64]) -> float | None:
    """Root nearest to the middle of the temperatures, in their range or little beyond."""
    c, b, a = (*coefficients.tolist(), 0.0)[: _ORDER + 1]
    discriminant = b * b - 4 * a * c
    if discriminant <= 0:  # they touch at most
        return None
    # Without a difference of almost equal numbers, however small a is.
    q = -(b + math.copysign(math.sqrt(discriminant), b)) / 2
    roots = [above / below for above, below in ((c, q), (q, a)) if below]
    beyond = _BEYOND * (scaled[-1] - scaled[0])
    near = [one for one in roots if scaled[0] - beyond <= one <= scaled[-1] + beyond]
    return min(near, key=abs, default=None)
