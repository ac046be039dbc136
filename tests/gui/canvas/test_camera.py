from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.canvas.camera import FIT_MARGIN_X, FIT_MARGIN_Y, LARGEST_FIT, Camera

CAMERA = Camera(120.0, -40.0, 0.7, 900, 600)
places = st.floats(-1e4, 1e4)


@given(places, places)
def test_there_and_back(x: float, y: float) -> None:
    assert CAMERA.to_device(*CAMERA.to_scene(x, y)) == pytest.approx((x, y), abs=1e-6)


@given(st.floats(0, 900), st.floats(0, 600), st.floats(0.2, 5))
def test_zooming_keeps_the_point_under_the_mouse(px: float, py: float, factor: float) -> None:
    assert CAMERA.zoomed(factor, px, py).to_scene(px, py) == pytest.approx(CAMERA.to_scene(px, py), abs=1e-6)


def test_panning_moves_by_pixels() -> None:
    x, y = CAMERA.to_device(10, 10)
    assert CAMERA.panned(7, -3).to_device(10, 10) == pytest.approx((x + 7, y - 3))


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_fitted_shows_everything_with_a_margin(ratio: float) -> None:
    camera = Camera(width=round(900 * ratio), height=round(600 * ratio), ratio=ratio).fitted((0, -100, 3000, 500))
    left, top = camera.to_device(0, -100)
    right, bottom = camera.to_device(3000, 500)
    assert left >= FIT_MARGIN_X * ratio - 1e-6
    assert right <= camera.width - FIT_MARGIN_X * ratio + 1e-6
    assert top >= FIT_MARGIN_Y * ratio
    assert bottom <= camera.height - FIT_MARGIN_Y * ratio


def test_a_small_graph_is_not_blown_up() -> None:
    assert Camera(width=2000, height=2000).fitted((0, 0, 10, 10)).scale <= LARGEST_FIT


def test_a_flight_begins_and_ends_where_it_should() -> None:
    other = Camera(500.0, 300.0, 2.0, 900, 600)
    assert CAMERA.between(other, 1.0) == other
    start = CAMERA.between(other, 0.0)
    assert (start.x, start.y, start.scale) == pytest.approx((CAMERA.x, CAMERA.y, CAMERA.scale))
    assert CAMERA.scale < CAMERA.between(other, 0.5).scale < other.scale


def test_shows() -> None:
    assert CAMERA.shows(120, -40)
    assert not CAMERA.shows(120, -40, margin=301)
    assert not CAMERA.shows(5000, 0)
