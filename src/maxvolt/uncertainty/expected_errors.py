"""Expected errors of structures, and bounds that they keep at a stated coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.html_tables import html_table
from maxvolt.uncertainty.calibration import Calibration
from maxvolt.uncertainty.measures import Measured

__all__ = ["ErrorBounds", "ExpectedErrors", "expected_errors"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorBounds:
    """What errors of n structures with N atoms stay below, at some coverage.

    Attributes
    ----------
    coverage : float
    forces : shape (N,), eV/Angstrom
        Of the length of the error of a force vector; infinite where the calibration had too few
        structures for this coverage.
    energies : shape (n,), eV/atom
        Of the magnitude; NaN where energies were not calibrated.
    """

    coverage: float
    forces: Array
    energies: Array


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedErrors:
    """Mean errors of structures with such measures; n structures, N atoms.

    Attributes
    ----------
    forces : shape (N,), eV/Angstrom
        Expected length of the error of the force on each atom.
    energies : shape (n,), eV/atom
        Expected magnitude of the error of each energy; NaN where energies were not calibrated.
    owners : shape (N,), int64
        Structure of each atom.
    beyond : shape (N,), bool
        Atoms with a measure above all that were held out: what is expected there is extrapolated.
    calibration : Calibration
        By which they were found.
    """

    forces: Array
    energies: Array
    owners: NDArray[np.int64]
    beyond: NDArray[np.bool_]
    calibration: Calibration

    @property
    def structures(self) -> Array:
        """Largest expected force error of each structure, shape (n,), eV/Angstrom."""
        found = np.zeros(len(self.energies))
        np.maximum.at(found, self.owners, self.forces)
        return found

    def interval(self, coverage: float = 0.9, *, strict: bool = False) -> ErrorBounds:
        """Bounds of the errors: from zero up to these.

        Parameters
        ----------
        coverage
            Share of errors to be inside.
        strict
            Bounds by conformal prediction with structures as units, which hold more than so many
            where held-out structures are few (docs/uncertainty says what is proven); without it, as
            many as structures left out of the calibration show.

        Raises
        ------
        DataError
            A coverage that is not between 0 and 1.
        """
        calibration = self.calibration
        energies = np.full(len(self.energies), np.nan)
        if calibration.energy is not None:
            energies = calibration.energy.bounds(self.energies, coverage, strict=strict)
        forces = calibration.force.bounds(self.forces, coverage, strict=strict)
        return ErrorBounds(coverage, forces, energies)

    def _repr_html_(self) -> str:
        kinds = {"forces, eV/A": self.forces, "energies, eV/atom": self.energies}
        rows = [
            (name, str(len(values)), *(f"{x:.3g}" for x in (np.median(values), values.max())))
            for name, values in kinds.items()
            if len(values)
        ]
        return html_table("Expected errors", ("", "number", "median", "largest"), rows)


def expected_errors(
    calibration: Calibration,
    measured: list[Measured],
    force_lengths: Array | None,
    owners: NDArray[np.int64],
) -> ExpectedErrors:
    """Apply a calibration to measures, in its order.

    Parameters
    ----------
    calibration
        Of the same measures.
    measured
        What each says.
    force_lengths : shape (N,)
        Of the predicted forces, where the calibration uses them.
    owners : shape (N,)
        Structure of each atom.
    """
    sites = np.stack([one.sites for one in measured], axis=1)
    structures = np.stack([one.structures for one in measured], axis=1)
    columns = sites
    if calibration.uses_force_length:
        assert force_lengths is not None
        columns = np.column_stack([sites, force_lengths])
    energies = np.full(len(structures), np.nan)
    if calibration.energy is not None:
        energies = calibration.energy.expected(structures)
    largest = calibration.force.model.largest[: sites.shape[1]]
    return ExpectedErrors(
        forces=calibration.force.expected(columns),
        energies=energies,
        owners=owners,
        beyond=np.asarray((sites > largest).any(axis=1)),
        calibration=calibration,
    )
