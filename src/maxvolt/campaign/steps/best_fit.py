"""One member of a potential: fitted once, or several times from different random starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.record.folder import IterationFolder
from maxvolt.campaign.settings.stages import Settings
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import FitResult, FitSettings, fit
from maxvolt.fitting.contract import MemberFit
from maxvolt.fitting.families import training_named
from maxvolt.potentials import Potential
from maxvolt.potentials.ensemble import members_of

__all__ = ["BestFit", "FitTask", "fit_member"]


@dataclass(frozen=True, slots=True, eq=False)
class FitTask:
    """A fit to be made; it can be pickled where `progress` can.

    Attributes
    ----------
    settings
        Of the iteration.
    folder
        Of the iteration, where the potential and its checkpoints go.
    training
        Training set.
    validation
        Structures to measure errors on, perhaps none.
    before
        Potential of the iteration before.
    threads
        Number of threads.
    progress
        Called after each iteration, with how many are done of how many at most.
    """

    settings: Settings
    folder: IterationFolder
    training: Dataset
    validation: Dataset
    before: Potential | None
    threads: int
    progress: Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class BestFit:
    """The fit of a member that counts.

    Attributes
    ----------
    result
        That with the lowest loss.
    losses
        Of all fits, in their order.
    """

    result: FitResult
    losses: tuple[float, ...]

    @property
    def history(self) -> MemberFit:
        """How the fit went."""
        return self.result.members[0]


def fit_member(task: FitTask, member: int, others: tuple[Potential, ...]) -> BestFit:
    """Fit a member; `others` are those to be kept apart from, if that is asked for.

    Of several fits the first goes on from the potential before, where `restart` asks for that; the
    others have random starts. Each has a checkpoint, so that a kill loses none of them.
    """
    count = task.settings.fit.best_of
    results = [_fit_once(task, member, others, attempt) for attempt in range(count)]
    losses = tuple(result.members[0].losses[-1] for result in results)
    return BestFit(results[losses.index(min(losses))], losses)


def _fit_once(task: FitTask, member: int, others: tuple[Potential, ...], attempt: int) -> FitResult:
    settings, count = task.settings, task.settings.fit.best_of
    goes_on = settings.fit.restart and not attempt
    before = _member(task.before, member) if goes_on else None
    training = training_named(settings.potential.family)
    start = training.start_of_fit(settings.potential, task.training, before)
    checkpoint = _checkpoint(task, member, attempt)
    for restart in (True, False) if checkpoint.exists() else (False,):
        try:
            return fit(
                start,
                task.training,
                _member_settings(task, member, attempt),
                threads=task.threads,
                checkpoint=checkpoint,
                restart=restart,
                apart_from=others if settings.fit.starts_apart else (),
                progress=lambda news: task.progress(
                    attempt * news.most_iterations + news.iteration, count * news.most_iterations
                ),
            )
        except FitError:
            if not restart:
                raise
            checkpoint.unlink()  # of other settings: the file was edited meanwhile
    raise AssertionError("a fit returns or raises")


def _checkpoint(task: FitTask, member: int, attempt: int) -> Path:
    number = f"{member}.{attempt}" if attempt else f"{member}"
    return task.folder.path / f"fit.{number}.checkpoint"


def _member_settings(task: FitTask, member: int, attempt: int) -> FitSettings:
    """Settings of one member: those of the ensemble, whose members are fitted one by one here.

    What networks hold out does not depend on iteration and member, equation (183): else they would
    be judged by structures that those before them, which they go on from, were trained on.
    """
    settings = task.settings
    whole = settings.fit.settings(settings.potential.members)
    again = (attempt,) if attempt else ()
    resampling = whole.resampling_used
    if whole.resampling == "auto" and not training_named(settings.potential.family).resamples:
        resampling = "none"
    return replace(
        whole,
        ensemble=1,
        resampling=resampling,
        network=replace(whole.network, split_seed=derived_seed(settings.campaign.seed, "held out")),
        starts=whole.n_starts if whole.starts_apart else whole.starts,
        seed=derived_seed(settings.campaign.seed, "fit", task.folder.number, member, *again),
    )


def _member(potential: Potential | None, member: int) -> Potential | None:
    """Potential of the iteration before that a member goes on from."""
    members = () if potential is None else members_of(potential)
    return members[member] if member < len(members) else None
