"""A nudged elastic band whose images are evaluated together."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.mep import NEB
from ase.optimize import FIRE
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.sampling.batch import Batch
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.evaluators import evaluator_of

__all__ = ["lowest_path"]

_SKIN = 1.0
"""Angstrom, by which neighbour lists reach farther than the cutoff."""


def lowest_path(
    ends: tuple[Atoms, Atoms],
    calculator: Any,
    *,
    images: int,
    force_tolerance: float,
    max_steps: int,
    purpose: str,
    remedy: str,
) -> list[Atoms]:
    """Find the path of least energy between two structures, by ASE's climbing elastic band.

    Parameters
    ----------
    ends
        Relaxed, with their energies and forces.
    calculator
        Any ASE calculator; a potential of this package evaluates all images in one call.
    images
        Structures between the ends.
    force_tolerance : eV/Angstrom
        Largest force left on the band.
    max_steps
        Steps after which it counts as not converged.
    purpose
        What is computed, for messages.
    remedy
        What to do where the band does not converge, for the message.

    Returns
    -------
    path
        Both ends and what lies between them, with energies and forces.

    Raises
    ------
    MaxvoltError
        The band did not converge, or an image could not be computed.
    """
    path = [ends[0], *(ends[0].copy() for _ in range(images)), ends[1]]
    band = _Band(path, calculator)
    band.interpolate(mic=True)  # type: ignore[no-untyped-call]
    if not FIRE(band, logfile=StringIO()).run(fmax=force_tolerance, steps=max_steps):
        raise MaxvoltError(
            f"{purpose}: after {max_steps} steps the band has a force above {force_tolerance:g} "
            f"eV/A; {remedy}"
        )
    return path


class _Band(NEB):
    """ASE's band; energies and forces of its inner images come from one evaluation."""

    def __init__(self, path: Sequence[Atoms], calculator: Any) -> None:
        NEB.__init__(self, path, climb=True, method="improvedtangent")
        self._evaluator = evaluator_of(calculator)
        self._neighbors = BatchNeighbors(self._evaluator.reach, _SKIN)
        self._neighbors.add(np.array([len(image) for image in path[1:-1]]))

    def get_forces(self) -> NDArray[np.float64]:
        """Evaluate the inner images, and return the forces on the band."""
        inner = self.images[1:-1]
        batch = Batch.from_dataset(Dataset.without_labels(inner))
        stops = self._neighbors.update(batch)
        skip = np.zeros(len(batch), np.bool_)
        skip[list(stops)] = True
        found = self._evaluator.evaluate(batch, self._neighbors, skip, stress=False)
        for index, stop in {**stops, **found.failures}.items():
            raise MaxvoltError(f"image {index + 1} of an elastic band: {stop.message}")
        for index, image in enumerate(inner):
            of = slice(batch.offsets[index], batch.offsets[index + 1])
            image.calc = SinglePointCalculator(
                image, energy=float(found.energies[index]), forces=found.forces[of]
            )
        return np.asarray(NEB.get_forces(self))
