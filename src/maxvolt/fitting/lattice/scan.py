"""Which shells, rank and ridge: cross-validation of several, and a choice: equation (217)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError, SettingsError
from maxvolt.fitting.lattice.arrangements import Arrangement, Equations, equations
from maxvolt.fitting.lattice.low_rank_fit import LowRankSettings, fit_samples
from maxvolt.potentials.lattice.environments import environments_of
from maxvolt.potentials.lattice.parent import ParentLattice

__all__ = ["Scan", "Scanned", "cross_validated", "random_folds", "scan"]


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """Errors of potentials of one kind.

    Attributes
    ----------
    settings
        Of the potentials and of their fits.
    n_parameters
        Of each of them.
    training : eV per site
        Root mean square error on what they were fitted to, over all folds.
    predicted : shape (S,), eV per site
        Energy of each arrangement by the fit to the other folds.
    errors : shape (F,), (eV per site)^2
        Mean squared errors of the predictions, fold by fold.
    """

    settings: LowRankSettings
    n_parameters: int
    training: float
    predicted: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def rmse(self) -> float:
        """Of the predictions, eV per site: root of the mean over the folds."""
        return float(np.sqrt(self.errors.mean()))

    @property
    def standard_error(self) -> float:
        """Of the mean squared error, from the differences between folds, (eV per site)^2."""
        return float(self.errors.std(ddof=1) / np.sqrt(len(self.errors)))

    @property
    def rmse_error(self) -> float:
        """Standard error of `rmse`, eV per site."""
        return self.standard_error / (2 * self.rmse) if self.rmse else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        return {
            **asdict(self.settings),
            "parameters": self.n_parameters,
            "training_eV_per_site": self.training,
            "cross_validation_eV_per_site": self.rmse,
            "standard_error_eV_per_site": self.rmse_error,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What has been compared.

    Attributes
    ----------
    choices
        In the order in which they were given.
    """

    choices: tuple[Scanned, ...]

    @property
    def best(self) -> Scanned:
        """That with the smallest error of its predictions."""
        return min(self.choices, key=lambda one: one.rmse)

    @property
    def recommended(self) -> Scanned:
        """The smallest within one standard error of the best: equation (217).

        Of several with as many parameters, that with the smallest error.
        """
        most = self.best.rmse**2 + self.best.standard_error
        able = [one for one in self.choices if one.rmse**2 <= most]
        return min(able, key=lambda one: (one.n_parameters, one.rmse))

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        return {
            "choices": [one.to_dict() for one in self.choices],
            "best": self.best.to_dict(),
            "recommended": self.recommended.to_dict(),
        }


def random_folds(number: int, folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Share out arrangements among folds of the same size, at random.

    Parameters
    ----------
    number
        Of arrangements.
    folds
        At least 2, each with at least one arrangement.
    seed
        Of the random numbers.

    Returns
    -------
    folds : shape (number,), int64
        From 0.

    Raises
    ------
    SettingsError
        There are too few or too many folds.
    """
    if not 2 <= folds <= number:
        raise SettingsError(
            f"cross-validation needs 2 folds or more, and not more than the {number} structures; "
            f"got {folds}"
        )
    return np.asarray(np.random.default_rng(seed).permutation(number) % folds, np.int64)


def scan(
    parent: ParentLattice,
    arrangements: Sequence[Arrangement],
    choices: Sequence[LowRankSettings],
    folds: NDArray[np.int64],
    *,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Scan:
    """Cross-validate potentials with several settings.

    Parameters
    ----------
    parent
        The lattice.
    arrangements
        Labelled.
    choices
        What is compared.
    folds : shape (S,), int
        To which fold each arrangement belongs.
    threads
        By default one for each core; numbers do not depend on it.
    progress
        Is told of fits that are done, with their number.

    Raises
    ------
    FitError
        There is nothing to compare, there are fewer than two folds, or an energy is not finite.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical Learning (2009), 7.10: the
    rule of one standard error.
    """
    if not choices or len(np.unique(folds)) < 2 or len(folds) != len(arrangements):
        raise FitError(
            "a scan needs settings to compare, and each arrangement in one of two folds or more"
        )
    found: dict[int, Scanned] = {}
    order = sorted(range(len(choices)), key=lambda one: _environments(choices[one]))
    for (shells, symmetric), numbers in groupby(order, key=lambda one: _environments(choices[one])):
        kinds = environments_of(parent, shells, symmetric=symmetric)
        every = equations(parent, kinds, arrangements)
        for number in numbers:
            found[number] = _scanned(parent, every, choices[number], folds, threads, progress)
    return Scan(tuple(found[number] for number in range(len(choices))))


def cross_validated(
    parent: ParentLattice,
    arrangements: Sequence[Arrangement],
    settings: LowRankSettings,
    folds: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Predict each arrangement by a fit to those of the other folds: a scan of one choice.

    Parameters
    ----------
    parent, arrangements, folds
        As of `scan`.
    settings
        Of the potential and of the fit.

    Returns
    -------
    predicted : shape (S,), eV per site
    """
    return scan(parent, arrangements, [settings], folds).choices[0].predicted


def _environments(settings: LowRankSettings) -> tuple[int, bool]:
    return settings.shells, settings.symmetric


def _scanned(
    parent: ParentLattice,
    every: Equations,
    settings: LowRankSettings,
    folds: NDArray[np.int64],
    threads: int | None,
    progress: Callable[[int], None] | None,
) -> Scanned:
    out = [folds == fold for fold in np.unique(folds)]
    done = 0

    def told(starts: int, _: int) -> None:
        nonlocal done
        if progress is not None and starts // settings.starts > done:
            done += 1
            progress(1)

    samples = [every.selected(~one) for one in out]
    fits = fit_samples(parent, samples, settings, threads=threads, progress=told)
    predicted = np.full(len(folds), np.nan)
    for one, fit in zip(out, fits, strict=True):
        predicted[one] = every.energies_by(fit.potential)[one]
    squares = (predicted - every.energies) ** 2
    return Scanned(
        settings,
        fits[0].potential.n_parameters,
        float(np.sqrt(np.mean([fit.rmse**2 for fit in fits]))),
        predicted,
        np.array([squares[one].mean() for one in out]),
    )
