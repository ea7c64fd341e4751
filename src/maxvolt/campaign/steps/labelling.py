"""Step E: reference calculations."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.storage import StepResult
from maxvolt.campaign.settings.sections import ReferenceSection, SelectionSection
from maxvolt.campaign.steps.context import RunContext
from maxvolt.campaign.steps.fitting import errors_of
from maxvolt.campaign.steps.grading import query_of
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError
from maxvolt.executors.kinds import Kind
from maxvolt.fitting.data_check import check_data
from maxvolt.fitting.screening.findings import Finding
from maxvolt.labelling import (
    LabelLimits,
    LabelProgress,
    LabelResult,
    LabelStore,
    Reference,
    collect_jobs,
    default_workers,
    known_labels,
    label,
    write_jobs,
)
from maxvolt.labelling.jobs import JOB
from maxvolt.potentials import load

__all__ = ["WaitingError", "count_labels", "label_structures", "labels_of"]


class WaitingError(CampaignError):
    """Labels of a manual reference are missing; the message says where the inputs are."""


def label_structures(
    runner: StepRunner, name: str, structures: Dataset, keep: NDArray[np.bool_]
) -> StepResult:
    """Label structures with the reference, each once in the life of the campaign.

    Parameters
    ----------
    runner
        Of the iteration.
    name
        Of the step.
    structures
        What to label.
    keep : shape (n,)
        Structures that have labels already.

    Returns
    -------
    result
        The labelled structures in their order, without those in quarantine; what the potential
        before predicted for them.

    Raises
    ------
    WaitingError
        The reference is manual and its results are not there.
    CampaignError
        Nothing was labelled in the first iteration of a campaign.
    """
    began = time.perf_counter()
    section, wanted = runner.settings.reference, np.flatnonzero(~keep)
    found, reasons = _labelled(runner, name, structures.select(wanted))
    bad = _contradicting(runner, found.dataset)
    reasons |= {int(found.indices[s]): reason for s, reason in bad.items()}
    quarantined = [
        {"index": int(wanted[index]), "reason": reason} for index, reason in sorted(reasons.items())
    ]
    good = ~np.isin(np.arange(len(found.dataset)), list(bad))
    ready = wanted[found.indices[good]]
    labelled = _in_order(structures, keep, found.dataset.select(good), ready)
    if quarantined and not len(labelled) and not runner.state.potential_files:
        raise CampaignError(
            f"the reference {section.calculator!r} labelled none of {len(structures)} structures; "
            f"the first failed with: {quarantined[0]['reason']}; correct [reference] or the "
            "structures, then run again with --retry"
        )
    errors, arrays = _predicted(runner, labelled)
    record = {
        "n_structures": len(structures),
        "n_labelled": len(labelled),
        "n_new": found.calculated,
        "quarantined": quarantined,
        "errors_before": errors,
        "seconds": time.perf_counter() - began,
    }
    return StepResult(record, {"labelled": labelled}, arrays)


def _contradicting(runner: StepRunner, labelled: Dataset) -> dict[int, str]:
    """New labels that those of the training set contradict, and why: they are not fitted."""
    training, context = runner.state.training, runner.context
    if not len(labelled) or not len(training):
        return {}
    both = Dataset.concatenate([training, labelled])
    threads = context.threads(Kind.FITTING)
    found: list[Finding] = context.compute(_findings, both, threads)
    return {
        s - len(training): one.reason()
        for one in found
        if one.certain
        for s in one.structures
        if s >= len(training)
    }


def _findings(both: Dataset, threads: int) -> list[Finding]:
    return list(check_data(both, threads=threads).findings)


def count_labels(store: Path) -> int:
    """How many reference calculations a store holds, those in quarantine included."""
    return LabelStore(store).count()


def _in_order(
    structures: Dataset, keep: NDArray[np.bool_], labelled: Dataset, ready: NDArray[np.int64]
) -> Dataset:
    """Structures that kept their labels, and those labelled now, in the order they were given."""
    both = Dataset.concatenate([structures.select(keep), labelled])
    return both.select(np.argsort(np.concatenate([np.flatnonzero(keep), ready]), kind="stable"))


def _predicted(
    runner: StepRunner, labelled: Dataset
) -> tuple[dict[str, Any] | None, dict[str, NDArray[Any]]]:
    """Errors, grades and predictions of the potential that has not seen these labels."""
    files, context = runner.state.potential_files, runner.context
    if not files or not len(labelled):
        return None, {}
    selection = runner.state.past[runner.state.numbers["potential"]].settings.selection
    threads = context.threads(Kind.FITTING)
    predicted: tuple[dict[str, Any], dict[str, NDArray[Any]]] = context.compute(
        _predictions, tuple(files), selection, labelled, threads
    )
    return predicted


def _predictions(
    files: Sequence[Path], selection: SelectionSection, labelled: Dataset, threads: int
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    found = load(files).evaluate_dataset(labelled, threads=threads)
    arrays = {
        "grades": query_of(files, selection).grade(labelled, threads=threads),
        "predicted_energies": found.energies,
        "predicted_forces": found.forces,
    }
    return errors_of(found, labelled), arrays


def _labelled(runner: StepRunner, name: str, wanted: Dataset) -> tuple[LabelResult, dict[int, str]]:
    """Labels of structures, and why others have none."""
    return labels_of(
        wanted,
        runner.settings.reference,
        runner.context,
        runner.folder.number,
        lambda news: runner.progress(name, "", news.done, news.total),
    )


def labels_of(
    wanted: Dataset,
    section: ReferenceSection,
    context: RunContext,
    iteration: int,
    progress: Callable[[LabelProgress], None],
) -> tuple[LabelResult, dict[int, str]]:
    """Labels of structures, and why others have none, by their numbers.

    Parameters
    ----------
    wanted
        What to label.
    section
        The reference.
    context
        Store of labels, executors, what the run was asked for.
    iteration
        For which inputs of a manual reference are written.
    progress
        Told after each calculation.

    Raises
    ------
    WaitingError
        The reference is manual and its results are not there.
    """
    reference, store = section.reference(), LabelStore(context.folder.labels)
    limits = LabelLimits(section.max_force, section.timeout, section.retries)
    if section.manual:
        return _collected(wanted, reference, store, limits, context, iteration)
    found = label(
        wanted,
        reference,
        store,
        limits=limits,
        executor=context.executors.of(Kind.LABELLING),
        workers=_at_once(section.workers, reference, context),
        retry_quarantined=context.retry,
        progress=progress,
    )
    return found, dict(found.quarantined)


def _at_once(asked: int | None, reference: Reference, context: RunContext) -> int | None:
    """Calculations at once on this machine, beside runs that take a share of it."""
    if asked is not None or context.labels_at_once is None:
        return asked
    return min(default_workers(reference), context.labels_at_once)


def _collected(
    wanted: Dataset,
    reference: Reference,
    store: LabelStore,
    limits: LabelLimits,
    context: RunContext,
    iteration: int,
) -> tuple[LabelResult, dict[int, str]]:
    """Take in what was calculated elsewhere; write inputs for what is missing, and wait."""
    jobs = context.folder.jobs / f"{iteration:04d}"
    if any(jobs.glob(f"*/{JOB}")):  # a kill may have left one that is not described yet
        collect_jobs(jobs, store, limits=limits)
    found = known_labels(wanted, reference, store)
    reasons = dict(found.quarantined)
    missing = found.missing.tolist()
    if missing and context.partial and len(found.dataset):
        return found, reasons | dict.fromkeys(missing, "not calculated")
    if missing:
        write_jobs(wanted.select(missing), reference, jobs, store=store)
        there = len(wanted) - len(missing)
        raise WaitingError(
            f"{there} of {len(wanted)} labels are available; calculate what is in {jobs} (each "
            "folder has its run.sh), then run again; --partial goes on without the rest"
        )
    return found, reasons
