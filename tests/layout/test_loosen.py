"""Lines that edges share, and edges that become loose."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from engine.layout import Layout
from engine.layout.pipeline import layered
from tests.layout.metrics import measure
from tests.layout.samples import real_graph


def long_edges(layout: Layout) -> list[int]:
    return [index for index, (u, v, _) in enumerate(layout.edges) if layout.index[v] - layout.index[u] > 1]


def test_only_dense_blocks_have_loose_edges() -> None:
    for name in ("resnet18", "unet", "googlenet", "gru_20", "vit_tiny"):
        assert not layered(real_graph(name), 1.6).loose


def test_loose_edges_of_a_dense_block_share_lines() -> None:
    layout = layered(real_graph("densenet121"), 1.6, checked=True)
    assert 300 < len(layout.loose) < 800
    assert measure(layout).crossings == 0
    lines = {round(float(layout.routes[edge][:, 0].min())) for edge in layout.loose}
    assert len(lines) < 30


def test_even_a_small_block_has_a_bus_for_what_it_skips() -> None:
    graph = nx.MultiDiGraph((u, v) for u in range(8) for v in range(u + 1, 8))
    layout = layered(graph, 1.6, checked=True)
    assert {layout.edges[edge][:2] for edge in layout.loose} == {(u, v) for u in range(8) for v in range(u + 2, 8)}


def test_many_edges_into_one_node_share_a_line() -> None:
    graph = nx.MultiDiGraph()
    nx.add_path(graph, range(30))
    graph.add_edges_from((node, 29) for node in range(0, 20, 2))
    layout = layered(graph, 1.6, checked=True)
    assert not layout.loose
    outermost = {round(float(layout.routes[edge][:, 0].max())) for edge in long_edges(layout)}
    assert len(outermost) == 1


@pytest.mark.parametrize("count", [2, 3])
def test_few_have_lines_of_their_own(count: int) -> None:
    graph = nx.MultiDiGraph()
    nx.add_path(graph, range(12))
    graph.add_edges_from((node, 11) for node in range(count))
    layout = layered(graph, 1.6, checked=True)
    lines = {round(float(np.median(layout.routes[edge][:, 0]))) for edge in long_edges(layout)}
    assert len(lines) == count
