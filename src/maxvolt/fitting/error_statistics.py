"""Statistics of differences between predictions and labels, and of the members of an ensemble.

See `maxvolt.fitting.prediction_errors` for what they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.fitting.error_quantities import QUANTITIES, printed_number, printed_percent
from maxvolt.html_tables import html_table
from maxvolt.potentials.ensemble import mean_of, spread_of

__all__ = [
    "EnsembleErrors",
    "ErrorReport",
    "ErrorStatistics",
    "GroupErrors",
    "LabelDifferences",
    "errors_html",
    "mean_and_two_sigma",
]

_LEAST_SPREAD = 1 / 3
"""Spread relative to the error below which it is no measure of the error: two standard deviations
then cover fewer than half of the errors."""


@dataclass(frozen=True, slots=True)
class ErrorStatistics:
    """Differences between predictions and labels of one quantity.

    Attributes
    ----------
    count
        How many structures (energy, stress) or atoms (forces) were compared.
    missing
        How many were left out: without the label, or (stress) without a cell periodic in three
        directions.
    rmse, mae, maximum
        Root mean square, mean and largest absolute difference; NaN when `count` is 0.
    rmse_over_structures
        Root of the mean over structures of each structure's mean square difference.
    reference_rms, reference_maximum
        Root mean square and largest magnitude of the reference; for energies, of the reference
        less its mean.
    """

    count: int
    missing: int
    rmse: float
    mae: float
    maximum: float
    rmse_over_structures: float
    reference_rms: float
    reference_maximum: float

    @property
    def relative_rmse(self) -> float:
        """`rmse` over `reference_rms`; NaN where the reference vanishes or does not vary."""
        return self.rmse / self.reference_rms if self.reference_rms > 0 else float("nan")

    @property
    def relative_maximum(self) -> float:
        """`maximum` over `reference_maximum`; NaN where the reference vanishes."""
        return self.maximum / self.reference_maximum if self.reference_maximum > 0 else float("nan")

    def to_dict(self) -> dict[str, float | int]:
        """Plain numbers; ``rmse_percent`` is `relative_rmse` in per cent."""
        return {
            "count": self.count,
            "missing": self.missing,
            "rmse": self.rmse,
            "mae": self.mae,
            "max": self.maximum,
            "rmse_percent": 100 * self.relative_rmse,
            "rmse_over_structures": self.rmse_over_structures,
            "reference_rms": self.reference_rms,
            "reference_max": self.reference_maximum,
        }


@dataclass(frozen=True, slots=True)
class GroupErrors:
    """Errors of one group of structures, or of all.

    Attributes
    ----------
    name
        Group name; "" for structures without one, "total" for all of them.
    structures, atoms
        How many there are, labelled or not.
    energy : eV
    energy_per_atom : eV/atom
    force_components, force_vectors : eV/Angstrom
        Over single components; over the norm of each atom's force difference.
    stress_components, stress_tensors : GPa
        Over the nine components; over the Frobenius norm of each structure's difference.
    virials : eV
        Frobenius norm of the difference of stress times volume.
    """

    name: str
    structures: int
    atoms: int
    energy: ErrorStatistics
    energy_per_atom: ErrorStatistics
    force_components: ErrorStatistics
    force_vectors: ErrorStatistics
    stress_components: ErrorStatistics
    stress_tensors: ErrorStatistics
    virials: ErrorStatistics

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers with units in the keys."""
        return {
            "structures": self.structures,
            "atoms": self.atoms,
            "energy_eV": self.energy.to_dict(),
            "energy_per_atom_eV": self.energy_per_atom.to_dict(),
            "force_components_eV_per_A": self.force_components.to_dict(),
            "force_vectors_eV_per_A": self.force_vectors.to_dict(),
            "stress_components_GPa": self.stress_components.to_dict(),
            "stress_tensors_GPa": self.stress_tensors.to_dict(),
            "virials_eV": self.virials.to_dict(),
        }


def errors_html(reports: Mapping[str, ErrorReport], title: str = "Errors") -> str:
    """Return a table for notebooks: a row for each quantity and, where there are several, group.

    Parameters
    ----------
    reports
        By name of the dataset.
    title
        What stands above it.
    """
    rows = []
    for name, report in reports.items():
        groups = (*report.groups, report.total) if len(report.groups) > 1 else (report.total,)
        for group in groups:
            of = " ".join(text for text in (name, group.name if len(groups) > 1 else "") if text)
            for quantity in QUANTITIES:
                found: ErrorStatistics = getattr(group, quantity.name)
                numbers = (found.rmse, found.mae, found.maximum)
                rmse, mae, largest = (printed_number(quantity.factor * x) for x in numbers)
                rows.append(
                    (
                        f"{of}: {quantity.label}" if of else quantity.label,
                        quantity.compared(found.count, found.missing),
                        rmse,
                        printed_percent(found.relative_rmse),
                        mae,
                        largest,
                    )
                )
    return html_table(title, ("", "compared", "RMSE", "RMSE %", "MAE", "largest"), rows)


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Errors over a whole dataset and over each of its groups.

    Attributes
    ----------
    total
        All structures.
    groups
        One a group, in the order in which the groups first appear.
    """

    total: GroupErrors
    groups: tuple[GroupErrors, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers: ``total`` and, by name, ``groups``."""
        return {
            "total": self.total.to_dict(),
            "groups": {group.name: group.to_dict() for group in self.groups},
        }

    def _repr_html_(self) -> str:
        return errors_html({"": self})


@dataclass(frozen=True, slots=True)
class EnsembleErrors:
    """Errors of an ensemble of potentials.

    Attributes
    ----------
    mean_prediction
        Errors of the mean of the members' predictions.
    members
        Errors of each member.
    energy_spread : eV/atom
        Root mean square over the structures of the members' sample standard deviation; NaN for one
        member.
    force_spread : eV/Angstrom
        Likewise of force components.
    """

    mean_prediction: ErrorReport
    members: tuple[ErrorReport, ...]
    energy_spread: float
    force_spread: float

    def spread(self, quantity: Callable[[ErrorReport], float]) -> tuple[float, float]:
        """Mean over members and twice their sample standard deviation of one number.

        With one member the second is NaN.

        Examples
        --------
        ``errors.spread(lambda report: report.total.energy_per_atom.rmse)``
        """
        return mean_and_two_sigma([quantity(report) for report in self.members])

    def _repr_html_(self) -> str:
        return errors_html({"": self.mean_prediction}, "Errors of the mean of the ensemble")

    def doubt(self, name: str) -> str | None:
        """Say where the spread of the members is far below their error, and no measure of it.

        Parameters
        ----------
        name
            Of the dataset.
        """
        total = self.mean_prediction.total
        small = [
            f"{what} by {1000 * spread:.3g} {unit} and are off by {1000 * error:.3g}"
            for what, spread, error, unit in (
                ("energies", self.energy_spread, total.energy_per_atom.rmse, "meV/atom"),
                ("forces", self.force_spread, total.force_components.rmse, "meV/A"),
            )
            if spread < _LEAST_SPREAD * error
        ]
        if not small:
            return None
        return (
            f"the members of the ensemble differ in {', in '.join(small)} ({name}): their "
            "spread is no estimate of the error, which comes from what all of them lack; give "
            "each member other data (resampling = bootstrap), keep them in different minima "
            "(starts_apart), use a more flexible potential or a larger cutoff, or take expected "
            "errors that are calibrated on held-out structures (maxvolt.calibrate)"
        )


def mean_and_two_sigma(values: Sequence[float]) -> tuple[float, float]:
    """Mean and twice the sample standard deviation; the latter is NaN for a single value."""
    each = [np.asarray(value) for value in values]
    two_sigma = 2 * float(spread_of(each)) if len(each) > 1 else float("nan")
    return float(mean_of(each)), two_sigma


class LabelDifferences:
    """Predictions and labels of one quantity for the structures chosen."""

    def __init__(
        self,
        predicted: NDArray[np.float64],
        reference: NDArray[np.float64],
        present: NDArray[np.bool_],
        chosen: NDArray[np.bool_],
        owner: NDArray[np.int64],
    ) -> None:
        self.used = present & chosen
        self.missing = int((chosen & ~present).sum())
        self.difference = predicted[self.used] - reference[self.used]
        self.reference = reference[self.used]
        self.owner = owner[self.used]

    def statistics(
        self, scale: NDArray[np.float64] | float = 1.0, *, norm: bool = False, centred: bool = False
    ) -> ErrorStatistics:
        """Statistics of components, or of row norms, after a change of unit.

        Parameters
        ----------
        scale : scalar or shape (rows, 1)
            Factor to the unit reported.
        norm
            Compare the norm of each row in place of its components.
        centred
            Refer the reference to its mean.
        """
        count = len(self.difference)
        if count == 0:
            nan = float("nan")
            return ErrorStatistics(0, self.missing, nan, nan, nan, nan, nan, nan)
        factor = scale[self.used] if isinstance(scale, np.ndarray) else scale
        difference, reference = self.difference * factor, self.reference * factor
        if centred:
            reference = reference - reference.mean(axis=0)
        if norm:
            difference = np.linalg.norm(difference, axis=1, keepdims=True)
            reference = np.linalg.norm(reference, axis=1, keepdims=True)
        squares = np.mean(difference**2, axis=1)
        # Mean square inside each structure that has labels, then over these structures.
        _, inside = np.unique(self.owner, return_inverse=True)
        by_structure = np.bincount(inside, weights=squares) / np.bincount(inside)
        return ErrorStatistics(
            count=count,
            missing=self.missing,
            rmse=float(np.sqrt(squares.mean())),
            mae=float(np.abs(difference).mean()),
            maximum=float(np.abs(difference).max()),
            rmse_over_structures=float(np.sqrt(by_structure.mean())),
            reference_rms=float(np.sqrt(np.mean(reference**2))),
            reference_maximum=float(np.abs(reference).max()),
        )
