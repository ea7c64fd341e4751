"""All findings about labels and positions of a dataset, structure by structure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from maxvolt.errors import FitError
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.screening.contrary_labels import (
    contrary_forces,
    misfits_of,
    other_energies,
    other_units,
)
from maxvolt.fitting.screening.findings import Finding
from maxvolt.fitting.screening.force_bounds import impossible_forces
from maxvolt.fitting.screening.misplaced_atoms import misplaced_atoms
from maxvolt.fitting.training_set import TrainingSet
from maxvolt.fitting.variable_projection.quick_fit import quick_fit

__all__ = ["examine", "refuse"]


def examine(
    objective: Objective,
    training_set: TrainingSet,
    species: tuple[str, ...],
    cutoff: float,
    *,
    threads: int,
) -> list[Finding]:
    """Look for labels that contradict distances, or labels of other structures.

    Parameters
    ----------
    objective, training_set
        Labelled structures, which the other checks have passed, and their neighbours.
    species, cutoff
        Of the potential.
    threads
        Number of threads.
    """
    dataset = objective.dataset
    found = impossible_forces(training_set, dataset, species)
    with threadpool_limits(1, user_api="blas"):
        fitted = quick_fit(objective, training_set, species, cutoff, threads=threads)
        if fitted is None:
            return found
        misfits = misfits_of(dataset, fitted)
        contrary = contrary_forces(dataset, fitted, misfits)
        if contrary.any():
            weights = np.where(contrary, 0.0, dataset.weights)
            without = replace(objective, dataset=replace(dataset, weights=weights))
            again = quick_fit(without, training_set, species, cutoff, threads=threads)
            if again is not None:
                fitted, misfits = again, misfits_of(dataset, again)
        found += other_units(dataset, fitted, misfits)
        found += other_energies(dataset, fitted, misfits)
        explained = np.isin(np.arange(len(dataset)), [s for one in found for s in one.structures])
        found += misplaced_atoms(dataset, fitted, misfits, explained, threads=threads)
    return found


def refuse(objective: Objective, findings: list[Finding], *, robust: bool) -> list[str]:
    """Refuse what is certain, and say the rest.

    Parameters
    ----------
    objective
        Labelled structures.
    findings
        Of them.
    robust
        Whether labels with large errors count less anyway: then nothing is refused.

    Returns
    -------
    doubts : list of str

    Raises
    ------
    FitError
        Names all that is certain.
    """
    dataset = objective.dataset
    certain = [one.message(dataset) for one in findings if one.certain and not robust]
    if certain:
        raise FitError("; ".join(certain))
    return [one.message(dataset) for one in findings]
