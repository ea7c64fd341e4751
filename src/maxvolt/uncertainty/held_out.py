"""Measures and true errors of labelled structures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.neighbors.neighborhoods import Neighborhoods, iterate_neighborhoods
from maxvolt.potentials import Ensemble, Potential
from maxvolt.potentials.ensemble import joined, mean_of, members_of, types_for
from maxvolt.potentials.results import Energies
from maxvolt.uncertainty.calibration import HeldOutErrors
from maxvolt.uncertainty.measures import (
    EvaluatingMeasure,
    ForceDeviationMeasure,
    Measure,
    Measured,
)

__all__ = ["ATOMS_AT_ONCE", "evaluate_and_measure", "held_out_errors", "measure_all", "portions_of"]

Array = NDArray[np.float64]

ATOMS_AT_ONCE = 2000
"""Atoms whose gradients by all parameters are held at once."""

_ATOMS_OF_FORCES = 200
"""The same where those of forces are."""


def measure_all(
    measures: Sequence[Measure],
    potential: Potential,
    neighborhoods: Neighborhoods,
    energies: Sequence[Energies] | None = None,
    *,
    threads: int | None = None,
) -> list[Measured]:
    """What all measures say of structures whose neighbours are known.

    Parameters
    ----------
    measures
        Any number.
    potential
        Whose species number the types of the neighbourhoods.
    neighborhoods
        Structures and neighbours.
    energies
        What the members of the potential say of them, where that is known.
    threads
        Number of threads; None for every core.
    """
    found, members = [], members_of(potential)
    for measure in measures:
        where = types_for(neighborhoods, potential.species, measure.species)
        known = energies if tuple(measure.members) == members else None
        found.append(measure.measure_neighborhoods(where, known, threads=threads))
    return found


def evaluate_and_measure(
    measures: Sequence[Measure],
    potential: Potential,
    neighborhoods: Neighborhoods,
    *,
    threads: int | None = None,
) -> tuple[Sequence[Energies], list[Measured]]:
    """What the members of the potential and all measures say; parameters as of `measure_all`.

    In one pass where a measure evaluates the potential itself.
    """
    members = members_of(potential)
    for number, measure in enumerate(measures):
        if isinstance(measure, EvaluatingMeasure) and tuple(measure.members) == members:
            where = types_for(neighborhoods, potential.species, measure.species)
            energies, own = measure.evaluate_neighborhoods(where, threads=threads)
            others = [*measures[:number], *measures[number + 1 :]]
            found = measure_all(others, potential, neighborhoods, energies, threads=threads)
            return energies, [*found[:number], own, *found[number:]]
    each = Ensemble(members).evaluate_each(neighborhoods, threads=threads)
    return each, measure_all(measures, potential, neighborhoods, each, threads=threads)


def portions_of(
    dataset: Dataset, potential: Potential, measures: Sequence[Measure]
) -> Iterator[tuple[slice, Neighborhoods]]:
    """Structures with neighbours for a potential and its measures, in bounded memory."""
    of_forces = any(isinstance(measure, ForceDeviationMeasure) for measure in measures)
    cutoff = max([potential.cutoff, *(measure.cutoff for measure in measures)])
    return iterate_neighborhoods(
        dataset,
        potential.species,
        cutoff,
        atoms_at_once=_ATOMS_OF_FORCES if of_forces else ATOMS_AT_ONCE,
    )


def held_out_errors(
    potential: Potential,
    measures: Sequence[Measure],
    dataset: Dataset,
    *,
    threads: int | None = None,
) -> HeldOutErrors:
    """Evaluate and measure structures, and compare with their labels.

    Parameters
    ----------
    potential
        Whose errors are wanted; of an ensemble, those of its mean.
    measures
        At least one.
    dataset
        Labelled structures that the potential was not fitted to.
    threads
        Number of threads; None for every core.

    Raises
    ------
    DataError
        No structures, or no measures.
    SpeciesError
        A species unknown to the potential.
    """
    if not len(dataset) or not measures:
        raise DataError("a calibration needs structures with labels and at least one measure")
    ensemble, parts = Ensemble(members_of(potential)), []
    for which, neighborhoods in portions_of(dataset, potential, measures):
        each = ensemble.evaluate_each(neighborhoods, threads=threads)
        mean = joined(each, mean_of)
        found = measure_all(measures, potential, neighborhoods, each, threads=threads)
        labels = dataset.select(which)
        total = np.bincount(neighborhoods.structures, mean.site_energies, len(labels))
        parts.append(
            HeldOutErrors(
                names=tuple(measure.name for measure in measures),
                structures=np.stack([one.structures for one in found], axis=1),
                sites=np.stack([one.sites for one in found], axis=1),
                force_lengths=np.linalg.norm(mean.forces, axis=1),
                energy_errors=np.abs(total - labels.energies) / labels.counts,
                force_errors=np.linalg.norm(mean.forces - labels.forces, axis=1),
                owners=neighborhoods.structures.astype(np.int64),
            )
        )
    return HeldOutErrors.concatenate(parts)
