"""What a fit tells after each iteration, and how long it is likely to go on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from maxvolt.fitting.settings import FitSettings

__all__ = ["FitProgress", "Pace", "Progress", "iterations_to_go"]

_LOOKED_AT = 4
"""Latest falls of the loss that tell how fast they shrink."""


@dataclass(frozen=True, slots=True)
class FitProgress:
    """Where a fit stands after an iteration.

    Attributes
    ----------
    member, members : int
        Potential of the ensemble that is being fitted, from 0, and their number.
    start, starts : int
        Random start, from 0, and their number; `start == starts` once the best goes on.
    iteration, most_iterations : int
        Accepted steps and their limit.
    loss : float
    energy_rmse : float, eV/atom
    force_rmse : float, eV/Angstrom
        Per component. NaN where there are no labels.
    stress_rmse : float, eV/Angstrom^3
    elapsed, remaining : float, s
        Time since the fit began; estimated time left, from how its loss falls. Until that can be
        estimated, all iterations allowed count. NaN where no time is known.
    finished : str
        Why this potential's fit ended; "" while it goes on.
    """

    member: int
    members: int
    start: int
    starts: int
    iteration: int
    most_iterations: int
    loss: float
    energy_rmse: float
    force_rmse: float
    stress_rmse: float
    elapsed: float
    remaining: float
    finished: str


Progress = Callable[[FitProgress], None]
"""What is called after each iteration."""


def iterations_to_go(losses: Sequence[float], tolerance: float, quiet_steps: int, most: int) -> int:
    """Iterations until the fall of the loss is below the tolerance, if it shrinks as it has.

    Parameters
    ----------
    losses
        At the start and after each iteration.
    tolerance
        Relative fall that counts as none.
    quiet_steps
        Successive iterations without a fall that end the fit.
    most
        Iterations that are still allowed, which is the result where nothing is known yet.
    """
    falls = [
        (before - after) / before if before > 0 else 0.0 for before, after in pairwise(losses)
    ][-_LOOKED_AT:]
    quiet = 0
    for fall in reversed(falls):
        if fall >= tolerance:
            break
        quiet += 1
    if quiet:
        return min(most, max(quiet_steps - quiet, 0))
    if len(falls) < 2 or falls[-1] >= falls[0]:
        return most
    shrinking = (falls[-1] / falls[0]) ** (1.0 / (len(falls) - 1))
    until = math.ceil(math.log(tolerance / falls[-1]) / math.log(shrinking))
    return min(most, until + quiet_steps)


class Pace:
    """Time per equation and iteration, and what is left of the fits of one call.

    Parameters
    ----------
    settings
        As of `fit`.
    equations
        Of the problem on all structures.
    """

    def __init__(self, settings: FitSettings, equations: int) -> None:
        self._settings = settings
        self._equations = equations
        self._seconds = 0.0
        self._work = 0.0
        self._of_member: dict[int, float] = {}

    def note(self, member: int, seconds: float, equations: int) -> None:
        """Count one iteration of a potential's fit or of one of its starts."""
        self._seconds += seconds
        self._work += equations
        self._of_member[member] = self._of_member.get(member, 0.0) + seconds

    def remaining(self, member: int, iterations: int | None) -> float:
        """Seconds that all fits will still take.

        Parameters
        ----------
        member
            Potential that is being fitted.
        iterations
            Likely iterations left on all structures; None while its starts are tried, when nothing
            is known of them.
        """
        if not self._work:
            return math.nan
        spent = self._of_member[member]
        earlier = [seconds for m, seconds in self._of_member.items() if m != member]
        if iterations is not None:
            left = iterations * self._equations * self._seconds / self._work
        elif earlier:
            left = max(sum(earlier) / len(earlier) - spent, 0.0)
        else:
            most = self._settings.max_iterations * self._equations
            left = most * self._seconds / self._work
        typical = sum(earlier, spent + left) / (len(earlier) + 1)
        return left + (self._settings.ensemble - member - 1) * typical
