"""A first window is within its screen, and uses it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize

from gui.start_size import ENOUGH, PLAIN, start_size


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 760), (1366, 728), (1600, 860), (1920, 1040), (2560, 1400), (3840, 2120)]
)
def test_it_fits_into_the_screen_and_is_large_enough_to_read_in(width: int, height: int) -> None:
    size = start_size(QSize(width, height))
    assert 0.8 * width <= size.width() < width
    assert 0.8 * height <= size.height() < height


def test_a_common_screen_shows_as_much_as_a_large_one() -> None:
    assert start_size(QSize(1920, 1080)) == ENOUGH


def test_what_is_no_screen_is_not_believed() -> None:
    assert start_size(QSize(800, 800)) == PLAIN
