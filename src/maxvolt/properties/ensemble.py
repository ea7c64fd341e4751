"""Properties of an ensemble: each member's own, their mean and twice their standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maxvolt.errors import DataError
from maxvolt.fitting.prediction_errors import compute_ensemble_errors
from maxvolt.html_tables import described_table
from maxvolt.io.structures import Structures
from maxvolt.potentials import Potential
from maxvolt.potentials.ensemble import mean_of, spread_of
from maxvolt.properties.arguments import Calculating, calculators_of

__all__ = ["EnsembleStatistics", "MeanSpread", "ensemble_statistics"]

Result = TypeVar("Result")

_DOUBT = " (the members differ by far less than they are wrong)"


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
    doubted : bool
        Whether the spread of the members' forces or energies is known to be far below their error,
        so that this spread is no estimate of the error either.
    """

    mean: NDArray[np.float64]
    two_sigma: NDArray[np.float64]
    values: NDArray[np.float64]
    doubted: bool = False

    @classmethod
    def of(
        cls, values: Sequence[ArrayLike] | NDArray[np.float64], *, doubted: bool = False
    ) -> MeanSpread:
        """Take the statistics over the first axis of `values`."""
        members = np.asarray(values, dtype=np.float64)
        if members.ndim == 0 or len(members) == 0:
            raise DataError("the statistics of an ensemble need at least one member")
        mean = mean_of(members)
        two_sigma = np.full_like(mean, np.nan) if len(members) == 1 else 2 * spread_of(members)
        return cls(mean=mean, two_sigma=two_sigma, values=members, doubted=doubted)

    def __format__(self, spec: str) -> str:
        """Write a scalar as ``mean +- 2 sigma``, both in the given format."""
        if self.mean.ndim != 0:
            raise DataError("only a single number can be formatted; index the arrays instead")
        text = format(float(self.mean), spec)
        if len(self.values) > 1:
            spread = format(float(self.two_sigma), spec)
            if self.two_sigma > 0 and not any(digit in spread for digit in "123456789"):
                spread = format(float(self.two_sigma), ".1g")  # small, and not "+- 0"
            text += f" +- {spread}{_DOUBT if self.doubted else ''}"
        return text

    def _repr_html_(self) -> str:
        facts = {
            "mean": self.mean.tolist(),
            "two standard deviations": self.two_sigma.tolist(),
            "of each member": self.values.tolist(),
        }
        remarks = [f"Warning:{_DOUBT}"] if self.doubted else []
        return described_table("Mean and spread of an ensemble", facts, remarks)


@dataclass(frozen=True, slots=True)
class EnsembleStatistics(Generic[Result]):
    """One property result for each member of an ensemble.

    Attributes
    ----------
    results
        What each member gives, in the order of the members.
    warnings : tuple of str
        Where labelled structures were given: that the spread of the members is far below their
        error. Numbers are then marked so where they are written out.
    """

    results: tuple[Result, ...]
    warnings: tuple[str, ...] = ()

    def of(self, quantity: Callable[[Result], ArrayLike]) -> MeanSpread:
        """Mean and 2-sigma of a number or array taken from each result.

        Examples
        --------
        ``statistics.of(lambda result: result.C11)``
        """
        values = [quantity(result) for result in self.results]
        return MeanSpread.of(values, doubted=bool(self.warnings))

    def _repr_html_(self) -> str:
        """The numbers of the results, mean and two standard deviations over the members."""
        each: list[dict[str, Any]] = [getattr(one, "to_dict", dict)() for one in self.results]
        facts = {
            name: f"{MeanSpread.of([one[name] for one in each]):.6g}"
            for name, value in each[0].items()
            if isinstance(value, float) and all(isinstance(one[name], float) for one in each)
        }
        remarks = [f"Warning: {text}" for text in self.warnings]
        return described_table(f"{len(each)} members of an ensemble, +- 2 sigma", facts, remarks)


def ensemble_statistics(
    evaluate: Callable[[Any], Result],
    calculators: Calculating | Iterable[Calculating],
    *,
    labelled: Structures | None = None,
    threads: int | None = None,
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
    labelled
        Structures with labels, best a validation set: `EnsembleStatistics.warnings` then says
        whether the members differ by far less than they are wrong. The calculators must be those
        of potentials.
    threads
        Number of threads for these; None for every core.

    Raises
    ------
    DataError
        There is no member, one that is nothing of the kind, or (with `labelled`) one that is no
        potential's.
    """
    found = calculators_of(calculators)
    if not found:
        raise DataError("ensemble_statistics needs at least one calculator")
    warnings: tuple[str, ...] = ()
    if labelled is not None:
        asked = [getattr(one, "potential", None) for one in found]
        potentials = [one for one in asked if isinstance(one, Potential)]
        if len(potentials) < len(found):
            raise DataError(
                "labelled: only members that are potentials can be compared with labels; got "
                f"{', '.join(type(one).__name__ for one in found)}"
            )
        doubt = compute_ensemble_errors(potentials, labelled, threads=threads).doubt("labelled")
        warnings = () if doubt is None else (doubt,)
    return EnsembleStatistics(tuple(evaluate(calculator) for calculator in found), warnings)
