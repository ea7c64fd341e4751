"""How long a potential takes for the structures of a dataset, measured on one thread."""

from __future__ import annotations

from time import process_time

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.fitting.displaced_structures import spread_structures
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.evaluation import NeighborhoodPotential

__all__ = ["evaluation_time"]

_STRUCTURES, _ATOMS = 100, 2000
"""Most that are evaluated at once."""

_FEWEST_CALLS = 5


def evaluation_time(
    potential: NeighborhoodPotential, dataset: Dataset, *, seconds: float = 0.2
) -> float:
    """Microseconds an atom for energies, forces and stresses, neighbours being known.

    The least processor time of several calls: what else runs on the machine only makes them longer.

    Parameters
    ----------
    potential
        Trained.
    dataset
        Structures, of which some are evaluated.
    seconds
        How long, about.
    """
    part = dataset.select(np.unique(spread_structures(dataset, _STRUCTURES, _ATOMS)))
    neighborhoods = potential.neighborhoods(part)
    times = [_elapsed(potential, neighborhoods)]  # the first call sets up what is kept
    while len(times) < _FEWEST_CALLS or sum(times) < seconds:
        times.append(_elapsed(potential, neighborhoods))
    return 1e6 * min(times[1:]) / part.n_atoms


def _elapsed(potential: NeighborhoodPotential, neighborhoods: Neighborhoods) -> float:
    began = process_time()
    potential.evaluate_neighborhoods(neighborhoods, threads=1)
    return max(process_time() - began, 1e-9)
