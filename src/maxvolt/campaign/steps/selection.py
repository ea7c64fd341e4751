"""Step D: choose among the structures that simulations kept those to be labelled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maxvolt.campaign.record.storage import StepResult
from maxvolt.campaign.settings.sections import SelectionSection
from maxvolt.campaign.steps.grading import query_of, thresholds_of
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.dataset import Dataset
from maxvolt.executors.kinds import Kind
from maxvolt.sampling import Thresholds
from maxvolt.selection import ActiveSet, QueryStrategy

__all__ = ["select_structures"]


def select_structures(runner: StepRunner, candidates: Dataset) -> StepResult:
    """Select with the query strategy of the newest potential.

    Candidates that runs with an older potential kept are graded again: those whose grade by the
    newest is below the threshold `select` are not looked at.

    Parameters
    ----------
    runner
        Of the iteration.
    candidates
        Structures that were kept for selection.

    Returns
    -------
    result
        The selected structures; grades of all candidates and indices of those selected.
    """
    context = runner.context
    selected: StepResult = context.compute(
        _selected,
        tuple(runner.state.potential_files),
        runner.settings.selection,
        candidates,
        runner.state.is_stale,
        context.threads(Kind.FITTING),
    )
    return selected


def _selected(
    files: Sequence[Path],
    section: SelectionSection,
    candidates: Dataset,
    again: bool,
    threads: int,
) -> StepResult:
    began = time.perf_counter()
    query, thresholds = query_of(files, section), thresholds_of(files, section)
    looked_at = np.arange(len(candidates))
    if again:
        grades = query.grade(candidates, threads=threads)
        looked_at = np.flatnonzero(grades >= thresholds.select)
    found = query.select(
        candidates.select(looked_at) if again else candidates,
        threshold=_threshold(query, thresholds, section.swap),
        limit=section.limit,
        threads=threads,
    )
    record = {
        "n_candidates": len(candidates),
        "n_selected": len(found.indices),
        "description": query.description,
        "seconds": time.perf_counter() - began,
    }
    arrays = {
        "grades": grades if again else found.grades,
        "indices": looked_at[found.indices],
    }
    return StepResult(record, {"structures": found.structures}, arrays)


def _threshold(query: QueryStrategy, thresholds: Thresholds, swap: float) -> float:
    """From where on a candidate is selected: an active set has a threshold of its own."""
    return swap if isinstance(query, ActiveSet) else thresholds.select
