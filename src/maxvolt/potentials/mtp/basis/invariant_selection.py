"""Which pairs of harmonic moments to couple, and to which ranks, so that all invariants cost least.

Invariants of four factors can be written as products of two pairs in up to three ways, those of
three as pair and single. A pair costs once, however many invariants use it: the choice that is
cheapest in total is a set cover. A local search from two starts finds the cheapest up to level 20
and comes within two per cent of a lower bound at all levels up to 28; it is the same everywhere,
which solvers of integer programs are not.
"""

from __future__ import annotations

from dataclasses import dataclass

from maxvolt.potentials.mtp.basis.harmonics import coupling_coefficients
from maxvolt.potentials.mtp.basis.invariants import Channel, Factors, Invariant, ways_to_write

__all__ = ["Resource", "own_cost", "price", "resources", "select_invariants"]

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


def resources(invariant: Invariant) -> set[Resource]:
    """Pairs that an invariant is made of: their products, and the rank they are coupled to."""
    return {
        (channel, rank)
        for channel in (invariant.left, invariant.right)
        if len(channel) == 2
        for rank in (-1, invariant.rank)
    }


def own_cost(invariant: Invariant) -> float:
    """Multiply-adds of an invariant in the quadratic form, equation (33)."""
    return (2 * invariant.rank + 1) * (1.0 if invariant.left == invariant.right else 2.0)


def _way(invariants: tuple[Invariant, ...]) -> _Way:
    used = set().union(*map(resources, invariants))
    return _Way(invariants, sum(map(own_cost, invariants)), tuple(sorted(used)))


def price(resource: Resource) -> float:
    """Multiply-adds of a pair, once, however many invariants use it."""
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
    prices = {r: price(r) for ways in items for way in ways for r in way.resources}

    def alone(way: _Way) -> float:
        return way.own_cost + sum(prices[r] for r in way.resources)

    choices = []
    for cost in (alone, lambda way: way.own_cost):
        choices.append(_Choice(items, prices, [min(ways, key=cost) for ways in items]))
        choices[-1].improve()
    best = min(choices, key=_Choice.total)
    return sorted({invariant for way in best.chosen for invariant in way.invariants})


class _Choice:
    """One way for each product of factors, and who uses which resource."""

    def __init__(
        self, items: list[list[_Way]], prices: dict[Resource, float], chosen: list[_Way]
    ) -> None:
        self.chosen = chosen
        self._items = items
        self._prices = prices
        self._users: dict[Resource, set[int]] = {resource: set() for resource in prices}
        for number in range(len(chosen)):
            self._register(number)

    def total(self) -> float:
        """Cost of everything."""
        shared = sum(self._prices[r] for r, users in self._users.items() if users)
        return shared + sum(way.own_cost for way in self.chosen)

    def improve(self) -> None:
        """Change single ways, then do without whole resources, while that lowers the total."""
        changes = 1
        while changes:
            changes = sum(map(self._change, range(len(self.chosen))))
            share = {r: price / max(len(self._users[r]), 1) for r, price in self._prices.items()}
            changes += sum(
                map(self._do_without, sorted(share, key=share.__getitem__, reverse=True))
            )

    def _register(self, number: int) -> None:
        for resource in self.chosen[number].resources:
            self._users[resource].add(number)

    def _remove(self, number: int) -> None:
        for resource in self.chosen[number].resources:
            self._users[resource].discard(number)

    def _extra(self, way: _Way) -> float:
        """Return what a way costs beside the resources that others use."""
        return way.own_cost + sum(self._prices[r] for r in way.resources if not self._users[r])

    def _change(self, number: int) -> bool:
        old = self.chosen[number]
        self._remove(number)
        self.chosen[number] = min(self._items[number], key=self._extra)
        self._register(number)
        return self.chosen[number] is not old

    def _do_without(self, resource: Resource) -> bool:
        """Write all that use a resource in other ways, where that is cheaper."""
        numbers = sorted(self._users[resource])
        options = [[w for w in self._items[n] if resource not in w.resources] for n in numbers]
        if not numbers or not all(options):
            return False
        old = [self.chosen[n] for n in numbers]
        for number in numbers:
            self._remove(number)
        freed = {r for way in old for r in way.resources if not self._users[r]}
        gain = sum(way.own_cost for way in old) + sum(self._prices[r] for r in freed)
        for number, ways in zip(numbers, options, strict=True):
            self.chosen[number] = min(ways, key=self._extra)
            gain -= self._extra(self.chosen[number])
            self._register(number)
        if gain > 0:
            return True
        for number, way in zip(numbers, old, strict=True):
            self._remove(number)
            self.chosen[number] = way
            self._register(number)
        return False
