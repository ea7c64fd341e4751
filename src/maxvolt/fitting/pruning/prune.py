"""Pruning a moment tensor potential: remove scalars, refit, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from maxvolt.errors import FitError
from maxvolt.fitting.atomic_energies import resolve_isolated_energies
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.pruning.kept_stages import KeptStages
from maxvolt.fitting.pruning.stage import PruningStage
from maxvolt.fitting.pruning.stage_work import StageWork
from maxvolt.fitting.pruning.target import PruningTarget
from maxvolt.fitting.settings import FitSettings, settings_with
from maxvolt.fitting.usable_data import check_training_data, check_validation_data
from maxvolt.fitting.variable_projection.checkpoint import fit_signature
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.io.structures import Structures, structures_of
from maxvolt.potentials.loading import load
from maxvolt.potentials.mtp.potential import MTP
from maxvolt.threads import thread_count

__all__ = ["Pruning", "prune"]

_STEP = 0.12
"""Part of the cost that goes in a stage; after it all coefficients are refitted."""

_FINEST = 0.02
"""Smallest step that is tried where a larger one goes beyond the target."""

StageReport = Callable[[PruningStage], None]


@dataclass(frozen=True, slots=True, eq=False)
class Pruning:
    """All stages of a pruning.

    Attributes
    ----------
    stages : tuple of PruningStage
        From the potential at the start, its linear coefficients refitted, to the last one tried.
    chosen : PruningStage
        The cheapest that is within the target, refitted to the end.
    """

    stages: tuple[PruningStage, ...]
    chosen: PruningStage

    @property
    def potential(self) -> MTP:
        """The pruned potential."""
        return self.chosen.potential

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        return {
            "stages": [stage.to_dict() for stage in self.stages],
            "chosen": self.chosen.to_dict(),
        }


def prune(
    potential: MTP | str | PathLike[str],
    dataset: Structures,
    target: PruningTarget,
    settings: FitSettings | Mapping[str, Any] = FitSettings(),  # noqa: B008 (immutable)
    *,
    validation: Structures | None = None,
    folder: str | Path | None = None,
    threads: int | None = None,
    progress: StageReport | None = None,
) -> Pruning:
    """Remove what is worth least for its time, and refit: equations (250) to (253).

    The result is a moment tensor potential like any other, whose file MLIP reads: with fewer
    scalars, products, moments and perhaps radial functions. For given data and settings it is the
    same whatever the number of threads; the times are measured.

    Parameters
    ----------
    potential
        Trained.
    dataset
        Labelled structures, best those of its training.
    target
        Where to end.
    settings
        Weights, scaling, energies of isolated atoms, ridge, iterations and tolerance of the last
        refit, as of `fit`.
    validation
        Structures to measure errors on; they are not fitted, and choose nothing.
    folder
        Where to keep the stages. A pruning that was stopped goes on from the last one there.
    threads
        Number of threads; None for every core.
    progress
        Called with every stage, also with those that were kept.

    Raises
    ------
    FitError
        Data or settings that cannot be used; a potential without an evaluation plan; a folder with
        the stages of another pruning.
    """
    settings = settings_with(settings, {})
    start = _start(potential, settings, target)
    data = structures_of(dataset, start.species)
    check_data = None
    if validation is not None:
        check_data = structures_of(validation, start.species, name="validation")
        check_validation_data(check_data, start.species, start.cutoff)
    threads = thread_count(threads)
    given = resolve_isolated_energies(settings.isolated_energies, data, start.species, start.cutoff)
    objective = Objective(data, settings.weights, settings.scaling, given)
    check_training_data(data, objective.equation_weights())
    checked = "" if check_data is None else check_data.digest
    kept = KeptStages(
        None if folder is None else Path(folder),
        f"{fit_signature(start, data, settings)} {target} {checked}",
    )
    with threadpool_limits(1, user_api="blas"):
        work = StageWork(start, ProblemBuilder(objective, threads), settings, check_data)
        return _staged(work, target, kept, progress)


def _start(
    potential: MTP | str | PathLike[str], settings: FitSettings, target: PruningTarget
) -> MTP:
    found = load(potential) if isinstance(potential, str | PathLike) else potential
    if not isinstance(found, MTP):
        raise FitError(
            "only single moment tensor potentials can be pruned; of an ensemble, give one member"
        )
    if not found.is_trained:
        raise FitError("the potential is untrained: fit it first, with maxvolt.fit")
    if settings.robust or settings.ensemble > 1:
        raise FitError("pruning fits one potential by least squares: leave out robust and ensemble")
    n_scalars = len(found.model.moment_coeffs)
    if target.scalars is not None and target.scalars >= n_scalars:
        raise FitError(f"scalars = {target.scalars}: the potential has {n_scalars}; ask for fewer")
    return found


def _staged(
    work: StageWork, target: PruningTarget, kept: KeptStages, progress: StageReport | None
) -> Pruning:
    """Go on until a stage is at or beyond the target."""
    stages = kept.read()
    if progress is not None:
        for stage in stages:
            progress(stage)

    def add(stage: PruningStage) -> PruningStage:
        kept.add(len(stages), stage)
        stages.append(stage)
        if progress is not None:
            progress(stage)
        return stage

    first = stages[0] if stages else add(work.first())
    good, step = first, _STEP
    for stage in stages[1:]:  # as below, of what was kept
        good, step = _judged(first, good, stage, target)
    while step > _FINEST and not _is_there(first, good, target):
        smaller = work.smaller(good, step, first, target)
        if smaller is None:
            break
        if stages[-1] is not good and _has_as_many(smaller, stages[-1]):
            step /= 2  # it has removed what went too far before
            continue
        good, step = _judged(first, good, add(work.refitted(smaller, step)), target)
    return Pruning(tuple(stages), work.finished(good))


def _has_as_many(smaller: MTP, stage: PruningStage) -> bool:
    """Whether both lack the same of the same potential, from which all go in one order."""
    return len(smaller.model.moment_coeffs) == stage.numbers.scalars


def _judged(
    first: PruningStage, good: PruningStage, stage: PruningStage, target: PruningTarget
) -> tuple[PruningStage, float]:
    """The stage to go on from, and the step; half of it where the loss has grown too much."""
    most = target.loss_increase
    if most is not None and stage.numbers.loss > (1 + most) * first.numbers.loss:
        return good, stage.step / 2
    return stage, stage.step


def _is_there(first: PruningStage, stage: PruningStage, target: PruningTarget) -> bool:
    if target.scalars is not None:
        return stage.numbers.scalars <= target.scalars
    if target.cost is not None:
        return stage.numbers.operations <= target.cost * first.numbers.operations
    return False
