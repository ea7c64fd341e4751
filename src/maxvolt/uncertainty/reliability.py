"""How far expected errors can be believed: coverage, misses, false alarms, rank correlations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from maxvolt.errors import DataError
from maxvolt.html_tables import html_table
from maxvolt.uncertainty.calibration import (
    FORCE_LENGTH,
    CalibratedError,
    Calibration,
    HeldOutErrors,
    folds_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Coverage", "Misses", "Reliability", "reliability_of_folds", "reliability_on"]

Array = NDArray[np.float64]

LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95)
"""Coverages that are looked at."""

_FOLDS = 5
_FEW = 10
"""Structures below which each is left out by itself."""
_BINS = 10
_LEAST = 2
"""Structures with forces that are left when a fold is taken away."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of errors inside their bounds.

    Attributes
    ----------
    stated : float
        What was asked for.
    forces, energies : float
        What was found; NaN where no bound or no label exists.
    forces_by_structure : float
        Mean over structures of the share of their atoms.
    """

    stated: float
    forces: float
    energies: float
    forces_by_structure: float


@dataclass(frozen=True, slots=True)
class Misses:
    """Large errors that a threshold on the expected error lets pass, and its false alarms.

    Attributes
    ----------
    threshold : float, eV/Angstrom
        Of the expected force error; structures count with their largest atom.
    large : float, eV/Angstrom
        Errors from here on are large: twice the threshold.
    atoms, structures : int
        With such an error.
    missed_atoms, missed_structures : float
        Share of these that are expected to be below the threshold; NaN where there are none.
    told_atoms, told_structures : int
        Expected to be above the threshold.
    false_atoms, false_structures : float
        Share of these whose error is below half of the threshold; NaN where there are none.
    """

    threshold: float
    large: float
    atoms: int
    structures: int
    missed_atoms: float
    missed_structures: float
    told_atoms: int
    told_structures: int
    false_atoms: float
    false_structures: float


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Expected errors against true ones, of structures that the calibration has not seen.

    Attributes
    ----------
    expected, errors : shape (N,), eV/Angstrom
        Of the forces on atoms with labels.
    owners : shape (N,), int64
        Structure of each.
    coverage : tuple of Coverage
    misses : tuple of Misses
    correlations : dict
        Spearman's rank correlation with the force error of each measure, of the length of the force
        and of the expected error, over atoms.
    structure_correlations : dict
        The same of the largest of each structure with its root mean square force error.
    """

    expected: Array
    errors: Array
    owners: NDArray[np.int64]
    coverage: tuple[Coverage, ...]
    misses: tuple[Misses, ...]
    correlations: dict[str, float]
    structure_correlations: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the keys."""
        return {
            "atoms": len(self.errors),
            "structures": len(np.unique(self.owners)),
            "mean_expected_eV_per_A": float(self.expected.mean()),
            "mean_error_eV_per_A": float(self.errors.mean()),
            "coverage": [
                {
                    "stated": row.stated,
                    "forces": row.forces,
                    "forces_by_structure": row.forces_by_structure,
                    "energies": row.energies,
                }
                for row in self.coverage
            ],
            "misses": [
                {
                    "threshold_eV_per_A": row.threshold,
                    "large_error_eV_per_A": row.large,
                    "atoms": row.atoms,
                    "structures": row.structures,
                    "missed_atoms": row.missed_atoms,
                    "missed_structures": row.missed_structures,
                    "told_atoms": row.told_atoms,
                    "told_structures": row.told_structures,
                    "false_atoms": row.false_atoms,
                    "false_structures": row.false_structures,
                }
                for row in self.misses
            ],
            "rank_correlation_atoms": self.correlations,
            "rank_correlation_structures": self.structure_correlations,
            "diagram": [
                {"expected_eV_per_A": expected, "error_eV_per_A": error, "atoms": count}
                for expected, error, count in self.diagram()
            ],
        }

    def diagram(self, bins: int = _BINS) -> list[tuple[float, float, int]]:
        """Mean expected error, mean error and number of atoms of bins of equal size."""
        order = np.argsort(self.expected, kind="stable")
        parts = [part for part in np.array_split(order, bins) if len(part)]
        return [
            (float(self.expected[part].mean()), float(self.errors[part].mean()), len(part))
            for part in parts
        ]

    def figure(self) -> Figure:
        """Draw a reliability diagram: true against expected errors, and found against stated."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.0, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        shown = self.errors > 0
        left.scatter(
            *(self.expected[shown], self.errors[shown]),
            s=3,
            alpha=0.3,
            linewidths=0,
            rasterized=True,
            label="atoms",
        )
        expected, errors, _ = zip(*self.diagram(), strict=True)
        left.plot(expected, errors, "o-", color="C1", label="means of ten bins")
        ends = [min(expected), max(expected)]
        left.plot(ends, ends, color="0.4", linewidth=0.8, label="as expected")
        left.set_xscale("log")
        left.set_yscale("log")
        left.set_xlabel("expected force error (eV/Å)")
        left.set_ylabel("force error (eV/Å)")
        left.legend(fontsize="small")
        stated = [100 * row.stated for row in self.coverage]
        right.plot([0, 100], [0, 100], color="0.4", linewidth=0.8)
        right.plot(stated, [100 * row.forces for row in self.coverage], "o-", label="forces")
        if np.isfinite([row.energies for row in self.coverage]).any():
            energies = [100 * row.energies for row in self.coverage]
            right.plot(stated, energies, "s--", label="energies")
        right.set_xlabel("stated coverage (%)")
        right.set_ylabel("found (%)")
        right.legend(fontsize="small")
        return figure

    def _repr_html_(self) -> str:
        rows = [
            (f"{row.stated:.0%}", f"{row.forces:.1%}", f"{row.energies:.1%}")
            for row in self.coverage
        ]
        return html_table("Coverage", ("stated", "forces", "energies"), rows)


def reliability_on(
    calibration: Calibration, errors: HeldOutErrors, thresholds: Sequence[float] = ()
) -> Reliability:
    """Try a calibration on errors that it has not seen.

    Parameters
    ----------
    calibration
        Of the same measures.
    errors
        Of other structures than it was made from.
    thresholds : eV/Angstrom
        Of the expected error, for misses; none: its median and its 90 % quantile.

    Raises
    ------
    DataError
        No structure has forces.
    """
    return _assessed([(calibration, errors)], errors, thresholds)


def reliability_of_folds(
    errors: HeldOutErrors,
    *,
    force_length: bool | None = None,
    thresholds: Sequence[float] = (),
    folds: int = _FOLDS,
) -> Reliability:
    """Calibrate on all folds of the structures but one, and try it on that; all in turn.

    Parameters
    ----------
    errors
        All that there are.
    force_length
        As of `Calibration.from_errors`.
    thresholds
        As of `reliability_on`.
    folds
        Number of folds; with fewer than ten structures each is left out by itself.

    Raises
    ------
    DataError
        Fewer than two structures with forces are left without a fold.
    """
    numbers = np.arange(len(errors.structures))
    pairs = []
    parts = folds_of(numbers, folds if len(numbers) >= _FEW else len(numbers))
    for fold in parts:
        rest = np.setdiff1d(numbers, fold)
        calibration = Calibration.from_errors(
            errors.select(rest), force_length=force_length, least=_LEAST
        )
        pairs.append((calibration, errors.select(fold)))
    ordered = HeldOutErrors.concatenate([part for _, part in pairs])
    return _assessed(pairs, ordered, thresholds)


def _assessed(
    pairs: Sequence[tuple[Calibration, HeldOutErrors]],
    errors: HeldOutErrors,
    thresholds: Sequence[float],
) -> Reliability:
    labelled = np.isfinite(errors.force_errors)
    if not labelled.any():
        raise DataError("no structure has forces, so that nothing can be compared")
    expected = np.concatenate([one.force.expected(_columns(one.force, of)) for one, of in pairs])
    expected, true, owners = (
        expected[labelled],
        errors.force_errors[labelled],
        errors.owners[labelled],
    )
    coverage = []
    for level in LEVELS:
        inside = np.concatenate([_inside(one, of, level) for one, of in pairs])[labelled]
        found = np.concatenate([_energies_inside(one, of, level) for one, of in pairs])
        known = np.isfinite(inside)
        counts = np.bincount(owners[known])
        by_structure = np.bincount(owners[known], inside[known]) / np.maximum(counts, 1)
        coverage.append(
            Coverage(
                level,
                float(np.nanmean(inside)) if known.any() else float("nan"),
                float(np.nanmean(found)) if np.isfinite(found).any() else float("nan"),
                float(by_structure[counts > 0].mean()) if known.any() else float("nan"),
            )
        )
    limits = thresholds or np.quantile(expected, (0.5, 0.9)).tolist()
    columns = {name: errors.sites[labelled, k] for k, name in enumerate(errors.names)}
    columns |= {FORCE_LENGTH: errors.force_lengths[labelled], "expected error": expected}
    return Reliability(
        *(expected, true, owners, tuple(coverage)),
        tuple(_misses(float(limit), expected, true, owners) for limit in limits),
        {name: _rank(values, true) for name, values in columns.items()},
        {
            name: _rank(_largest(values, owners), _root_mean_square(true, owners))
            for name, values in columns.items()
        },
    )


def _columns(force: CalibratedError, errors: HeldOutErrors) -> Array:
    if FORCE_LENGTH in force.names:
        return np.column_stack([errors.sites, errors.force_lengths])
    return errors.sites


def _inside(calibration: Calibration, errors: HeldOutErrors, level: float) -> Array:
    """1 or 0 for atoms with a bound, NaN for others."""
    expected = calibration.force.expected(_columns(calibration.force, errors))
    bounds = calibration.force.bounds(expected, level)
    return np.where(np.isfinite(bounds), errors.force_errors <= bounds, np.nan)


def _energies_inside(calibration: Calibration, errors: HeldOutErrors, level: float) -> Array:
    """1 or 0 for structures with an energy and a bound, NaN for others."""
    found = np.full(len(errors.structures), np.nan)
    if calibration.energy is not None:
        bounds = calibration.energy.bounds(calibration.energy.expected(errors.structures), level)
        known = np.isfinite(errors.energy_errors) & np.isfinite(bounds)
        found[known] = errors.energy_errors[known] <= bounds[known]
    return found


def _misses(threshold: float, expected: Array, errors: Array, owners: NDArray[np.int64]) -> Misses:
    of_structures = _largest(expected, owners), _largest(errors, owners)
    counts, missed, told, false = [], [], [], []
    for expectations, true in ((expected, errors), of_structures):
        large, above = true >= 2 * threshold, expectations >= threshold
        counts.append(int(large.sum()))
        told.append(int(above.sum()))
        missed.append(_share(~above, large))
        false.append(_share(true < 0.5 * threshold, above))
    return Misses(threshold, 2 * threshold, *counts, *missed, *told, *false)


def _share(which: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(which[of].mean()) if of.any() else float("nan")


def _largest(values: Array, owners: NDArray[np.int64]) -> Array:
    _, places = np.unique(owners, return_inverse=True)
    found = np.full(places.max() + 1, -np.inf)
    np.maximum.at(found, places, values)
    return found


def _root_mean_square(values: Array, owners: NDArray[np.int64]) -> Array:
    _, places = np.unique(owners, return_inverse=True)
    return np.asarray(np.sqrt(np.bincount(places, values**2) / np.bincount(places)))


def _rank(values: Array, errors: Array) -> float:
    """Spearman's correlation; NaN where one of the two is the same everywhere."""
    if len(values) < 2 or np.ptp(values) == 0 or np.ptp(errors) == 0:
        return float("nan")
    return float(spearmanr(values, errors).statistic)
