"""Held-out errors of a training set, where no other labels are at hand.

The structures are dealt to folds. For each fold the linear coefficients are fitted again to the
others, from normal equations that are summed up once, and the measures are made without it, too:
the posterior from the same sums, the active set by a selection among the others. Gradients are
those of the potential itself.

What it misses: radial functions stay those of the whole training set, which has seen the fold, so
that errors come out a little too small; and structures of one trajectory have relatives in other
folds, so that they are errors of interpolation, much smaller than those of structures of another
kind. A held-out file of what the potential will be used for tells both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.settings import FitSettings, settings_with
from maxvolt.io.structures import Structures, structures_of
from maxvolt.potentials import ParameterGradients
from maxvolt.selection import ActiveSet
from maxvolt.uncertainty import DEFAULT_MEASURE, MEASURES
from maxvolt.uncertainty.calibration import HeldOutErrors, folds_of
from maxvolt.uncertainty.held_out import held_out_errors
from maxvolt.uncertainty.measures import (
    CommitteeMeasure,
    ForceDeviationMeasure,
    GradeMeasure,
    Measure,
    PosteriorMeasure,
)
from maxvolt.uncertainty.posterior import (
    Posterior,
    curvature_on,
    posterior_from,
    trained_potential,
)

__all__ = ["COMMITTEE_SIZE", "cross_validated_errors", "measures_named"]

COMMITTEE_SIZE = 5
"""Samples of a posterior that stand for a committee."""


def measures_named(
    names: Sequence[str],
    potential: ParameterGradients,
    training: Dataset,
    posterior: Callable[[], Posterior],
    *,
    threads: int | None = None,
) -> tuple[Measure, ...]:
    """Make measures of a potential from its training set.

    Parameters
    ----------
    names
        Some of `MEASURES`; the committee is of samples of the posterior.
    potential
        The potential.
    training
        Its training set.
    posterior
        Gives the posterior, where a measure needs it.
    threads
        Number of threads; None for every core.

    Raises
    ------
    DataError
        An unknown name.
    """
    found: list[Measure] = []
    for name in names:
        if name == "grade":
            active = ActiveSet.from_dataset(
                potential, training, mode="neighborhood", threads=threads
            )
            found.append(GradeMeasure(active))
        elif name == "posterior":
            found.append(PosteriorMeasure(posterior()))
        elif name == "posterior forces":
            found.append(ForceDeviationMeasure(posterior()))
        elif name == "committee":
            found.append(CommitteeMeasure(posterior().ensemble(COMMITTEE_SIZE)))
        else:
            raise DataError(f"there is no measure {name!r}; there are {', '.join(MEASURES)}")
    return tuple(found)


def cross_validated_errors(
    potential: ParameterGradients | str | PathLike[str],
    training: Structures,
    names: Sequence[str] = (DEFAULT_MEASURE,),
    *,
    folds: int = 10,
    settings: FitSettings | Mapping[str, Any] = FitSettings(),  # noqa: B008 (immutable)
    seed: int = 0,
    threads: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> HeldOutErrors:
    """Errors of each structure of a training set by a refit without it.

    Parameters
    ----------
    potential
        Trained on the training set.
    training
        With labels.
    names
        Of the measures, see `measures_named`.
    folds
        Number of folds; at least two.
    settings
        As of `maxvolt.fit`: those of the fit.
    seed
        Of the folds.
    threads
        Number of threads; None for every core.
    advance
        Called with 1 after each fold.

    Raises
    ------
    DataError
        Fewer than two structures or folds.
    FitError
        What is left without a fold does not determine the linear coefficients.
    """
    fitted = trained_potential(potential)
    if folds < 2:
        raise DataError(f"folds is {folds}; expected 2 or more")
    dataset = structures_of(training, fitted.species, name="training")
    if len(dataset) < 2:
        raise DataError("a cross-validation needs two structures or more")
    parts = folds_of(np.arange(len(dataset)), folds, seed)
    curvature = curvature_on(
        fitted, dataset, settings_with(settings, {}), folds=parts, threads=threads
    )
    errors = []
    for number, fold in enumerate(parts):
        sums = curvature.sums(without=number)
        refitted = curvature.refit(sums)
        others = dataset.select(np.setdiff1d(np.arange(len(dataset)), fold))
        measures = measures_named(
            names, fitted, others, partial(posterior_from, curvature, sums), threads=threads
        )
        errors.append(held_out_errors(refitted, measures, dataset.select(fold), threads=threads))
        advance(1)
    return HeldOutErrors.concatenate(errors)
