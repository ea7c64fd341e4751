"""How well a measure tells the true errors of held-out structures, in plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from maxvolt.uncertainty import Calibration, HeldOutErrors, reliability_on

__all__ = ["COVERAGE", "DEFAULT_SELECT", "HALVES", "statistics"]

COVERAGE = 0.9
HALVES = 10
"""Random halves of the held-out structures: one is calibrated on, the other is tried."""
DEFAULT_SELECT = 2.0
"""Default threshold of grades, and of spreads over the largest of the training set."""
_LEAST = 10


def statistics(
    errors: HeldOutErrors, limit: float, largest: float, known: NDArray[np.bool_] | None
) -> dict[str, Any]:
    """Rank correlations, coverage, misses and a reliability diagram.

    Parameters
    ----------
    errors
        Of one measure.
    limit : eV/Angstrom
        Root mean square error of the force components of a structure from which it is badly
        described.
    largest
        The largest value of the measure on the training set; a grade has its own unit.
    known
        Structures of kinds that the training set has; None: all.
    """
    sites, owners, true = errors.sites[:, 0], errors.owners, errors.force_errors
    n = len(errors.structures)
    top = np.full(n, -np.inf)
    np.maximum.at(top, owners, sites)
    rmse = np.sqrt(np.bincount(owners, true**2, n) / (3 * np.bincount(owners, minlength=n)))
    bad = rmse > limit
    threshold = DEFAULT_SELECT * (1.0 if errors.names == ("grade",) else largest)
    halves = [_half(errors, seed) for seed in range(HALVES)]
    return {
        "rank_atoms": _rank(sites, true),
        "rank_structures": _rank(top, rmse),
        "rank_force_length": _rank(errors.force_lengths, true),
        "rank_expected_atoms": _mean([half["rank_atoms"] for half in halves]),
        "rank_expected_structures": _mean([half["rank_structures"] for half in halves]),
        "coverage": [half["coverage"] for half in halves],
        "coverage_energies": [half["coverage_energies"] for half in halves],
        "uses_force_length": float(np.mean([half["uses_force_length"] for half in halves])),
        "bound_over_error": float(np.mean([half["bound_over_error"] for half in halves])),
        "coverage_of_other_kinds": _other_kinds(errors, known),
        "bad": int(bad.sum()),
        "missed": int((bad & (top <= threshold)).sum()),
        "told": int((top > threshold).sum()),
        "diagram": halves[0]["diagram"],
    }


def _half(errors: HeldOutErrors, seed: int) -> dict[str, Any]:
    order = np.random.default_rng(seed).permutation(len(errors.structures))
    middle = len(order) // 2
    calibration = Calibration.from_errors(errors.select(np.sort(order[:middle])))
    test = errors.select(np.sort(order[middle:]))
    found = reliability_on(calibration, test)
    (row,) = [row for row in found.coverage if row.stated == COVERAGE]
    bounds = calibration.force.bounds(found.expected, COVERAGE)
    return {
        "coverage": row.forces,
        "coverage_energies": None if np.isnan(row.energies) else row.energies,
        "rank_atoms": found.correlations["expected error"],
        "rank_structures": found.structure_correlations["expected error"],
        "uses_force_length": calibration.uses_force_length,
        "bound_over_error": float(np.median(bounds) / np.median(found.errors)),
        "diagram": found.diagram(),
    }


def _other_kinds(errors: HeldOutErrors, known: NDArray[np.bool_] | None) -> float | None:
    """Coverage of kinds of structures that neither training set nor calibration has."""
    if known is None or known.sum() < _LEAST or (~known).sum() < _LEAST:
        return None
    calibration = Calibration.from_errors(errors.select(np.flatnonzero(known)))
    found = reliability_on(calibration, errors.select(np.flatnonzero(~known)))
    (row,) = [row for row in found.coverage if row.stated == COVERAGE]
    return row.forces


def _mean(ranks: list[float]) -> float | None:
    """Mean; None where a measure says so little that all errors are expected to be the same."""
    return None if np.isnan(ranks).any() else float(np.mean(ranks))


def _rank(values: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    return float(spearmanr(values, errors).statistic)
