"""Fitting a potential, or an ensemble of them, to labelled structures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.checkpoint import Checkpoint, fit_signature, read_checkpoint
from maxvolt.fitting.checks import (
    check_enough_equations,
    check_neighbors,
    check_training_data,
    check_validation_data,
)
from maxvolt.fitting.errors import compute_ensemble_errors
from maxvolt.fitting.isolated import IsolatedEnergies, resolve_isolated_energies
from maxvolt.fitting.journal import Journal, Progress
from maxvolt.fitting.levenberg_marquardt import ITERATION_LIMIT, FitState
from maxvolt.fitting.objective import Scaling, Weights, equation_weights
from maxvolt.fitting.problem import Problem
from maxvolt.fitting.result import FitResult, MemberFit
from maxvolt.fitting.run import EnsembleRun
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.starts import representative_part
from maxvolt.fitting.training_set import prepare
from maxvolt.limits import MEMBERS
from maxvolt.native.threads import thread_count
from maxvolt.potentials import MTP, Ensemble

__all__ = ["fit"]


def fit(
    potential: MTP,
    dataset: Dataset,
    *,
    validation: Dataset | None = None,
    weights: Weights = Weights(),  # noqa: B008 (immutable)
    scaling: Scaling = "vibrations",
    isolated_energies: IsolatedEnergies = "fit",
    ensemble: int = 1,
    seed: int = 0,
    settings: FitSettings = FitSettings(),  # noqa: B008 (immutable)
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
        Basis, species, cutoff; where it is trained, the first fit starts from its coefficients.
    dataset
        Labelled structures; a missing label does not count.
    validation
        Structures to measure errors on; they are not fitted.
    weights, scaling
        The loss, see `equation_weights`.
    isolated_energies
        See `resolve_isolated_energies`.
    ensemble
        Number of potentials, each from its own random start.
    seed
        Of the random starts.
    settings
        Of the solver.
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
        Data or settings that cannot be fitted; the message says why and what to do.
    SpeciesError
        The dataset has a species that the potential does not know.
    DataError
        A structure that cannot be evaluated.
    """
    MEMBERS.check("ensemble", ensemble, FitError)
    if restart and checkpoint is None:
        raise FitError("a restart needs the checkpoint file to go on from")
    if seed < 0:
        raise FitError(f"a seed must be 0 or more; got {seed}")
    check_training_data(dataset, equation_weights(dataset, weights, scaling))
    if validation is not None:
        check_validation_data(validation, potential.species, potential.cutoff)
    energies = resolve_isolated_energies(isolated_energies, dataset, potential.species)
    target = _Target(dataset, weights, scaling, energies, thread_count(threads))
    problem = target.problem(potential)
    check_neighbors(problem.training_set, potential.cutoff)
    check_enough_equations(problem.training_set.n_equations, problem.n_linear)
    fixed = replace(settings, max_iterations=1)  # a limit may be raised between restarts
    fingerprint = (weights, scaling, str(isolated_energies), ensemble, seed, fixed)
    known = _known(checkpoint, restart, fit_signature(potential, dataset, fingerprint))
    journal = Journal(problem, settings, ensemble, checkpoint, progress, known)
    run = EnsembleRun(
        problem, lambda member: target.part(problem, [seed, member]), settings, seed, journal
    )
    with threadpool_limits(1, user_api="blas"):  # sums in one order, and threads for the kernels
        states = [run.fit_member(member) for member in range(ensemble)]
    members = [problem.trained(state.radial, state.linear) for state in states]
    return _result(run, states, members, dataset, validation, threads)


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """What is to be fitted: labels and how they count."""

    dataset: Dataset
    weights: Weights
    scaling: Scaling
    isolated_energies: NDArray[np.float64] | None
    threads: int

    def problem(self, potential: MTP) -> Problem:
        """The least-squares problem of a potential on all structures."""
        return self._problem(potential, self.dataset)

    def part(self, whole: Problem, seed: list[int]) -> Problem:
        """The same on a random part of the structures."""
        rng = np.random.default_rng(seed)
        chosen = representative_part(self.dataset, whole.training_set, whole.n_linear, rng)
        if len(chosen) == len(self.dataset):
            return whole
        return self._problem(whole.potential, self.dataset.select(chosen))

    def _problem(self, potential: MTP, dataset: Dataset) -> Problem:
        training_set = prepare(
            dataset,
            potential.species,
            potential.cutoff,
            potential.n_parameters,
            self.weights,
            self.scaling,
            self.isolated_energies,
        )
        return Problem(potential, training_set, self.threads)


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


def _result(
    run: EnsembleRun,
    states: list[FitState],
    members: list[MTP],
    dataset: Dataset,
    validation: Dataset | None,
    threads: int | None,
) -> FitResult:
    training = compute_ensemble_errors(members, dataset, threads=threads)
    checked = None
    if validation is not None:
        checked = compute_ensemble_errors(members, validation, threads=threads)
    several = len(members) > 1
    return FitResult(
        potential=Ensemble(tuple(members)) if several else members[0],
        members=tuple(
            MemberFit(run.journal.losses[str(m)], state.finished) for m, state in enumerate(states)
        ),
        training_errors=training.mean_prediction,
        validation_errors=None if checked is None else checked.mean_prediction,
        ensemble_training_errors=training if several else None,
        ensemble_validation_errors=checked if several else None,
        warnings=_warnings(run.problem, dataset, states, run.settings),
    )


def _warnings(
    problem: Problem, dataset: Dataset, states: list[FitState], settings: FitSettings
) -> tuple[str, ...]:
    found, potential = [], problem.potential
    limited = sum(state.finished == ITERATION_LIMIT for state in states)
    if limited:
        found.append(
            f"{limited} of {len(states)} fits reached the limit of {settings.max_iterations} "
            "iterations before they converged; allow more (max_iterations, --max-iterations)"
        )
    absent = [symbol for symbol in potential.species if symbol not in dataset.species]
    if absent:
        found.append(
            f"the training set has no {', '.join(absent)}: what the potential says of it has no "
            "meaning"
        )
    smallest = problem.training_set.shortest_distance
    if smallest < potential.min_dist:
        found.append(
            f"the training set has distances down to {smallest:.3f} A, below min_dist "
            f"{potential.min_dist:g} A, where the radial basis is not meant to be used"
        )
    return tuple(found)
