"""One calculation, in this process: from the folder of a job to its outcome."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from maxvolt.labelling.codes.protocol import MisconfiguredError, UnconvergedError
from maxvolt.labelling.jobs import Job, Outcome, Status, described
from maxvolt.labelling.limits import LabelLimits, RejectedError, labels_from_results

__all__ = ["calculate"]


def calculate(
    job: Job, folder: Path, limits: LabelLimits, *, begins: Callable[[], None] = lambda: None
) -> Outcome:
    """Calculate and judge; whatever goes wrong becomes the reason of the outcome.

    Parameters
    ----------
    job
        What to calculate.
    folder
        Where the calculator may leave its files; the current folder while it runs.
    limits
        What a label must keep to.
    begins
        Called when everything is at hand and the calculation itself begins.
    """
    started = time.perf_counter()
    labels = None
    reason = ""
    try:
        job.code.prepare(job.machine)
        job.code.check(job.settings, job.machine, job.symbols)
        begins()
        with _current_folder(folder):
            results = job.code.run(job.atoms, job.settings, job.machine, folder)
        labels = labels_from_results(results, job.atoms, limits)
        status = Status.LABELLED
    except MisconfiguredError as error:
        status, reason = Status.MISCONFIGURED, str(error)
    except UnconvergedError as error:
        status, reason = Status.QUARANTINED, f"not converged: {error}"
    except RejectedError as error:
        status, reason = Status.QUARANTINED, str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - calculators raise anything
        _show_traceback()
        status, reason = Status.FAILED, described(error)
    return Outcome(
        status=status, reason=reason, labels=labels, seconds=time.perf_counter() - started
    )


def _show_traceback() -> None:
    # The calculator may have closed the streams or put anything in their place.
    with suppress(Exception):
        traceback.print_exc()


@contextmanager
def _current_folder(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
