"""What hears of a part of a scenario while it runs, and keeps what is worth keeping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ase import Atoms

from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.trajectory_state import RENEW_EVERY, TrajectoryState

__all__ = ["Recorder"]


class Recorder:
    """Follows one part of a scenario from its start to its result.

    It is made and called where the part runs: in this process or in that of a worker. This one
    keeps nothing; a subclass overrides what it needs. `progress` and `finish` are called for every
    scenario, the others for molecular dynamics. A part that cannot be started has no recorder, save
    where its worker has died: then `finish` is called in the process that waits for it.

    Attributes
    ----------
    renew_every
        See `MolecularDynamics.run`.
    journal
        File in which a search writes its generations down; None: it writes nothing.
    """

    renew_every: int = RENEW_EVERY
    journal: Path | None = None

    def progress(self, steps: int) -> None:
        """Count steps that were done since the last call."""

    def observe(self, step: int, atoms: Atoms) -> None:
        """Look at the structure of a recorded step, which must not be changed."""

    def state(self) -> TrajectoryState | None:
        """Return the state from which the trajectory goes on; None to start at its first step."""
        return None

    def keep(self, state: Callable[[], TrajectoryState]) -> None:
        """Keep a state from which the trajectory could go on later, if it is time."""

    def finish(self, result: SamplingResult) -> None:
        """Take the result, with which the part is done."""
