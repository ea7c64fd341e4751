"""Steps F and A: fit the potential to the training set, choose its active set, measure errors."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.folder import IterationFolder, committee_file
from maxvolt.campaign.record.heartbeat import PROGRESS_SUFFIX, Heartbeat, read_heartbeats
from maxvolt.campaign.record.storage import StepResult
from maxvolt.campaign.settings.sections import ScaleSection
from maxvolt.campaign.steps.best_fit import BestFit, FitTask, fit_member
from maxvolt.campaign.steps.grading import active_set_of
from maxvolt.dataset import Dataset
from maxvolt.executors.kinds import run_task
from maxvolt.fitting.families import training_named
from maxvolt.fitting.prediction_errors import Comparison, compute_ensemble_errors
from maxvolt.potentials import Ensemble, ParameterGradients, Potential, Predictions, Trainable
from maxvolt.potentials.ensemble import members_of
from maxvolt.selection import ActiveSet, Committee

__all__ = ["FitTask", "errors_of", "fit_potential", "remove_checkpoints"]

_LOOK = 0.5
"""Seconds between looks at how far fits elsewhere have come."""


@dataclass(frozen=True, slots=True, eq=False)
class _Assessed:
    """A potential that was fitted, what grades are measured by, and its errors."""

    potential: Potential
    query: ActiveSet | Committee
    record: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.float64]]


def fit_potential(task: FitTask, executor: Executor | None = None) -> StepResult:
    """Fit all members, write the potential with its active set; return errors and predictions.

    Parameters
    ----------
    task
        What is fitted.
    executor
        Fits the members side by side, on machines that share the folder; None: here, one after the
        other. The files are written here.
    """
    began = time.perf_counter()
    members = range(task.settings.potential.members)
    # Members that are to be kept apart know those before them.
    rounds = [[m] for m in members] if task.settings.fit.starts_apart else [list(members)]
    results: list[BestFit] = []
    for several in rounds:
        others = tuple(one.result.potential for one in results)
        if executor is None:
            results += [fit_member(task, member, others) for member in several]
        else:
            results += _fitted_elsewhere(task, several, others, executor)
    if executor is None:
        assessed = _assess(task, results)
    else:
        quiet = replace(task, progress=_quiet)
        assessed = run_task(executor, _assess, quiet, results)
    _write(task, assessed)
    record = {**assessed.record, "seconds": time.perf_counter() - began}
    return StepResult(record, arrays=assessed.arrays)


def _warnings(task: FitTask, potential: Potential, results: Sequence[BestFit]) -> list[str]:
    """What the fits warn of, and a spread that is far below the error."""
    warnings = list(dict.fromkeys(text for one in results for text in one.result.warnings))
    if isinstance(potential, Ensemble):
        name, labelled = "validation", task.validation
        if not len(labelled):
            name, labelled = "training", task.training
        errors = compute_ensemble_errors(potential.members, labelled, threads=task.threads)
        doubt = errors.doubt(name)
        warnings += [] if doubt is None else [doubt]
    return warnings


def _fitted_elsewhere(
    task: FitTask, members: Sequence[int], others: tuple[Potential, ...], executor: Executor
) -> list[BestFit]:
    """Fit all members at once; tell how far the slowest one has come."""
    files = [task.folder.path / f"fit.{member}.npz" for member in members]
    futures = [
        executor.submit(fit_member, replace(task, progress=Heartbeat(file, 0).note), member, others)
        for member, file in zip(members, files, strict=True)
    ]
    try:
        while wait(futures, _LOOK, FIRST_EXCEPTION).not_done:
            if any(future.done() and future.exception() for future in futures):
                break
            if beats := read_heartbeats(task.folder.path):
                task.progress(*min(beats.values()))
        return [future.result() for future in futures]
    finally:
        for future, file in zip(futures, files, strict=True):
            future.cancel()
            Heartbeat(file, 0).remove()


def _quiet(done: int, total: int) -> None:
    """Tell nobody."""


def _assess(task: FitTask, results: Sequence[BestFit]) -> _Assessed:
    """Make one potential of the members; choose its active set, measure its errors."""
    members = tuple(one.result.potential for one in results)
    potential = members[0] if len(members) == 1 else Ensemble(members)
    query, grading = _grading(task, potential)
    training = training_named(task.settings.potential.family)
    record: dict[str, Any] = {
        "iterations": [len(one.history.losses) - 1 for one in results],
        "loss": [one.history.losses[-1] for one in results],
        "finished": [one.history.finished for one in results],
        "warnings": _warnings(task, potential, results),
        "n_parameters": _trained(members[0]).n_parameters,
        **training.described(members[0]),
        **grading,
    }
    if task.settings.fit.best_of > 1:
        record["losses"] = list(results[0].losses)
    arrays: dict[str, NDArray[np.float64]] = {}
    for name, dataset in (("training", task.training), ("validation", task.validation)):
        record[name] = None
        if len(dataset):
            found = potential.evaluate_dataset(dataset, threads=task.threads)
            record[name] = errors_of(found, dataset)
            arrays |= {f"{name}_energies": found.energies, f"{name}_forces": found.forces}
    return _Assessed(potential, query, record, arrays)


def _grading(task: FitTask, potential: Potential) -> tuple[ActiveSet | Committee, dict[str, Any]]:
    """Step A: choose what grades are measured by.

    Returns
    -------
    query
        The active set, or the committee with its scales.
    grading
        Rank of the active set.
    """
    selection = task.settings.selection
    if selection.strategy == "committee":
        assert isinstance(potential, Ensemble)
        committee = _committee(task, potential)
        return committee, {
            "rank": None,
            "largest_rank": None,
            "committee_scales": committee.description,
        }
    single = members_of(potential)[0]
    assert isinstance(single, ParameterGradients)  # settings refuse families without
    active_set = active_set_of(single, task.training, selection, threads=task.threads)
    return active_set, {
        "rank": active_set.rank,
        "largest_rank": active_set.largest_rank,
        "active_set": active_set.completeness,
    }


def _committee(task: FitTask, ensemble: Ensemble) -> Committee:
    """The committee, its grades in the units that [selection] asks for."""
    scale = task.settings.selection.scale
    if scale == "training":
        return Committee.from_dataset(ensemble, task.training, threads=task.threads)
    if isinstance(scale, ScaleSection) and scale.of == "spread":
        return Committee(ensemble, scale.energy, scale.force)
    wanted = {"energy": scale.energy, "force": scale.force} if scale != "errors" else {}
    return Committee.from_errors(ensemble, task.validation, threads=task.threads, **wanted)


def _write(task: FitTask, assessed: _Assessed) -> None:
    """Write the files of the potential, the first with its active set, or those of a committee."""
    files = task.folder.potential_files(task.settings.potential)
    if isinstance(assessed.potential, Ensemble):
        for member, path in zip(assessed.potential.members, files, strict=True):
            member.write(path)
    is_committee = isinstance(assessed.query, Committee)
    assessed.query.write(committee_file(files) if is_committee else files[0])


def _trained(potential: Potential) -> Trainable:
    """A potential that `fit` gave."""
    assert isinstance(potential, Trainable)
    return potential


def remove_checkpoints(folder: IterationFolder) -> None:
    """Remove the states of fits whose result has been written, and news of their progress."""
    for pattern in ("fit.*.checkpoint", f"fit.*{PROGRESS_SUFFIX}"):
        for path in folder.path.glob(pattern):
            path.unlink()


def errors_of(found: Predictions, dataset: Dataset) -> dict[str, Any]:
    """Errors of predictions in plain numbers; null where there is nothing to compare.

    Energies in eV/atom, force components in eV/Angstrom, stress components in GPa.
    """
    total = Comparison(dataset, found.energies, found.forces, found.stresses).errors().total
    record: dict[str, Any] = {"n_structures": total.structures}
    for name, errors in (
        ("energy", total.energy_per_atom),
        ("force", total.force_components),
        ("stress", total.stress_components),
    ):
        for key, value in (("rmse", errors.rmse), ("mae", errors.mae), ("max", errors.maximum)):
            record[f"{name}_{key}"] = None if math.isnan(value) else float(value)
    return record
