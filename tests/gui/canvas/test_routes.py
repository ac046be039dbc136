from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.layout.placed import Routes
from gui.canvas.routes import CORNER, Pieces, pieces_of

BOX = np.array([[-50.0, -20.0, 50.0, 20.0]])


def one(*points: tuple[float, float]) -> Pieces:
    return pieces_of(Routes.of([np.array(points, dtype=np.float64)]), BOX)


def test_a_straight_route_stays_straight() -> None:
    pieces = one((0, 20), (0, 60))
    assert pieces.straight.tolist() == [True]
    assert pieces.curve[0, [0, 1, 6, 7]].tolist() == [0, 20, 0, 60]
    assert pieces.length.tolist() == pytest.approx([40])


def test_a_slanted_route_leaves_and_arrives_upright() -> None:
    curve = one((0, 20), (40, 60)).curve[0]
    assert curve[2] == curve[0]
    assert curve[4] == curve[6]


def test_a_route_to_a_chip_leaves_and_arrives_sideways() -> None:
    curve = one((50, 0), (80, 12)).curve[0]
    assert curve[3] == curve[1]
    assert curve[5] == curve[7]


def test_right_angles_are_rounded() -> None:
    pieces = one((0, 20), (0, 100), (200, 100))
    assert pieces.straight.tolist() == [True, False, True]
    assert pieces.curve[1, [0, 1, 6, 7]].tolist() == [0, 100 - CORNER, CORNER, 100]
    np.testing.assert_array_equal(pieces.curve[:-1, 6:8], pieces.curve[1:, 0:2])


def test_nothing() -> None:
    pieces = pieces_of(Routes.of([]), np.zeros((0, 4)))
    assert len(pieces.curve) == 0
    assert len(pieces.visible(-1e9, -1e9, 1e9, 1e9)) == 0


ROUTES = st.lists(
    st.integers(2, 6).flatmap(lambda size: arrays(np.float64, (size, 2), elements=st.integers(-200, 200).map(float))),
    min_size=1,
    max_size=6,
)


@given(ROUTES)
def test_every_edge_is_one_unbroken_line_from_end_to_end(routes: list[np.ndarray]) -> None:
    pieces = pieces_of(Routes.of(routes), np.repeat(BOX, len(routes), axis=0))
    for edge, route in enumerate(routes):
        mine = pieces.curve[pieces.first[edge] : pieces.first[edge + 1]]
        assert (pieces.edge[pieces.first[edge] : pieces.first[edge + 1]] == edge).all()
        assert mine[0, 0:2].tolist() == route[0].tolist()
        assert mine[-1, 6:8].tolist() == route[-1].tolist()
        np.testing.assert_allclose(mine[:-1, 6:8], mine[1:, 0:2])
    both = np.repeat(np.arange(len(routes)), 2)
    ends = pieces.points(both, np.tile([0.0, 1.0], len(routes)))
    np.testing.assert_allclose(ends, np.concatenate([[route[0], route[-1]] for route in routes]), atol=1e-6)
    assert len(pieces.visible(-300, -300, 300, 300)) == len(pieces.curve)
