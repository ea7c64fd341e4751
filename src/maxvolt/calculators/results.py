"""From what potentials say of a structure to ASE's results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from numpy.typing import NDArray

from maxvolt.errors import EvaluationError
from maxvolt.potentials.ensemble import mean_of, spread_of
from maxvolt.potentials.results import Energies
from maxvolt.selection import Grades
from maxvolt.uncertainty import ExpectedErrors
from maxvolt.units import VOIGT

__all__ = [
    "FailedEvaluationError",
    "graded",
    "mean_and_spread",
    "results_of",
    "stress_shares",
    "volume_of",
    "with_errors",
]


class FailedEvaluationError(EvaluationError, CalculationFailed):
    """The potential has no finite numbers for a structure; for ASE, a failed calculation."""


def results_of(energies: Energies, volume: float | None) -> dict[str, Any]:
    """Results of one potential; stress where there is a volume."""
    total = float(energies.site_energies.sum())
    results: dict[str, Any] = {
        "energy": total,
        "free_energy": total,
        "energies": energies.site_energies,
        "forces": energies.forces,
    }
    if volume is not None:
        results["stress"] = energies.virials[0] / volume
    return results


def stress_shares(virials: NDArray[np.float64], volume: float | None) -> dict[str, Any]:
    """Share of each atom in the virial and, where there is a volume, its symmetric part in the
    stress.

    Parameters
    ----------
    virials : shape (N, 3, 3), eV
        Equation (13a).
    volume : float, Angstrom^3
        Of the cell.
    """  # noqa: D205
    results: dict[str, Any] = {"atomic_virials": virials}
    if volume is not None:
        symmetric = (virials + virials.transpose(0, 2, 1)) / (2.0 * volume)
        results["stresses"] = np.stack([symmetric[:, a, b] for a, b in VOIGT], axis=1)
    return results


def graded(grades: Grades) -> dict[str, Any]:
    """Results of a query strategy for one structure."""
    results: dict[str, Any] = {"grade": float(grades.structures[0])}
    if grades.sites is not None:
        results["grades"] = grades.sites
    return results


def with_errors(results: dict[str, Any], errors: ExpectedErrors, atoms: int) -> dict[str, Any]:
    """Results together with the expected errors of one structure of so many atoms.

    Raises
    ------
    EvaluationError
        One is not finite.
    """
    if not np.isfinite(errors.forces).all():
        raise EvaluationError(
            f"the expected error of the force on atom {int(np.argmin(np.isfinite(errors.forces)))} "
            "is not finite: look for atoms much closer than in the training set"
        )
    found = results | {"force_errors": errors.forces}
    if np.isfinite(errors.energies[0]):
        found["energy_error"] = float(errors.energies[0]) * atoms
    return found


def mean_and_spread(members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean of each result over the members, and as ``..._std`` its sample standard deviation."""
    results: dict[str, Any] = {}
    for name in members[0]:
        values = [np.asarray(member[name]) for member in members]
        statistics = {name: mean_of(values)}
        if name != "free_energy":
            statistics[f"{name}_std"] = spread_of(values)
        for key, value in statistics.items():
            # ASE expects energies to be Python floats.
            results[key] = float(value) if value.ndim == 0 else value
    return results


def volume_of(atoms: Atoms) -> float | None:
    """Volume of a cell that is periodic in three directions, Angstrom^3; else None."""
    return float(atoms.get_volume()) if atoms.pbc.all() else None
