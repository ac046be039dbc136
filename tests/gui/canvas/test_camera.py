from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.canvas.camera import FIT_MARGIN_X, FIT_MARGIN_Y, HAIR, LARGEST_FIT, Camera

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


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-90, 90)), max_size=20), st.sampled_from([900, 901]))
def test_on_whole_pixels_it_follows_the_mouse(moves: list[tuple[float, float]], width: int) -> None:
    """It is never more than half a pixel from where it was dragged: nothing adds up."""
    start = camera = replace(CAMERA, whole=True, width=width)
    for dx, dy in moves:
        camera = camera.panned(dx, dy)
        assert [each - HAIR for each in camera.offset] == [math.floor(each) for each in camera.offset]
    free = replace(start, whole=False).panned(sum(dx for dx, _ in moves), sum(dy for _, dy in moves))
    assert camera.offset == pytest.approx(free.offset, abs=0.5 + 1e-6)
    assert camera.to_device(*camera.to_scene(10.0, 20.0)) == pytest.approx((10.0, 20.0), abs=1e-6)


@given(places, st.integers(-4000, 4000), st.sampled_from([900, 901]))
def test_a_pan_by_whole_pixels_is_exact(x: float, pixels: int, width: int) -> None:
    camera = replace(CAMERA, x=x, whole=True, width=width)
    assert camera.panned(pixels, 0).offset[0] - camera.offset[0] == pixels


def test_a_part_of_the_view() -> None:
    camera = replace(CAMERA, whole=True)
    part = camera.part(-20, 30, 101, 57)
    assert (part.width, part.height) == (101, 57)
    assert part.to_device(5, 5) == pytest.approx(
        [a - b for a, b in zip(camera.to_device(5, 5), (-20, 30), strict=True)]
    )


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
