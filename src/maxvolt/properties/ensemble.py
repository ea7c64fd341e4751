"""Properties of an ensemble: each member's own, their mean and twice their standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import DataError
from maxvolt.html_tables import described_table
from maxvolt.potentials.ensemble import mean_of, spread_of
from maxvolt.properties.arguments import Calculating, calculators_of

__all__ = ["EnsembleStatistics", "MeanSpread", "ensemble_statistics"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class MeanSpread:
    """A number (or array of numbers) with the spread of an ensemble.

    The spread says how far the members differ: what another choice of training structures would
    change. What all members lack (level, cutoff, kinds of structures) it does not show, so that it
    is a lower bound of the error; `FitResult.warnings` says where it is far below the errors.

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
        mean = mean_of(members)
        two_sigma = np.full_like(mean, np.nan) if len(members) == 1 else 2 * spread_of(members)
        return cls(mean=mean, two_sigma=two_sigma, values=members)

    def __format__(self, spec: str) -> str:
        """Write a scalar as ``mean +- 2 sigma``, both in the given format."""
        if self.mean.ndim != 0:
            raise DataError("only a single number can be formatted; index the arrays instead")
        text = format(float(self.mean), spec)
        if len(self.values) > 1:
            spread = format(float(self.two_sigma), spec)
            if self.two_sigma > 0 and not any(digit in spread for digit in "123456789"):
                spread = format(float(self.two_sigma), ".1g")  # small, and not "+- 0"
            text += f" +- {spread}"
        return text

    def _repr_html_(self) -> str:
        facts = {
            "mean": self.mean.tolist(),
            "two standard deviations": self.two_sigma.tolist(),
            "of each member": self.values.tolist(),
        }
        return described_table("Mean and spread of an ensemble", facts)


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

    def _repr_html_(self) -> str:
        """The numbers of the results, mean and two standard deviations over the members."""
        each: list[dict[str, Any]] = [getattr(one, "to_dict", dict)() for one in self.results]
        facts = {
            name: f"{MeanSpread.of([one[name] for one in each]):.6g}"
            for name, value in each[0].items()
            if isinstance(value, float) and all(isinstance(one[name], float) for one in each)
        }
        return described_table(f"{len(each)} members of an ensemble, +- 2 sigma", facts)


def ensemble_statistics(
    evaluate: Callable[[Any], Result], calculators: Calculating | Iterable[Calculating]
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
        An `Ensemble`, or one calculator, potential or path of a file for each member.

    Raises
    ------
    DataError
        There is no member, or one that is nothing of the kind.
    """
    found = calculators_of(calculators)
    if not found:
        raise DataError("ensemble_statistics needs at least one calculator")
    return EnsembleStatistics(tuple(evaluate(calculator) for calculator in found))
