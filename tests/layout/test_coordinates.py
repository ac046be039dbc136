"""x: distances kept, lines straight, blocks balanced."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from engine.layout import coordinates
from engine.layout.spacing import NODE_GAP
from tests.layout.samples import real_graph, tangle
from tests.layout.test_segments import after


@pytest.mark.parametrize("graph", [real_graph("googlenet"), tangle(200)], ids=["googlenet", "tangle"])
@pytest.mark.parametrize("name", ["coordinates", "straighten", "balance"])
def test_distances_are_kept(name: str, graph: nx.MultiDiGraph) -> None:
    state = after(name, graph)
    assert coordinates.check(state.strip, state.item_x) == []


def test_the_check_can_fail() -> None:
    state = after("coordinates", tangle(30))
    row = max(state.strip.rows, key=len)
    state.item_x[row[1]] = state.item_x[row[0]]
    assert coordinates.check(state.strip, state.item_x)


def test_a_chain_beside_another_is_straight() -> None:
    graph = nx.MultiDiGraph()
    nx.add_path(graph, [0, 1, 2, 3, 9])
    nx.add_path(graph, [0, 4, 5, 6, 9])
    for node in graph:
        graph.nodes[node].update(width=20.0 + 30 * node, height=20.0)
    x = after("straighten", graph).item_x
    assert np.ptp(x[[1, 3, 5]]) < 1e-6 or np.ptp(x[1:7:2]) < 1e-6


def test_a_block_is_balanced_about_its_cuts() -> None:
    state = after("balance", real_graph("resnet18"))
    strip, x = state.strip, state.item_x
    for item in strip.pinned:
        for near in (strip.above[item], strip.below[item]):
            if len(near) == 2:
                assert abs(x[near].mean()) < 20


def test_neighbours_have_a_gap() -> None:
    graph = nx.MultiDiGraph([(0, 1), (0, 2)])
    for node in graph:
        graph.nodes[node].update(width=40.0, height=20.0)
    state = after("coordinates", graph)
    left, right = sorted(state.item_x[1:3].tolist())
    assert right - left == pytest.approx(40 + NODE_GAP)
    assert state.item_x[0] == pytest.approx(0)
