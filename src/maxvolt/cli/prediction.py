"""Evaluation in steps, so that a progress bar has something to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from maxvolt.cli.console import counted, note

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.potentials import Potential, Predictions

__all__ = ["SteppedPotential", "note_work"]

_ATOMS_OF_A_STEP = 20_000
"""Enough to keep all threads busy, few enough that the bar moves."""


@dataclass(frozen=True, slots=True)
class SteppedPotential:
    """A potential that evaluates a data set piece by piece and says so after each.

    Attributes
    ----------
    potential
        What evaluates.
    advance
        Called with the number of structures just done.
    """

    potential: Potential
    advance: Callable[[int], None]

    def evaluate_dataset(self, dataset: Dataset, *, threads: int | None = None) -> Predictions:
        """Return what the potential says of all structures."""
        pieces = []
        for chosen in dataset.portions(_ATOMS_OF_A_STEP):
            piece = dataset.select(chosen)
            pieces.append(self.potential.evaluate_dataset(piece, threads=threads))
            self.advance(len(piece))
        if not pieces:
            return self.potential.evaluate_dataset(dataset, threads=threads)
        kind = type(pieces[0])
        return kind(
            **{
                field.name: np.concatenate([getattr(piece, field.name) for piece in pieces])
                for field in fields(kind)
            }
        )


def note_work(dataset: Dataset, threads: int | None) -> None:
    """Say how much there is to do, and on how many threads."""
    from maxvolt.threads import thread_count

    note(
        f"evaluating {counted(len(dataset), 'structure')}, {counted(dataset.n_atoms, 'atom')}; "
        f"{counted(thread_count(threads), 'thread')}"
    )
