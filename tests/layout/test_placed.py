"""A layout as arrays says what the layout with its names says."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from engine.layout import layout
from engine.layout.nested import nested
from engine.layout.placed import Placed, Routes
from tests.layout.samples import REAL, real_graph
from tests.layout.test_nested import blocks


@pytest.mark.parametrize("name", REAL)
def test_arrays_and_names_say_the_same(name: str) -> None:
    one = layout(real_graph(name))
    placed = Placed.of(one)
    other = placed.layout(one.nodes, one.edges, one.direction)
    assert (other.nodes, other.edges, other.ghosts, other.loose) == (one.nodes, one.edges, one.ghosts, one.loose)
    assert all(np.array_equal(a, b) for a, b in zip(one.routes, other.routes, strict=True))
    assert placed.bounds == one.bounds == other.bounds


def test_boxes_count_for_the_bounds() -> None:
    graph, frames, home = blocks(3)
    one = nested(graph, frames, home)
    assert Placed.of(one).bounds == one.bounds


def test_nothing_has_no_bounds() -> None:
    assert Placed.of(nested(nx.MultiDiGraph(), [], {})).bounds == (0.0, 0.0, 0.0, 0.0)


def test_routes_one_after_the_other() -> None:
    routes = [np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[3.0, 0.0], [4.0, 4.0], [5.0, 4.0]])]
    found = Routes.of(routes)
    assert len(found) == 2
    assert found.first.tolist() == [0, 2, 5]
    assert all(np.array_equal(a, b) for a, b in zip(routes, found.each(), strict=True))
    assert len(Routes.of([])) == 0
