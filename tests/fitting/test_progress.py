"""Time left of a fit, from how its loss falls."""

from __future__ import annotations

import math

import pytest

from maxvolt.fitting import FitSettings
from maxvolt.fitting.progress import Pace, iterations_to_go


def test_falls_that_shrink_tell_when_a_fit_ends() -> None:
    # Each fall is half the one before: from 0.02 it takes 8 iterations to fall below 1e-4.
    losses = [1.0]
    for fall in (0.16, 0.08, 0.04, 0.02):
        losses.append(losses[-1] * (1 - fall))
    assert iterations_to_go(losses, 1e-4, 3, 100) == 8 + 3
    assert iterations_to_go(losses, 1e-4, 3, 5) == 5


def test_quiet_iterations_are_counted_down() -> None:
    assert iterations_to_go([1.0, 0.9, 0.89999, 0.89998], 1e-4, 3, 100) == 1
    assert iterations_to_go([1.0, 0.9], 1e-4, 3, 77) == 77


def test_later_potentials_take_as_long_as_the_earlier() -> None:
    pace = Pace(FitSettings(ensemble=3), 1000)
    assert math.isnan(pace.remaining(0, None))
    for _ in range(10):
        pace.note(0, 1.0, 1000)
    assert pace.remaining(0, 0) == pytest.approx(20.0)
    pace.note(1, 1.0, 1000)
    # The second has 4 iterations of 1 s left; the third takes the mean of 10 s and 5 s.
    assert pace.remaining(1, 4) == pytest.approx(4.0 + 7.5)
