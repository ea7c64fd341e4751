"""The ways to build a scalar, or a part of one, from two smaller parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from maxvolt.potentials.mtp.basis.multigraphs import Edges, Multigraph
from maxvolt.potentials.mtp.basis.pairwise_products import Block, JoinPattern
from maxvolt.potentials.mtp.basis.tensors import Legs, PartialContraction, canonical_contraction

__all__ = ["Join", "possible_joins", "scalar_contraction"]


@dataclass(frozen=True, slots=True)
class Join:
    """One way to build a partial contraction from two others."""

    left: PartialContraction
    right: PartialContraction
    pattern: JoinPattern


def scalar_contraction(graph: Multigraph) -> PartialContraction:
    """View a connected graph as a partial contraction without open indices."""
    legs: Legs = tuple(() for _ in graph.vertices)
    return canonical_contraction(graph.vertices, graph.edges, legs)[0]


def possible_joins(target: PartialContraction) -> list[Join]:
    """List the ways considered to build `target` from two parts.

    The parts are connected, or outer products of two moments.
    """
    n = len(target.vertices)
    found: dict[Join, None] = {}
    for size in range(1, n // 2 + 1):
        for right in combinations(range(n), size):
            left = tuple(a for a in range(n) if a not in right)
            if 2 * size == n and right[0] == 0:
                continue
            if all(len(part) == 2 or _connected(part, target.edges) for part in (left, right)):
                found.update(dict.fromkeys(_joins_of(target, left, right)))
    return list(found)


def _connected(part: tuple[int, ...], edges: Edges) -> bool:
    reached = {part[0]}
    while grown := {b for a in reached for b in part if edges[a][b]} - reached:
        reached |= grown
    return len(reached) == len(part)


def _joins_of(
    target: PartialContraction, left: tuple[int, ...], right: tuple[int, ...]
) -> Iterator[Join]:
    """Yield joins of two given parts; at most one is symmetrised over its open indices."""
    for left_by_target, right_by_target in ((False, False), (True, False), (False, True)):
        if (left_by_target and len(left) == 1) or (right_by_target and len(right) == 1):
            continue
        if not left_by_target and len(left) > 2:
            continue
        yield _join(
            target,
            _Part(target, left, right, left_by_target),
            _Part(target, right, left, right_by_target),
        )


class _Part:
    """One side of a join: its groups, and which group an index of a moment is in."""

    def __init__(
        self,
        target: PartialContraction,
        part: tuple[int, ...],
        other: tuple[int, ...],
        by_target: bool,
    ) -> None:
        # Open indices of the part: (moment, destination) -> how many. Destinations are moments of
        # the other part (0, 1, ...) and groups of the result (-1, -2, ...).
        legs = {(a, b): target.edges[a][b] for a in part for b in other}
        legs |= {(a, -1 - g): count for a in part for g, count in enumerate(target.legs[a])}
        self.legs = {key: count for key, count in legs.items() if count}
        sources = defaultdict(set)
        for a, destination in self.legs:
            sources[destination].add(a)
        # A destination reached from one moment only needs no group of its own.
        label = {
            (a, destination): ("to", destination)
            if by_target and len(sources[destination]) > 1
            else ("of", a)
            for a, destination in self.legs
        }
        groups = sorted(set(label.values()))
        columns = tuple(
            tuple(
                sum(self.legs[key] for key in self.legs if key[0] == a and label[key] == group)
                for group in groups
            )
            for a in part
        )
        edges = tuple(tuple(target.edges[a][b] for b in part) for a in part)
        vertices = tuple(target.vertices[a] for a in part)
        self.contraction, position = canonical_contraction(vertices, edges, columns)
        self.group = {key: position[groups.index(group)] for key, group in label.items()}


def _join(target: PartialContraction, left: _Part, right: _Part) -> Join:
    blocks: dict[tuple[int, int, int], int] = defaultdict(int)
    for (a, destination), count in left.legs.items():
        if destination < 0:
            blocks[left.group[a, destination], -1, -1 - destination] += count
        else:
            key = left.group[a, destination], right.group[destination, a], -1
            blocks[key] += count
    for (a, destination), count in right.legs.items():
        if destination < 0:
            blocks[-1, right.group[a, destination], -1 - destination] += count
    listed: tuple[Block, ...] = tuple(sorted((*key, count) for key, count in blocks.items()))
    pattern = JoinPattern(
        left.contraction.shape,
        right.contraction.shape,
        target.shape,
        listed,
        left.contraction == right.contraction,
    )
    return Join(left.contraction, right.contraction, pattern)
