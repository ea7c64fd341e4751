"""Fits of low-rank potentials: alternating least squares, then Gauss-Newton: equation (202)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.errors import FitError, SettingsError
from maxvolt.fitting.lattice.arrangements import Arrangement, Equations, equations
from maxvolt.fitting.lattice.pairs import pair_energies, train_of_pairs
from maxvolt.fitting.lattice.tensor_equations import Trains, gradients, loss_of, one_sweep
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.tensor_train import TensorTrain
from maxvolt.threads import map_ranges, thread_count

__all__ = ["LowRankFit", "LowRankSettings", "fit_low_rank", "fit_samples"]

Array = NDArray[np.float64]

_NOISE = 0.1
"""Of what is added to energies of pairs at the start, relative to them."""

_EXACT = 1e-10
"""Relative to the largest singular value of the concentrations: what depends on the others."""


@dataclass(frozen=True, slots=True)
class LowRankSettings:
    """How a potential on a lattice is fitted.

    Attributes
    ----------
    shells
        Shells of neighbours.
    rank
        Of the tensors.
    symmetric
        Whether environments are averaged over the symmetry of the site.
    ridge
        Weight of the mean square of a tensor over all environments, relative to the mean squared
        error.
    sweeps
        Of alternating least squares, at most.
    iterations
        Of Gauss-Newton, at most.
    tolerance
        Relative change of the loss at which both end.
    starts
        Random ones; the best counts.
    seed
        Of the starts.
    """

    shells: int = 1
    rank: int = 5
    symmetric: bool = True
    ridge: float = 1e-4
    sweeps: int = 30
    iterations: int = 60
    tolerance: float = 1e-5
    starts: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("shells", 1), ("rank", 1), ("sweeps", 1), ("iterations", 0),
                            ("starts", 1), ("seed", 0)):  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise SettingsError(f"{name} must be a whole number from {least} on, got {value!r}")
        if not (self.ridge >= 0 and self.tolerance > 0):
            raise SettingsError("ridge must not be negative, and tolerance must be positive")


@dataclass(frozen=True, slots=True, eq=False)
class LowRankFit:
    """A fitted potential.

    Attributes
    ----------
    potential
        The best of the starts.
    rmse : eV per site
        On the arrangements it was fitted to.
    losses : shape (starts,), eV^2
        What each start has reached, regularisation included.
    """

    potential: LowRankPotential
    rmse: float
    losses: tuple[float, ...]


def fit_low_rank(
    parent: ParentLattice, arrangements: Sequence[Arrangement], settings: LowRankSettings
) -> LowRankFit:
    """Fit a potential to energies of arrangements.

    Parameters
    ----------
    parent
        The lattice.
    arrangements
        Labelled.
    settings
        Of the potential and of the fit.

    Raises
    ------
    FitError
        There are no arrangements, or an energy is not finite.

    References
    ----------
    A. Shapeev, Comput. Mater. Sci. 139, 26 (2017).
    """
    kinds = environments_of(parent, settings.shells, symmetric=settings.symmetric)
    (fit,) = fit_samples(parent, [equations(parent, kinds, arrangements)], settings)
    return fit


def fit_samples(
    parent: ParentLattice,
    samples: Sequence[Equations],
    settings: LowRankSettings,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[LowRankFit]:
    """Fit a potential to each of several sets of equations, from starts of its own.

    Starts are shared out among threads, each with one core for its linear algebra, so that numbers
    do not depend on how many there are.

    Parameters
    ----------
    parent
        The lattice.
    samples
        For each potential, what it is fitted to.
    settings
        Of the potentials and of the fits; the first potential has the starts of a fit of one.
    threads
        By default one for each core.
    progress
        Is told how many starts are done, and of how many.
    """
    inside = [_without_concentrations(one) for one in samples]
    pairs = [pair_energies(one) for one in inside]
    each = settings.starts
    jobs = [(number, start) for number in range(len(samples)) for start in range(each)]

    def run(number: int, start: int) -> Trains:
        return _one_start(inside[number], pairs[number], settings, number * each + start)

    runs: list[Trains] = []
    with threadpool_limits(1, user_api="blas"):
        for trains in map_ranges(run, jobs, thread_count(threads)):
            runs.append(trains)
            if progress is not None:
                progress(len(runs), len(jobs))
        return [
            _best_of(parent, one, inside[k], runs[k * each : (k + 1) * each], settings)
            for k, one in enumerate(samples)
        ]


def _best_of(
    parent: ParentLattice,
    given: Equations,
    inside: Equations,
    runs: Sequence[Trains],
    settings: LowRankSettings,
) -> LowRankFit:
    """Complete the best of the starts with the part that is linear in the concentrations."""
    losses = [loss_of(inside, trains, settings.ridge) for trains in runs]
    trains = runs[int(np.argmin(losses))]
    left = given.energies - given.of_trains(trains)
    atomic = np.asarray(np.linalg.lstsq(given.concentrations, left, rcond=_EXACT)[0], np.float64)
    errors = left - given.concentrations @ atomic
    potential = LowRankPotential(
        parent, settings.shells, settings.symmetric, atomic.reshape(parent.may_have.shape), trains
    )
    if not np.isfinite(errors).all():
        raise FitError("the fit of a potential on a lattice has not converged: raise the ridge")
    return LowRankFit(potential, float(np.sqrt(np.mean(errors**2))), tuple(losses))


def _without_concentrations(given: Equations) -> Equations:
    """Project out what the concentrations explain, of the energies; of the rest, when it is used.

    What is left of the concentrations is an orthonormal basis of their range.
    """
    u, size, _ = np.linalg.svd(given.concentrations, full_matrices=False)
    basis = u[:, size > _EXACT * size.max()]
    return replace(
        given,
        concentrations=basis,
        energies=given.energies - basis @ (basis.T @ given.energies),
    )


def _one_start(
    given: Equations, pairs: Sequence[Array], settings: LowRankSettings, start: int
) -> Trains:
    generator = np.random.default_rng([settings.seed, start])
    trains: Trains = tuple(
        _random_train(given, shells, settings.rank, generator)
        if settings.rank == 1 and start % 2 == 1  # rank 1 holds no pairs
        else train_of_pairs(one, shells, settings.rank, _NOISE, generator)
        for one, shells in zip(pairs, given.shells, strict=True)
    )
    trains = _alternating(given, trains, settings)
    return _gauss_newton(given, trains, settings)


def _random_train(
    given: Equations, shells: NDArray[np.int64], rank: int, generator: np.random.Generator
) -> TensorTrain:
    drawn = TensorTrain.random(len(shells), given.n_species, rank, generator)
    return drawn.scaled_to(float(given.energies.std()))


def _alternating(given: Equations, trains: Trains, settings: LowRankSettings) -> Trains:
    """Solve for the matrices of one place after the other, there and back."""
    loss = np.inf
    for _ in range(settings.sweeps):
        for kind in range(len(trains)):
            trains = one_sweep(given, trains, kind, settings.ridge)
        now = loss_of(given, trains, settings.ridge)
        if now > loss * (1 - settings.tolerance):
            break
        loss = now
    return trains


def _gauss_newton(given: Equations, trains: Trains, settings: LowRankSettings) -> Trains:
    """Change all matrices at once, damped as Levenberg and Marquardt have it."""
    loss, damping = loss_of(given, trains, settings.ridge), 1e-3
    for _ in range(settings.iterations):
        gradient, curvature = gradients(given, trains, settings.ridge)
        scale = np.diag(curvature) + 1e-12 * np.trace(curvature) / len(curvature)
        improved = None
        for _ in range(10):
            step = np.linalg.solve(curvature + damping * np.diag(scale), -gradient)
            tried = _shifted(trains, np.asarray(step, float))
            now = loss_of(given, tried, settings.ridge)
            if now < loss:
                improved = tried
                break
            damping *= 5.0
        if improved is None:
            return trains
        gained, loss, trains = loss - now, now, improved
        damping = max(damping / 5.0, 1e-9)
        if gained < settings.tolerance * loss:
            break
    return trains


def _shifted(trains: Trains, step: Array) -> Trains:
    ends = np.cumsum([train.n_parameters for train in trains])[:-1]
    parts = np.split(step, ends)
    return tuple(
        train.with_vector(train.vector() + part) for train, part in zip(trains, parts, strict=True)
    )
