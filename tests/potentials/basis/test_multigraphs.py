"""The scalars of a level as multigraphs."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.multigraphs import Multigraph, enumerate_multigraphs, vertex_level

COUNTS = {
    2: 1,
    4: 2,
    6: 5,
    8: 9,
    10: 16,
    12: 29,
    14: 52,
    16: 92,
    18: 163,
    20: 288,
    22: 500,
    24: 864,
    26: 1464,
    28: 2445,
}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, ...], ...]]:
    """Vertices and edges of any multigraph of up to five vertices."""
    n = draw(st.integers(1, 5))
    edges = [[0] * n for _ in range(n)]
    for a in range(n):
        for b in range(a):
            edges[a][b] = edges[b][a] = draw(st.integers(0, 2))
    vertices = tuple((draw(st.integers(0, 1)), sum(row)) for row in edges)
    return vertices, tuple(map(tuple, edges))


@pytest.mark.parametrize(("level", "count"), COUNTS.items())
def test_counts_are_those_of_mlip(level: int, count: int) -> None:
    assert len(enumerate_multigraphs(level)) == count


@pytest.mark.parametrize("limits", [{}, {"max_vertices": 5}, {"max_nu": None, "max_mu": None}])
def test_graphs_are_what_they_should_be(limits: dict[str, int | None]) -> None:
    found = enumerate_multigraphs(16, **limits)
    assert len(set(found)) == len(found)
    for graph in found:
        assert graph.level == sum(map(vertex_level, graph.vertices)) <= 16
        assert graph == Multigraph.canonical(graph.vertices, graph.edges)
        for a, (vertex, row) in enumerate(zip(graph.vertices, graph.edges, strict=True)):
            assert sum(row) == vertex[1]
            assert row[a] == 0
            assert all(graph.edges[b][a] == row[b] for b in range(len(row)))


def test_no_two_graphs_are_isomorphic() -> None:
    seen = set()
    for graph in enumerate_multigraphs(16):
        n = len(graph.vertices)
        for order in permutations(range(n)):
            vertices = tuple(graph.vertices[a] for a in order)
            edges = tuple(tuple(graph.edges[a][b] for b in order) for a in order)
            assert seen.isdisjoint({(vertices, edges)})
        seen.add((graph.vertices, graph.edges))


@given(graphs(), st.data())
def test_canonical_form_does_not_depend_on_the_order(graph, data) -> None:
    vertices, edges = graph
    order = data.draw(st.permutations(range(len(vertices))))
    moved = Multigraph.canonical(
        tuple(vertices[a] for a in order), tuple(tuple(edges[a][b] for b in order) for a in order)
    )
    assert moved == Multigraph.canonical(vertices, edges)


@given(graphs())
def test_split_cuts_no_edge(graph) -> None:
    whole = Multigraph.canonical(*graph)
    first, rest = whole.split()
    assert first.split() == (first, None)
    parts = [first] if rest is None else [first, rest]
    assert sorted(v for part in parts for v in part.vertices) == list(whole.vertices)
    assert sum(sum(map(sum, part.edges)) for part in parts) == sum(map(sum, whole.edges))


def test_components_come_before_what_they_are_components_of() -> None:
    found = enumerate_multigraphs(18)
    place = {graph: number for number, graph in enumerate(found)}
    disconnected = 0
    for graph in found:
        first, rest = graph.split()
        if rest is not None:
            disconnected += 1
            assert max(place[first], place[rest]) < place[graph]
    assert disconnected > 0


def test_limits() -> None:
    def largest(**limits: int | None) -> tuple[int, int, int]:
        found = enumerate_multigraphs(20, **limits)
        vertices = {vertex for graph in found for vertex in graph.vertices}
        return (
            max(len(graph.vertices) for graph in found),
            max(nu for _, nu in vertices),
            max(mu for mu, _ in vertices),
        )

    assert largest() == (4, 8, 4)
    assert largest(max_vertices=2) == (2, 8, 4)
    assert largest(max_vertices=6) == (6, 8, 4)
    assert largest(max_nu=3, max_mu=1) == (4, 3, 1)
    assert largest(max_vertices=1) == (1, 0, 4)


def test_without_limits_there_are_more_scalars_from_level_26_up() -> None:
    unlimited = {"max_nu": None, "max_mu": None}
    assert enumerate_multigraphs(24, **unlimited) == enumerate_multigraphs(24)
    # M_{0,11} contracted with itself, and M_{6,0} alone.
    more = set(enumerate_multigraphs(26, **unlimited)) - set(enumerate_multigraphs(26))
    assert {graph.vertices for graph in more} == {((6, 0),), ((0, 11), (0, 11))}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"level": 1}, "level=1"),
        ({"level": 8, "max_vertices": 0}, "max_vertices=0"),
        ({"level": 8, "max_nu": -1}, "max_nu=-1"),
        ({"level": 8, "max_mu": -1}, "max_mu=-1"),
    ],
)
def test_senseless_limits_are_named(arguments: dict[str, int], name: str) -> None:
    with pytest.raises(MaxvoltError, match=name):
        enumerate_multigraphs(**arguments)
