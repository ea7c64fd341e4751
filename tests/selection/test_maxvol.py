"""Volumes: against brute force, and what must hold for any rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from maxvolt.selection.maxvol import Basis, exchange, largest_coordinates

Rows = NDArray[np.float64]


def random_rows(m: int, n: int, seed: int) -> Rows:
    return np.random.default_rng(seed).normal(size=(m, n))


def largest_volume(rows: Rows) -> float:
    """The largest |det| of all square choices of rows."""
    n = rows.shape[1]
    return max(
        abs(np.linalg.det(rows[list(chosen)]))
        for chosen in itertools.combinations(range(len(rows)), n)
    )


@pytest.mark.parametrize("seed", range(40))
def test_close_to_the_largest_volume_of_all(seed: int) -> None:
    n = 2 + seed % 4
    rows = random_rows(n + 5, n, seed)
    basis = Basis(1e-6 * np.eye(n))
    basis.offer(rows, 1.0 + 1e-9)
    found, best = np.exp(basis.log_determinant), largest_volume(rows)
    # No swap of one row enlarges it; that alone bounds the loss by n^(n/2).
    assert best / n ** (n / 2) <= found <= best * (1 + 1e-9)
    for position, candidate in itertools.product(range(n), range(len(rows))):
        changed = basis.matrix.copy()
        changed[position] = rows[candidate]
        assert abs(np.linalg.det(changed)) <= found * (1 + 1e-6)


def test_brute_force_is_reached_mostly() -> None:
    reached = 0
    for seed in range(60):
        rows = random_rows(9, 3, 1000 + seed)
        basis = Basis(1e-6 * np.eye(3))
        basis.offer(rows, 1.0 + 1e-9)
        reached += np.exp(basis.log_determinant) > 0.999 * largest_volume(rows)
    assert reached >= 45


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 8),
    m=st.integers(0, 40),
    threshold=st.floats(1.0005, 3.0),
)
def test_what_holds_for_any_rows(seed: int, n: int, m: int, threshold: float) -> None:
    rows = random_rows(m, n, seed)
    basis = Basis(1e-6 * np.eye(n))
    before = basis.log_determinant
    changed = basis.offer(rows, threshold)
    assert basis.log_determinant >= before
    assert np.all(basis.grades(rows) <= threshold)
    np.testing.assert_allclose(basis.grades(basis.matrix), 1.0, atol=1e-7)
    for position, candidate in changed.items():
        np.testing.assert_array_equal(basis.matrix[position], rows[candidate])
    for position in set(range(n)) - set(changed):
        assert basis.matrix[position, position] == 1e-6


def test_each_swap_enlarges_the_volume_by_its_coordinate() -> None:
    rows, start = random_rows(30, 6, 5), random_rows(6, 6, 6)
    coordinates = rows @ np.linalg.inv(start)
    matrix, volumes = start.copy(), [abs(np.linalg.det(start))]
    for candidate, position in exchange(coordinates, 1.001):
        largest = largest_coordinates(rows @ np.linalg.inv(matrix)).max()
        matrix[position] = rows[candidate]
        volumes.append(abs(np.linalg.det(matrix)))
        assert volumes[-1] == pytest.approx(volumes[-2] * largest, rel=1e-9)
    assert len(volumes) > 3
    # The coordinates followed by rank-one updates, equation (39).
    np.testing.assert_allclose(coordinates, rows @ np.linalg.inv(matrix), atol=1e-9)


def test_dependent_rows_leave_the_rest_as_it_was() -> None:
    rows = random_rows(20, 3, 7) @ random_rows(3, 8, 8)
    basis = Basis(1e-6 * np.eye(8))
    changed = basis.offer(rows, 1.001)
    assert len(changed) == 3
    np.testing.assert_array_equal(basis.grades(np.zeros((2, 8))), 0.0)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_few_rows_much_larger_than_the_initial_ones(size: float) -> None:
    """Rows of atoms in one crystal are alike and large; most of the matrix stays at 1e-6."""
    generator = np.random.default_rng(3)
    n, m = 120, 30
    rows = size * (generator.normal(size=n) + 1e-2 * generator.normal(size=(m, n)))
    basis = Basis(1e-6 * np.eye(n))
    assert len(basis.offer(rows, 1.001)) == m
    assert basis.kept_out == 0.0
    np.testing.assert_allclose(basis.grades(rows), 1.0, atol=1e-6)
    np.testing.assert_allclose(basis.inverse @ basis.matrix, np.eye(n), atol=1e-6)
    assert basis.log_determinant == pytest.approx(np.linalg.slogdet(basis.matrix).logabsdet)


def test_more_rows_than_fit_into_the_cache() -> None:
    rows = random_rows(400, 5, 9)
    whole = Basis(1e-6 * np.eye(5))
    whole.offer(rows, 1.001)
    parts = Basis(1e-6 * np.eye(5), exchange_bytes=8 * 5 * 7)
    parts.offer(rows, 1.001)
    assert parts.grades(rows).max() <= 1.001
    assert parts.log_determinant == pytest.approx(whole.log_determinant, abs=0.5)


def test_swaps_that_rounding_has_spoiled_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    basis = Basis(np.eye(2))
    rows = np.array([[3.0, 0.0], [2.0, 0.0]])
    found = iter([[(0, 0), (1, 1)]])  # the second swap would make it singular
    monkeypatch.setattr("maxvolt.selection.maxvol.exchange", lambda *_: next(found))
    assert basis.offer(rows, 1.001) == {0: 0}
    np.testing.assert_array_equal(basis.matrix, [[3.0, 0.0], [0.0, 1.0]])
    assert basis.kept_out == 0.0


def test_rounding_alone_is_no_reason_to_swap() -> None:
    basis = Basis(np.eye(3))
    rows = np.vstack([np.eye(3), np.zeros((1, 3))])
    assert not basis.replace(rows, {0: 3})  # would make it singular
    np.testing.assert_array_equal(basis.matrix, np.eye(3))
