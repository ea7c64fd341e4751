"""Which pairs of harmonic moments to couple, and to which ranks, so that all invariants cost least.

Invariants of four factors can be written as products of two pairs in up to three ways, those of
three as pair and single. A pair costs once, however many invariants use it: the choice that is
cheapest in total is a set cover. Alternating prices and local search come within a few per cent of
the optimum (as an integer program finds it in a minute at level 28) and are the same everywhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from maxvolt.basis.harmonics import coupling_coefficients
from maxvolt.basis.invariants import Channel, Factors, Invariant, ways_to_write

__all__ = ["select_invariants"]

Resource = tuple[Channel, int]
"""A pair of harmonic moments and the rank it is coupled to; rank -1: its products alone."""

PRODUCT_COST = 5.0
"""Multiply-adds for each product of two components, forward and reverse."""

COUPLING_COST = 4.0
"""Multiply-adds for each coupling coefficient of complex numbers, forward and reverse."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to write the invariants of some factors."""

    invariants: tuple[Invariant, ...]
    own_cost: float
    resources: tuple[Resource, ...]


def _way(invariants: tuple[Invariant, ...]) -> _Way:
    resources = {
        (channel, rank)
        for invariant in invariants
        for channel in (invariant.left, invariant.right)
        if len(channel) == 2
        for rank in (-1, invariant.rank)
    }
    own = sum((2 * i.rank + 1) * (1.0 if i.left == i.right else 2.0) for i in invariants)
    return _Way(invariants, own, tuple(sorted(resources)))


def _price(resource: Resource) -> float:
    ((_, l1), (_, l2)), rank = resource
    if rank < 0:
        return PRODUCT_COST * (2 * l1 + 1) * (2 * l2 + 1)
    return COUPLING_COST * len(coupling_coefficients(l1, l2, rank))


def select_invariants(factors: list[Factors]) -> list[Invariant]:
    """Choose how to write all invariants of the given factors.

    Parameters
    ----------
    factors
        Products of one to four harmonic moments, each once.

    Returns
    -------
    invariants
        Independent ones that span all scalars of these factors.
    """
    items = [[_way(way) for way in ways_to_write(f)] for f in sorted(factors)]
    items = [ways for ways in items if ways]
    prices = {r: _price(r) for ways in items for way in ways for r in way.resources}
    chosen = _alternate(items, prices)
    _improve(items, prices, chosen)
    return sorted({invariant for way in chosen for invariant in way.invariants})


def _alternate(items: list[list[_Way]], prices: dict[Resource, float]) -> list[_Way]:
    """Share the price of a resource among its users, choose the cheapest ways, and repeat."""
    users = dict.fromkeys(prices, 0.0)
    for ways in items:
        for way in ways:
            for resource in way.resources:
                users[resource] += 1.0 / len(ways)
    best: tuple[float, list[_Way]] = (float("inf"), [])
    for _ in range(30):
        shares = {r: price / max(users[r], 0.1) for r, price in prices.items()}
        chosen = [
            min(ways, key=lambda way: way.own_cost + sum(shares[r] for r in way.resources))
            for ways in items
        ]
        uses = Counter(r for way in chosen for r in way.resources)
        total = sum(way.own_cost for way in chosen) + sum(prices[r] for r in uses)
        if total < best[0]:
            best = (total, chosen)
        users = {r: 0.5 * (users[r] + uses[r]) for r in users}
    return best[1]


def _improve(items: list[list[_Way]], prices: dict[Resource, float], chosen: list[_Way]) -> None:
    """Change single choices, then drop whole resources, while that lowers the total cost."""
    uses = Counter(r for way in chosen for r in way.resources)
    takers: dict[Resource, set[int]] = {r: set() for r in prices}
    for number, way in enumerate(chosen):
        for resource in way.resources:
            takers[resource].add(number)

    def extra(way: _Way) -> float:
        return way.own_cost + sum(prices[r] for r in way.resources if uses[r] == 0)

    def switch(number: int, way: _Way | None) -> None:
        if way is not None:
            chosen[number] = way
        for resource in chosen[number].resources:
            uses[resource] += 1 if way is not None else -1
            (takers[resource].add if way is not None else takers[resource].discard)(number)

    def drop(resource: Resource) -> bool:
        numbers = sorted(takers[resource])
        options = [[w for w in items[n] if resource not in w.resources] for n in numbers]
        if not numbers or not all(options):
            return False
        old = [chosen[n] for n in numbers]
        for number in numbers:
            switch(number, None)
        before = sum(way.own_cost for way in old)
        before += sum(prices[r] for r in {r for way in old for r in way.resources} if uses[r] == 0)
        after = 0.0
        for number, ways in zip(numbers, options, strict=True):
            way = min(ways, key=extra)
            after += extra(way)
            switch(number, way)
        if after < before - 1e-9:
            return True
        for number, way in zip(numbers, old, strict=True):
            switch(number, None)
            switch(number, way)
        return False

    improved = True
    while improved:
        improved = False
        for number, ways in enumerate(items):
            if len(ways) > 1:
                old = chosen[number]
                switch(number, None)
                switch(number, min(ways, key=extra))
                improved |= chosen[number] is not old
        by_share = sorted(prices, key=lambda r: prices[r] / max(uses[r], 1), reverse=True)
        for resource in by_share:
            improved |= drop(resource)
