"""L-BFGS for many independent problems at once, in lock step.

Each problem has its own variables (rows of three numbers), memory, line search and end; a step of
all of them is a few array operations, so that a problem of a few atoms costs microseconds instead
of the milliseconds that a minimiser of one structure spends on itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.sampling.batch import segment_max, segment_sums, starts_of

__all__ = ["LockstepMinimizer", "MinimizerSettings"]

_MEMORY = 12
"""Pairs of steps and gradient changes that are remembered."""

_SUFFICIENT_DECREASE = 1e-4
"""Part of the decrease predicted from the slope that a step must reach (Armijo's condition)."""

_ROUNDING = 1e-11
"""Relative error of an energy: a rise below it is none."""


@dataclass(frozen=True, slots=True)
class MinimizerSettings:
    """How far and how small steps may be.

    Attributes
    ----------
    stiffness : eV/Angstrom^2
        Curvature assumed before any is known.
    max_step : Angstrom
        Longest step of a row.
    min_step : Angstrom
        A line search that needs shorter steps has failed.
    """

    stiffness: float = 10.0
    max_step: float = 0.1
    min_step: float = 1e-8


class LockstepMinimizer:
    """State of the minimisation of n problems with R rows of variables in total.

    Use: evaluate value and gradient at `trial`, call `update` with them, and again. `remove` takes
    finished problems out, `add` puts new ones in.

    Attributes
    ----------
    trial : shape (R, 3)
        Where to evaluate next.
    accepted : shape (n,), bool
        Which problems took the last trial as their new point; the others search on.
    stuck : shape (n,), bool
        Which problems found no lower value along any direction.
    """

    def __init__(self, settings: MinimizerSettings) -> None:
        self._settings = settings
        self._slot = 0
        self.offsets = np.zeros(1, np.int64)
        rows, numbers = np.empty((0, 3)), np.empty(0)
        self.trial = self._x = self._g = self._p = rows
        self._s = self._y = np.empty((_MEMORY, 0, 3))
        self._rho = np.empty((_MEMORY, 0))
        self._value = self._slope = self._t = self._inverse_stiffness = numbers
        self._is_new = self.accepted = self.stuck = self._is_steepest = np.empty(0, np.bool_)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def add(self, x: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
        """Add problems, of so many rows each."""
        rows, n = np.zeros_like(x), len(counts)
        self.offsets = starts_of(np.concatenate([np.diff(self.offsets), counts]))
        for name, more in (("trial", x), ("_x", x), ("_g", rows), ("_p", rows)):
            setattr(self, name, np.concatenate([getattr(self, name), more]))
        for name in ("_s", "_y"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros((_MEMORY, *x.shape))], axis=1))
        self._rho = np.concatenate([self._rho, np.zeros((_MEMORY, n))], axis=1)
        for name, number in (
            ("_value", np.inf),
            ("_slope", 0.0),
            ("_t", 1.0),
            ("_inverse_stiffness", 1.0 / self._settings.stiffness),
        ):
            setattr(self, name, np.concatenate([getattr(self, name), np.full(n, number)]))
        for name, flag in (
            ("_is_new", True),
            ("accepted", False),
            ("stuck", False),
            ("_is_steepest", True),
        ):
            setattr(self, name, np.concatenate([getattr(self, name), np.full(n, flag)]))

    def remove(self, which: NDArray[np.bool_]) -> None:
        """Take problems out, chosen by a mask of shape (n,)."""
        keep = ~which
        counts = np.diff(self.offsets)
        rows = np.repeat(keep, counts)
        self.offsets = starts_of(counts[keep])
        for name in ("trial", "_x", "_g", "_p"):
            setattr(self, name, getattr(self, name)[rows])
        for name in ("_s", "_y"):
            setattr(self, name, getattr(self, name)[:, rows])
        self._rho = self._rho[:, keep]
        for name in (
            "_value",
            "_slope",
            "_t",
            "_inverse_stiffness",
            "_is_new",
            "accepted",
            "stuck",
            "_is_steepest",
        ):
            setattr(self, name, getattr(self, name)[keep])

    def update(self, values: NDArray[np.float64], gradients: NDArray[np.float64]) -> None:
        """Take in what was found at `trial` and set the next one.

        Parameters
        ----------
        values : shape (n,), eV
        gradients : shape (R, 3), eV/Angstrom
        """
        self.accepted = self._is_new | self._is_low_enough(values)
        self._remember(gradients)
        rows = self._rows(self.accepted)
        self._x = np.where(rows, self.trial, self._x)
        self._g = np.where(rows, gradients, self._g)
        searching = ~self.accepted
        self._shorten(searching, values)
        self._value = np.where(self.accepted, values, self._value)
        self._is_new = np.zeros(len(self), np.bool_)
        self._aim(self.accepted)
        self._restart(searching)
        self.trial = self._x + self._expand(self._t) * self._p

    # ----------------------------------------------------------------- line search

    def _is_low_enough(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        with np.errstate(invalid="ignore"):
            bound = self._value + _SUFFICIENT_DECREASE * self._t * self._slope
            bound += _ROUNDING * np.maximum(1.0, abs(self._value))
            return np.asarray(values <= bound)

    def _shorten(self, searching: NDArray[np.bool_], values: NDArray[np.float64]) -> None:
        """Go to the minimum of the parabola through both values and the slope, within bounds."""
        with np.errstate(all="ignore"):
            rise = values - self._value - self._slope * self._t
            best = -self._slope * self._t**2 / (2 * rise)
        shorter = np.clip(np.nan_to_num(best, nan=0.0), 0.1 * self._t, 0.5 * self._t)
        self._t = np.where(searching, shorter, self._t)

    def _restart(self, searching: NDArray[np.bool_]) -> None:
        """Where steps became too short, forget the memory; where there was none, give up."""
        length = self._t * np.sqrt(segment_max((self._p**2).sum(axis=1), self.offsets))
        short = searching & (length < self._settings.min_step)
        self.stuck = short & self._is_steepest
        again = short & ~self._is_steepest
        if again.any():
            self._rho[:, again] = 0.0
            self._inverse_stiffness[again] = 1.0 / self._settings.stiffness
            self._aim(again)

    # ----------------------------------------------------------------- direction

    def _remember(self, gradients: NDArray[np.float64]) -> None:
        """Keep step and change of the gradient where they show a positive curvature."""
        rows = self._rows(self.accepted & ~self._is_new)
        s = np.where(rows, self.trial - self._x, 0.0)
        y = np.where(rows, gradients - self._g, 0.0)
        sy, ss, yy = (self._dot(a, b) for a, b in ((s, y), (s, s), (y, y)))
        useful = sy > 1e-10 * np.sqrt(ss * yy)
        self._s[self._slot], self._y[self._slot] = s, y
        with np.errstate(divide="ignore", invalid="ignore"):
            self._rho[self._slot] = np.where(useful, 1.0 / sy, 0.0)
            self._inverse_stiffness = np.where(useful, sy / yy, self._inverse_stiffness)
        self._slot = (self._slot + 1) % _MEMORY

    def _aim(self, which: NDArray[np.bool_]) -> None:
        """Set direction, slope and first step length of some problems."""
        p = self._two_loops()
        slope = self._dot(p, self._g)
        uphill = ~(slope < 0)
        if uphill.any():
            start = self._expand(self._inverse_stiffness)
            p = np.where(self._rows(uphill), -start * self._g, p)
            slope = self._dot(p, self._g)
        longest = np.sqrt(segment_max((p**2).sum(axis=1), self.offsets))
        limit = self._settings.max_step
        shrink = np.where(longest > limit, limit / np.maximum(longest, limit), 1.0)
        rows = self._rows(which)
        self._p = np.where(rows, self._expand(shrink) * p, self._p)
        self._slope = np.where(which, shrink * slope, self._slope)
        self._t = np.where(which, 1.0, self._t)
        self._is_steepest = np.where(
            which, uphill | (self._rho == 0.0).all(axis=0), self._is_steepest
        )

    def _two_loops(self) -> NDArray[np.float64]:
        """Minus the inverse of the remembered Hessian times the gradient."""
        order = [(self._slot + k) % _MEMORY for k in range(_MEMORY)]  # oldest first
        order = [slot for slot in order if self._rho[slot].any()]
        p = -self._g
        along: dict[int, NDArray[np.float64]] = {}
        for slot in reversed(order):
            along[slot] = self._rho[slot] * self._dot(self._s[slot], p)
            p = p - self._expand(along[slot]) * self._y[slot]
        p = self._expand(self._inverse_stiffness) * p
        for slot in order:
            back = self._rho[slot] * self._dot(self._y[slot], p)
            p = p + self._expand(along[slot] - back) * self._s[slot]
        return p

    # ----------------------------------------------------------------- rows and problems

    def _dot(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return segment_sums(np.einsum("ij,ij->i", a, b), self.offsets)

    def _expand(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.repeat(numbers, np.diff(self.offsets))[:, None]

    def _rows(self, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.repeat(which, np.diff(self.offsets))[:, None]
