"""Where a pruning ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

from maxvolt.errors import FitError

__all__ = ["PruningTarget"]


@dataclass(frozen=True, slots=True)
class PruningTarget:
    """Where a pruning ends: exactly one of these.

    Attributes
    ----------
    loss_increase : float, optional
        Largest growth of the loss after refitting, relative to that of the potential at the start:
        0.05 for 5 %, with which errors grow by half of it.
    cost : float, optional
        Operations for an atom relative to those at the start, equation (252), above 0 and below 1.
    scalars : int, optional
        Number of scalars. They are then removed one by one, whatever they cost.

    Raises
    ------
    FitError
        None or several are given, or one is out of range.
    """

    loss_increase: float | None = None
    cost: float | None = None
    scalars: int | None = None

    def __post_init__(self) -> None:
        given = [one for one in (self.loss_increase, self.cost, self.scalars) if one is not None]
        if len(given) != 1:
            raise FitError(
                "a pruning needs one target: loss_increase, cost or scalars; got "
                f"{len(given)} of them"
            )
        if self.loss_increase is not None and not 0 < self.loss_increase < math.inf:
            raise FitError(f"loss_increase must be above 0; got {self.loss_increase}")
        if self.cost is not None and not 0 < self.cost < 1:
            raise FitError(f"cost must lie between 0 and 1; got {self.cost}")
        if self.scalars is not None and self.scalars < 1:
            raise FitError(f"scalars must be 1 or more; got {self.scalars}")
