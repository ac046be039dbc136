"""Boxes in boxes: everything is in its own box, boxes only nest, and edges go round what is not theirs."""

from __future__ import annotations

import itertools
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.layout import DIRECTIONS, Box, Direction, Layout
from engine.layout.nested import Frame, Templates, nested
from engine.layout.pipeline import Layering
from tests.layout.metrics import measure

FRAMES = (Frame("a", "a", -1), Frame("a.0", "a.0", 0), Frame("a.1", "a.1", 0), Frame("b", "b", -1))
Case = tuple[nx.MultiDiGraph, dict[Any, int]]


def blocks(count: int, length: int = 4) -> tuple[nx.MultiDiGraph, list[Frame], dict[Any, int]]:
    """A chain of equal blocks with a connection past each, a parameter in each, and one parameter for all of them."""
    graph = nx.MultiDiGraph()
    frames, home = [], {}
    add(graph, 0, "Sum")
    last = 0
    for number in range(count):
        frames.append(Frame(f"blocks.{number}", f"blocks.{number} · Block", -1))
        first = last
        for _ in range(length):
            node = len(graph)
            add(graph, node, "Addmm")
            graph.add_edge(last, node, key=graph.out_degree(last))
            home[node] = number
            last = node
        if number:
            graph.add_edge(first, last, key=7)
        add(graph, len(graph), "AccumulateGrad")
        graph.add_edge(last, len(graph) - 1, key=9)
        home[len(graph) - 1] = number
    shared = len(graph)
    add(graph, shared, "AccumulateGrad")
    for number in range(count):
        user = next(node for node, frame in home.items() if frame == number)
        graph.add_edge(user, shared, key=11)
    return graph, frames, home


def add(graph: nx.MultiDiGraph, node: int, type_: str) -> None:
    leaf = type_ == "AccumulateGrad"
    size = (70.0, 28.0) if leaf else (120.0, 44.0)
    graph.add_node(node, type=type_, kind="parameter" if leaf else "operation", width=size[0], height=size[1])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Stretches of a random directed acyclic graph stand in boxes, as module calls do."""
    count = draw(st.integers(1, 18))
    graph = nx.MultiDiGraph()
    for node in range(count):
        add(graph, node, draw(st.sampled_from(("Addmm", "Relu", "AccumulateGrad"))))
    inner = [node for node in graph if graph.nodes[node]["kind"] == "operation"]
    pairs = [(u, v) for u in inner for v in graph if u < v]
    for u, v in draw(st.lists(st.sampled_from(pairs), max_size=30)) if pairs else []:
        graph.add_edge(u, v, key=graph.out_degree(u))
    cuts = sorted(draw(st.lists(st.integers(0, count), min_size=4, max_size=4)))
    home = {node: (-1, 1, 0, 2, 3)[sum(node >= cut for cut in cuts)] for node in inner}
    return graph, home


def rect(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.width, box.y + box.height


def inside(layout: Layout, node: Any, box: Box) -> bool:
    """Whether a node is in a box as a whole; AssertionError if it is half in."""
    at = layout.index[node]
    x, y, w, h = (float(each[at]) for each in (layout.x, layout.y, layout.width, layout.height))
    left, top, right, bottom = rect(box)
    within = left <= x - w / 2 and x + w / 2 <= right and top <= y - h / 2 and y + h / 2 <= bottom
    without = x + w / 2 <= left or x - w / 2 >= right or y + h / 2 <= top or y - h / 2 >= bottom
    assert within != without, f"{node} lies across the border of {box.key}"
    return within


def check(
    layout: Layout, graph: nx.MultiDiGraph, frames: tuple[Frame, ...] | list[Frame], home: dict[Any, int]
) -> None:
    assert set(layout.nodes) == set(graph)
    assert sorted(layout.edges) == sorted(graph.edges(keys=True))
    boxes = {box.key: box for box in layout.boxes}
    assert list(boxes) == [frame.key for frame in frames]
    around = [frames[number].parent for number in range(len(frames))]
    for number, frame in enumerate(frames):
        for node in graph:
            if graph.nodes[node]["kind"] == "parameter":
                continue  # beside what uses it
            at = home.get(node, -1)
            while at >= 0 and at != number:
                at = around[at]
            assert inside(layout, node, boxes[frame.key]) == (at == number)
    for one, other in itertools.combinations(frames, 2):
        (l1, t1, r1, b1), (l2, t2, r2, b2) = rect(boxes[one.key]), rect(boxes[other.key])
        nest = other.parent >= 0 and frames[other.parent].key == one.key
        if nest:
            assert l1 <= l2
            assert t1 <= t2
            assert r2 <= r1
            assert b2 <= b1
        else:
            assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1, f"{one.key} and {other.key} overlap"
    for (u, v, _), route in zip(layout.edges, layout.routes, strict=True):
        assert len(route) >= 2
        if u != v and v not in {ghost.node for ghost in layout.ghosts}:
            for node, end in ((u, route[0]), (v, route[-1])):
                at = layout.index[node]
                away = np.abs(end - [layout.x[at], layout.y[at]]) - [layout.width[at] / 2, layout.height[at] / 2]
                assert away.max() < 1.0, f"an edge ends {away} from {node}"


@given(cases(), st.sampled_from(DIRECTIONS))
@settings(max_examples=60)
def test_any_graph_in_boxes(case: Case, direction: Direction) -> None:
    graph, home = case
    layout = nested(graph, FRAMES, home, direction=direction)
    used = {frame for node, frame in home.items() if node in graph}
    frames = [frame for number, frame in enumerate(FRAMES) if number in used or number == 0]
    if len(frames) == len(FRAMES):
        check(layout, graph, FRAMES, home)
    assert measure(layout).overlaps == 0


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_blocks_in_a_row(direction: Direction) -> None:
    graph, frames, home = blocks(5)
    layout = nested(graph, frames, home, direction=direction)
    check(layout, graph, frames, home)
    found = measure(layout)
    assert (found.overlaps, found.through, found.crossings) == (0, 0, 0)


@given(cases(), st.sampled_from(DIRECTIONS))
@settings(max_examples=40)
def test_any_graph_in_boxes_of_short_columns(case: Case, direction: Direction) -> None:
    graph, home = case
    with pytest.MonkeyPatch.context() as always:
        always.setattr("engine.layout.room.LARGER", 0.0)
        layout = nested(graph, FRAMES, home, 4.0, room=(1e6, 1e6), direction=direction)
    used = {frame for node, frame in home.items() if node in graph}
    if {1, 2, 3} <= used:
        check(layout, graph, FRAMES, home)
    assert measure(layout).overlaps == 0


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_boxes_in_a_low_view(direction: Direction) -> None:
    graph, frames, home = blocks(4)
    plain = nested(graph, frames, home, direction=direction)
    left, top, right, bottom = plain.bounds
    room = ((right - left) * 0.8, (bottom - top) * 3) if direction == "right" else (4000.0, (bottom - top) * 0.6)
    low = nested(graph, frames, home, room[0] / room[1], room=room, direction=direction)
    assert low.bounds[2] - low.bounds[0] <= room[0]
    assert low.bounds[3] - low.bounds[1] <= room[1]
    check(low, graph, frames, home)
    found = measure(low)
    assert (found.overlaps, found.through, found.crossings) == (0, 0, 0)


def dense(count: int) -> tuple[nx.MultiDiGraph, list[Frame], dict[Any, int]]:
    """A chain of boxes with two nodes each, the second of which leads to the first one of all boxes below."""
    graph = nx.MultiDiGraph()
    frames = [Frame("dense", "dense", -1)] + [Frame(f"dense.{number}", str(number), 0) for number in range(count)]
    home = {}
    for number in range(count):
        for node in (2 * number, 2 * number + 1):
            add(graph, node, "Relu")
            home[node] = 1 + number
        graph.add_edge(2 * number, 2 * number + 1, key=0)
    for upper, lower in itertools.combinations(range(count), 2):
        graph.add_edge(2 * upper + 1, 2 * lower, key=lower)
    return graph, frames, home


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_dense_boxes_share_a_bus(direction: Direction) -> None:
    graph, frames, home = dense(9)
    layout = nested(graph, frames, home, direction=direction)
    check(layout, graph, frames, home)
    found = measure(layout)
    assert (found.overlaps, found.through, found.crossings) == (0, 0, 0)
    assert {layout.edges[edge][:2] for edge in layout.loose} == {(u, v) for u, v in graph.edges() if v - u > 2}
    assert len({(box.width, box.height) for box in layout.boxes[2:-1]}) == 1, (
        "each has one way out, whatever it leads to"
    )


def test_a_leaf_that_several_boxes_use_is_drawn_in_each() -> None:
    graph, frames, home = blocks(3)
    layout = nested(graph, frames, home)
    shared = max(graph)
    drawn = [(layout.x[layout.index[shared]], layout.y[layout.index[shared]])]
    drawn += [(ghost.x, ghost.y) for ghost in layout.ghosts if ghost.node == shared]
    assert len(drawn) == 3
    for box in layout.boxes:
        left, top, right, bottom = rect(box)
        assert sum(left < x < right and top < y < bottom for x, y in drawn) == 1
    for ghost in layout.ghosts:
        end = layout.routes[ghost.edge_index][-1]
        assert abs(end[0] - (ghost.x - ghost.width / 2)) < 1


def test_boxes_that_are_made_alike_look_alike_and_are_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[nx.MultiDiGraph] = []

    def counted(graph: nx.MultiDiGraph, **more: Any) -> Layering:
        made.append(graph)
        return Layering(graph, **more)

    monkeypatch.setattr("engine.layout.nested.Layering", counted)
    graph, frames, home = blocks(8)
    templates = Templates()
    layout = nested(graph, frames, home, templates=templates)
    assert len(made) <= 4, "the first, the last, one for all between, and the page"
    sizes = {(box.width, box.height) for box in layout.boxes[1:-1]}
    assert len(sizes) == 1
    again = nested(graph, frames, home, templates=templates)
    assert len(made) <= 4
    assert np.array_equal(again.x, layout.x)


def test_what_one_box_holds_does_not_change_another() -> None:
    graph, frames, home = blocks(4)
    before = nested(graph, frames, home)
    node = max(graph) + 1
    add(graph, node, "Relu")
    graph.add_edge(1, node, key=20)
    home[node] = 0
    after = nested(graph, frames, home)
    sizes = [[(box.width, box.height) for box in layout.boxes] for layout in (before, after)]
    assert sizes[0][0] != sizes[1][0]
    assert sizes[0][1:] == sizes[1][1:]


def test_long_boxes_are_wrapped() -> None:
    graph, frames, home = blocks(1, length=120)
    box = nested(graph, frames, home).boxes[0]
    assert box.height < 120 * 44


def test_an_edge_from_a_node_to_itself_stays_in_its_box() -> None:
    graph, frames, home = blocks(2)
    graph.add_edge(1, 1, key=30)
    layout = nested(graph, frames, home)
    route = layout.routes[layout.edges.index((1, 1, 30))]
    left, top, right, bottom = rect(layout.boxes[0])
    assert (route >= [left, top]).all()
    assert (route <= [right, bottom]).all()
