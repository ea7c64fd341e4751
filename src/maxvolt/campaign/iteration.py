"""One iteration: steps B to F and the choice of the next active set.

Every step is a function of the files before it, and its own file appears when it is complete. After
a kill, what has a file is read and the rest is made, with the same random numbers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.fingerprints import fingerprint
from maxvolt.campaign.fitting_step import FitTask, fit_potential, remove_checkpoints
from maxvolt.campaign.steps.labelling import count_labels, label_structures
from maxvolt.campaign.steps.training_set import merged
from maxvolt.campaign.steps.training_set import opening_candidates, validation_candidates
from maxvolt.campaign.record.iteration_summary import OPENING, is_clean, sampling_summary
from maxvolt.campaign.steps.grading import query_of
from maxvolt.campaign.steps.step_runner import Runner
from maxvolt.campaign.steps.sampling import Part, run_parts
from maxvolt.campaign.steps.scenarios import scenario_fingerprint, scenario_parts
from maxvolt.campaign.settings.sections import SelectionSection, StoppingSection
from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.steps.structures import Structures
from maxvolt.campaign.record.storage import StepResult, read_result
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError
from maxvolt.files import make_folder
from maxvolt.potentials import load
from maxvolt.sampling import Scenario

__all__ = ["run_iteration"]

_OF_A_FIT = (
    "training",
    "validation",
    "n_parameters",
    "rank",
    "largest_rank",
    "min_dist",
    "warnings",
)
"""What the row of an iteration says of its fit."""


def run_iteration(runner: Runner, kind: str) -> None:
    """Make an iteration, or what is left of it; the outcome is written last.

    Parameters
    ----------
    runner
        Makes its steps.
    kind
        Opening or sampling.
    """
    make_folder(runner.folder.sampling)
    row = _open(runner) if kind == OPENING else _sample(runner)
    last = runner.state.past[-1].outcome if runner.state.past else {}
    total = None if runner.remake is None else runner.remake.labels_total
    if total is None:
        total = count_labels(runner.context.folder.labels)
    new = max(total - last.get("n_labels_total", 0), 0)  # fewer: the store was lost
    labels = {"n_labels_total": total, "n_new_labels": new}
    runner.finish({"kind": kind, **_defaults(runner), **row, **labels})


def _defaults(runner: Runner) -> dict[str, Any]:
    """A row of an iteration in which nothing was found: all as before."""
    state = runner.state
    last = state.past[-1].outcome if state.past else {}
    kept = ("n_training", *_OF_A_FIT)
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


def _open(runner: Runner) -> dict[str, Any]:
    """Label the given or carried structures, and fit."""
    settings, context = runner.settings, runner.context
    on = (settings.training, settings.structures, settings.stage, settings.selection)
    candidates = runner.step(
        "candidates",
        (*on, settings.reference.reference().key, settings.campaign.seed),
        lambda: opening_candidates(
            settings, runner.state, context.root, threads=context.workers
        ),
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


def _sample(runner: Runner) -> dict[str, Any]:
    """Run the scenarios; where one extrapolates, select, label and fit."""
    settings = runner.settings
    records, extrapolative = _run_scenarios(runner)
    row = sampling_summary(records)
    row["is_clean"] = clean = is_clean(row, settings.stopping)
    if clean:
        return {**row, "reason": _why_clean(settings.stopping)}
    if not len(extrapolative):
        message = next(record["message"] for record in records if record["is_break"])
        return {**row, "reason": f"a break without a grade above select: {message}"}
    selection = runner.step(
        "selection",
        ([record["inputs"] for record in records], settings.selection),
        lambda: _select(runner, extrapolative),
    )
    row |= {name: selection.record[name] for name in ("n_candidates", "n_selected")}
    selected = selection.datasets["structures"]
    keep = np.zeros(len(selected), np.bool_)
    labels = _label(runner, "labels", selected, keep, selection.record["inputs"])
    if not labels.record["n_labelled"]:
        quarantined = labels.record["quarantined"]
        why = quarantined[0]["reason"] if quarantined else "nothing was selected"
        return {**row, **_label_counts(labels), "reason": f"no label: {why}"}
    training = merged(runner.state.training, labels.datasets["labelled"])
    fitted = _fit(runner, training, runner.state.validation, labels)
    return {**row, **fitted, "reason": "labelled and fitted"}


def _why_clean(stopping: StoppingSection) -> str:
    if stopping.until == "no extrapolation":
        return "no scenario extrapolated"
    if stopping.reliability == 1:
        return "no scenario broke"
    return f"a reliability of {stopping.reliability:g} was asked for"


# --------------------------------------------------------------------- steps B, C and D


def _run_scenarios(runner: Runner) -> tuple[list[Mapping[str, Any]], Dataset]:
    """Run every part; return what is said of each, and the structures they kept."""
    settings = runner.settings
    scenarios = scenario_parts(
        settings.active_scenarios, Structures.of(settings, runner.context.root)
    )
    parts = [_part(runner, scenario) for scenario in scenarios]
    made = [part for part in parts if runner.is_made(part.path, part.inputs)]
    _remove_stale(runner, parts)

    def tell(part: Part) -> None:
        runner.record_step({"step": "sampling", **read_result(part.path).record})

    for part in made:
        tell(part)
    run_parts(parts, runner.context.executor, tell)
    results = [read_result(part.path) for part in parts]
    runner.seconds["sampling"] = sum(result.record["seconds"] or 0.0 for result in results)
    found = [result.datasets["extrapolative"] for result in results]
    return [result.record for result in results], Dataset.concatenate(found)


def _remove_stale(runner: Runner, parts: Sequence[Part]) -> None:
    """Remove what is left of scenarios that the file has no more, and of processes killed."""
    ours = {file for part in parts for file in (part.path, part.state_file)}
    for stale in sorted(set(runner.folder.sampling.iterdir()) - ours):
        if runner.remake is not None and stale.suffix == ".npz":
            raise CampaignError(
                f"{stale}: the structures of its scenario are fewer than they were, so that "
                "damaged files of this iteration cannot be made again; undo the change"
            )
        stale.unlink()


def _part(runner: Runner, scenario: Scenario) -> Part:
    settings, number = runner.settings, runner.folder.number
    name, part = scenario.name, scenario.part
    seed = derived_seed(settings.campaign.seed, settings.stage.name, number, name, part)
    return Part(
        scenario=scenario,
        potential_files=runner.state.potential_files,
        selection=settings.selection,
        seed=seed,
        inputs=fingerprint(scenario_fingerprint(scenario), *_grading(settings.selection), seed),
        path=runner.folder.part_file(name, part),
        seconds_between_states=runner.context.seconds_between_states,
    )


def _grading(selection: SelectionSection) -> tuple[float | str, ...]:
    """What the course of a scenario depends on."""
    return selection.strategy, selection.select, selection.break_


def _select(runner: Runner, candidates: Dataset) -> StepResult:
    began = time.perf_counter()
    section = runner.settings.selection
    query = query_of(runner.state.potential_files, section)
    found = query.select(
        candidates,
        threshold=section.swap if section.strategy == "active set" else section.select,
        limit=section.limit,
        threads=runner.context.workers,
    )
    record = {
        "n_candidates": len(candidates),
        "n_selected": len(found.indices),
        "description": query.description,
        "seconds": time.perf_counter() - began,
    }
    arrays = {"grades": found.grades, "indices": found.indices}
    return StepResult(record, {"structures": found.structures}, arrays)


# --------------------------------------------------------------------- steps E, F and A


def _label(
    runner: Runner, name: str, structures: Dataset, keep: NDArray[np.bool_], source: str
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


def _validation(runner: Runner) -> Dataset:
    """Structures to measure errors on, labelled with the reference of the stage."""
    if not runner.settings.validation:
        return Dataset.from_atoms([])
    structures, keep = validation_candidates(runner.settings, runner.context.root)
    labels = _label(runner, "validation", structures, keep, fingerprint(structures))
    return labels.datasets["labelled"]


def _fit(
    runner: Runner, training: Dataset, validation: Dataset, labels: StepResult
) -> dict[str, Any]:
    """Store the training set, fit; return what the row says of them."""
    settings, folder, before = runner.settings, runner.folder, runner.state.potential_files
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
                threads=runner.context.workers,
                progress=lambda news: runner.progress(
                    "fit", "", news.iteration, news.most_iterations
                ),
            )
        ),
        products=folder.potential_files(settings.potential.members),
    )
    remove_checkpoints(folder)
    made = dict.fromkeys(("training", "potential"), folder.number)
    return {
        **_label_counts(labels),
        **{name: fitted.record[name] for name in _OF_A_FIT},
        "n_training": len(stored),
        "files": {**runner.state.numbers, **made},
    }
