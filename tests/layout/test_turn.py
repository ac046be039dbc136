"""Drawings that lead upward or to the right."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from engine.layout import ALGORITHMS, DIRECTIONS, Direction, Layout, LayoutError, layout
from engine.layout.pipeline import layered
from tests.layout.metrics import measure
from tests.layout.samples import lstm, real_graph, sized
from tests.layout.test_pipeline import MOST_CROSSINGS, assert_complete, graphs

OTHERS: tuple[Direction, ...] = ("up", "right")


def chain(*, parameters: bool = True) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    for node in range(6):
        graph.add_node(node, kind="operation", type="AddmmBackward0", width=120.0, height=40.0)
    nx.add_path(graph, range(6))
    for leaf in range(6, 10) if parameters else ():
        graph.add_node(leaf, kind="parameter", type="AccumulateGrad", width=90.0, height=28.0)
        graph.add_edge(2 if leaf < 8 else 3, leaf)
    return graph


def place(drawn: Layout, node: int) -> tuple[float, float]:
    return float(drawn.x[drawn.index[node]]), float(drawn.y[drawn.index[node]])


@pytest.mark.parametrize(("direction", "axis", "sign"), [("down", 1, 1), ("up", 1, -1), ("right", 0, 1)])
def test_the_chain_leads_there(direction: Direction, axis: int, sign: int) -> None:
    drawn = layered(chain(), direction=direction, wrap=False, checked=True)
    assert drawn.direction == direction
    along = [sign * place(drawn, node)[axis] for node in range(6)]
    assert along == sorted(along)
    assert len({place(drawn, node)[1 - axis] for node in range(6)}) == 1


@pytest.mark.parametrize("direction", ["down", "up"])
def test_chips_stay_at_the_right(direction: Direction) -> None:
    drawn = layered(chain(), direction=direction, checked=True)
    for leaf, consumer in ((6, 2), (7, 2), (8, 3), (9, 3)):
        assert place(drawn, leaf)[0] > place(drawn, consumer)[0] + 60
    assert place(drawn, 6)[1] < place(drawn, 7)[1]


def test_chips_are_below_where_it_leads_to_the_right() -> None:
    drawn = layered(chain(), direction="right", checked=True)
    for leaf, consumer in ((6, 2), (7, 2), (8, 3), (9, 3)):
        assert place(drawn, leaf)[1] > place(drawn, consumer)[1] + 20
    assert place(drawn, 6)[1] < place(drawn, 7)[1]
    assert place(drawn, 6)[0] == place(drawn, 7)[0]


@pytest.mark.parametrize("direction", OTHERS)
@pytest.mark.parametrize("name", ["resnet18", "resnet152", "unet", "googlenet", "gru_20", "densenet_tiny"])
def test_real_graphs_are_as_readable(name: str, direction: Direction) -> None:
    graph = real_graph(name, large=True)
    drawn = layered(graph, 1.6, direction=direction, checked=True)
    assert_complete(graph, drawn)
    found = measure(drawn)
    assert (found.overlaps, found.through) == (0, 0)
    assert found.crossings <= MOST_CROSSINGS.get(name, 0)
    assert 0.4 < found.width / found.height / 1.6 < 2.5


@given(graphs())
@settings(deadline=None, max_examples=40)
def test_any_graph(graph: nx.MultiDiGraph) -> None:
    for direction in OTHERS:
        drawn = layered(graph, direction=direction, checked=True)
        assert_complete(graph, drawn)
        found = measure(drawn)
        assert (found.through, found.overlaps) == (0, 0)


def test_up_ends_with_the_loss_at_the_bottom_right() -> None:
    drawn = layered(real_graph("resnet152", large=True), direction="up")
    _, _, _, bottom = drawn.bounds
    assert drawn.y[0] == pytest.approx(drawn.y.max())
    assert drawn.y[0] > bottom - 100
    assert drawn.x[0] > np.median(drawn.x)


def test_right_is_wrapped_into_bands() -> None:
    drawn = layered(sized(lstm(30)), direction="right")
    wrapped = drawn.bounds
    band = layered(sized(lstm(30)), direction="right", wrap=False).bounds
    assert wrapped[2] - wrapped[0] < band[2] - band[0]
    assert wrapped[3] - wrapped[1] > band[3] - band[1]


@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - {"layered"}))
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_other_layouts_turn_the_loss_too(algorithm: str, direction: Direction) -> None:
    drawn = layout(real_graph("mlp", large=True), algorithm=algorithm, direction=direction)
    assert drawn.direction == direction
    here = {"down": drawn.y, "up": -drawn.y, "right": drawn.x}[direction]
    assert here[0] <= here.mean() + 1e-6
    assert measure(drawn).overlaps == 0


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"cannot lead 'left'\. Choose one of: down, up, right"):
        layout(chain(), direction="left")  # type: ignore[arg-type]
