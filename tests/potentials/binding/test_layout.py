"""Translation of contraction tables to the order of the kernels, and what the kernels refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from core_keywords import PARTS, core_keywords, core_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_systems import cluster, crystal, neighborhoods, random_model

from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.harmonics import independent_monomials
from maxvolt.potentials.mtp.binding import kernels, reference
from maxvolt.potentials.mtp.binding.layout import MomentLayout, moment_layout
from maxvolt.potentials.mtp.model import compile_model

Integers = NDArray[np.int32]


def evaluate_layout(layout: MomentLayout, basic: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scalars from independent moments in the order of the kernels, as the kernels compute them."""
    moments = np.full(layout.n_moments, np.nan)
    moments[: layout.n_independent] = basic
    for t, (a, b, c) in enumerate(layout.traces, start=layout.n_independent):
        moments[t] = moments[a] - moments[b] - moments[c]
    for run, target in enumerate(layout.run_targets):
        rows = slice(layout.run_first[run], layout.run_first[run + 1])
        factors = moments[layout.left[rows]] * moments[layout.right[rows]]
        moments[target] = layout.factors[rows] @ factors
    return moments[layout.scalars]


def evaluate_table(
    basic: NDArray[np.float64], products: Integers, scalars: Integers, n_moments: int
) -> NDArray[np.float64]:
    """Scalars of a table, as MLIP computes them: one pass through the products in their order."""
    moments = np.zeros(n_moments)
    moments[: len(basic)] = basic
    for a, b, factor, target in products.tolist():
        moments[target] += factor * moments[a] * moments[b]
    return moments[scalars]


def assert_same_scalars(
    basic: Integers, products: Integers, scalars: Integers, n_moments: int
) -> MomentLayout:
    layout = moment_layout(basic, products, scalars, n_moments)
    generator = np.random.default_rng(3)
    n_mu = int(basic[:, 0].max()) + 1
    vectors = generator.normal(size=(6, 3))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]  # the traces rest on it
    radial = generator.normal(size=(n_mu, 6))

    def moment(mu: int, exponents: NDArray[np.int32]) -> float:
        return float(radial[mu] @ np.prod(vectors**exponents, axis=1))

    own = np.full(layout.n_independent, np.nan)
    ordered = np.array(independent_monomials(layout.max_degree))
    for mu, (offset, count) in enumerate(
        zip(layout.moment_offsets, layout.monomial_counts, strict=True)
    ):
        own[offset : offset + count] = [moment(mu, e) for e in ordered[:count]]
    given_basic = np.array([moment(row[0], row[1:]) for row in basic])
    expected = evaluate_table(given_basic, products, scalars, n_moments)
    found = evaluate_layout(layout, own)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * abs(expected).max())
    return layout


def permuted(table: ContractionTable, seed: int) -> tuple[Integers, Integers, Integers, int]:
    """The same table with moments renumbered and products in another valid order."""
    generator = np.random.default_rng(seed)
    n_basic = len(table.basic)
    order = generator.permutation(n_basic)  # new number k is old number order[k]
    number = np.concatenate(
        [np.argsort(order), n_basic + generator.permutation(table.n_moments - n_basic)]
    )
    products = table.products.copy()
    products[:, [0, 1, 3]] = number[products[:, [0, 1, 3]]]
    swap = generator.random(len(products)) < 0.5
    products[swap, :2] = products[swap, 1::-1]
    rows = list(shuffled_in_order(products, generator))
    return table.basic[order], products[rows], number[table.scalars].astype(np.int32), len(number)


def shuffled_in_order(products: Integers, generator: np.random.Generator) -> Iterator[int]:
    """Rows in a random order in which every factor is complete before it is used."""
    left = {t: int((products[:, 3] == t).sum()) for t in set(products[:, 3].tolist())}
    waiting = list(range(len(products)))
    while waiting:
        ready = [r for r in waiting if not any(left.get(int(f), 0) for f in products[r, :2])]
        row = int(generator.choice(ready))
        waiting.remove(row)
        left[int(products[row, 3])] -= 1
        yield row


@pytest.mark.parametrize("level", [2, 4, 6, 8, 10, 12, 16])
def test_own_tables_keep_their_meaning(level: int) -> None:
    table = contraction_table(level)
    assert_same_scalars(table.basic, table.products, table.scalars, table.n_moments)


@given(st.sampled_from([4, 6, 8, 10]), st.integers(0, 10**6))
@settings(deadline=None, max_examples=40)
def test_permuted_tables_keep_their_meaning(level: int, seed: int) -> None:
    basic, products, scalars, n_moments = permuted(contraction_table(level), seed)
    assert_same_scalars(basic, products, scalars, n_moments)


def test_products_of_a_moment_need_not_stand_together() -> None:
    basic = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=np.int32)
    # Moments 4 and 5 are summed up in turn; 6 needs both; 4 is complete before 5.
    products = np.array(
        [[1, 1, 1, 5], [0, 0, 2, 4], [2, 2, 1, 5], [0, 1, 3, 4], [3, 3, 1, 5], [4, 5, 1, 6]],
        dtype=np.int32,
    )
    layout = assert_same_scalars(basic, products, np.array([0, 6, 5, 4], dtype=np.int32), 7)
    assert len(layout.run_targets) == 3


def test_incomplete_and_repeated_basic_moments() -> None:
    # No (0; 1, 0, 0), no mu = 1 but one of rank 2, and M[2; 0, 1, 0] twice.
    basic = np.array(
        [[2, 0, 1, 0], [0, 0, 0, 3], [1, 0, 2, 0], [0, 0, 0, 0], [2, 0, 1, 0], [0, 1, 1, 0]],
        dtype=np.int32,
    )
    products = np.array([[0, 4, 1, 6], [1, 1, -5, 6], [2, 3, 7, 7]], dtype=np.int32)
    scalars = np.array([7, 3, 6, 4, 5], dtype=np.int32)
    layout = assert_same_scalars(basic, products, scalars, 8)
    assert layout.max_degree == 3
    assert layout.monomial_counts.tolist() == [16, 9, 4]  # complete, and never growing with mu


def test_a_higher_mu_with_a_higher_rank_widens_the_lower_ones() -> None:
    basic = np.array([[0, 0, 0, 0], [3, 1, 1, 0]], dtype=np.int32)
    products = np.zeros((0, 4), dtype=np.int32)
    layout = assert_same_scalars(basic, products, np.array([0, 1], dtype=np.int32), 2)
    assert layout.monomial_counts.tolist() == [9, 9, 9, 9]


def test_independent_monomials_have_at_most_one_z() -> None:
    assert list(independent_monomials(2)) == [
        (0, 0, 0),
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (2, 0, 0),
        (1, 1, 0),
        (0, 2, 0),
        (1, 0, 1),
        (0, 1, 1),
    ]


def test_kernels_with_incomplete_and_repeated_basic_moments() -> None:
    table = ContractionTable(
        np.array([[1, 0, 2, 0], [0, 0, 0, 3], [0, 0, 0, 0], [1, 0, 2, 0], [0, 1, 1, 0]]),
        np.array([[0, 3, 1, 5], [1, 1, -5, 5], [2, 4, 7, 6], [5, 6, 1, 7]]),
        np.array([6, 2, 7, 3]),
        8,
    )
    model = random_model(table, 2)
    where = neighborhoods([cluster(5), crystal(2)], 2)
    expected = reference.evaluate(model, where)
    rows = reference.jacobian(model, where)
    factors = np.ones(model.n_parameters)
    factors[: model.n_radial] = model.scaling
    for name in kernels.instruction_sets():
        core = compile_model(model)
        found = kernels.evaluate(core, where, kernels=name)
        np.testing.assert_allclose(found.forces, expected.forces, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(
            kernels.jacobian(core, where, kernels=name).forces * factors,
            rows.forces,
            rtol=1e-10,
            atol=1e-12 * abs(rows.forces).max(),
        )


# --------------------------------------------------------------------- what the core refuses


@pytest.fixture(scope="module")
def keywords() -> dict[str, Any]:
    return core_keywords(random_model(8, 2))


def changed(array: NDArray[Any], index: int, value: float) -> NDArray[Any]:
    copy = array.copy()
    copy[index] = value
    return copy


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("run_first", -1, 10**9, r"left has shape \(\d+\); expected \(1000000000\)"),
        ("run_first", 0, -5, "runs must begin with the first product"),
        ("run_first", 1, -5, "runs must give the moments in order"),
        ("run_first", 1, 10**9, "runs must give the moments in order"),
        ("run_targets", 0, 0, "runs must give the moments in order"),
        ("run_targets", 0, 10**6, "runs must give the moments in order"),
        ("left", 0, -1, "a product uses a moment before"),
        ("right", 0, 10**6, "a product uses a moment before"),
        ("scalars", 0, -1, "scalar out of range"),
        ("scalars", 0, 10**6, "scalar out of range"),
        ("moment_offsets", 0, -1, "moments out of range"),
        ("moment_offsets", 1, 10**6, "moments out of range"),
        ("traces", 0, -1, "a trace uses a moment before"),
        ("traces", 0, 10**6, "a trace uses a moment before"),
        ("monomial_counts", 0, 10**6, "monomial counts out of range"),
        ("monomial_counts", 0, 0, "monomial counts"),
        ("monomial_counts", 1, 11, "moments out of range|monomial counts"),
    ],
)
def test_core_refuses_tables_out_of_range(
    keywords: dict[str, Any], name: str, index: int, value: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        core_of(keywords, **{name: changed(keywords["moments"][name], index, value)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_species": -1}, r"radial_coeffs has shape \(2, 2, 2, 3\); expected \(-1, -1, 2, 3\)"),
        ({"n_species": 3}, r"radial_coeffs has shape \(2, 2, 2, 3\); expected \(3, 3, 2, 3\)"),
        ({"n_mu": 1}, r"radial_coeffs has shape \(2, 2, 2, 3\); expected \(2, 2, 1, 3\)"),
        ({"radial_size": 0}, r"recurrence has shape \(3, 3\); expected \(3, 0\)"),
        ({"n_species": 0, "radial_coeffs": np.zeros((0, 0, 2, 3))}, "a model needs species"),
        ({"max_degree": -1}, "degree of moments out of range"),
        ({"max_degree": 2**31 - 1}, "degree of moments out of range"),
        ({"n_independent": 10**6}, r"traces has shape .*; expected \(-9\d+, 3\)"),
        ({"n_basic": 10**6}, r"traces has shape .*; expected \(9\d+, 3\)"),
        ({"n_moments": 3}, "run_targets has shape"),
        ({"envelope": 7}, "unknown envelope"),
        ({"radial_coeffs": np.zeros(24)}, r"radial_coeffs has shape \(24\); expected \(2, 2"),
        ({"recurrence": np.zeros(5)}, r"recurrence has shape \(5\); expected \(3, 3\)"),
        ({"factors": np.zeros(5)}, r"factors has shape \(5\)"),
        ({"run_first": np.zeros(2, np.int64)}, r"run_first has shape \(2\)"),
        ({"scalars": np.zeros((3, 1), np.int32)}, r"scalars has shape \(3, 1\); expected \(any"),
        ({"moment_offsets": np.zeros(5, np.int32)}, r"moment_offsets has shape \(5\); exp"),
        ({"species_coeffs": np.zeros(5)}, "species_coeffs has 5 entries; expected 2, one for"),
        ({"zbl_charges": np.zeros(5)}, "zbl_charges has 5 entries; expected 2, one for each"),
        ({"moment_coeffs": np.zeros(5)}, "moment_coeffs has 5 entries; .* one for each scalar"),
    ],
)  # fmt: skip
def test_core_refuses_sizes_that_disagree(
    keywords: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        core_of(keywords, **changes)


@pytest.mark.parametrize("value", [None, "text", 1.0])
def test_core_refuses_what_is_no_array(keywords: dict[str, Any], value: object) -> None:
    with pytest.raises(TypeError, match="radial_coeffs is of the wrong type"):
        core_of(keywords, radial_coeffs=value)


@pytest.mark.parametrize("part", PARTS)
def test_every_keyword_is_needed_and_no_other_is_known(keywords: dict[str, Any], part: str) -> None:
    for name in keywords[part]:
        rest = {key: value for key, value in keywords[part].items() if key != name}
        with pytest.raises(TypeError, match=f"{name} is missing"):
            PARTS[part](**rest)
    with pytest.raises(TypeError, match="no array or number of the name colour"):
        PARTS[part](**keywords[part], colour=1)
