"""Evaluation of a dataset piece by piece: each by the process that is free, and progress shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Protocol

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE
from maxvolt.potentials.results import Predictions

__all__ = ["DatasetPotential", "SteppedPotential"]


class DatasetPotential(Protocol):
    """A potential that can be evaluated on a dataset."""

    def evaluate_dataset(
        self, dataset: Dataset, *, threads: int | None = None, first_structure: int = 0
    ) -> Predictions:
        """Predict energies, forces and stresses of all structures."""
        ...


def _nothing(_: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class SteppedPotential:
    """A potential that evaluates a dataset piece by piece and says so after each.

    The pieces are those that `NeighborhoodPotential.evaluate_dataset` makes itself, so that the
    results are the same bit for bit.

    Attributes
    ----------
    potential
        What evaluates.
    advance
        Called with the number of structures just done.
    ranks
        Who evaluates.
    """

    potential: DatasetPotential
    advance: Callable[[int], None] = _nothing
    ranks: Ranks = ONE_PROCESS

    def evaluate_dataset(
        self, dataset: Dataset, *, threads: int | None = None, first_structure: int = 0
    ) -> Predictions:
        """Return what the potential says of all structures."""
        parts = list(dataset.portions(ATOMS_AT_ONCE))
        if not parts:
            return self.potential.evaluate_dataset(dataset, threads=threads)
        pieces = []
        numbered = ((first_structure + part.start, dataset.select(part)) for part in parts)
        for found in self.ranks.stream(partial(_evaluating, self.potential, threads), numbered):
            pieces.append(found)
            self.advance(len(found.energies))
        return Predictions(
            **{
                field.name: np.concatenate([getattr(piece, field.name) for piece in pieces])
                for field in fields(Predictions)
            }
        )


def _evaluating(
    potential: DatasetPotential, threads: int | None
) -> Callable[[tuple[int, Dataset]], Predictions]:
    return lambda piece: potential.evaluate_dataset(
        piece[1], threads=threads, first_structure=piece[0]
    )
