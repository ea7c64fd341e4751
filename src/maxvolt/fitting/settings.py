"""Settings of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from maxvolt.errors import FitError
from maxvolt.limits import ITERATIONS, STARTS

__all__ = ["FitSettings", "Resampling"]

Resampling = Literal["auto", "weights", "none"]


_STARTS = 8
"""By default, of a single potential."""

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
    starts : int, optional
        Random starts tried for each potential, on part of the data; the better half goes on there,
        then on all data, until one is left (see `starts`). None: 8 for one potential; 1 for each of
        an ensemble, whose members the best of many starts would bring to one and the same minimum.
    start_iterations : int
        Most iterations of a start on part of the data. On all data the better ones are given a
        sixth of them, then the better half a third.
    ridge : float
        Regularisation of the linear coefficients, relative to the diagonal of their normal matrix;
        the loss includes it.
    restart_from_potential : bool
        Start from the coefficients of a trained potential instead of random ones.
    resampling : str
        Data of the potentials of an ensemble. "weights": each has random weights of the structures,
        as of another sample (the Bayesian bootstrap), so that their spread shows what the choice of
        structures does; "none": all have the same data and differ by their starts alone, which most
        often end in the same minimum; "auto": "weights" for an ensemble, "none" for one potential.

    Raises
    ------
    FitError
        A value is out of its range.
    """

    max_iterations: int = 100
    tolerance: float = 1e-4
    starts: int | None = None
    start_iterations: int = 12
    ridge: float = 1e-10
    restart_from_potential: bool = True
    resampling: Resampling = "auto"

    def __post_init__(self) -> None:
        for name, limit in _LIMITS.items():
            if getattr(self, name) is not None:
                limit.check(name, getattr(self, name), FitError)
        for name in ("tolerance", "ridge"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise FitError(f"{name} must lie between 0 and 1; got {value}")
        if self.resampling not in get_args(Resampling):
            raise FitError(
                f"resampling must be one of {', '.join(get_args(Resampling))}; "
                f"got {self.resampling!r}"
            )

    def starts_of(self, ensemble: int) -> int:
        """Random starts of each potential of an ensemble."""
        if self.starts is not None:
            return self.starts
        return 1 if self.resamples(ensemble) else _STARTS

    def resamples(self, ensemble: int) -> bool:
        """Say whether each potential of an ensemble has weights of its own."""
        return self.resampling == "weights" or (self.resampling == "auto" and ensemble > 1)
