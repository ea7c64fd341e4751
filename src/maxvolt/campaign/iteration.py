"""One iteration: steps B to F and the choice of the next active set.

Every step is a function of the files before it, and its own file appears when it is complete. After
a kill, what has a file is read and the rest is made, with the same random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.planning import Plan
from maxvolt.campaign.record.fingerprints import fingerprint
from maxvolt.campaign.record.folder import IterationFolder, committee_file
from maxvolt.campaign.record.history import CompleteIteration
from maxvolt.campaign.record.iteration_summary import (
    FINDINGS,
    IS_STALE,
    MELTING,
    OPENING,
    SAMPLING,
    is_clean,
    sampling_summary,
)
from maxvolt.campaign.record.journal import Event
from maxvolt.campaign.record.storage import DamagedError, StepResult
from maxvolt.campaign.settings.comparison import changed_settings, without_what_changes_no_result
from maxvolt.campaign.settings.sections import StoppingSection
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.ahead import sample_ahead
from maxvolt.campaign.steps.calibration import calibrate_potential
from maxvolt.campaign.steps.context import RunContext
from maxvolt.campaign.steps.findings import UNLABELLED, keep_findings
from maxvolt.campaign.steps.first_structures import named_by_scenarios, random_starts
from maxvolt.campaign.steps.fitting import FitTask, fit_potential, remove_checkpoints
from maxvolt.campaign.steps.grading import thresholds_of
from maxvolt.campaign.steps.labelling import count_labels, label_structures
from maxvolt.campaign.steps.melting import find_melting_point
from maxvolt.campaign.steps.sampling import run_sampling
from maxvolt.campaign.steps.selection import select_structures
from maxvolt.campaign.steps.step_runner import StepRunner
from maxvolt.campaign.steps.training_set import (
    merged,
    opening_candidates,
    validation_candidates,
)
from maxvolt.dataset import Dataset
from maxvolt.executors.kinds import Kind
from maxvolt.files import make_folder
from maxvolt.potentials import load

__all__ = ["prepare_iteration", "run_iteration"]

_OF_A_FIT = (
    "training",
    "validation",
    "n_parameters",
    "rank",
    "largest_rank",
    "committee_scales",
    "min_dist",
    "warnings",
)
"""Numbers of the fit in the row of an iteration."""

BEST = "the best findings of the searches were labelled, and fitted"
"""Why an iteration whose scenarios were done is not the last one."""

CLEAN_BUT_STALE = "done as asked for, but with the potential before the newest"
"""The same, where runs overlap with fits."""


def prepare_iteration(
    context: RunContext, folder: IterationFolder, plan: Plan, past: Sequence[CompleteIteration]
) -> None:
    """Write the settings of an iteration down; say what changed since those used last.

    An iteration that a kill has cut short goes on with the file as it is now. Where that differs,
    results of scenarios that are not affected still count; everything else is made again, as it is
    where its settings are lost.
    """
    settings, used = plan.settings, _used_settings(folder)
    before = used if used is not None else past[-1].settings if past else None
    changes = []
    if before is not None and before.stage.name == settings.stage.name:
        changes = changed_settings(before, settings)
    make_folder(folder.path)
    if used is None or (
        without_what_changes_no_result(used) != without_what_changes_no_result(settings)
    ):
        folder.remove_steps()
    if used != settings:
        folder.write_settings(settings)
    where = (folder.number, settings.stage.name)
    if used is None:
        content = {"kind": plan.kind, "reason": plan.reason}
        context.record(Event("iteration", *where, content))
    else:
        context.tell(Event("iteration", *where, {"kind": plan.kind, "reason": "goes on"}))
    if changes:
        context.record(Event("settings changed", *where, {"changes": changes}))


def _used_settings(folder: IterationFolder) -> Settings | None:
    """Settings with which an iteration was started; None where it was not, or they are lost."""
    try:
        return folder.settings()
    except DamagedError:
        return None


def run_iteration(runner: StepRunner, kind: str) -> None:
    """Make an iteration, or what is left of it; the outcome is written last.

    Parameters
    ----------
    runner
        Makes its steps.
    kind
        Opening, sampling or melting.
    """
    make_folder(runner.folder.sampling)
    runner.context.share(runner.settings.campaign.overlap and kind == SAMPLING)
    if kind != SAMPLING:
        _drop_runs(runner)
    row = {OPENING: _open, MELTING: find_melting_point}.get(kind, _sample)(runner)
    last = runner.state.past[-1].outcome if runner.state.past else {}
    total = None if runner.remake is None else runner.remake.labels_total
    if total is None:
        total = count_labels(runner.context.folder.labels)
    new = max(total - last.get("n_labels_total", 0), 0)  # fewer: the store was lost
    labels = {"n_labels_total": total, "n_new_labels": new}
    runner.finish({"kind": kind, **_defaults(runner), **row, **labels})


def _drop_runs(runner: StepRunner) -> None:
    """Remove runs that were made ahead, before the settings were changed."""
    runner.context.take_ahead({})
    for path in runner.folder.sampling.iterdir():
        path.unlink()


def _defaults(runner: StepRunner) -> dict[str, Any]:
    """A row of an iteration in which nothing was found: all as before."""
    state = runner.state
    last = state.past[-1].outcome if state.past else {}
    kept = ("n_training", "calibration", *_OF_A_FIT)
    return {
        "is_clean": None,
        "n_candidates": 0,
        "n_selected": 0,
        "n_labelled": 0,
        "n_quarantined": 0,
        "new": None,
        **{name: last.get(name) for name in kept},
        "files": dict(state.numbers),
    }


def _open(runner: StepRunner) -> dict[str, Any]:
    """Label the given or carried structures, and fit."""
    settings, context = runner.settings, runner.context
    on: tuple[Any, ...] = (
        *(settings.training, settings.structures),
        *(settings.stage, settings.selection),
    )
    if not settings.training and not len(runner.state.training):
        on = (*on, settings.potential.species, named_by_scenarios(settings))
        searches = Settings.searches(settings.active_scenarios)
        on = (*on, searches) if searches else on
        starts = [(one.name, one.start) for one in random_starts(settings)]
        on = (*on, starts) if starts else on
    candidates = runner.step(
        "candidates",
        (*on, settings.reference.reference().key, settings.campaign.seed),
        lambda: opening_candidates(settings, runner.state, context.root, threads=context.workers),
    )
    structures, keep = candidates.datasets["structures"], candidates.arrays["keep"]
    labels = _label(runner, "labels", structures, keep, candidates.record["inputs"])
    validation = _validation(runner)
    training = merged(Dataset.from_atoms([]), labels.datasets["labelled"])
    fitted = _fit(runner, training, validation, labels)
    files = dict.fromkeys(("training", "potential"), runner.folder.number)
    if settings.validation:
        files["validation"] = runner.folder.number
    return {"n_candidates": len(structures), "reason": "fitted", **fitted, "files": files}


def _sample(runner: StepRunner) -> dict[str, Any]:
    """Run the scenarios; where one extrapolates, select, label and fit."""
    settings, state = runner.settings, runner.state
    sampled = run_sampling(runner)
    records, extrapolative = sampled.records, sampled.extrapolative
    inputs = [record["inputs"] for record in records]
    findings = keep_findings(runner, sampled.findings, inputs)
    used = thresholds_of(state.runs_files, settings.selection)
    row = {
        **sampling_summary(records),
        "select": used.select,
        "break": used.stop,
        "unit": used.unit,
    }
    clean = is_clean(row, settings.stopping)
    row["is_clean"] = clean and not state.is_stale
    if settings.campaign.overlap:
        row |= {"runs_with": state.runs_number, IS_STALE: state.is_stale}
    if findings is not None:
        row[FINDINGS] = findings.record[FINDINGS]
        unlabelled = findings.datasets[UNLABELLED]
        if row["is_clean"] and len(unlabelled):
            sample_ahead(runner)
            return {**row, "is_clean": False, **_learn(runner, unlabelled, findings, BEST)}
    if clean:
        if state.is_stale:
            return {**row, "reason": CLEAN_BUT_STALE}
        why = _why_clean(settings.stopping)
        if not row["n_breaks"] or not len(extrapolative):
            return {**row, "reason": why}
        # The next potential shall know what the runs that were allowed to break ended in.
        learned = _learn_from_runs(runner, extrapolative, inputs)
        learned["reason"] = f"{why}; of the others: {learned['reason']}"
        return {**row, **learned}
    if not len(extrapolative):
        message = next(record["message"] for record in records if record["is_break"])
        return {**row, "reason": f"a break without a grade above select: {message}"}
    sample_ahead(runner)
    return {**row, **_learn_from_runs(runner, extrapolative, inputs)}


def _learn_from_runs(
    runner: StepRunner, extrapolative: Dataset, inputs: Sequence[str]
) -> dict[str, Any]:
    """Select from what the runs kept, label and fit; return what the row holds of it."""
    state = runner.state
    newest = (state.numbers["potential"],) if state.is_stale else ()
    selection = runner.step(
        "selection",
        (inputs, runner.settings.selection, *newest),
        lambda: select_structures(runner, extrapolative),
    )
    counts = {name: selection.record[name] for name in ("n_candidates", "n_selected")}
    chosen = selection.datasets["structures"]
    return {**counts, **_learn(runner, chosen, selection, "labelled and fitted")}


def _learn(
    runner: StepRunner, structures: Dataset, source: StepResult, reason: str
) -> dict[str, Any]:
    """Label structures that a step has chosen, and fit; return what the row holds of it."""
    keep = np.zeros(len(structures), np.bool_)
    labels = _label(runner, "labels", structures, keep, source.record["inputs"])
    if not labels.record["n_labelled"]:
        quarantined = labels.record["quarantined"]
        nothing = "nothing was selected"
        if runner.state.is_stale:
            nothing = "nothing is new to the newest potential"
        why = quarantined[0]["reason"] if quarantined else nothing
        return {**_label_counts(labels), "reason": f"no label: {why}"}
    training = merged(runner.state.training, labels.datasets["labelled"])
    fitted = _fit(runner, training, runner.state.validation, labels)
    return {**fitted, "reason": reason}


def _why_clean(stopping: StoppingSection) -> str:
    if stopping.until == "no extrapolation":
        return "no scenario extrapolated"
    if stopping.finished is not None:
        return f"{100 * stopping.finished:g}% of the runs were to reach their end, and did"
    if stopping.reliability == 1:
        return "no scenario broke"
    return f"a reliability of {stopping.reliability:g} was asked for"


def _label(
    runner: StepRunner, name: str, structures: Dataset, keep: NDArray[np.bool_], source: str
) -> StepResult:
    return runner.step(
        name,
        (source, runner.settings.reference.reference().key),
        lambda: label_structures(runner, name, structures, keep),
    )


def _label_counts(labels: StepResult) -> dict[str, Any]:
    record = labels.record
    return {
        "n_labelled": record["n_labelled"],
        "n_quarantined": len(record["quarantined"]),
        "new": record["errors_before"],
    }


def _validation(runner: StepRunner) -> Dataset:
    """Structures to measure errors on, labelled with the reference of the stage."""
    if not runner.settings.validation:
        return Dataset.from_atoms([])
    structures, keep = validation_candidates(runner.settings, runner.context.root)
    labels = _label(runner, "validation", structures, keep, fingerprint(structures))
    return labels.datasets["labelled"]


def _fit(
    runner: StepRunner, training: Dataset, validation: Dataset, labels: StepResult
) -> dict[str, Any]:
    """Store the training set, fit; return what the row of the iteration holds."""
    settings, folder, before = runner.settings, runner.folder, runner.state.potential_files
    products = folder.potential_files(settings.potential)
    if settings.selection.strategy == "committee":
        products.append(committee_file(products))
    stored = runner.step(
        "training",
        (training,),
        lambda: StepResult({"n_structures": len(training)}, {"training": training}),
    ).datasets["training"]
    fitted = runner.step(
        "fit",
        (stored, validation, settings.potential, settings.fit, settings.selection),
        lambda: fit_potential(
            FitTask(
                settings=settings,
                folder=folder,
                training=stored,
                validation=validation,
                before=load(before) if before else None,
                threads=runner.context.threads(Kind.FITTING),
                progress=lambda done, total: runner.progress("fit", "", done, total),
            ),
            runner.context.executors.of(Kind.FITTING),
        ),
        products=products,
    )
    remove_checkpoints(folder)
    made = dict.fromkeys(("training", "potential"), folder.number)
    return {
        **_label_counts(labels),
        **{name: fitted.record.get(name) for name in _OF_A_FIT},
        "calibration": _calibrate(runner, stored, fitted.record["inputs"]),
        "n_training": len(stored),
        "files": {**runner.state.numbers, **made},
    }


def _calibrate(runner: StepRunner, training: Dataset, fitted: str) -> dict[str, Any] | None:
    """Find which errors are to be expected of the new potential; None where nobody asks."""
    if not runner.settings.calibrates:
        return None
    record = calibrate_potential(runner, training, fitted).record
    names = ("measure", "calibrated", "source", "thresholds", "reason", "grades")
    return {name: record[name] for name in names if name in record}
