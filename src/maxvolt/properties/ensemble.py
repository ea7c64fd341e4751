"""Properties of an ensemble: each member's own, their mean and twice their standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from ase.calculators.calculator import Calculator
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import DataError

__all__ = ["EnsembleStatistics", "MeanSpread", "ensemble_statistics"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class MeanSpread:
    """A number (or array of numbers) with the spread of an ensemble.

    Attributes
    ----------
    mean
        Mean over the members.
    two_sigma
        Twice the sample standard deviation over the members (n - 1 in the denominator);
        NaN for a single member, which has no spread.
    values : shape (members, ...)
        What each member gives.
    """

    mean: NDArray[np.float64]
    two_sigma: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, values: Sequence[ArrayLike] | NDArray[np.float64]) -> MeanSpread:
        """Take the statistics over the first axis of `values`."""
        members = np.asarray(values, dtype=np.float64)
        if members.ndim == 0 or len(members) == 0:
            raise DataError("the statistics of an ensemble need at least one member")
        mean = members.mean(axis=0)
        if len(members) == 1:
            two_sigma = np.full_like(mean, np.nan)
        else:
            two_sigma = 2 * members.std(axis=0, ddof=1)
        return cls(mean=mean, two_sigma=np.asarray(two_sigma), values=members)

    def __format__(self, spec: str) -> str:
        """Write a scalar as ``mean +- 2 sigma``, both in the given format."""
        if self.mean.ndim != 0:
            raise DataError("only a single number can be formatted; index the arrays instead")
        text = format(float(self.mean), spec)
        if len(self.values) > 1:
            text += " +- " + format(float(self.two_sigma), spec)
        return text


@dataclass(frozen=True, slots=True)
class EnsembleStatistics(Generic[Result]):
    """One property result for each member of an ensemble.

    Attributes
    ----------
    results
        What each member gives, in the order of the members.
    """

    results: tuple[Result, ...]

    def of(self, quantity: Callable[[Result], ArrayLike]) -> MeanSpread:
        """Mean and 2-sigma of a number or array taken from each result.

        Examples
        --------
        ``statistics.of(lambda result: result.C11)``
        """
        return MeanSpread.of([quantity(result) for result in self.results])


def ensemble_statistics(
    evaluate: Callable[[Calculator], Result], calculators: Sequence[Calculator]
) -> EnsembleStatistics[Result]:
    """Evaluate a property with each member of an ensemble.

    The spread of a property is not the property of the mean potential: each member relaxes and
    deforms the crystal on its own.

    Parameters
    ----------
    evaluate
        Computes the property with one calculator, for instance
        ``lambda calculator: elastic_constants(calculator, atoms)``.
    calculators
        One a member; `maxvolt.calculators.member_calculators` makes them of an ensemble.
    """
    if not calculators:
        raise DataError("ensemble_statistics needs at least one calculator")
    return EnsembleStatistics(tuple(evaluate(calculator) for calculator in calculators))
