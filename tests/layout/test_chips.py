"""Folded leaves in the picture."""

from __future__ import annotations

import networkx as nx
import pytest

from engine.layout import layout
from tests.layout.metrics import measure
from tests.layout.samples import add_node, real_graph


def shared(consumers: int) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    for node in range(consumers + 1):
        add_node(graph, node, "MulBackward0")
    add_node(graph, -1, "AccumulateGrad")
    graph.add_edges_from((0, node) for node in range(1, consumers + 1))
    graph.add_edges_from((node, -1) for node in range(1, consumers + 1))
    return graph


def test_the_leaf_beside_the_first_and_ghosts_beside_the_others() -> None:
    drawn = layout(shared(4))
    assert len(drawn.ghosts) == 3
    assert {ghost.node for ghost in drawn.ghosts} == {-1}
    assert len({drawn.edges[ghost.edge_index][0] for ghost in drawn.ghosts}) == 3
    assert measure(drawn).overlaps == 0


def test_a_chip_is_right_of_its_consumer() -> None:
    drawn = layout(real_graph("bow"))
    for (source, target, _), route in zip(drawn.edges, drawn.routes, strict=True):
        if target in (4, 5):
            u, v = drawn.index[source], drawn.index[target]
            assert drawn.x[u] < drawn.x[v]
            assert drawn.y[u] == drawn.y[v]
            assert route[0, 0] == pytest.approx(drawn.x[u] + drawn.width[u] / 2)


def test_two_edges_to_one_chip_are_told_apart() -> None:
    graph = nx.MultiDiGraph()
    add_node(graph, 0, "MulBackward0")
    add_node(graph, 1, "AccumulateGrad")
    graph.add_edges_from([(0, 1), (0, 1)])
    one, two = layout(graph).routes
    assert one[0, 1] != two[0, 1]


def test_many_chips_do_not_touch() -> None:
    graph = nx.MultiDiGraph()
    add_node(graph, 0, "StackBackward0")
    for node in range(1, 30):
        add_node(graph, node, "AccumulateGrad")
        graph.add_edge(0, node)
    found = measure(layout(graph))
    assert (found.overlaps, found.through, found.crossings) == (0, 0, 0)
