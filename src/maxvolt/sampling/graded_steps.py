"""At which steps of molecular dynamics grades are computed, and what may hide between them.

Between two graded steps a and b the grade is bounded by how fast it changes: if it changes by no
more than L in a step, it was at most (g_a + g_b + L (b - a)) / 2 in between, docs/formulation,
equation (40a). L is taken to be twice the largest change that was seen from one step to the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from maxvolt.errors import DataError

__all__ = ["CAUTION", "GradedSteps", "Growth", "check_steps_between"]

CAUTION = 2.0
"""Times the fastest change seen: what is reckoned with."""

_PAIRS = 20
"""Every so many intervals the step that follows a graded one is graded too, to see a change within
one step: over several, what goes up and down again would look slow."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What was seen of the grade along a trajectory.

    Attributes
    ----------
    step
        The last graded step; -1 where there is none.
    grade
        The grade there.
    rate
        Largest change per step between two graded steps that followed each other.
    """

    step: int = -1
    grade: float = math.nan
    rate: float = 0.0

    def after(self, step: int, grade: float) -> Growth:
        """Give what is known after one more graded step."""
        rate = self.rate
        if self.step >= 0 and step > self.step and math.isfinite(grade):
            rate = max(rate, abs(grade - self.grade) / (step - self.step))
        return Growth(step, grade, rate)

    def highest_before(self, step: int, grade: float) -> float:
        """Bound of the grade between the last graded step and this one, equation (40a)."""
        known = self.after(step, grade)
        rise = CAUTION * known.rate * (step - self.step)
        return 0.5 * (self.grade + grade + rise)

    def highest_within(self, steps: int) -> float:
        """Bound of what may come and be gone again after so many steps, equation (40a)."""
        return self.grade + 0.5 * CAUTION * self.rate * steps


class GradedSteps:
    """Chooses the steps of one trajectory that are graded.

    Parameters
    ----------
    every
        Steps from one grade to the next; 1: all are graded.
    stop
        The threshold at which a simulation stops.
    growth
        What was seen so far.

    Attributes
    ----------
    growth
    """

    def __init__(self, every: int, stop: float, growth: Growth | None = None) -> None:
        self._every = every
        self._stop = stop
        self.growth = growth or Growth()

    def due(self, step: int) -> bool:
        """Whether this step is graded, whatever else may ask for it."""
        every, after = self._every, step % self._every
        if after == 0 or step <= every:
            return True
        if after == 1 and step // every % _PAIRS == 0:
            return True
        return self.growth.highest_within(every) >= self._stop

    def may_hide(self, step: int, grade: float) -> bool:
        """Whether a step between the last graded one and this may have reached the threshold."""
        if self.growth.step < 0 or step - self.growth.step < 2:
            return False
        highest = max(self.growth.grade, grade, self.growth.highest_before(step, grade))
        return not highest < self._stop

    def note(self, step: int, grade: float) -> None:
        """Take in the grade of a step."""
        self.growth = self.growth.after(step, grade)


def check_steps_between(record_every: int, grade_every: int) -> None:
    """Refuse numbers of steps from one kept structure, or grade, to the next that do not fit.

    Raises
    ------
    DataError
        One is below 1, or structures without a grade would be kept.
    """
    for name, steps in (("record_every", record_every), ("grade_every", grade_every)):
        if steps < 1:
            raise DataError(f"{name} must be at least 1, not {steps!r}")
    if record_every % grade_every:
        raise DataError(
            f"record_every = {record_every} must be a multiple of grade_every = {grade_every}: "
            "only steps that have a grade can be kept"
        )
