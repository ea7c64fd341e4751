"""Settings of a fit."""

from __future__ import annotations

from dataclasses import dataclass

from maxvolt.errors import FitError
from maxvolt.limits import ITERATIONS, STARTS

__all__ = ["FitSettings"]

_LIMITS = {"max_iterations": ITERATIONS, "starts": STARTS, "start_iterations": ITERATIONS}


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the least-squares problem is solved; the defaults need no tuning.

    Attributes
    ----------
    max_iterations : int
        Most Levenberg-Marquardt iterations of one potential.
    tolerance : float
        A fit ends when the loss falls by less than this, relative, in three successive iterations.
    starts : int
        Random starts tried for each potential, on part of the data; the better half goes on there,
        then on all data, until one is left (see `starts`).
    start_iterations : int
        Most iterations of a start on part of the data. On all data the better ones are given a
        sixth of them, then the better half a third.
    ridge : float
        Regularisation of the linear coefficients, relative to the diagonal of their normal matrix;
        the loss includes it.
    restart_from_potential : bool
        Start from the coefficients of a trained potential instead of random ones.

    Raises
    ------
    FitError
        A value is out of its range.
    """

    max_iterations: int = 100
    tolerance: float = 1e-4
    starts: int = 8
    start_iterations: int = 12
    ridge: float = 1e-10
    restart_from_potential: bool = True

    def __post_init__(self) -> None:
        for name, limit in _LIMITS.items():
            limit.check(name, getattr(self, name), FitError)
        for name in ("tolerance", "ridge"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise FitError(f"{name} must lie between 0 and 1; got {value}")
