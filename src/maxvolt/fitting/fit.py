"""Fitting a potential, or an ensemble of them, to labelled structures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.checkpoint import (
    Checkpoint,
    fit_signature,
    read_checkpoint,
    write_checkpoint,
)
from maxvolt.fitting.checks import check_enough_equations, check_training_data
from maxvolt.fitting.errors import EnsembleErrors, compute_ensemble_errors, compute_errors
from maxvolt.fitting.isolated import IsolatedEnergies, resolve_isolated_energies
from maxvolt.fitting.levenberg_marquardt import FitState, first_state, iterate
from maxvolt.fitting.objective import Scaling, Weights, equation_weights
from maxvolt.fitting.problem import Problem, root_mean_squares
from maxvolt.fitting.result import FitProgress, FitResult, MemberFit
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.start import random_radial_coeffs
from maxvolt.fitting.training_set import prepare
from maxvolt.native.threads import thread_count
from maxvolt.neighbors import minimum_distances
from maxvolt.potentials import MTP, Ensemble

__all__ = ["fit"]

Progress = Callable[[FitProgress], None]


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

    The linear coefficients are eliminated exactly; Levenberg-Marquardt finds the radial ones from
    random starts (docs/formulation, equations (19) to (21)). For given data, settings and seed the
    result is the same bit for bit, whatever the number of threads.

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
    if ensemble < 1:
        raise FitError(f"an ensemble needs at least one potential; got {ensemble}")
    if restart and checkpoint is None:
        raise FitError("a restart needs the checkpoint file to go on from")
    check_training_data(dataset, equation_weights(dataset, weights, scaling))
    energies = resolve_isolated_energies(isolated_energies, dataset, potential.species)
    training_set = prepare(
        dataset,
        potential.species,
        potential.cutoff,
        potential.n_parameters,
        weights,
        scaling,
        energies,
    )
    problem = Problem(potential, training_set, thread_count(threads))
    check_enough_equations(training_set.n_equations, problem.n_linear)
    fingerprint = (weights, scaling, str(isolated_energies), ensemble, seed, settings)
    signature = fit_signature(potential, dataset, fingerprint)
    known = Checkpoint(signature, {}, {})
    if restart and checkpoint is not None:
        known = read_checkpoint(checkpoint, signature)
    run = _Run(problem, settings, seed, ensemble, checkpoint, progress, known)
    states = [run.fit_member(member) for member in range(ensemble)]
    members = [problem.trained(state.radial, state.best_linear) for state in states]
    return _result(run, states, members, dataset, validation, threads)


def _result(
    run: _Run,
    states: list[FitState],
    members: list[MTP],
    dataset: Dataset,
    validation: Dataset | None,
    threads: int | None,
) -> FitResult:
    potential = members[0] if len(members) == 1 else Ensemble(tuple(members))
    several: list[EnsembleErrors | None] = [None, None]
    if len(members) > 1:
        several = [
            compute_ensemble_errors(members, data, threads=threads) if data is not None else None
            for data in (dataset, validation)
        ]
    total = [
        each.mean_prediction
        if each is not None
        else (compute_errors(potential, data, threads=threads) if data is not None else None)
        for each, data in zip(several, (dataset, validation), strict=True)
    ]
    if total[0] is None:
        raise FitError("the training set is empty")
    return FitResult(
        potential=potential,
        members=tuple(
            MemberFit(run.losses[str(m)], state.finished) for m, state in enumerate(states)
        ),
        training_errors=total[0],
        validation_errors=total[1],
        ensemble_training_errors=several[0],
        ensemble_validation_errors=several[1],
        warnings=_warnings(members[0], dataset, states, run.settings),
    )


def _warnings(
    potential: MTP, dataset: Dataset, states: list[FitState], settings: FitSettings
) -> tuple[str, ...]:
    found = []
    limited = sum(state.finished == "iteration limit" for state in states)
    if limited:
        found.append(
            f"{limited} of {len(states)} fits reached the limit of {settings.max_iterations} "
            "iterations before they converged; raise max_iterations"
        )
    smallest = minimum_distances(dataset, search_radius=potential.cutoff).overall
    if smallest < potential.min_dist:
        found.append(
            f"the training set has distances down to {smallest:.3f} A, below min_dist "
            f"{potential.min_dist:g} A, where the radial basis is not meant to be used"
        )
    return tuple(found)


class _Run:
    """The fits of one call: what is done, what is known, and whom to tell."""

    def __init__(
        self,
        problem: Problem,
        settings: FitSettings,
        seed: int,
        members: int,
        checkpoint: str | Path | None,
        progress: Progress | None,
        known: Checkpoint,
    ) -> None:
        self.problem = problem
        self.settings = settings
        self.seed = seed
        self.members = members
        self.checkpoint = checkpoint
        self.progress = progress
        self.signature = known.signature
        self.states = dict(known.states)
        self.losses = dict(known.losses)
        self.began = perf_counter()
        self.iterations = 0

    def fit_member(self, member: int) -> FitState:
        """Fit one potential of the ensemble."""
        name, starts = str(member), self.settings.starts
        if name not in self.states and starts > 1:
            few = replace(self.settings, max_iterations=self.settings.start_iterations)
            tried = [
                self._follow(f"{member}.{start}", few, member, start, self._first(member, start))
                for start in range(starts)
            ]
            best = min(tried, key=lambda state: state.loss)
            over = best.finished if best.finished != "iteration limit" else ""
            self.states[name] = replace(best, finished=over)
            self.losses[name] = self.losses[f"{member}.{tried.index(best)}"]
        return self._follow(name, self.settings, member, starts, self._first(member, 0))

    def _first(self, member: int, start: int) -> Callable[[], FitState]:
        """Where a fit begins: the given potential's coefficients once, random ones otherwise."""

        def make() -> FitState:
            model = self.problem.potential.model
            trained = self.problem.potential.is_trained and self.settings.restart_from_potential
            if trained and member == 0 and start == 0:
                radial = model.radial_coeffs * model.scaling
            else:
                rng = np.random.default_rng([self.seed, member, start])
                radial = random_radial_coeffs(model.radial_coeffs.shape, rng)
            return first_state(
                self.problem.assemble, radial.ravel(), self.problem.n_linear, self.settings.ridge
            )

        return make

    def _follow(
        self,
        name: str,
        settings: FitSettings,
        member: int,
        start: int,
        first: Callable[[], FitState],
    ) -> FitState:
        """Run one fit to its end, keeping its state after each iteration."""
        if name not in self.states:
            state = first()
            self._keep(name, state, (state.loss,))
        for state in iterate(self.problem.assemble, self.states[name], settings):
            self.iterations += 1
            self._keep(name, state, (*self.losses[name], state.loss))
            self._tell(state, settings, member, start)
        return self.states[name]

    def _keep(self, name: str, state: FitState, losses: tuple[float, ...]) -> None:
        self.states[name], self.losses[name] = state, losses
        if self.checkpoint is not None:
            write_checkpoint(self.checkpoint, Checkpoint(self.signature, self.states, self.losses))

    def _tell(self, state: FitState, settings: FitSettings, member: int, start: int) -> None:
        if self.progress is None:
            return
        errors = root_mean_squares(self.problem, state.radial, state.best_linear)
        elapsed = perf_counter() - self.began
        left = 0 if state.finished else settings.max_iterations - state.iteration
        left += (self.members - member - 1) * self.settings.max_iterations
        self.progress(
            FitProgress(
                member=member,
                members=self.members,
                start=start,
                starts=self.settings.starts,
                iteration=state.iteration,
                most_iterations=settings.max_iterations,
                loss=state.loss,
                energy_rmse=errors.energy,
                force_rmse=errors.force,
                stress_rmse=errors.stress,
                elapsed=elapsed,
                remaining=elapsed / max(self.iterations, 1) * left,
                finished=state.finished,
            )
        )
