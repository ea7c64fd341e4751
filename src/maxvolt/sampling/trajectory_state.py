"""The state of a trajectory after a step, from which it goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.sampling.graded_steps import Growth

__all__ = ["RENEW_EVERY", "KeepState", "TrajectoryState"]

RENEW_EVERY = 500
"""Steps after which calculator and neighbour lists are reset, whether or not a state is kept.

Sums over neighbours depend in their last bits on when a list was built: only where all of them are
rebuilt does a trajectory that goes on from there have the bits of one that was not interrupted.
"""


@dataclass(frozen=True, slots=True, eq=False)
class TrajectoryState:
    """A trajectory after a step.

    Attributes
    ----------
    step
        Steps done.
    positions : shape (N, 3), Angstrom
    momenta : shape (N, 3), ASE's units
    cell : shape (3, 3), Angstrom
    integrator
        What thermostat and barostat remember.
    generator
        State of the random numbers, as NumPy gives it.
    kept
        Structures that were kept so far.
    rows : shape (k, 8)
        The trace so far.
    seconds
        Time it took.
    growth
        What was seen of the grade.
    """

    step: int
    positions: NDArray[np.float64]
    momenta: NDArray[np.float64]
    cell: NDArray[np.float64]
    integrator: Mapping[str, NDArray[np.float64]]
    generator: Mapping[str, Any]
    kept: tuple[Atoms, ...]
    rows: NDArray[np.float64]
    seconds: float
    growth: Growth = field(default_factory=Growth)


KeepState = Callable[[Callable[[], TrajectoryState]], None]
"""Called where a trajectory could go on later, with what gives its state there."""
