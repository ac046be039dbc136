"""The metrics see what they are made to see."""

from __future__ import annotations

import numpy as np
import pytest

from engine.layout import Ghost, Layout
from tests.layout.metrics import measure

Point = tuple[float, float]


def drawn(centres: list[Point], *routes: tuple[int, int, list[Point]], loose: frozenset[int] = frozenset()) -> Layout:
    """Boxes of 20 × 10 px; routes with the numbers of their ends."""
    points = np.array(centres, dtype=np.float64)
    return Layout(
        nodes=tuple(range(len(centres))),
        x=points[:, 0],
        y=points[:, 1],
        width=np.full(len(centres), 20.0),
        height=np.full(len(centres), 10.0),
        edges=tuple((u, v, key) for key, (u, v, _) in enumerate(routes)),
        routes=tuple(np.array(route, dtype=np.float64) for _, _, route in routes),
        loose=loose,
    )


SQUARE: list[Point] = [(0, 0), (100, 0), (0, 100), (100, 100)]


def test_a_crossing() -> None:
    one: list[Point] = [(0, 5), (100, 95)]
    two: list[Point] = [(100, 5), (0, 95)]
    assert measure(drawn(SQUARE, (0, 3, one), (1, 2, two))).crossings == 1
    assert measure(drawn(SQUARE, (0, 3, one), (1, 2, two), loose=frozenset({1}))).crossings == 0


def test_edges_with_a_common_end_do_not_cross() -> None:
    assert measure(drawn(SQUARE, (0, 3, [(0, 5), (100, 95)]), (0, 2, [(50, 0), (0, 95)]))).crossings == 0


@pytest.mark.parametrize(("y", "hit"), [(50.0, True), (48.0, True), (46.0, False), (56.0, False)])
def test_an_edge_through_a_node(y: float, hit: bool) -> None:
    layout = drawn([(0, 50), (100, 50), (50, 50)], (0, 1, [(10, y), (90, y)]))
    assert measure(layout).through == hit


def test_an_edge_down_through_a_node() -> None:
    layout = drawn([(0, 0), (0, 100), (0, 50)], (0, 1, [(0, 5), (0, 95)]))
    assert measure(layout).through == 1


def test_overlapping_nodes() -> None:
    assert measure(drawn([(0, 0), (15, 5)])).overlaps == 1
    assert measure(drawn([(0, 0), (20, 0)])).overlaps == 0
    assert measure(drawn([(0, 0), (0, 0), (0, 0)])).overlaps == 3


def test_ghosts_count_as_nodes() -> None:
    plain = drawn([(0, 0), (100, 0)], (0, 1, [(10, 0), (90, 0)]))
    ghost = Ghost(0, 50, 0, 20, 10, edge_index=7)
    haunted = Layout(
        plain.nodes, plain.x, plain.y, plain.width, plain.height, plain.edges, plain.routes, ghosts=(ghost, ghost)
    )
    assert measure(haunted).overlaps == 1
    assert measure(haunted).through == 2


def test_the_size() -> None:
    found = measure(drawn(SQUARE, (0, 1, [(0, -5), (0, -50), (100, -5)])))
    assert (found.width, found.height) == (120, 155)
