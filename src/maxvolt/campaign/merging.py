"""Which structures make the next training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset

__all__ = ["known", "merged"]


def known(structures: Dataset, others: Dataset) -> NDArray[np.bool_]:
    """Say which structures are among others, or earlier in the same set."""
    seen = set(others.digests)
    found = np.zeros(len(structures), np.bool_)
    for index, digest in enumerate(structures.digests):
        found[index] = digest in seen
        seen.add(digest)
    return found


def merged(training: Dataset, labelled: Dataset) -> Dataset:
    """Add structures to a training set, each once."""
    return Dataset.concatenate([training, labelled.select(~known(labelled, training))])
