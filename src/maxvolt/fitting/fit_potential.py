"""Fitting a potential, or an ensemble of them, to labelled structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.atomic_energies import resolve_isolated_energies
from maxvolt.fitting.contract import FitRequest
from maxvolt.fitting.families import starts_to_fit, training_of
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.progress import Progress
from maxvolt.fitting.progress_display import shown_progress
from maxvolt.fitting.result import FitResult, fit_result
from maxvolt.fitting.screening.examination import examine, refuse
from maxvolt.fitting.screening.label_consistency import check_work
from maxvolt.fitting.screening.plausibility import check_contacts, check_labels
from maxvolt.fitting.settings import FitChanges, FitSettings, settings_with
from maxvolt.fitting.training_set import TrainingSet, prepare
from maxvolt.fitting.usable_data import (
    THE_TRAINING_SET,
    check_neighbors,
    check_training_data,
    check_validation_data,
)
from maxvolt.io.structures import Structures, structures_of
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials.ensemble import Ensemble
from maxvolt.potentials.protocol import Potential, Trainable
from maxvolt.species import check_known_species
from maxvolt.threads import thread_count

__all__ = ["fit"]


def fit(
    potential: Trainable | Ensemble | str | PathLike[str],
    dataset: Structures,
    settings: FitSettings | Mapping[str, Any] = FitSettings(),  # noqa: B008 (immutable)
    *,
    validation: Structures | None = None,
    threads: int | None = None,
    checkpoint: str | Path | None = None,
    restart: bool = False,
    progress: Progress | bool | None = True,
    ranks: Ranks = ONE_PROCESS,
    apart_from: Sequence[Potential] = (),
    **changes: Unpack[FitChanges],
) -> FitResult:
    """Fit a potential to energies, forces and stresses: minimise equation (7), (11) or (12).

    Of moment tensor potentials the linear coefficients are eliminated exactly; Levenberg-Marquardt
    finds the radial ones, from the best of several random starts (docs/formulation, equations (19)
    to (21)). For given data, settings and seed the result is the same bit for bit, whatever the
    number of threads and processes. Neural networks are trained by Adam (docs/potentials/ani,
    equations (169) to (172)); there the result is the same bit for bit on one machine.

    Parameters
    ----------
    potential
        Basis, species, cutoff. A potential of a family that can be trained, such as `MTP`, or the
        path of its file. Where it is trained, the first fit starts from its coefficients, and those
        of other members of an ensemble at random. An `Ensemble` of potentials of one form, of as
        many members as are to be fitted: each goes on from its own.
    dataset
        Labelled structures; a missing label does not count. A `Dataset`, one `ase.Atoms`, the path
        of a file, or several of these.
    settings
        What is fitted and how; fields by name also as a mapping.
    validation
        Structures to measure errors on; they are not fitted.
    threads
        Number of threads, of each process; None for every core.
    checkpoint
        File that holds the state after every iteration.
    restart
        Continue from the checkpoint instead of starting anew.
    progress
        Called after every iteration. True: a bar on a terminal or in a notebook, nothing where
        nobody watches (output to a file); False: nothing.
    ranks
        Processes of an MPI run that share the work, see docs/parallel; by default this one alone.
    apart_from
        Potentials of the same form that have been fitted already, whose minima are to be kept away
        from too; with ``starts_apart=True``, to fit the members of an ensemble one by one.
    **changes
        Fields of `FitSettings` by name, which count more than those of `settings`: ``ensemble=5``,
        ``seed=3``, ``max_iterations=50``, ``weights={"energy": 1, "forces": 0.01}`` (what is left
        out of the weights has its default).

    Returns
    -------
    FitResult

    Raises
    ------
    FitError
        Data or settings that cannot be fitted, or a potential that the data do not determine; the
        message says why and what to do.
    SpeciesError
        The dataset has a species that the potential does not know.
    DataError
        A structure that cannot be evaluated.
    """
    settings = settings_with(settings, changes)
    potential, *others = starts_to_fit(potential, settings.ensemble)
    dataset = structures_of(dataset, potential.species)
    if validation is not None:
        validation = structures_of(validation, potential.species, name="validation")
    if restart and checkpoint is None:
        raise FitError("a restart needs a checkpoint file to continue from")
    threads = thread_count(threads)
    energies = resolve_isolated_energies(
        settings.isolated_energies, dataset, potential.species, potential.cutoff
    )
    objective = Objective(dataset, settings.weights, settings.scaling, energies)
    training_set, doubts = _checked(objective, potential, validation, ranks)
    found = examine(objective, training_set, potential.species, potential.cutoff, threads=threads)
    doubts += refuse(objective, found, robust=settings.robust)
    # Sums in one order, and threads for the kernels.
    with threadpool_limits(1, user_api="blas"), shown_progress(progress) as report:
        fitted = training_of(potential).fit_members(
            FitRequest(
                potential=potential,
                objective=objective,
                training_set=training_set,
                settings=settings,
                threads=threads,
                checkpoint=checkpoint,
                restart=restart,
                progress=report,
                ranks=ranks,
                apart_from=tuple(apart_from),
                other_starts=tuple(others),
            )
        )
    return fit_result(fitted, settings, dataset, validation, doubts, threads=threads, ranks=ranks)


def _checked(
    objective: Objective,
    potential: Trainable,
    validation: Dataset | None,
    ranks: Ranks,
) -> tuple[TrainingSet, list[str]]:
    """Data that can be right, with their neighbours, and what is to be doubted of them."""
    dataset = objective.dataset
    check_training_data(dataset, objective.equation_weights())
    check_known_species(dataset, potential.species, THE_TRAINING_SET)
    if validation is not None:
        check_validation_data(validation, potential.species, potential.cutoff)
    doubts = [*check_work(dataset), *check_labels(dataset)]
    training_set = prepare(
        objective, potential.species, potential.cutoff, potential.n_parameters, ranks=ranks
    )
    doubts += check_neighbors(training_set, dataset, potential.cutoff)
    doubts += check_contacts(dataset, training_set.contacts)
    return training_set, doubts
