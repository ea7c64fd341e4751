"""What labelling gives back: the labelled structures, and why others have no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.labelling.jobs import Outcome
from maxvolt.labelling.limits import CalculatedLabels

__all__ = ["LabelProgress", "LabelResult", "Quarantined", "label_result"]


class Quarantined(NamedTuple):
    """A structure without labels: its index among those given, and the reason."""

    structure: int
    reason: str


@dataclass(frozen=True, slots=True)
class LabelProgress:
    """How far labelling has come.

    Parameters
    ----------
    done, total
        Calculations finished, and to be made, in this run; structures known before do not count.
    quarantined
        How many of those done gave no label.
    reason
        Why the latest gave none; "" where it did.
    """

    done: int
    total: int
    quarantined: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class LabelResult:
    """What labelling gave.

    Parameters
    ----------
    dataset
        The labelled structures in the order in which they were given, with the labels of the
        reference in place of those they may have had.
    indices : shape (n,), int64
        Which of the given structures they are.
    quarantined
        Those that have no label, and why.
    missing : shape (m,), int64
        Those of which nothing is known; always empty after `label`.
    calculated
        How many calculations were made.
    reused
        How many structures were known before, quarantined ones included.
    seconds
        Wall time.
    """

    dataset: Dataset
    indices: NDArray[np.int64]
    quarantined: list[Quarantined]
    missing: NDArray[np.int64]
    calculated: int
    reused: int
    seconds: float


def label_result(
    dataset: Dataset,
    outcomes: Sequence[Outcome | None],
    *,
    calculated: int,
    reused: int,
    seconds: float,
) -> LabelResult:
    """Gather what became of structures; None stands for those of which nothing is known.

    Parameters
    ----------
    dataset
        The structures.
    outcomes
        One of each.
    calculated, reused, seconds
        As of `LabelResult`.
    """
    labelled: list[tuple[int, CalculatedLabels]] = []
    quarantined: list[Quarantined] = []
    missing: list[int] = []
    for index, outcome in enumerate(outcomes):
        if outcome is None:
            missing.append(index)
        elif outcome.labels is None:
            quarantined.append(Quarantined(index, outcome.reason))
        else:
            labelled.append((index, outcome.labels))
    indices = np.array([index for index, _ in labelled], np.int64)
    return LabelResult(
        dataset=_with_labels(dataset.select(indices), [labels for _, labels in labelled]),
        indices=indices,
        quarantined=quarantined,
        missing=np.array(missing, np.int64),
        calculated=calculated,
        reused=reused,
        seconds=seconds,
    )


def _with_labels(dataset: Dataset, labels: Sequence[CalculatedLabels]) -> Dataset:
    """Return the structures with these labels in place of their own."""
    absent = np.full(6, np.nan)
    present = np.ones(len(dataset), np.bool_)
    forces = [np.empty((0, 3)), *(of_one.forces for of_one in labels)]
    stresses = [absent if of_one.stress is None else of_one.stress for of_one in labels]
    return replace(
        dataset,
        energies=np.array([of_one.free_energy for of_one in labels], np.float64),
        forces=np.concatenate(forces),
        stresses=np.array(stresses, np.float64).reshape(-1, 6),
        has_energy=present,
        has_forces=present,
        has_stress=np.array([of_one.stress is not None for of_one in labels], np.bool_),
    )
