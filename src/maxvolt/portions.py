"""Many structures in portions of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset

__all__ = ["batches", "portions"]


def batches(stream: Iterable[Dataset | Atoms], atoms: int) -> Iterator[Dataset]:
    """Gather single structures of a stream to datasets of about so many atoms; keep the order."""
    single: list[Atoms] = []
    size = 0
    for item in stream:
        if isinstance(item, Atoms):
            single.append(item)
            size += len(item)
        if single and (size >= atoms or not isinstance(item, Atoms)):
            yield Dataset.from_atoms(single)
            single, size = [], 0
        if not isinstance(item, Atoms):
            yield item
    if single:
        yield Dataset.from_atoms(single)


def portions(counts: NDArray[np.int64], atoms: int) -> Iterator[slice]:
    """Split structures into consecutive portions of so many atoms, at least one structure each.

    Parameters
    ----------
    counts : shape (n,)
        Atoms of each structure.
    atoms
        Atoms of a portion; a larger structure is a portion of its own.
    """
    begin, total = 0, 0
    for s, count in enumerate(counts.tolist()):
        if s > begin and total + count > atoms:
            yield slice(begin, s)
            begin, total = s, 0
        total += count
    if begin < len(counts):
        yield slice(begin, len(counts))
