"""Compiled models with a calibration, by which LAMMPS predicts force errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maxvolt.errors import DataError
from maxvolt.potentials import MTP, Potential
from maxvolt.potentials.mtp.compiled_file import ErrorRecord
from maxvolt.selection.active_rows import ActiveRows
from maxvolt.selection.mlip_files import write_active_set
from maxvolt.uncertainty.calibration import Calibration
from maxvolt.uncertainty.measures import GradeMeasure, Measure, PosteriorMeasure

__all__ = ["check_compilable", "error_record", "write_compiled_parts"]


def check_compilable(potential: Potential, measures: Sequence[Measure]) -> None:
    """Refuse measures that are not computed from the gradients of site energies.

    Raises
    ------
    DataError
        Names the measure, and those to calibrate instead.
    """
    if not isinstance(potential, MTP):
        raise DataError(
            "LAMMPS predicts errors of one moment tensor potential, not of "
            f"{type(potential).__name__}: calibrate one member"
        )
    for measure in measures:
        if isinstance(measure, GradeMeasure):
            if measure.active_set.mode != "neighborhood":
                raise DataError(
                    "expected errors in LAMMPS need the grades of atoms, and the active set of "
                    "this calibration grades whole configurations: calibrate with one in "
                    "neighborhood mode, or with the measure posterior"
                )
        elif type(measure) is not PosteriorMeasure:
            raise DataError(
                f"LAMMPS does not compute the measure {measure.name!r}, which needs more than the "
                "gradients of site energies: calibrate with the measure posterior, grade, or both"
            )
        if any(member.digest != potential.digest for member in measure.members):
            raise DataError(
                f"the measure {measure.name!r} belongs to another potential than the one whose "
                "errors are told: calibrate again, with this potential"
            )


def error_record(measures: Sequence[Measure], calibration: Calibration) -> ErrorRecord:
    """Give what a compiled model holds of a calibration by measures that can be compiled."""
    force, scores = calibration.force, calibration.force.scores
    factor = np.empty((0, 0))
    for measure in measures:
        if isinstance(measure, PosteriorMeasure):
            factor = measure.posterior.factor
    return ErrorRecord(
        measures=force.names,
        factor=factor,
        floors=force.model.floors,
        exponents=force.model.exponents,
        largest=force.model.largest,
        prefactor=force.model.prefactor,
        edges=scores.edges,
        scores=scores.scores,
        structures=scores.structures,
        reached=scores.reached,
    )


def write_compiled_parts(
    path: str | Path,
    potential: Potential,
    measures: Sequence[Measure],
    calibration: Calibration,
    active_set: ActiveRows | None = None,
) -> None:
    """Write a compiled model; it appears whole or not at all.

    Parameters
    ----------
    path
        The file.
    potential, measures, calibration
        Of an `Uncertainty`.
    active_set
        By which programs grade that read the file; that of the measures comes before it.

    Raises
    ------
    DataError
        As of `check_compilable`; an active set of another potential.
    """
    check_compilable(potential, measures)
    assert isinstance(potential, MTP)
    errors = error_record(measures, calibration)
    for measure in measures:
        if isinstance(measure, GradeMeasure):
            active_set = measure.active_set
    if active_set is not None and active_set.potential.digest != potential.digest:
        raise DataError(
            "the active set belongs to another potential than the one whose errors are told: make "
            "one of this potential"
        )
    if active_set is None:
        potential.write_compiled(path, errors=errors)
    else:
        write_active_set(path, active_set, errors=errors)
