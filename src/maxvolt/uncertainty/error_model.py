"""From measures to the mean of the error: a monotone regression in logarithms, equation (45).

The expected error is exp(a) times the product of (m_k + floor_k)^b_k over the measures m_k, with
exponents b_k >= 0. It minimises the deviance of the gamma distribution, mean(e / mu + log mu): a
convex problem, in which an error counts relative to what is expected of it, and whose solution has
errors that are on average what is expected, mean(e / mu) = 1 (P. McCullagh, J. A. Nelder,
Generalized Linear Models, 2nd ed., 1989, chapter 8).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from maxvolt.errors import DataError

__all__ = ["ErrorModel", "deviance", "fit_error_model"]

Array = NDArray[np.float64]

_FLOORS = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9)
"""Quantiles of a measure that are tried as its floor; the first stands for next to none."""

_LEAST_FLOOR = 1e-9
"""Floor relative to the median of a measure, where it is to have none: of a measure of zero."""

_CHOSEN_FROM = 20_000
"""Errors among which floors are chosen; more of them change nothing."""

_LEAST_ERROR = 0.02
"""Of the mean error: smaller ones count as that. The forces of a perfect crystal vanish by symmetry
and are right whatever the potential, and how right says nothing."""

_LARGEST_EXPONENT = 10.0
"""A steeper law is chance: a measure that is nearly the same for all that were held out."""

_ROUNDS = 2
"""In which the floors of several measures are chosen, one after the other."""


@dataclass(frozen=True, slots=True, eq=False)
class ErrorModel:
    """The mean of an error as a function of k measures.

    Attributes
    ----------
    floors : shape (k,)
        Added to the measures: below it a measure says nothing.
    exponents : shape (k,)
        Not negative.
    prefactor : float
        Expected error where all measures with their floors are 1.
    largest : shape (k,)
        Largest values that the errors it was fitted to had.
    """

    floors: Array
    exponents: Array
    prefactor: float
    largest: Array

    def expected(self, measures: Array) -> Array:
        """Expected errors, shape (m,), of measures of shape (m, k), equations (45) and (45a).

        Above all that was held out the errors grow at least in proportion to the measure that is
        farthest out. Held-out structures that are much alike give exponents near zero, of which a
        larger measure would follow to be no worse, whatever it is.
        """
        inside = np.minimum(measures, self.largest)
        growth = (measures + self.floors) / (inside + self.floors)
        fitted = np.exp(np.log(growth) @ self.exponents)
        farthest = growth.max(axis=1, initial=1.0)
        known = self.prefactor * np.exp(np.log(inside + self.floors) @ self.exponents)
        return np.asarray(known * np.maximum(fitted, farthest))

    def measure_at(self, error: float) -> float:
        """The value of the only measure at which this error is expected.

        0 where a larger one is expected at all values. Where the measure says nothing of the errors
        that were held out, it is 0 or beyond all of them.
        """
        if len(self.floors) != 1:
            raise DataError("the measure at an error is defined for a single measure only")
        exponent, floor = float(self.exponents[0]), float(self.floors[0])
        if self.prefactor <= 0:
            return 0.0 if error <= 0 else float("inf")
        if exponent == 0:
            value = 0.0 if error <= self.prefactor else float("inf")
        else:
            with np.errstate(over="ignore"):
                value = float(np.power(error / self.prefactor, 1 / exponent)) - floor
        largest = float(self.largest[0])
        if value > largest and exponent < 1:  # errors grow in proportion there, equation (45a)
            known = float(self.expected(self.largest[None])[0])
            value = (largest + floor) * error / known - floor
        return max(0.0, value)


def fit_error_model(measures: Array, errors: Array, floors: Array | None = None) -> ErrorModel:
    """Fit the mean of errors to measures.

    Parameters
    ----------
    measures : shape (m, k)
        Not negative, finite.
    errors : shape (m,)
        Their magnitudes.
    floors : shape (k,), optional
        Where they are known; else those with the smallest deviance among quantiles.

    Raises
    ------
    DataError
        No errors, or none that differs from zero.
    """
    if not len(errors) or not errors.any():
        raise DataError(
            "there is nothing to calibrate: no error differs from zero; give labelled structures "
            "that the potential was not fitted to"
        )
    errors = _counted(errors)
    if floors is None:
        floors = _floors(measures, errors)
    parameters, _ = _solve(measures, errors, floors, None)
    return ErrorModel(
        floors=floors,
        exponents=parameters[1:] / _spreads(measures, floors),
        prefactor=_prefactor(parameters, measures, floors),
        largest=measures.max(axis=0),
    )


def deviance(expected: Array, errors: Array) -> float:
    """Mean of e / mu + log mu: the smaller, the better the errors are told."""
    errors = _counted(errors)
    return float(np.mean(errors / expected + np.log(expected)))


def _counted(errors: Array) -> Array:
    return np.asarray(np.maximum(errors, _LEAST_ERROR * errors.mean()))


def _floors(measures: Array, errors: Array) -> Array:
    step = -(-len(errors) // _CHOSEN_FROM)
    x, e = measures[::step], errors[::step]
    choices = [_choices(column) for column in x.T]
    floors = np.array([values[0] for values in choices])
    start, best = _solve(x, e, floors, None)
    for _ in range(_ROUNDS if len(choices) > 1 else 1):
        for k, values in enumerate(choices):
            for value in values:
                trial = floors.copy()
                trial[k] = value
                found, loss = _solve(x, e, trial, start)
                if loss < best:
                    best, floors, start = loss, trial, found
    return floors


def _choices(column: Array) -> list[float]:
    positive = column[column > 0]
    if not len(positive):
        return [1.0]
    least = _LEAST_FLOOR * float(np.median(positive))
    return [least, *np.unique(np.quantile(positive, _FLOORS[1:])).tolist()]


def _spreads(measures: Array, floors: Array) -> Array:
    spreads = np.log(measures + floors).std(axis=0)
    return np.asarray(np.where(spreads > 1e-12, spreads, 1.0))


def _prefactor(parameters: Array, measures: Array, floors: Array) -> float:
    logs = np.log(measures + floors)
    slopes = parameters[1:] / _spreads(measures, floors)
    return float(np.exp(parameters[0] - slopes @ logs.mean(axis=0)))


def _solve(
    measures: Array, errors: Array, floors: Array, start: Array | None
) -> tuple[Array, float]:
    """Best parameters of the standardised logarithms, and their deviance."""
    logs = np.log(measures + floors)
    spreads = _spreads(measures, floors)
    columns = np.column_stack([np.ones(len(logs)), (logs - logs.mean(axis=0)) / spreads])
    typical = float(errors.mean())

    def loss(parameters: Array) -> tuple[float, Array]:
        eta = columns @ parameters
        ratios = errors / typical * np.exp(-np.clip(eta, -200, 200))
        return float(np.mean(ratios + eta)), columns.T @ (1.0 - ratios) / len(errors)

    first = np.zeros(columns.shape[1])
    if start is not None:
        first[:] = start
        first[0] -= np.log(typical)
    bounds = [(None, None), *[(0.0, _LARGEST_EXPONENT * spread) for spread in spreads]]
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds)
    parameters = np.array(found.x)
    # The condition of the constant exactly: errors are on average what is expected of them.
    parameters[0] += np.log(np.mean(errors / typical * np.exp(-columns @ parameters)))
    parameters[0] += np.log(typical)
    return parameters, float(found.fun)
