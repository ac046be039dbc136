"""From afar, each item is the whole pixels that its rectangle comes to, in its colour: however they are filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter

from engine.recording.reader import Recording, open_recording
from gui.canvas.camera import Camera
from gui.canvas.dots import TILED_BELOW, DotPainter, Patches
from gui.canvas.picture import Picture
from gui.theme import DARK
from tests.gui.canvas.scenes import picture_at, pixels, scene_of
from tests.recordings import make_chain

pytestmark = pytest.mark.usefixtures("qapp")

WIDTH, HEIGHT = 300, 200


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    with open_recording(make_chain(tmp_path_factory.mktemp("chain") / "a.chain", nodes=300)) as opened:
        yield opened


@pytest.fixture
def picture(chain: Recording) -> Picture:
    return picture_at(chain, scene_of(chain), 200)


def image_of(paint: Callable[[QPainter], None]) -> npt.NDArray[np.uint8]:
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    image.fill(DARK.bg)
    painter = QPainter(image)
    try:
        paint(painter)
    finally:
        painter.end()
    return pixels(image)


def one_by_one(painter: QPainter, found: Patches, camera: Camera) -> None:
    """Rounded each for itself, filled with the colour; its scale in single precision, as the boxes are."""
    x, y = (np.float32(offset - np.floor(offset)) for offset in camera.offset)
    left, top = (int(np.floor(offset)) for offset in camera.offset)
    colors = [color for color, count in zip(found.colors, np.diff(found.first), strict=True) for _ in range(count)]
    for box, color in zip((found.box * np.float32(camera.scale)).T, colors, strict=True):
        x0, x1 = (int(np.rint(value + x)) + left for value in (box[0], box[2]))
        y0, y1 = (int(np.rint(value + y)) + top for value in (box[1], box[3]))
        painter.fillRect(QRect(x0, y0, max(x1 - x0, 1), max(y1 - y0, 1)), color)


@given(
    scale=st.sampled_from([0.004, 0.02, 0.05, 0.1, 0.15, 0.23]), whole=st.booleans(),
    share=st.floats(0, 1), dx=st.floats(-200, 200), dy=st.floats(-200, 200),
)  # fmt: skip
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_is_its_pixels(
    picture: Picture, scale: float, whole: bool, share: float, dx: float, dy: float
) -> None:  # fmt: skip
    scene, painter = picture.scene, DotPainter(DARK)
    item = int(share * (len(scene.left) - 1))
    camera = Camera(*scene.center(item), scale, WIDTH, HEIGHT, whole=whole).panned(dx, dy)
    seen = image_of(lambda p: painter.paint(p, picture, camera))
    np.testing.assert_array_equal(seen, image_of(lambda p: one_by_one(p, painter.patches(picture), camera)))


def test_low_ones_and_high_ones_are_met(picture: Picture) -> None:
    height = DotPainter(DARK).patches(picture).height
    assert 0.004 * height < 0.1 * height < TILED_BELOW < 0.23 * height
