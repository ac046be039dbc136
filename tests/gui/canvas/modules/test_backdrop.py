"""What is painted again at the same place is what a new painter paints; it is put together once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from engine.graph.build import build_graph
from engine.recording.reader import Recording
from gui.canvas.camera import Camera
from gui.canvas.modules import boxes
from gui.canvas.modules.arrange import at_level
from gui.canvas.painter import GraphPainter, Picture
from gui.theme import DARK, LIGHT, Theme
from tests.gui.canvas.scenes import paint, picture_at, pixels

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def picture(recording: Recording) -> Picture:
    """A box with five boxes in it."""
    return picture_at(recording, at_level(build_graph(recording, 0), 2, "layered", "down"), 3)


@pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])
def test_a_painter_that_has_painted_before_paints_what_a_new_one_paints(
    recording: Recording, picture: Picture, look: Theme
) -> None:
    later = picture_at(recording, picture.scene, len(recording.timeline) - 1)
    chosen = replace(later, module="layers.2")
    known = GraphPainter(look)
    walk = [(picture, 0.5)] * 3 + [(later, 0.5), (chosen, 0.5), (chosen, 0.5), (later, 0.4), (later, 0.4), (later, 0.5)]
    for each, scale in walk:
        seen, wanted = (pixels(paint(painter, each, scale)) for painter in (known, GraphPainter(look)))
        assert np.array_equal(seen, wanted)


def test_frames_are_put_together_when_they_change_and_not_for_each_picture(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[float] = []
    boxes_paint = boxes.paint

    def counted(*args: Any) -> None:
        put.append(args[2].scale)
        boxes_paint(*args)

    monkeypatch.setattr(boxes, "paint", counted)
    painter = GraphPainter(DARK)
    for _ in range(5):
        paint(painter, picture, 0.5)
    assert put == [0.5, 0.5], "once for the view, once to be kept"
    for scale in (0.4, 0.45, 0.5):
        paint(painter, picture, scale)
    assert put[2:] == [0.4, 0.45, 0.5], "nothing is kept while the camera moves"


def test_without_a_ground_what_was_there_stays(picture: Picture) -> None:
    painter = GraphPainter(DARK)
    painter.ground = None
    camera = Camera(width=400, height=300).fitted(picture.scene.bounds)
    for _ in range(3):
        image = QImage(camera.width, camera.height, QImage.Format.Format_RGB32)
        image.fill(DARK.accent)
        p = QPainter(image)
        try:
            painter.paint(p, picture, camera)
        finally:
            p.end()
        assert image.pixelColor(1, 1).rgb() == DARK.accent.rgb()
