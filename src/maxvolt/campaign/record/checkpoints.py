"""Checkpoints of simulations in small files, from which a campaign goes on after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.storage import DamagedError, StepResult, read_result, write_result
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.sampling import TrajectoryState
from maxvolt.sampling.graded_steps import Growth
from maxvolt.sampling.trajectory_state import RENEW_EVERY

__all__ = ["CHECKPOINT_SUFFIX", "CheckpointFile", "Checkpointing"]

CHECKPOINT_SUFFIX = ".state"

_ARRAYS = ("positions", "momenta", "cell", "rows")


@dataclass(frozen=True, slots=True)
class Checkpointing:
    """How often simulations write down the state from which they could go on.

    Attributes
    ----------
    steps
        Only at multiples of so many steps; the last bits of trajectories depend on it.
    seconds
        Only where the last state is older than this.
    """

    steps: int = RENEW_EVERY
    seconds: float = 30.0


class CheckpointFile:
    """The last state of one simulation, beside the result that it is going to give.

    Parameters
    ----------
    path
        Of the file.
    inputs
        Fingerprint of what the simulation depends on; a state of another one does not count.
    seconds
        A state is written where the last one is older than this.
    """

    def __init__(self, path: Path, inputs: str, seconds: float) -> None:
        self._path = path
        self._inputs = inputs
        self._seconds = seconds
        self._last = time.monotonic()

    def read(self) -> TrajectoryState | None:
        """Return the state; None where there is none that counts, so that all starts anew."""
        try:
            found = read_result(self._path)
        except DamagedError:
            return None
        record = found.record
        if record.get("inputs") != self._inputs:
            return None
        memory = {
            name.removeprefix("integrator_"): array
            for name, array in found.arrays.items()
            if name.startswith("integrator_")
        }
        return TrajectoryState(
            step=record["step"],
            **{name: found.arrays[name] for name in _ARRAYS},
            integrator=memory,
            generator=record["generator"],
            kept=tuple(found.datasets["kept"]),
            seconds=record["seconds"],
            growth=_growth(found.arrays.get("growth")),
        )

    def keep(self, state: Callable[[], TrajectoryState]) -> None:
        """Write the state if it is time."""
        if time.monotonic() - self._last < self._seconds:
            return
        # Without a state a kill costs time and nothing else. What is wrong with the disk is told
        # where the result is written; here it would look like a fault of the simulation.
        with suppress(MaxvoltError):
            self._write(state())
        self._last = time.monotonic()

    def remove(self) -> None:
        """Remove the file: the result is there."""
        self._path.unlink(missing_ok=True)

    def _write(self, state: TrajectoryState) -> None:
        record = {
            "inputs": self._inputs,
            "step": state.step,
            "generator": dict(state.generator),
            "seconds": state.seconds,
        }
        arrays = {name: np.asarray(getattr(state, name)) for name in _ARRAYS}
        arrays["growth"] = np.array(astuple(state.growth), float)
        arrays |= {f"integrator_{name}": array for name, array in state.integrator.items()}
        write_result(
            self._path, StepResult(record, {"kept": Dataset.from_atoms(state.kept)}, arrays)
        )


def _growth(numbers: NDArray[np.float64] | None) -> Growth:
    """What was seen of the grade; nothing in states of version 0.1."""
    if numbers is None:
        return Growth()
    step, grade, rate = numbers.tolist()
    return Growth(int(step), grade, rate)
