"""Edges of every sort."""

from __future__ import annotations

import networkx as nx
import numpy as np

from engine.layout import layout
from tests.layout.metrics import measure


def test_neighbours_below_each_other_are_joined_by_a_straight_line() -> None:
    (route,) = layout(nx.MultiDiGraph([(0, 1)])).routes
    assert route.shape == (2, 2)
    assert route[0, 0] == route[1, 0]
    assert route[0, 1] < route[1, 1]


def test_parallel_edges_run_side_by_side() -> None:
    routes = layout(nx.MultiDiGraph([(0, 1), (0, 1), (0, 1)])).routes
    assert len({float(route[0, 0]) for route in routes}) == 3
    assert all(route[0, 0] == route[-1, 0] for route in routes)


def test_a_long_edge_passes_beside_the_nodes_between() -> None:
    drawn = layout(nx.MultiDiGraph([(0, 1), (1, 2), (2, 3), (0, 3)]))
    assert measure(drawn).through == 0
    assert len(drawn.routes[drawn.edges.index((0, 3, 0))]) > 3


def test_edges_of_a_mesh_leave_their_bus_by_right_angles() -> None:
    graph = nx.MultiDiGraph((u, v) for u in range(9) for v in range(u + 1, 9))
    drawn = layout(graph, aspect=0.1)
    routes = [drawn.routes[edge] for edge in drawn.loose]
    assert len(routes) == 28
    assert len({float(route[:, 0].min()) for route in routes}) == 1
    levels: dict[bool, set[float]] = {True: set(), False: set()}
    for route in routes:
        assert (np.abs(np.diff(route, axis=0)).min(axis=1) < 1e-9).all()
        levels[True].add(float(route[1, 1]))
        levels[False].add(float(route[-2, 1]))
    assert not levels[True] & levels[False], "the ways to the bus and from it lie apart"


def test_a_loop_comes_back_to_its_node() -> None:
    drawn = layout(nx.MultiDiGraph([(0, 0)]))
    (route,) = drawn.routes
    assert route[0, 1] > drawn.y[0]
    assert route[-1, 1] < drawn.y[0]
    assert route[:, 0].min() < drawn.x[0] - drawn.width[0] / 2


def test_an_edge_that_closes_a_cycle_runs_in_its_own_direction() -> None:
    drawn = layout(nx.MultiDiGraph([(0, 1), (1, 2), (2, 0)]))
    back = drawn.routes[drawn.edges.index((2, 0, 0))]
    assert back[0, 1] > back[-1, 1]


def test_no_point_is_superfluous() -> None:
    graph = nx.MultiDiGraph([(0, 1), (1, 2), (2, 3), (0, 3), (3, 4)])
    for route in layout(graph).routes:
        steps = np.diff(route, axis=0)
        assert (np.abs(steps).sum(axis=1) > 0).all()
        turns = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
        assert (np.abs(turns) > 1e-9).all()
