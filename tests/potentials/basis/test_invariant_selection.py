"""The choice of invariants: complete, and as cheap as integer programs and lower bounds tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product
from math import prod

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from maxvolt.potentials.mtp.basis.harmonics import coupling_coefficients
from maxvolt.potentials.mtp.basis.invariant_selection import (
    COUPLING_COST,
    PRODUCT_COST,
    select_invariants,
)
from maxvolt.potentials.mtp.basis.invariants import (
    Channel,
    Factors,
    Invariant,
    harmonic_factors,
    ways_to_write,
)
from maxvolt.potentials.mtp.basis.multigraphs import enumerate_multigraphs

Way = tuple[Invariant, ...]


@cache
def factors_of(level: int) -> list[Factors]:
    """What the moments of all scalars of a level fall into."""
    graphs = enumerate_multigraphs(level, max_nu=10, max_mu=5)
    vertices = {tuple(sorted(graph.vertices)) for graph in graphs}
    return sorted({factors for key in vertices for factors in harmonic_factors(key)})


def resources(way: Way) -> set[tuple[Channel, int]]:
    """Pairs that a way couples, with the rank, and with rank -1 for their products."""
    pairs = {(c, i.rank) for i in way for c in (i.left, i.right) if len(c) == 2}
    return pairs | {(pair, -1) for pair, _ in pairs}


def price(resource: tuple[Channel, int]) -> float:
    ((_, l1), (_, l2)), rank = resource
    if rank < 0:
        return PRODUCT_COST * (2 * l1 + 1) * (2 * l2 + 1)
    return COUPLING_COST * len(coupling_coefficients(l1, l2, rank))


def own_cost(way: Way) -> float:
    """Multiply-adds of the quadratic form: in both rows of an invariant."""
    return float(sum((2 * i.rank + 1) * (1 if i.left == i.right else 2) for i in way))


def cost(ways: Sequence[Way]) -> float:
    shared = set().union(*map(resources, ways))
    return sum(map(own_cost, ways)) + sum(map(price, shared))


def chosen_ways(items: list[list[Way]], invariants: Sequence[Invariant]) -> list[Way]:
    """Which way of each product of factors was taken; exactly one has to be there."""
    given = set(invariants)
    found = []
    for ways in items:
        there = [way for way in ways if given.issuperset(way)]
        assert len(there) == 1, ways
        found.append(there[0])
    assert sum(map(len, found)) == len(given) == len(invariants)
    return found


def cheapest(items: list[list[Way]], *, whole: bool) -> float:
    """Total cost of the best choice by an integer program; if not whole, a lower bound of it."""
    every = sorted({r for ways in items for way in ways for r in resources(way)})
    ways = [(n, way) for n, of_one in enumerate(items) for way in of_one]
    column = {resource: len(ways) + k for k, resource in enumerate(every)}
    uses = [(k, column[r]) for k, (_, way) in enumerate(ways) for r in resources(way)]
    shape = len(ways) + len(every)
    one_way = lil_array((len(items), shape))
    for k, (n, _) in enumerate(ways):
        one_way[n, k] = 1.0
    paid = lil_array((max(len(uses), 1), shape))
    for row, (way, resource) in enumerate(uses):
        paid[row, resource], paid[row, way] = 1.0, -1.0
    found = milp(
        [own_cost(way) for _, way in ways] + [price(resource) for resource in every],
        constraints=[
            LinearConstraint(one_way.tocsr(), 1.0, 1.0),
            LinearConstraint(paid.tocsr(), 0.0, np.inf),
        ],
        integrality=int(whole),
        bounds=Bounds(0, 1),
    )
    assert found.success
    return float(found.fun)


def every_choice(items: list[list[Way]]) -> Iterable[Sequence[Way]]:
    return product(*items)


@pytest.mark.parametrize("level", range(2, 26, 2))
def test_each_product_of_factors_is_written_in_one_way(level: int) -> None:
    factors = factors_of(level)
    items = [ways for ways in map(ways_to_write, factors) if ways]
    invariants = select_invariants(factors)
    assert invariants == sorted(invariants)
    chosen = chosen_ways(items, invariants)
    # Never dearer than the best of those that always split in the same way.
    for split in range(3):
        always = [ways[min(split, len(ways) - 1)] for ways in items]
        assert cost(chosen) <= cost(always)
    alone = [min(ways, key=lambda way: cost([way])) for ways in items]
    assert cost(chosen) <= cost(alone)


@pytest.mark.parametrize("level", [2, 6, 8, 10, 12])
def test_small_levels_against_every_choice(level: int) -> None:
    items = [ways for ways in map(ways_to_write, factors_of(level)) if ways]
    assert prod(map(len, items)) < 50_000
    best = min(map(cost, every_choice(items)))
    assert cost(chosen_ways(items, select_invariants(factors_of(level)))) == best
    assert cheapest(items, whole=True) == pytest.approx(best)


@pytest.mark.parametrize("level", [14, 16, 18, 20])
def test_the_cheapest_by_an_integer_program(level: int) -> None:
    factors = factors_of(level)
    items = [ways for ways in map(ways_to_write, factors) if ways]
    found = cost(chosen_ways(items, select_invariants(factors)))
    assert found == pytest.approx(cheapest(items, whole=True), rel=1e-9)


@pytest.mark.parametrize("level", [22, 24, 26, 28])
def test_close_to_a_lower_bound(level: int) -> None:
    factors = factors_of(level)
    items = [ways for ways in map(ways_to_write, factors) if ways]
    found = cost(chosen_ways(items, select_invariants(factors)))
    assert found <= 1.02 * cheapest(items, whole=False)


def test_the_order_of_the_factors_does_not_matter() -> None:
    factors = factors_of(16)
    assert select_invariants(factors[::-1]) == select_invariants(factors)


def test_a_shared_pair_is_preferred() -> None:
    """Alone, (a b)(c d) may be split in three ways; beside (a b)(a b) it takes the pair (a b)."""
    a, b, c, d = (0, 2), (1, 2), (2, 2), (3, 2)
    square, mixed = (a, a, b, b), (a, b, c, d)
    shared = [i for i in select_invariants([square, mixed]) if len({*i.left, *i.right}) == 4]
    assert {i.left for i in shared} == {(a, b)}


def test_nothing_to_choose() -> None:
    assert select_invariants([]) == []
    assert select_invariants([((0, 1),), ((0, 1), (0, 2))]) == []
