"""Runs of the next iteration while this one selects, labels and fits.

The runs of an iteration are a batch. It ends at a synchronisation point: all of its runs are done,
and the newest potential is ready. There the next batch begins, with that potential, while the
structures of this one are selected, labelled and fitted. A batch is thus made with the potential
before the newest at its end. A thread hands its runs to the workers; what was done is told by the
thread that runs the campaign, so that journal and listeners see one event at a time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from maxvolt.campaign.planning import is_last
from maxvolt.campaign.record.journal import Event
from maxvolt.campaign.steps.sampling import Part, parts_to_run, run_parts, tell_part
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.files import make_folder
from maxvolt.sampling.worker_shares import TakenAwayError, WorkerShare

__all__ = ["BatchAhead", "sample_ahead"]

_LOOK = 0.1
"""Seconds between looks whether a batch has ended."""


def sample_ahead(runner: StepRunner) -> None:
    """Begin with the batch of the next iteration, if there are workers for it and one follows.

    Where there are none the batch waits for its turn, and gives the same results.

    Parameters
    ----------
    runner
        Of the iteration that now selects, labels and fits.
    """
    settings, context, state = runner.settings, runner.context, runner.state
    if not settings.campaign.overlap or runner.remake is not None or context.ahead_workers < 1:
        return
    if settings.reference.manual or is_last(state.past, settings):
        return
    following = StepRunner(
        context,
        context.folder.iteration(runner.folder.number + 1),
        settings,
        replace(state, runs_number=state.numbers["potential"], runs_files=state.potential_files),
    )
    make_folder(following.folder.sampling)
    content = {"potential": following.state.runs_number}
    where = (following.folder.number, settings.stage.name)
    context.record(Event("sampling ahead", *where, content))
    context.begin_ahead(BatchAhead(following, WorkerShare(context.pool, context.ahead_workers)))


class BatchAhead:
    """The batch of the next iteration, while a thread hands its runs to a share of the workers.

    Parameters
    ----------
    runner
        Of the next iteration.
    share
        Its workers.
    """

    def __init__(self, runner: StepRunner, share: WorkerShare) -> None:
        self._runner = runner
        self._share = share
        self._parts = parts_to_run(runner)
        self._news: queue.SimpleQueue[Part] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="sampling ahead")
        self._thread.start()

    def look(self) -> None:
        """Write down which runs are done."""
        while True:
            try:
                part = self._news.get_nowait()
            except queue.Empty:
                return
            tell_part(self._runner, part)

    def take(self, wanted: Mapping[Path, str]) -> None:
        """Wait for its end, with all workers; or only for what runs, if other runs are wanted.

        Parameters
        ----------
        wanted
            Fingerprints of what the runs are to depend on by the files of their results: the file
            of the campaign may have changed.

        Raises
        ------
        MaxvoltError
            A result cannot be written, or an executor takes no more work.
        """
        if wanted == {part.path: part.inputs for part in self._parts}:
            self._share.grow()
        else:
            self._share.take_away()
        while self._thread.is_alive():
            self._thread.join(_LOOK)
            self.look()
        self.look()
        if self._error is not None and not isinstance(self._error, TakenAwayError):
            raise self._error

    def stop(self) -> None:
        """Begin no further run, and leave the workers alone from now on."""
        self._share.take_away()

    def join(self) -> None:
        """Wait for the runs that have begun."""
        self._thread.join()

    def _run(self) -> None:
        state, selection = self._runner.state, self._runner.settings.selection
        try:
            run_parts(self._parts, state.runs_files, selection, self._share, self._news.put)
        except BaseException as error:  # noqa: BLE001 (raised where the campaign waits for the runs)
            self._error = error
