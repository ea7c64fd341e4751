"""Calibration: from measures and true errors on held-out labels to expected errors with bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.uncertainty.conformal import ConformalScores, conformal_scores
from maxvolt.uncertainty.error_model import ErrorModel, deviance, fit_error_model

__all__ = ["FORCE_LENGTH", "CalibratedError", "Calibration", "HeldOutErrors", "folds_of"]

Array = NDArray[np.float64]

FORCE_LENGTH = "force length"
"""Name of the length of the predicted force among the measures, eV/A."""

_FOLDS = 10
_LEAST_STRUCTURES = 5
_USUAL_BOUND = 0.9
"""Coverage below which bounds are too low to be of use."""

_GAIN = 0.05
"""Deviance that the length of the force must save to be used, about 5 % of the error."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutErrors:
    """Measures and true errors of n structures with N atoms that a potential was not fitted to.

    Attributes
    ----------
    names : tuple of str
        Of the k measures.
    structures : shape (n, k)
        Measures of structures.
    sites : shape (N, k)
        Measures of atoms.
    force_lengths : shape (N,), eV/Angstrom
        Of the predicted forces.
    energy_errors : shape (n,), eV/atom
        Magnitudes; NaN where there is no label.
    force_errors : shape (N,), eV/Angstrom
        Lengths of the differences of force vectors; NaN where there is no label.
    owners : shape (N,), int64
        Structure of each atom.
    """

    names: tuple[str, ...]
    structures: Array
    sites: Array
    force_lengths: Array
    energy_errors: Array
    force_errors: Array
    owners: NDArray[np.int64]

    def select(self, structures: NDArray[np.int64]) -> HeldOutErrors:
        """The same of some structures, ascending."""
        number = np.full(len(self.structures), -1, np.int64)
        number[structures] = np.arange(len(structures))
        atoms = number[self.owners] >= 0
        return HeldOutErrors(
            self.names,
            self.structures[structures],
            self.sites[atoms],
            self.force_lengths[atoms],
            self.energy_errors[structures],
            self.force_errors[atoms],
            number[self.owners[atoms]],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[HeldOutErrors]) -> HeldOutErrors:
        """Join those of several sets of structures."""
        first = np.cumsum([0, *[len(part.structures) for part in parts[:-1]]])
        return cls(
            parts[0].names,
            np.concatenate([part.structures for part in parts]),
            np.concatenate([part.sites for part in parts]),
            np.concatenate([part.force_lengths for part in parts]),
            np.concatenate([part.energy_errors for part in parts]),
            np.concatenate([part.force_errors for part in parts]),
            np.concatenate([part.owners + k for part, k in zip(parts, first, strict=True)]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedError:
    """One kind of error (of forces or energies) as a function of the measures.

    Attributes
    ----------
    names : tuple of str
        Of the measures that it takes, in the order of its columns.
    model : ErrorModel
        The mean.
    scores : ConformalScores
        What bounds it.
    alone : mapping of str to ErrorModel
        The mean by each measure alone, for thresholds.
    """

    names: tuple[str, ...]
    model: ErrorModel
    scores: ConformalScores
    alone: dict[str, ErrorModel] = field(default_factory=dict)

    def expected(self, measures: Array) -> Array:
        """Expected errors of measures of shape (m, k), also of larger ones than were held out."""
        return self.model.expected(measures)

    def bounds(self, expected: Array, coverage: float, *, strict: bool = False) -> Array:
        """Bounds that errors with these expected values keep; see `ConformalScores.factors`."""
        return self.scores.bounds(expected, coverage, strict=strict)

    def expected_at(self, value: float, name: str) -> float:
        """Mean error of structures or atoms with this value of one measure."""
        return float(self._alone(name).expected(np.array([[value]]))[0])

    def is_told_by(self, name: str) -> bool:
        """Whether the errors that were held out grow with a measure at all."""
        return bool(self._alone(name).exponents[0] > 0)

    def measure_at(self, error: float, name: str) -> float:
        """Value of one measure at which this error is expected; see `ErrorModel.measure_at`."""
        return self._alone(name).measure_at(error)

    def _alone(self, name: str) -> ErrorModel:
        if name not in self.alone:
            raise DataError(f"there is no measure {name!r}; there are {', '.join(self.alone)}")
        return self.alone[name]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Expected errors of forces and energies as functions of measures.

    Make one with `from_errors`. For structures of equal size, exchangeable with those held out, a
    share of at least 1 - 2 (1 - c) of the force errors is within ``force.bounds(c, strict=True)``
    on average over both by the theory, and c in practice; about as many without ``strict``. Nothing
    is promised for structures unlike those held out, nor for a single structure or environment; see
    docs/uncertainty.

    Attributes
    ----------
    names : tuple of str
        Of the measures.
    force : CalibratedError
        Of the force on an atom, eV/Angstrom.
    energy : CalibratedError or None
        Of the energy, eV/atom; None where too few structures have one.
    n_structures, n_atoms : int
        Held out.
    source : str
        Where the errors came from, in words.
    """

    names: tuple[str, ...]
    force: CalibratedError
    energy: CalibratedError | None
    n_structures: int
    n_atoms: int
    source: str = ""

    @classmethod
    def from_errors(
        cls,
        errors: HeldOutErrors,
        *,
        force_length: bool | None = None,
        bins: int | None = None,
        source: str = "",
        least: int = _LEAST_STRUCTURES,
    ) -> Calibration:
        """Calibrate on held-out errors.

        Parameters
        ----------
        errors
            Measures and errors.
        force_length
            Whether the length of the predicted force is one more measure of force errors; None: if
            it tells held-out errors better.
        bins
            Of the expected error, for the bounds; see `conformal_scores`.
        source
            Where the errors came from, in words.
        least
            Structures with forces below which there is none; at least 2.

        Raises
        ------
        DataError
            Fewer structures with forces, or no error at all.
        """
        labelled = np.isfinite(errors.force_errors)
        owners = errors.owners[labelled]
        if (count := len(np.unique(owners))) < least:
            raise DataError(
                f"{count} structures with forces are too few for a calibration; expected "
                f"{least} or more, and about 50 for bounds at 90 %"
            )
        own, lengths = errors.sites[labelled], errors.force_lengths[labelled, None]
        force = _calibrated(
            errors.names, own, lengths, errors.force_errors[labelled], owners, force_length, bins
        )
        known = np.flatnonzero(np.isfinite(errors.energy_errors))
        energy = None
        if len(known) >= least and errors.energy_errors[known].any():
            measures, nothing = errors.structures[known], np.empty((len(known), 1))
            energy = _calibrated(
                errors.names, measures, nothing, errors.energy_errors[known], known, False, bins
            )
        return cls(errors.names, force, energy, count, int(labelled.sum()), source)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be doubted of it."""
        if (most := self.n_structures / (self.n_structures + 1)) >= _USUAL_BOUND:
            return ()
        return (
            f"{self.n_structures} structures with forces are few: strict bounds reach a coverage "
            f"of {most:.0%} only, and how far to believe others is uncertain itself; give about 50 "
            "for bounds at 90 %",
        )

    @property
    def uses_force_length(self) -> bool:
        """Whether the predicted force is needed."""
        return FORCE_LENGTH in self.force.names


def folds_of(owners: NDArray[np.int64], count: int, seed: int = 0) -> list[NDArray[np.int64]]:
    """Structures dealt to folds at random, each fold ascending; fewer where there are too few."""
    different = np.unique(owners)
    count = min(count, len(different))
    shuffled = np.random.default_rng(seed).permutation(different)
    return [np.sort(shuffled[k::count]) for k in range(count)]


def _calibrated(
    names: tuple[str, ...],
    measures: Array,
    lengths: Array,
    errors: Array,
    owners: NDArray[np.int64],
    force_length: bool | None,
    bins: int | None,
) -> CalibratedError:
    alone = {name: fit_error_model(measures[:, [k]], errors) for k, name in enumerate(names)}
    model = alone[names[0]] if len(names) == 1 else fit_error_model(measures, errors)
    expected = _out_of_fold(measures, errors, owners, model.floors)
    if force_length is not False:
        longer = np.column_stack([measures, lengths])
        longer_model = fit_error_model(longer, errors)
        with_length = _out_of_fold(longer, errors, owners, longer_model.floors)
        gain = deviance(expected, errors) - deviance(with_length, errors)
        if force_length or gain > _GAIN:
            names, model, expected = (*names, FORCE_LENGTH), longer_model, with_length
    scores = conformal_scores(expected, errors, owners, bins=bins)
    return CalibratedError(names, model, scores, alone)


def _out_of_fold(measures: Array, errors: Array, owners: NDArray[np.int64], floors: Array) -> Array:
    """What models that were fitted without the structure of each error expect of it."""
    expected = np.empty(len(errors))
    for fold in folds_of(owners, _FOLDS):
        inside = np.isin(owners, fold)
        if not errors[~inside].any():
            raise DataError(
                "the held-out errors are all of one fold: give more structures, that differ"
            )
        model = fit_error_model(measures[~inside], errors[~inside], floors)
        expected[inside] = model.expected(measures[inside])
    return expected
