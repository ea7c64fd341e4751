"""Batches of MLIP's order, and what goes with it."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from selection_data import alloys, potential

from maxvolt import ActiveSet
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.selection.mlip_order import in_batches
from maxvolt.selection.row_store import Portion
from maxvolt.selection.rows import Rows
from maxvolt.selection.weights import RowWeights


def portion(source: int, first: int, count: int) -> Portion:
    """Structures of 1, 2, 1, 2 ... atoms, with a row for each atom."""
    structures = [bulk("Al", cubic=False) * (1 + (first + i) % 2, 1, 1) for i in range(count)]
    numbers = np.concatenate([[first + i] * len(s) for i, s in enumerate(structures)])
    rows = Rows(numbers[:, None] + np.zeros((1, 3)), numbers, np.arange(len(numbers)))
    return Portion(source, first, Dataset.from_atoms(structures), rows)


@pytest.mark.parametrize("counts", [[7], [3, 4], [1, 1, 5], [2, 2, 2, 1], [6, 1], [4, 3]])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_batches_of_so_many_structures(counts: list[int], size: int) -> None:
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]]).tolist()
    pieces = [portion(0, f, c) for f, c in zip(firsts, counts, strict=True)] + [portion(1, 0, 2)]
    found = list(in_batches(pieces, size))
    whole = portion(0, 0, 7)
    of_first = [batch for batch in found if batch.source == 0]
    lengths = [len(batch.structures) for batch in of_first]
    assert lengths == [size] * (7 // size) + [7 % size] * (7 % size > 0)
    assert [batch.first for batch in of_first] == list(range(0, 7, size))
    for batch in of_first:
        numbers = batch.rows.structures
        assert set(numbers) == set(range(batch.first, batch.first + len(batch.structures)))
    values = np.concatenate([batch.rows.values for batch in of_first])
    np.testing.assert_array_equal(values, whole.rows.values)
    assert sum(len(batch.structures) for batch in found if batch.source == 1) == 2


def test_the_volume_is_maximal_with_the_initial_rows_among_the_candidates() -> None:
    trained, dataset = potential(8), alloys(12)
    found = ActiveSet.from_dataset(trained, dataset, algorithm="mlip")
    assert 0 < found.rank < found.size
    assert found.grade(dataset).max() <= 1.001
    initial = 1e-6 * np.eye(found.size)
    assert np.abs(initial @ found.inverse).max() <= 1.001


def test_what_does_not_go_with_it() -> None:
    trained, dataset = potential(4), alloys(2)
    with pytest.raises(DataError, match="expected 'stream' or 'mlip'"):
        ActiveSet.from_dataset(trained, dataset, algorithm="MLIP")  # type: ignore[arg-type]
    empty = ActiveSet.empty(trained, weights=RowWeights())
    with pytest.raises(DataError, match="no limit of structures"):
        empty.select(dataset, limit=1, algorithm="mlip")
