"""From a potential and labelled structures to an `Uncertainty`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from os import PathLike
from typing import Any

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.settings import FitSettings, settings_with
from maxvolt.io.structures import Structures, structures_of
from maxvolt.potentials import HasMembers, ParameterGradients, Potential, load
from maxvolt.potentials.ensemble import Ensemble, members_of
from maxvolt.species import check_known_species
from maxvolt.uncertainty import DEFAULT_MEASURE, MEASURES
from maxvolt.uncertainty.calibration import Calibration, HeldOutErrors
from maxvolt.uncertainty.cross_validation import (
    cross_validated_errors,
    measures_named,
)
from maxvolt.uncertainty.held_out import held_out_errors
from maxvolt.uncertainty.measures import CommitteeMeasure, Measure
from maxvolt.uncertainty.posterior import Posterior
from maxvolt.uncertainty.uncertainty import Uncertainty

__all__ = ["calibrate", "calibrated_with_errors"]


def calibrate(
    potential: Potential | str | PathLike[str],
    held_out: Structures | None = None,
    training: Structures | None = None,
    measures: Sequence[str | Measure] | str = DEFAULT_MEASURE,
    *,
    settings: FitSettings | Mapping[str, Any] = FitSettings(),  # noqa: B008 (immutable)
    force_length: bool | None = None,
    folds: int = 10,
    threads: int | None = None,
) -> Uncertainty:
    """Find how large the errors of a potential are, as a function of measures of its uncertainty.

    Parameters
    ----------
    potential
        A trained potential, an ensemble, or the path of one.
    held_out
        Labelled structures that the potential was not fitted to, like those that it will be used
        for; about 50 or more. None: the training set is cross-validated, see
        `maxvolt.uncertainty.cross_validated_errors` for what that misses.
    training
        The training set, which the measures are made of; not needed where all measures are given.
    measures
        One or several of "grade", "posterior", "posterior forces" and "committee", or `Measure`
        objects; by default `maxvolt.uncertainty.DEFAULT_MEASURE`. "committee" is the spread of an
        ensemble's members, and of samples of the posterior of one potential. Of an ensemble, grade
        and posterior are those of its first member.
    settings
        Of the fit, as of `maxvolt.fit`: weights, scaling, ridge and the robust loss matter to the
        posterior and to a cross-validation.
    force_length
        Whether the length of the predicted force is one more measure; None: if it helps.
    folds
        Of the cross-validation.
    threads
        Number of threads; None for every core.

    Returns
    -------
    Uncertainty

    Raises
    ------
    DataError
        Neither held-out structures nor a training set, unknown measures, too few labels.
    FitError
        A training set that the potential was not fitted to, or that does not determine it.
    SpeciesError
        A species unknown to the potential.

    Examples
    --------
    ``maxvolt.calibrate("pot.mtp", "test.xyz", "train.xyz").of("new.xyz").forces``
    """
    uncertainty, _ = calibrated_with_errors(
        *(potential, held_out, training, measures),
        settings=settings,
        force_length=force_length,
        folds=folds,
        threads=threads,
    )
    return uncertainty


def calibrated_with_errors(
    potential: Potential | str | PathLike[str],
    held_out: Structures | None,
    training: Structures | None,
    measures: Sequence[str | Measure] | str,
    *,
    settings: FitSettings | Mapping[str, Any] = FitSettings(),  # noqa: B008 (immutable)
    force_length: bool | None = None,
    folds: int = 10,
    threads: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[Uncertainty, HeldOutErrors]:
    """As `calibrate`, together with the errors that it was calibrated on.

    Parameters
    ----------
    advance
        Called with 1 after each fold of a cross-validation.
    """
    fitted = load(potential) if isinstance(potential, str | PathLike) else potential
    names = (measures,) if isinstance(measures, str) else tuple(measures)
    data = None
    if training is not None:
        data = structures_of(training, fitted.species, name="training")
        check_known_species(data, fitted.species, "the training set")
    found = _measures(fitted, names, data, settings_with(settings, {}), threads)
    if held_out is not None:
        labelled = structures_of(held_out, fitted.species, name="held_out")
        check_known_species(labelled, fitted.species, "the held-out structures")
        errors = held_out_errors(fitted, found, labelled, threads=threads)
        source = f"{len(labelled)} held-out structures"
    else:
        if data is None:
            raise DataError("give held_out structures, or the training set to cross-validate")
        single = [name for name in names if isinstance(name, str)]
        if isinstance(fitted, HasMembers) or len(single) < len(names):
            raise DataError(
                "a cross-validation refits one potential and makes its measures by name; of an "
                "ensemble, and with measures of your own, give held_out structures"
            )
        assert isinstance(fitted, ParameterGradients)
        errors = cross_validated_errors(
            *(fitted, data, single),
            folds=folds,
            settings=settings,
            threads=threads,
            advance=advance,
        )
        source = f"{min(folds, len(data))}-fold cross-validation of {len(data)} structures"
    calibration = Calibration.from_errors(errors, force_length=force_length, source=source)
    return Uncertainty(fitted, found, calibration), errors


def _measures(
    potential: Potential,
    names: Sequence[str | Measure],
    training: Dataset | None,
    settings: FitSettings,
    threads: int | None,
) -> tuple[Measure, ...]:
    members = members_of(potential)
    first = members[0]

    @cache
    def posterior() -> Posterior:
        assert isinstance(first, ParameterGradients)
        assert training is not None
        return Posterior.from_dataset(first, training, settings, threads=threads)

    found: list[Measure] = []
    for name in names:
        if not isinstance(name, str):
            found.append(name)
        elif name == "committee" and len(members) > 1:
            found.append(CommitteeMeasure(Ensemble(members)))
        elif name not in MEASURES:
            raise DataError(f"there is no measure {name!r}; there are {', '.join(MEASURES)}")
        elif training is None:
            raise DataError(f"the measure {name!r} is made of the training set; give it, too")
        elif not isinstance(first, ParameterGradients):
            raise DataError(
                f"the measure {name!r} needs a potential with gradients by its parameters, such as "
                f"maxvolt.MTP; got {type(first).__name__}"
            )
        else:
            found += measures_named([name], first, training, posterior, threads=threads)
    return tuple(found)
