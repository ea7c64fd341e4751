"""A search for the settings of a potential, with errors on structures that are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.evaluation_time import evaluation_time
from maxvolt.fitting.fit_potential import fit
from maxvolt.fitting.prediction_errors import compare
from maxvolt.fitting.pruning import PruningStage, PruningTarget, prune
from maxvolt.fitting.settings import FitSettings, Weights, settings_with
from maxvolt.fitting.tuning.candidate import Candidate, Tried
from maxvolt.fitting.tuning.held_out import (
    HeldOutErrors,
    as_good_as_the_best,
    check_not_fitted,
    hold_out,
)
from maxvolt.fitting.tuning.journal import TuningJournal
from maxvolt.fitting.tuning.search import SearchSpace, compare_plain
from maxvolt.fitting.variable_projection.new_potential import default_min_dist
from maxvolt.io.structures import Structures, structures_of
from maxvolt.neighbors import minimum_distances
from maxvolt.potentials.mtp.potential import MTP, read_potential

__all__ = ["Tuning", "TuningLimits", "tune"]

_PRUNED_TO = 0.3
"""Operations of the last stage of a pruning, relative to all scalars."""

_SMALLEST_PRUNED = 12
"""Level below which there is little to prune."""

Report = Callable[[Tried], None]


@dataclass(frozen=True, slots=True)
class TuningLimits:
    """When a search ends before all has been tried, and what it may recommend.

    Attributes
    ----------
    candidates : int, optional
        Number of candidates; stages of a pruning count.
    seconds : float, optional
        No candidate is begun after so long, but the first one.
    microseconds : float, optional
        Most of an atom's evaluation: what is slower is not recommended.
    energy_share : float
        How much energies count in the common measure of errors, equation (254): 0 for forces
        alone, 1 for energies alone.

    Raises
    ------
    FitError
        A limit is out of its range.
    """

    candidates: int | None = None
    seconds: float | None = None
    microseconds: float | None = None
    energy_share: float = 0.25

    def __post_init__(self) -> None:
        for name in ("candidates", "seconds", "microseconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise FitError(f"{name} must be above 0; got {value}")
        if not 0 <= self.energy_share <= 1:
            raise FitError(f"energy_share must lie between 0 and 1; got {self.energy_share}")


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """What has been tried, and what to take.

    Attributes
    ----------
    tried : tuple of Tried
        From the cheapest to the most expensive.
    limits : TuningLimits
    finished : bool
        Whether all was tried; False where a limit came first.
    potential : MTP
        The recommended one, refitted to all structures, held-out ones included, if asked for.
    """

    tried: tuple[Tried, ...]
    limits: TuningLimits
    finished: bool
    potential: MTP

    @property
    def front(self) -> tuple[Tried, ...]:
        """Those that nothing cheaper is better than."""
        found: list[Tried] = []
        for one in self.tried:
            score = one.errors.score(self.limits.energy_share)
            if not found or score < found[-1].errors.score(self.limits.energy_share):
                found.append(one)
        return tuple(found)

    @property
    def recommended(self) -> Tried:
        """The cheapest that is as good as the best within the limit of time, equation (255)."""
        return recommended(self.tried, self.limits)

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        front = {id(one) for one in self.front}
        return {
            "finished": self.finished,
            "tried": [{**one.to_dict(), "on_front": id(one) in front} for one in self.tried],
            "recommended": self.recommended.to_dict(),
        }


def recommended(tried: Sequence[Tried], limits: TuningLimits) -> Tried:
    """The cheapest that is as good as the best of those that are fast enough, equation (255).

    Raises
    ------
    FitError
        Nothing is fast enough.
    """
    most = np.inf if limits.microseconds is None else limits.microseconds
    able = [one for one in tried if one.microseconds <= most]
    if not able:
        fastest = min((one.microseconds for one in tried), default=np.nan)
        raise FitError(
            f"nothing that was tried takes {most:g} us/atom or less (the fastest "
            f"{fastest:.2f}): try lower levels or shorter cutoffs, or allow more"
        )
    good = as_good_as_the_best([one.errors for one in able], limits.energy_share)
    return min((one for one, fine in zip(able, good, strict=True) if fine),
               key=lambda one: one.microseconds)  # fmt: skip


def tune(
    dataset: Structures,
    folder: str | Path,
    space: SearchSpace = SearchSpace(),  # noqa: B008 (immutable)
    settings: FitSettings | Mapping[str, Any] = FitSettings(),  # noqa: B008 (immutable)
    limits: TuningLimits = TuningLimits(),
    *,
    species: Sequence[str] | None = None,
    validation: Structures | None = None,
    held_out: float = 0.2,
    refit: bool = True,
    threads: int | None = None,
    progress: Report | None = None,
) -> Tuning:
    """Search for level, cutoff, radial basis size, force weight and pruning.

    Settings are decided one after the other at a low level, then levels are compared, then the
    potentials of the higher ones are pruned. All errors are of structures that no fit has seen;
    they have chosen the settings, so that errors on a test set of its own may be a little larger.

    Parameters
    ----------
    dataset
        Labelled structures.
    folder
        Where results and potentials are kept. A search that was stopped goes on from there.
    space
        What is tried.
    settings
        Of all fits; the force weight is that of the candidate.
    limits
        When to end, and what counts.
    species
        Of the potentials, in order; None: those of the dataset.
    validation
        Structures to measure errors on, in place of a part of the dataset.
    held_out
        Part of the structures that is held out, drawn with the seed of the settings.
    refit
        Whether the recommended potential is fitted again, to all structures.
    threads
        Number of threads; None for every core.
    progress
        Called after every candidate.

    Raises
    ------
    FitError
        Data or settings that cannot be used, structures that are fitted and held out, nothing fast
        enough, or a folder of another search.
    """
    settings = replace(settings_with(settings, {}), restart_from_potential=True)
    if settings.robust or settings.ensemble > 1:
        raise FitError("a search fits potentials one by one: leave out robust and ensemble")
    data = structures_of(dataset, species)
    symbols = tuple(data.species if species is None else species)
    if validation is None:
        training, test = hold_out(data, held_out, settings.seed)
        everything = data
    else:
        training, test = data, structures_of(validation, symbols, name="validation")
        check_not_fitted(training, test)
        everything = Dataset.concatenate([data, test])
    search = _Search(
        training=training,
        test=test,
        species=symbols,
        shortest=minimum_distances(everything).overall,
        settings=settings,
        limits=limits,
        threads=threads,
        journal=TuningJournal(Path(folder), _signature(training, test, symbols, settings)),
        progress=progress,
    )
    finished = search.run(space)
    tried = sorted(search.found.values(), key=lambda one: one.microseconds)
    best = recommended(tried, limits)
    potential = read_potential(best.file)
    if refit:
        final = replace(settings, weights=search.weights(best.candidate))
        fitted = fit(potential, everything, final, threads=threads, progress=False).potential
        assert isinstance(fitted, MTP)
        potential = fitted
    return Tuning(tuple(tried), limits, finished, potential)


def _signature(
    training: Dataset, test: Dataset, species: tuple[str, ...], settings: FitSettings
) -> str:
    weights = replace(settings.weights, forces=1.0)  # a candidate has its own
    same = replace(settings, weights=weights)
    everything = repr((species, same, training.digest, test.digest))
    return hashlib.sha256(everything.encode()).hexdigest()[:16]


class _LimitReachedError(Exception):
    """No more candidates."""


@dataclass(slots=True, eq=False)
class _Search:
    """Tries candidates, or knows their results.

    Attributes
    ----------
    found : dict
        What this search has asked for, whether tried now or before.
    """

    training: Dataset
    test: Dataset
    species: tuple[str, ...]
    shortest: float
    settings: FitSettings
    limits: TuningLimits
    threads: int | None
    journal: TuningJournal
    progress: Report | None
    found: dict[Candidate, Tried] = field(default_factory=dict, init=False)
    _began: float = field(default_factory=monotonic, init=False)

    def run(self, space: SearchSpace) -> bool:
        """Try everything; False where a limit came first."""

        def choose(several: Sequence[Tried]) -> Tried:
            return recommended(several, replace(self.limits, microseconds=None))

        try:
            levels = compare_plain(space, self.tried, choose)
            for one in reversed(levels if space.pruning else []):
                if one.candidate.level >= _SMALLEST_PRUNED:
                    self._prune(one)
        except _LimitReachedError:
            return False
        return True

    def weights(self, candidate: Candidate) -> Weights:
        """Weights of the fit of a candidate."""
        return replace(self.settings.weights, forces=candidate.force_weight)

    def tried(self, candidate: Candidate) -> Tried:
        """Result of a candidate without pruning."""
        known = self.journal.results.get(candidate)
        if known is None:
            self._check_limits()
            fitted = self._fitted(candidate)
            known = self._keep(candidate, fitted, evaluation_time(fitted, self.training))
        self.found[candidate] = known
        return known

    def _fitted(self, candidate: Candidate) -> MTP:
        untrained = MTP(
            candidate.level,
            self.species,
            candidate.cutoff,
            default_min_dist(self.shortest, candidate.cutoff, grows=False),
            candidate.radial_basis_size,
        )
        settings = replace(self.settings, weights=self.weights(candidate))
        fitted = fit(untrained, self.training, settings, threads=self.threads, progress=False)
        assert isinstance(fitted.potential, MTP)
        return fitted.potential

    def _keep(self, candidate: Candidate, potential: MTP, microseconds: float) -> Tried:
        """Measure errors, write the potential, then the result."""
        file = self.journal.folder / f"{_name(candidate)}.mtp"
        potential.write(file)
        compared = compare(potential, self.test, threads=self.threads)
        result = Tried(
            candidate,
            file,
            len(potential.model.moment_coeffs),
            potential.n_parameters,
            microseconds,
            HeldOutErrors.of(compared),
        )
        self.journal.add(result)
        if self.progress is not None:
            self.progress(result)
        return result

    def _prune(self, plain: Tried) -> None:
        """Try the stages of a pruning; those that are known already are read by `prune`."""
        numbers = count()

        def take(stage: PruningStage) -> None:
            candidate = replace(plain.candidate, stage=next(numbers))
            if candidate.stage == 0:
                return
            known = self.journal.results.get(candidate)
            self.found[candidate] = known or self._keep(
                candidate, stage.potential, stage.numbers.microseconds
            )
            self._check_limits()

        prune(
            plain.file,
            self.training,
            PruningTarget(cost=_PRUNED_TO),
            replace(self.settings, weights=self.weights(plain.candidate), max_iterations=1),
            folder=self.journal.folder / f"{_name(plain.candidate)}_pruned",
            threads=self.threads,
            progress=take,
        )

    def _check_limits(self) -> None:
        limits = self.limits
        if limits.candidates is not None and len(self.found) >= limits.candidates:
            raise _LimitReachedError
        if not self.found:  # there is nothing to recommend yet
            return
        if limits.seconds is not None and monotonic() - self._began > limits.seconds:
            raise _LimitReachedError


def _name(candidate: Candidate) -> str:
    stage = f"_stage{candidate.stage}" if candidate.stage else ""
    return (
        f"level{candidate.level}_cutoff{candidate.cutoff:g}_size{candidate.radial_basis_size}"
        f"_forces{candidate.force_weight:g}{stage}"
    )
