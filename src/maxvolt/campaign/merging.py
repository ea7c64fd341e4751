"""Which structures make the next training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset

__all__ = ["known", "merged"]

_WHAT = ("numbers", "positions")


def known(structures: Dataset, others: Dataset) -> NDArray[np.bool_]:
    """Say which structures are, to the last bit, among others or earlier in the same set."""
    seen = set(_contents(others))
    found = np.zeros(len(structures), np.bool_)
    for index, content in enumerate(_contents(structures)):
        found[index] = content in seen
        seen.add(content)
    return found


def merged(training: Dataset, labelled: Dataset) -> Dataset:
    """Add structures to a training set, each once."""
    return Dataset.concatenate([training, labelled.select(~known(labelled, training))])


def _contents(dataset: Dataset) -> list[bytes]:
    """Bytes of each structure: atoms, positions, cell, periodicity."""
    found = []
    for s in range(len(dataset)):
        atoms = slice(int(dataset.offsets[s]), int(dataset.offsets[s + 1]))
        arrays = [getattr(dataset, name)[atoms] for name in _WHAT]
        arrays += [dataset.cells[s], dataset.pbc[s]]
        found.append(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))
    return found
