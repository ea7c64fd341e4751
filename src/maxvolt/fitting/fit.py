"""Fitting a potential, or an ensemble of them, to labelled structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.arguments import options_of, potential_to_fit
from maxvolt.fitting.checkpoint import Checkpoint, fit_signature, read_checkpoint
from maxvolt.fitting.checks import (
    TRAINING,
    check_enough_equations,
    check_neighbors,
    check_training_data,
    check_validation_data,
)
from maxvolt.fitting.isolated import IsolatedEnergies, resolve_isolated_energies
from maxvolt.fitting.journal import Journal, Progress
from maxvolt.fitting.objective import Scaling, Weights, equation_weights
from maxvolt.fitting.outcome import fit_result
from maxvolt.fitting.plausibility import check_contacts, check_labels
from maxvolt.fitting.problem import Problem
from maxvolt.fitting.result import FitResult
from maxvolt.fitting.run import EnsembleRun
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.target import Target
from maxvolt.fitting.work import check_work
from maxvolt.io.structures import Structures, structures_of
from maxvolt.limits import MEMBERS
from maxvolt.potentials import MTP
from maxvolt.species import check_known_species
from maxvolt.threads import thread_count

__all__ = ["fit"]


def fit(
    potential: MTP | str | PathLike[str],
    dataset: Structures,
    *,
    validation: Structures | None = None,
    weights: Weights | Mapping[str, float] = Weights(),  # noqa: B008 (immutable)
    scaling: Scaling = "vibrations",
    isolated_energies: IsolatedEnergies = "fit",
    ensemble: int = 1,
    seed: int = 0,
    settings: FitSettings | Mapping[str, float] = FitSettings(),  # noqa: B008 (immutable)
    threads: int | None = None,
    checkpoint: str | Path | None = None,
    restart: bool = False,
    progress: Progress | None = None,
) -> FitResult:
    """Fit a potential to energies, forces and stresses: minimise equation (7), (11) or (12).

    The linear coefficients are eliminated exactly; Levenberg-Marquardt finds the radial ones, from
    the best of several random starts (docs/formulation, equations (19) to (21)). For given data,
    settings and seed the result is the same bit for bit, whatever the number of threads.

    Parameters
    ----------
    potential
        Basis, species, cutoff; where it is trained, the first fit starts from its coefficients. An
        `MTP`, or the path of its file.
    dataset
        Labelled structures; a missing label does not count. A `Dataset`, one `ase.Atoms`, the path
        of a file, or several of these.
    validation
        Structures to measure errors on; they are not fitted.
    weights, scaling
        The loss, see `equation_weights`. Weights may be a mapping such as
        ``{"energy": 1, "forces": 0.01, "stress": 0.001}``; what is left out has its default.
    isolated_energies
        See `resolve_isolated_energies`.
    ensemble
        Number of potentials, each from its own random starts, and with random weights of the
        structures (`FitSettings.resampling`).
    seed
        Of the random starts and weights.
    settings
        Of the solver; a mapping likewise.
    threads
        Number of threads; None for every core.
    checkpoint
        File that holds the state after every iteration.
    restart
        Go on from the checkpoint instead of beginning anew.
    progress
        Called after every iteration.

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
    potential = potential_to_fit(potential)
    dataset = structures_of(dataset, potential.species)
    if validation is not None:
        validation = structures_of(validation, potential.species, name="validation")
    weights = options_of(Weights, weights, "weights")
    settings = options_of(FitSettings, settings, "settings")
    _check_numbers(ensemble, seed, restart, checkpoint)
    energies = resolve_isolated_energies(
        isolated_energies, dataset, potential.species, potential.cutoff
    )
    target = Target(dataset, weights, scaling, energies, thread_count(threads))
    problem, doubts = _checked_problem(target, potential, validation)
    fixed = replace(settings, max_iterations=1)  # a limit may be raised between restarts
    fingerprint = (weights, scaling, str(isolated_energies), ensemble, seed, fixed)
    known = _known(checkpoint, restart, fit_signature(potential, dataset, fingerprint))
    equations = problem.training_set.n_equations
    journal = Journal(settings, ensemble, equations, checkpoint, progress, known)
    run = EnsembleRun(target, problem, settings, ensemble, seed, journal)
    with threadpool_limits(1, user_api="blas"):  # sums in one order, and threads for the kernels
        fitted = [run.fit_member(member) for member in range(ensemble)]
    return fit_result(problem, settings, fitted, journal.losses, dataset, validation, doubts)


def _check_numbers(ensemble: int, seed: int, restart: bool, checkpoint: str | Path | None) -> None:
    MEMBERS.check("ensemble", ensemble, FitError)
    if restart and checkpoint is None:
        raise FitError("a restart needs the checkpoint file to go on from")
    if seed < 0:
        raise FitError(f"a seed must be 0 or more; got {seed}")


def _checked_problem(
    target: Target, potential: MTP, validation: Dataset | None
) -> tuple[Problem, list[str]]:
    """The problem on all structures, of data that can be right, and what is to be doubted."""
    dataset = target.dataset
    check_training_data(dataset, equation_weights(dataset, target.weights, target.scaling))
    check_known_species(dataset, potential.species, TRAINING)
    if validation is not None:
        check_validation_data(validation, potential.species, potential.cutoff)
    doubts = [*check_work(dataset), *check_labels(dataset)]
    problem = target.problem(potential)
    doubts += check_neighbors(problem.training_set, dataset, potential.cutoff)
    doubts += check_contacts(dataset, problem.training_set.contacts)
    check_enough_equations(problem.training_set.n_equations, problem.n_linear)
    return problem, doubts


def _known(checkpoint: str | Path | None, restart: bool, signature: str) -> Checkpoint:
    """States to go on from; none where a fit begins anew."""
    if checkpoint is not None and restart:
        return read_checkpoint(checkpoint, signature)
    if checkpoint is not None and Path(checkpoint).exists():
        raise FitError(
            f"{checkpoint}: this checkpoint exists; go on from it (restart), or remove it to begin "
            "anew"
        )
    return Checkpoint(signature, {}, {})
