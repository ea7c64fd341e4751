"""Contraction tables: well formed, right, equal in span to MLIP's, and not larger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.multigraphs import Multigraph, enumerate_multigraphs
from maxvolt.potentials.mtp.files.access import read_potential_file

LEVELS = range(2, 30, 2)
PRIME = 2**31 - 1
RADIAL = 6

# MLIP's tables: level -> moments, products.
MLIP_SIZES = {
    2: (1, 0),
    4: (2, 1),
    6: (8, 5),
    8: (18, 14),
    10: (41, 42),
    12: (84, 117),
    14: (174, 348),
    16: (350, 969),
    18: (718, 2634),
    20: (1352, 6349),
    22: (2621, 15431),
    24: (4991, 36170),
    26: (9396, 82520),
    28: (17366, 180069),
}

OWN_LIMITS = [
    {"level": 12, "max_vertices": 1},
    {"level": 16, "max_vertices": 2},
    {"level": 18, "max_vertices": 3},
    {"level": 18, "max_vertices": 5},
    {"level": 14, "max_vertices": 7},
    {"level": 16, "max_nu": 3, "max_mu": 1},
    {"level": 15},
]
UNLIMITED = {"level": 26, "max_nu": None, "max_mu": None}


def runs(table: ContractionTable) -> list[NDArray[np.int64]]:
    """The products of each target."""
    products = table.products.astype(np.int64)
    return np.split(products, np.flatnonzero(np.diff(products[:, 3])) + 1) if len(products) else []


def evaluate(table: ContractionTable, basic: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scalars (S, samples) of basic moments (B, samples)."""
    moments = np.zeros((table.n_moments, basic.shape[1]))
    moments[: len(basic)] = basic
    for run in runs(table):
        moments[run[0, 3]] = run[:, 2] @ (moments[run[:, 0]] * moments[run[:, 1]])
    return moments[table.scalars]


def evaluate_modulo(table: ContractionTable, basic: NDArray[np.int64]) -> NDArray[np.int64]:
    """Scalars (S, samples) of basic moments (B, samples), all integers modulo PRIME: exact."""
    moments = np.zeros((table.n_moments, basic.shape[1]), dtype=np.int64)
    moments[: len(basic)] = basic
    for run in runs(table):
        values = moments[run[:, 0]] * moments[run[:, 1]] % PRIME
        moments[run[0, 3]] = (values * run[:, 2, None] % PRIME).sum(axis=0) % PRIME
    return moments[table.scalars]


def rank_modulo(matrix: NDArray[np.int64]) -> int:
    """Rank over the integers modulo PRIME, by elimination."""
    matrix = matrix % PRIME
    rank = 0
    for column in range(matrix.shape[1]):
        pivots = np.flatnonzero(matrix[rank:, column])
        if len(pivots):
            matrix[[rank, rank + pivots[0]]] = matrix[[rank + pivots[0], rank]]
            row = matrix[rank] * pow(int(matrix[rank, column]), -1, PRIME) % PRIME
            below = matrix[rank + 1 :]
            below -= below[:, column, None] * row % PRIME
            below %= PRIME
            rank += 1
    return rank


class Neighborhood:
    """Random unit vectors and values f_mu(r_j)."""

    def __init__(self, seed: int, neighbors: int = 5) -> None:
        generator = np.random.default_rng(seed)
        directions = generator.normal(size=(neighbors, 3))
        self.directions = directions / np.linalg.norm(directions, axis=1)[:, None]
        self.radial = generator.normal(size=(RADIAL + 1, neighbors))

    def basic(self, table: ContractionTable) -> NDArray[np.float64]:
        """Basic moments, shape (B, 1)."""
        powers = np.prod(self.directions[None] ** table.basic[:, None, 1:], axis=2)
        return np.sum(self.radial[table.basic[:, 0]] * powers, axis=1)[:, None]

    def contraction(self, graph: Multigraph) -> float:
        """The scalar by its definition: a sum over one neighbour for each vertex."""
        n = len(graph.vertices)
        cosines = self.directions @ self.directions.T
        value = np.ones((len(self.directions),) * n)
        axes = np.eye(n, dtype=int) * (len(self.directions) - 1) + 1
        for a, (mu, _) in enumerate(graph.vertices):
            value = value * self.radial[mu].reshape(axes[a])
            for b in range(a):
                value = value * (cosines ** graph.edges[b][a]).reshape(axes[b] + axes[a] - 1)
        return float(value.sum())

    def rotated(self, rotation: Rotation) -> Neighborhood:
        other = Neighborhood(0, len(self.directions))
        other.directions, other.radial = rotation.apply(self.directions), self.radial
        return other


@pytest.fixture(scope="module")
def mlip_table(shared: Path) -> Callable[[int], ContractionTable]:
    def read(level: int) -> ContractionTable:
        file = read_potential_file(shared / f"reference/mlip3/cases/L{level:02d}_1sp.mtp")
        return ContractionTable(
            file.alpha_index_basic,
            file.alpha_index_times,
            file.alpha_moment_mapping,
            file.alpha_moments_count,
        )

    return read


@pytest.mark.parametrize(
    "limits", [*({"level": level} for level in LEVELS), *OWN_LIMITS, UNLIMITED]
)
def test_table_is_well_formed(limits: dict[str, int]) -> None:
    table = contraction_table(**limits)
    i0, i1, multiplicity, i3 = table.products.T
    assert np.all(i0 <= i1)
    assert np.all(i1 < i3)
    assert np.all(multiplicity > 0)
    assert np.all(np.diff(i3) >= 0)
    assert set(i3.tolist()) == set(range(len(table.basic), table.n_moments))
    assert len(np.unique(table.products[:, [0, 1, 3]], axis=0)) == len(table.products)
    unused = set(range(table.n_moments)) - {*i0.tolist(), *i1.tolist()}
    assert unused <= set(table.scalars.tolist())
    assert len(set(table.scalars.tolist())) == len(enumerate_multigraphs(**limits))
    for array in (table.basic, table.products, table.scalars):
        assert array.dtype == np.int32
        assert not array.flags.writeable


@pytest.mark.parametrize("level", LEVELS)
def test_basic_moments_are_in_the_order_of_mlip(level: int) -> None:
    table = contraction_table(level)
    mu, nx, ny, nz = table.basic.T
    order = np.lexsort((-ny, -nx, nx + ny + nz, mu))
    assert np.array_equal(order, np.arange(len(order)))
    kinds, counts = np.unique(np.stack([mu, nx + ny + nz], axis=1), axis=0, return_counts=True)
    assert np.array_equal(counts, (kinds[:, 1] + 1) * (kinds[:, 1] + 2) // 2)
    radial = np.unique(mu)
    assert np.array_equal(table.scalars[: len(radial)], np.searchsorted(mu, radial))


@pytest.mark.parametrize("level", LEVELS)
def test_table_is_not_larger_than_that_of_mlip(level: int) -> None:
    moments, products = MLIP_SIZES[level]
    table = contraction_table(level)
    assert table.n_moments <= moments
    assert len(table.products) <= products
    if level >= 20:
        assert len(table.products) <= 0.75 * products


@pytest.mark.parametrize("limits", [{"level": 20}, *OWN_LIMITS, UNLIMITED])
def test_scalars_are_the_contractions_of_their_graphs(limits: dict[str, int]) -> None:
    graphs = enumerate_multigraphs(**limits)
    neighborhood = Neighborhood(seed=1, neighbors=3 if limits.get("max_vertices", 0) > 5 else 5)
    table = contraction_table(**limits)
    scalars = evaluate(table, neighborhood.basic(table))[:, 0]
    expected = np.array([neighborhood.contraction(graph) for graph in graphs])
    np.testing.assert_allclose(scalars, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_scalars_do_not_change_when_the_neighborhood_is_rotated(seed: int, rotation: int) -> None:
    table = contraction_table(16)
    neighborhood = Neighborhood(seed, neighbors=8)
    turned = neighborhood.rotated(Rotation.random(None, np.random.default_rng(rotation)))
    before = evaluate(table, neighborhood.basic(table))
    after = evaluate(table, turned.basic(table))
    # Terms cancel in a scalar, so its rounding error is that of the sum of their sizes.
    bound = evaluate(table, np.abs(neighborhood.basic(table)))
    bound += evaluate(table, np.abs(turned.basic(table)))
    assert np.all(np.abs(after - before) <= 1e-12 * bound + 1e-300)


@pytest.mark.parametrize("level", LEVELS)
def test_scalars_are_those_of_mlip(
    level: int, mlip_table: Callable[[int], ContractionTable]
) -> None:
    """Scalars are polynomials; equal values at random integers modulo a prime mean equal ones."""
    ours, theirs = contraction_table(level), mlip_table(level)
    np.testing.assert_array_equal(ours.basic, theirs.basic)
    basic = np.random.default_rng(level).integers(0, PRIME, (len(ours.basic), 3))
    our_order, their_order = (
        np.lexsort(evaluate_modulo(table, basic).T) for table in (ours, theirs)
    )
    np.testing.assert_array_equal(
        evaluate_modulo(ours, basic)[our_order], evaluate_modulo(theirs, basic)[their_order]
    )
    real = np.hstack([Neighborhood(seed, 30).basic(ours) for seed in range(4)])
    our_values = evaluate(ours, real)[our_order]
    np.testing.assert_allclose(
        our_values,
        evaluate(theirs, real)[their_order],
        rtol=1e-9,
        atol=1e-11 * np.abs(our_values).max(),
    )


@pytest.mark.parametrize("level", range(2, 22, 2))
def test_span_of_scalars_is_that_of_mlip(
    level: int, mlip_table: Callable[[int], ContractionTable]
) -> None:
    """Over generic symmetric tensors the scalars are independent, and span what MLIP's span."""
    ours, theirs = contraction_table(level), mlip_table(level)
    count = len(ours.scalars)
    basic = np.random.default_rng(level).integers(0, PRIME, (len(ours.basic), count + 5))
    a, b = evaluate_modulo(ours, basic), evaluate_modulo(theirs, basic)
    assert rank_modulo(a) == rank_modulo(b) == rank_modulo(np.vstack([a, b])) == count


def test_same_table_is_built_once() -> None:
    assert contraction_table(8) is contraction_table(8)


def table_with(**changes: object) -> ContractionTable:
    table = contraction_table(6)
    fields = {
        "basic": table.basic,
        "products": table.products,
        "scalars": table.scalars,
        "n_moments": table.n_moments,
    }
    return ContractionTable(**(fields | changes))


def changed_product(row: int, column: int, value: int) -> NDArray[np.int32]:
    products = contraction_table(6).products.copy()
    products[row, column] = value
    return products


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"basic": np.zeros((5, 3), dtype=np.int32)}, "basic has shape"),
        ({"products": np.zeros(4, dtype=np.int32)}, "products has shape"),
        ({"scalars": np.zeros((1, 1), dtype=np.int32)}, "scalars has shape"),
        ({"scalars": np.array([2**40])}, "scalars must hold 32-bit integers"),
        ({"scalars": np.array([0.5])}, "scalars must hold 32-bit integers"),
        ({"basic": np.full((5, 4), -1)}, "0 or more"),
        ({"n_moments": 4}, "fewer than the 5 basic ones"),
        ({"n_moments": 9}, "no product gives moment 8"),
        ({"n_moments": 7}, "beyond the last moment"),
        ({"products": changed_product(0, 0, -1)}, "factors below 0, first in product 0"),
        ({"products": changed_product(0, 1, 7)}, "not computed before the target"),
        ({"products": changed_product(0, 3, 4)}, "targets that are basic moments"),
        ({"products": changed_product(2, 3, 7)}, "out of order, first in product 3"),
        ({"scalars": np.array([0, 8])}, "scalar 1 is moment 8, expected 0 to 7"),
    ],
)
def test_faults_of_a_table_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(MaxvoltError, match=message):
        table_with(**changes)
