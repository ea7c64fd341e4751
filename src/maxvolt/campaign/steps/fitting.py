"""Steps F and A: fit the potential to the training set, choose its active set, measure errors."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.record.folder import IterationFolder, committee_file
from maxvolt.campaign.record.storage import StepResult
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.steps.grading import active_set_of
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import FitProgress, FitResult, FitSettings, fit
from maxvolt.fitting.contract import Training
from maxvolt.fitting.families import training_named
from maxvolt.fitting.prediction_errors import Comparison
from maxvolt.potentials import Ensemble, ParameterGradients, Potential, Predictions
from maxvolt.potentials.ensemble import members_of
from maxvolt.selection import Committee

__all__ = ["FitTask", "errors_of", "fit_potential", "remove_checkpoints"]


@dataclass(frozen=True, slots=True, eq=False)
class FitTask:
    """A fit to be made.

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
        Called after each iteration.
    """

    settings: Settings
    folder: IterationFolder
    training: Dataset
    validation: Dataset
    before: Potential | None
    threads: int
    progress: Callable[[FitProgress], None]


def fit_potential(task: FitTask) -> StepResult:
    """Fit all members, write the potential with its active set; return errors and predictions."""
    began = time.perf_counter()
    wanted = task.settings.potential
    training = training_named(wanted.family)
    results = [_fit_member(task, member, training) for member in range(wanted.members)]
    members = tuple(result.potential for result in results)
    potential = members[0] if len(members) == 1 else Ensemble(members)
    grading = _write(task, potential)
    record: dict[str, Any] = {
        "iterations": [len(result.members[0].losses) - 1 for result in results],
        "loss": [result.members[0].losses[-1] for result in results],
        "finished": [result.members[0].finished for result in results],
        "warnings": list(dict.fromkeys(w for result in results for w in result.warnings)),
        "n_parameters": _with_gradients(members[0]).n_parameters,
        **training.described(members[0]),
        **grading,
    }
    arrays: dict[str, NDArray[np.float64]] = {}
    for name, dataset in (("training", task.training), ("validation", task.validation)):
        record[name] = None
        if len(dataset):
            found = potential.evaluate_dataset(dataset, threads=task.threads)
            record[name] = errors_of(found, dataset)
            arrays |= {f"{name}_energies": found.energies, f"{name}_forces": found.forces}
    record["seconds"] = time.perf_counter() - began
    return StepResult(record, arrays=arrays)


def _fit_member(task: FitTask, member: int, training: Training) -> FitResult:
    settings = task.settings
    before = _member(task.before, member) if settings.fit.restart else None
    start = training.start_of_fit(settings.potential, task.training, before)
    checkpoint = task.folder.path / f"fit.{member}.checkpoint"
    for restart in (True, False) if checkpoint.exists() else (False,):
        try:
            return fit(
                start,
                task.training,
                _member_settings(task, member),
                threads=task.threads,
                checkpoint=checkpoint,
                restart=restart,
                progress=task.progress,
            )
        except FitError:
            if not restart:
                raise
            checkpoint.unlink()  # of other settings: the file was edited meanwhile
    raise AssertionError("a fit returns or raises")


def _member_settings(task: FitTask, member: int) -> FitSettings:
    """Settings of one member: those of the ensemble, whose members are fitted one by one here."""
    settings = task.settings
    whole = settings.fit.settings(settings.potential.members)
    return replace(
        whole,
        ensemble=1,
        resampling="weights" if whole.resamples else "none",
        seed=derived_seed(settings.campaign.seed, "fit", task.folder.number, member),
    )


def _member(potential: Potential | None, member: int) -> Potential | None:
    """Potential of the iteration before that a member goes on from."""
    members = () if potential is None else members_of(potential)
    return members[member] if member < len(members) else None


def _write(task: FitTask, potential: Potential) -> dict[str, Any]:
    """Step A: choose what grades are measured by; write the potential's files.

    Returns
    -------
    grading
        Rank of the active set, which is in the file of its potential; a committee has a file of
        its own.
    """
    files = task.folder.potential_files(task.settings.potential)
    selection = task.settings.selection
    if isinstance(potential, Ensemble):
        for member, path in zip(potential.members, files, strict=True):
            member.write(path)
    if selection.strategy == "committee":
        assert isinstance(potential, Ensemble)
        committee = Committee.from_dataset(potential, task.training, threads=task.threads)
        committee.write(committee_file(files))
        return {"rank": None, "largest_rank": None}
    single = _with_gradients(members_of(potential)[0])
    active_set = active_set_of(single, task.training, selection, threads=task.threads)
    active_set.write(files[0])
    return {
        "rank": active_set.rank,
        "largest_rank": active_set.largest_rank,
        "active_set": active_set.completeness,
    }


def _with_gradients(potential: Potential) -> ParameterGradients:
    """A potential that `fit` gave, which has them."""
    assert isinstance(potential, ParameterGradients)
    return potential


def remove_checkpoints(folder: IterationFolder) -> None:
    """Remove the states of fits whose result has been written."""
    for checkpoint in folder.path.glob("fit.*.checkpoint"):
        checkpoint.unlink()


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
