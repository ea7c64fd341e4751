"""How long something is still going to take: one estimate for all progress displays."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

__all__ = ["TimeLeft", "describe_seconds"]

_SILENCE = 3.0
"""Seconds at the beginning in which nothing is said: first steps are no measure of the rest."""


class TimeLeft:
    """Estimates the time left from the rate in the later half of the time so far.

    What was done before the first update, in an earlier run for example, does not count for the
    rate. Slow first steps are forgotten, and one slow step among many changes little.

    Parameters
    ----------
    clock
        Gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()
        self._begin = 0.0

    def update(self, done: float) -> None:
        """Say how much is done now."""
        now = self._clock()
        if not self._seen or done < self._seen[-1][1]:  # begun anew
            self._seen.clear()
            self._begin = now
        if self._seen and done == self._seen[-1][1]:
            return
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] - self._begin < 0.5 * (now - self._begin):
            self._seen.popleft()

    def seconds(self, total: float) -> float | None:
        """Estimate the seconds until `total` is done; None while there is no fair estimate."""
        now = self._clock()
        if len(self._seen) < 2 or now - self._begin < _SILENCE:
            return None
        (start, before), (last, done) = self._seen[0], self._seen[-1]
        if total <= done:
            return 0.0
        # A step that takes longer than those before it slows the estimate down.
        step = (last - start) / (done - before)
        waited = now - last
        rate = (done - before) / ((last - start) + max(waited - step, 0.0))
        return max((total - done) / rate - min(waited, step), 0.0)


def describe_seconds(seconds: float | None) -> str:
    """Say how much time is left, with as many digits as an estimate deserves; "" for None."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s left"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min left"
    hours = seconds / 3600
    return f"{round(hours)} h left" if hours < 48 else f"{round(hours / 24)} days left"
