"""The layouts that can be chosen."""

from __future__ import annotations

import sys
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from engine.layout import ALGORITHMS, LayoutError, graphviz, layout
from engine.layout.networkx_layouts import METHODS
from tests.layout.metrics import measure
from tests.layout.samples import real_graph
from tests.layout.test_pipeline import on_border

Graphs = dict[str, Callable[[], nx.MultiDiGraph]]


def lone(count: int) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(count))
    return graph


ODD: Graphs = {
    "empty": lambda: lone(0),
    "one": lambda: lone(1),
    "lone": lambda: lone(20),
    "pair": lambda: nx.MultiDiGraph([(0, 1)]),
    "loop": lambda: nx.MultiDiGraph([(0, 0), (0, 0)]),
    "parallel": lambda: nx.MultiDiGraph([(0, 1), (0, 1)]),
    "cycle": lambda: nx.MultiDiGraph([(0, 1), (1, 2), (2, 0), (2, 3)]),
    "parts": lambda: nx.MultiDiGraph([(0, 1), (2, 3), (3, 4)]),
    "bow": lambda: real_graph("bow", large=True),
    "lstm": lambda: real_graph("lstm_cell_4", large=True),
}


def test_the_names_promised() -> None:
    promised = {"layered", "multipartite", "spring", "kamada_kawai", "circular", "spectral"}
    assert set(ALGORITHMS) - {"dot"} == promised
    assert ("dot" in ALGORITHMS) == graphviz.installed()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", ODD)
def test_every_layout_of_every_odd_graph(algorithm: str, name: str) -> None:
    graph = ODD[name]()
    drawn = layout(graph, algorithm=algorithm)
    assert drawn.algorithm == algorithm
    assert drawn.nodes == tuple(graph)
    assert drawn.edges == tuple(graph.edges(keys=True))
    assert np.isfinite([drawn.x, drawn.y]).all()
    assert all(len(route) >= 2 and np.isfinite(route).all() for route in drawn.routes)
    assert measure(drawn).overlaps == 0


@pytest.mark.parametrize("algorithm", METHODS)
def test_straight_edges_end_at_the_borders(algorithm: str) -> None:
    drawn = layout(real_graph("unet", large=True), algorithm=algorithm)
    for (source, target, _), route in zip(drawn.edges, drawn.routes, strict=True):
        for point, node in ((route[0], drawn.index[source]), (route[-1], drawn.index[target])):
            assert on_border(point, drawn.x[node], drawn.y[node], drawn.width[node], drawn.height[node])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_loss_is_in_the_upper_half(algorithm: str) -> None:
    drawn = layout(real_graph("mlp"), algorithm=algorithm)
    assert drawn.y[0] <= drawn.y.mean() + 1e-6


@pytest.mark.parametrize("algorithm", ["spring", "circular", "spectral", "multipartite"])
def test_the_same_graph_gives_the_same_layout(algorithm: str) -> None:
    one, two = (layout(real_graph("mlp"), algorithm=algorithm) for _ in range(2))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.y, two.y)


def test_an_unknown_algorithm() -> None:
    with pytest.raises(LayoutError, match=r"no layout 'nice'\. Choose one of: layered, "):
        layout(lone(1), algorithm="nice")


@pytest.mark.parametrize("aspect", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_aspect(aspect: float) -> None:
    with pytest.raises(LayoutError, match="aspect"):
        layout(lone(1), aspect=aspect)


def test_too_large_a_graph_is_refused_at_once() -> None:
    with pytest.raises(LayoutError, match=r"'kamada_kawai' takes too long for 984 nodes.*Choose 'layered'"):
        layout(real_graph("resnet152"), algorithm="kamada_kawai")


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(LayoutError, match="needs the package scipy"):
        layout(real_graph("mlp"), algorithm="kamada_kawai")
