"""What a calculator says of how far a structure extrapolates: grades and expected errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from maxvolt.calculators.results import FailedEvaluationError, graded, with_errors
from maxvolt.errors import EvaluationError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.results import Energies
from maxvolt.selection import QueryStrategy
from maxvolt.species import species_types
from maxvolt.uncertainty import Uncertainty

__all__ = ["grades_of", "with_expected_errors"]


def grades_of(
    query: QueryStrategy,
    where: Neighborhoods,
    numbers: NDArray[Any],
    energies: Sequence[Energies] | None,
    *,
    threads: int | None,
) -> dict[str, Any]:
    """Grades of one structure, as results of a calculator.

    Parameters
    ----------
    query
        What grades.
    where
        The structure with its neighbours; types of any order.
    numbers : shape (N,)
        Atomic numbers.
    energies
        What the potentials of the query say, where that is known.
    threads
        Number of threads; None for every core.

    Raises
    ------
    FailedEvaluationError
        A grade is not finite.
    """
    where = where.with_types(species_types(numbers, query.species))
    try:
        return graded(query.grade_neighborhoods(where, energies, threads=threads))
    except EvaluationError as error:
        raise FailedEvaluationError(str(error)) from error


def with_expected_errors(
    results: dict[str, Any],
    uncertainty: Uncertainty,
    where: Neighborhoods,
    numbers: NDArray[Any],
    energies: Sequence[Energies],
    *,
    threads: int | None,
) -> dict[str, Any]:
    """Results together with the expected errors of energy and forces; parameters as `grades_of`.

    Raises
    ------
    EvaluationError
        An error is not finite.
    """
    where = where.with_types(species_types(numbers, uncertainty.species))
    errors = uncertainty.of_neighborhoods(where, energies, threads=threads)
    return with_errors(results, errors, len(numbers))
