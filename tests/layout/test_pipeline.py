"""The layered layout as a whole: what must hold for any graph, and how good it is on real ones."""

from __future__ import annotations

import gc
import random
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.layout import DIRECTIONS, Direction, Layout, LayoutError
from engine.layout.pipeline import PASSES, Layering, Pass, layered
from tests.layout.metrics import measure
from tests.layout.samples import REAL, lstm, real_graph, sized, tangle, transformer

MOST_CROSSINGS = {"densenet121": 24, "densenet_tiny": 6, "gru_20": 90, "lstm_cell_4": 20}


@st.composite
def graphs(draw: st.DrawFn) -> nx.MultiDiGraph:
    """Anything: cycles, loops, parallel edges, several parts, lone nodes, parameters, views."""
    count = draw(st.integers(0, 14))
    graph = nx.MultiDiGraph()
    types = st.sampled_from(["AddBackward0", "TBackward0", "AccumulateGrad"])
    for node in range(count):
        type_ = draw(types)
        graph.add_node(node, type=type_, kind="parameter" if type_ == "AccumulateGrad" else "operation")
        if draw(st.booleans()):
            graph.nodes[node].update(width=draw(st.floats(1, 300)), height=draw(st.floats(1, 100)))
    if count:
        ends = st.integers(0, count - 1)
        for source, target in draw(st.lists(st.tuples(ends, ends), max_size=30)):
            graph.add_edge(source, target)
    return graph


def assert_complete(graph: nx.MultiDiGraph, layout: Layout) -> None:
    """Every node has a place, every edge a route from the border of its source to that of its target."""
    assert layout.nodes == tuple(graph)
    assert layout.edges == tuple(graph.edges(keys=True))
    ghosts = {ghost.edge_index: ghost for ghost in layout.ghosts}
    for index, ((source, target, _), route) in enumerate(zip(layout.edges, layout.routes, strict=True)):
        assert route.ndim == 2
        assert len(route) >= 2
        assert np.isfinite(route).all()
        begin, end = layout.index[source], layout.index[target]
        assert on_border(route[0], layout.x[begin], layout.y[begin], layout.width[begin], layout.height[begin])
        shown = ghosts.get(index)
        if shown is not None:
            assert shown.node == target
            assert on_border(route[-1], shown.x, shown.y, shown.width, shown.height)
        elif not any(ghost.node == target for ghost in layout.ghosts):
            assert on_border(route[-1], layout.x[end], layout.y[end], layout.width[end], layout.height[end])


def on_border(point: np.ndarray, x: float, y: float, width: float, height: float) -> bool:
    across, down = abs(point[0] - x) / (width / 2), abs(point[1] - y) / (height / 2)
    return bool(abs(max(across, down) - 1) < 1e-6)


@given(graphs())
@settings(deadline=None, max_examples=60)
def test_any_graph_is_laid_out(graph: nx.MultiDiGraph) -> None:
    layout = layered(graph, 1.6, checked=True)
    assert_complete(graph, layout)
    found = measure(layout)
    assert (found.through, found.overlaps) == (0, 0)


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("name", REAL)
def test_real_graphs_are_readable(name: str, large: bool) -> None:
    graph = real_graph(name, large=large)
    layout = layered(graph, 1.6, checked=True)
    assert_complete(graph, layout)
    found = measure(layout)
    assert (found.through, found.overlaps) == (0, 0)
    assert found.crossings <= MOST_CROSSINGS.get(name, 0)


@pytest.mark.parametrize("graph", [transformer(400), lstm(10), tangle(150)], ids=["transformer", "lstm", "tangle"])
def test_made_graphs_are_readable(graph: nx.MultiDiGraph) -> None:
    layout = layered(sized(graph), 1.6, checked=True)
    assert_complete(graph, layout)
    found = measure(layout)
    assert (found.through, found.overlaps) == (0, 0)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.6, 3.0])
def test_the_aspect_is_met_roughly(aspect: float) -> None:
    left, top, right, bottom = layered(real_graph("resnet152", large=True), aspect).bounds
    assert 0.6 < (right - left) / (bottom - top) / aspect < 1.7


def test_a_small_graph_is_not_wrapped() -> None:
    layout = layered(real_graph("mlp", large=True), 1.6)
    assert all((np.diff(route[:, 1]) >= 0).all() for route in layout.routes if abs(route[0, 1] - route[-1, 1]) > 60)


def test_the_loss_is_at_the_top_left() -> None:
    graph = real_graph("resnet152")
    layout = layered(graph, 1.6)
    assert layout.y[0] - layout.height[0] / 2 == 0
    assert layout.x[0] < np.median(layout.x)


def test_equal_blocks_look_equal() -> None:
    graph = sized(transformer(2000))
    layout = layered(graph, 1.6)
    steps = {}
    for (source, target, _), route in zip(layout.edges, layout.routes, strict=True):
        if layout.y[layout.index[source]] < layout.y[layout.index[target]] and route[:, 1].min() >= route[0, 1]:
            shape = tuple(np.round((route - route[0]).ravel(), 3).tolist())
            steps[graph.nodes[source]["type"], graph.nodes[target]["type"], shape] = True
    assert len(steps) < 40


@pytest.mark.parametrize("name", ["gru_20", "densenet121", "unet"])
def test_the_same_graph_gives_the_same_layout(name: str) -> None:
    one, two = layered(real_graph(name), 1.6), layered(real_graph(name), 1.6)
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.y, two.y)
    assert all(np.array_equal(a, b) for a, b in zip(one.routes, two.routes, strict=True))


def test_a_long_chain_takes_no_recursion() -> None:
    graph = nx.MultiDiGraph()
    nx.add_path(graph, range(20_000))
    layout = layered(graph, 1.6, checked=True)
    assert_complete(graph, layout)


def test_nothing_at_all() -> None:
    layout = layered(nx.MultiDiGraph(), 1.6, checked=True)
    assert layout.nodes == layout.edges == layout.routes == ()
    assert layout.bounds == (0, 0, 0, 0)


def test_lone_nodes_fill_the_view() -> None:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(400))
    layout = layered(graph, 1.6, checked=True)
    assert measure(layout).overlaps == 0
    assert len(np.unique(layout.x)) > 5


def test_passes_are_named_and_timed() -> None:
    layout = layered(real_graph("bow"), 1.6)
    assert [name for name, _ in layout.passes] == [step.name for step in PASSES]
    assert all(milliseconds >= 0 for _, milliseconds in layout.passes)
    assert len({step.name for step in PASSES}) == len(PASSES)


def test_a_broken_pass_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tuple(
        Pass(step.name, step.run, lambda _: ["it is crooked"]) if step.name == "order" else step for step in PASSES
    )
    monkeypatch.setattr("engine.layout.pipeline.PASSES", broken)
    with pytest.raises(LayoutError, match="'order': it is crooked"):
        layered(real_graph("bow"), 1.6, checked=True)


def test_garbage_collection_goes_on_afterwards() -> None:
    assert gc.isenabled()
    layered(real_graph("bow"), 1.6)
    assert gc.isenabled()
    with pytest.raises(LayoutError, match="no usable size"):
        layered(_with_size(float("nan")), 1.6)
    assert gc.isenabled()


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf")])
def test_an_unusable_size_is_said(size: float) -> None:
    with pytest.raises(LayoutError, match="Node 'a' has no usable size"):
        layered(_with_size(size), 1.6)


def _with_size(size: float) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_node("a", width=size, height=10.0)
    return graph


def test_columns_follow_each_other() -> None:
    layout = layered(real_graph("resnet18", large=True), 1.6)
    rising = [route for route in layout.routes if route[-1, 1] < route[0, 1] - 100]
    assert rising, "resnet18 is wrapped into columns"
    for route in rising:  # down, to the right, up, to the right or left, down
        assert (route[:, 0].max() - route[0, 0]) > 0
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(route.tolist()))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", ["gru_20", "densenet_tiny", "unet", "googlenet"])
def test_however_the_graph_was_put_together(name: str, direction: Direction) -> None:
    graph = real_graph(name, large=True)
    expected, found = (layered(each, direction=direction) for each in (graph, shuffled(graph)))
    assert_same_picture(expected, found)


@given(graphs(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_any_graph_however_it_was_put_together(graph: nx.MultiDiGraph, chance: random.Random) -> None:
    assert_same_picture(layered(graph), layered(shuffled(graph, chance), checked=True))


def test_nodes_that_are_no_numbers_have_an_order_too() -> None:
    graph = nx.relabel_nodes(real_graph("unet", large=True), lambda node: (f"node {node}", node) if node % 2 else node)
    assert_same_picture(layered(graph), layered(shuffled(graph), checked=True))


def shuffled(graph: nx.MultiDiGraph, chance: random.Random | None = None) -> nx.MultiDiGraph:
    """The same nodes and edges, put in in another order."""
    chance = chance or random.Random(1)
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(keys=True))
    chance.shuffle(nodes)
    chance.shuffle(edges)
    result = nx.MultiDiGraph()
    result.add_nodes_from(nodes)
    result.add_edges_from(edges)
    return result


def assert_same_picture(one: Layout, two: Layout) -> None:
    for node in one.nodes:
        here, there = one.index[node], two.index[node]
        assert (one.x[here], one.y[here]) == (two.x[there], two.y[there])
    routes = dict(zip(two.edges, two.routes, strict=True))
    assert all(np.array_equal(route, routes[edge]) for edge, route in zip(one.edges, one.routes, strict=True))
    assert {one.edges[edge] for edge in one.loose} == {two.edges[edge] for edge in two.loose}
    assert {(g.node, g.x, g.y) for g in one.ghosts} == {(g.node, g.x, g.y) for g in two.ghosts}


def test_several_parts_stand_side_by_side() -> None:
    graph = nx.MultiDiGraph()
    for part in range(3):
        nx.add_path(graph, range(100 * part, 100 * part + 30))
    layout = layered(sized(graph), 1.6, checked=True)
    columns = [{float(layout.x[layout.index[100 * part + node]]) for node in range(30)} for part in range(3)]
    assert not columns[0] & columns[1]
    assert not columns[1] & columns[2]
    assert measure(layout).overlaps == 0


@given(graphs(), st.data())
@settings(deadline=None, max_examples=40)
def test_any_graph_with_ports(graph: nx.MultiDiGraph, data: st.DataObject) -> None:
    for node in graph:
        if data.draw(st.booleans()):
            graph.nodes[node].update(port=data.draw(st.sampled_from(["first", "last"])), width=0.0, height=0.0)
    layout = layered(graph, wrap=False, checked=True)
    assert np.isfinite([layout.x, layout.y]).all()
    assert len(layout.routes) == graph.number_of_edges()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_to_wrap_anew_is_the_same_as_from_the_beginning(direction: Direction) -> None:
    graph = real_graph("resnet152")
    layering = Layering(graph, direction=direction)
    for aspect in (None, 0.5, 3.0, None):
        one = layering.drawn(aspect)
        other = layered(graph, aspect or 1.0, direction=direction, wrap=aspect is not None)
        assert np.array_equal(one.x, other.x)
        assert np.array_equal(one.y, other.y)
        assert all(np.array_equal(a, b) for a, b in zip(one.routes, other.routes, strict=True))
        assert one.ghosts == other.ghosts
        assert [name for name, _ in one.passes] == [name for name, _ in other.passes]
