"""Boxes near and from afar, in both themes, on screen and in files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from engine.graph.build import build_graph
from engine.layout import Box
from engine.recording.reader import Recording
from gui.canvas.camera import Camera
from gui.canvas.export_image import Look, encoded, whole_camera
from gui.canvas.lod import Detail
from gui.canvas.modules import boxes
from gui.canvas.modules.arrange import at_level
from gui.canvas.modules.boxes import ROUND, SHARP, title_at
from gui.canvas.painter import GraphPainter, Picture, VectorPainter
from gui.theme import DARK, LIGHT, Theme, blend
from tests.gui.canvas.scenes import count_color, paint, picture_at, pixels

pytestmark = pytest.mark.usefixtures("qapp")
FAR, NEAR = 0.8 * SHARP / ROUND, 0.5
THEMES = pytest.mark.parametrize("look", [DARK, LIGHT], ids=["dark", "light"])


@pytest.fixture
def picture(recording: Recording) -> Picture:
    """A box with five boxes in it."""
    scene = at_level(build_graph(recording, 0), 2, "layered", "down")
    assert [box.depth for box in scene.boxes] == [1, 2, 2, 2, 2, 2]
    return picture_at(recording, scene, len(recording.timeline) - 1)


def at(image: QImage, picture: Picture, x: float, y: float, scale: float) -> QColor:
    """The colour at a scene point, of an image made by `paint`."""
    x0, y0, x1, y1 = picture.scene.bounds
    camera = Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, image.width(), image.height())
    left, top = camera.to_device(x, y)
    return image.pixelColor(round(left), round(top))


def corner(box: Box, inset: float) -> tuple[float, float]:
    """Near the lower right corner, where neither title nor nodes are."""
    return box.x + box.width - inset, box.y + box.height - inset


@THEMES
@pytest.mark.parametrize("scale", [FAR, NEAR])
def test_each_depth_has_a_ground_of_its_own(picture: Picture, look: Theme, scale: float) -> None:
    image = paint(GraphPainter(look), picture, scale, active=False)
    outer, inner = picture.scene.boxes[:2]
    inset = 2.5 / scale
    grounds = [at(image, picture, *corner(outer, inset), scale), at(image, picture, *corner(inner, inset), scale)]
    assert len({look.bg.rgb(), grounds[0].rgb(), grounds[1].rgb()}) == 3
    for ground in grounds:
        assert abs(ground.lightness() - look.bg.lightness()) < 25, "cards stand out from it, not it from the cards"


@THEMES
def test_far_borders_are_lines_round_what_is_within(picture: Picture, look: Theme) -> None:
    """As many pixels as the outlines of all boxes have, but for what nodes and edges cover."""
    image = paint(GraphPainter(look), picture, FAR, active=False)
    line = blend(look.bg, look.dim, 0.4)
    around = sum(2 * (box.width + box.height) * FAR for box in picture.scene.boxes)
    assert 0.8 * around < count_color(image, line) < 1.05 * around


@THEMES
@pytest.mark.parametrize("scale", [FAR, NEAR])
def test_the_module_that_one_looks_at_is_framed(picture: Picture, look: Theme, scale: float) -> None:
    plain = paint(GraphPainter(look), picture, scale, active=False)
    image = paint(GraphPainter(look), replace(picture, module="layers.2"), scale, active=False)
    changed = np.argwhere((pixels(plain) != pixels(image)).any(axis=2))
    box = next(box for box in picture.scene.boxes if box.key == "layers.2")
    height, width = np.ptp(changed, axis=0).tolist()
    assert [width, height] == pytest.approx([box.width * scale, box.height * scale], abs=4)
    assert count_color(plain, look.accent) == 0


@THEMES
@pytest.mark.parametrize(("level", "scale", "apart"), [(2, FAR, 0.08), (2, NEAR, 0.06), (1, 1.0, 0.06)])
def test_files_look_like_the_screen(recording: Recording, look: Theme, level: int, scale: float, apart: float) -> None:
    """Open modules and collapsed ones."""
    scene = at_level(build_graph(recording, 0), level, "layered", "down")
    picture, camera = picture_at(recording, scene, len(recording.timeline) - 1), whole_camera(scene, scale)
    image = QImage.fromData(encoded(picture, camera, "svg", Look(look))).convertToFormat(QImage.Format.Format_RGB32)
    image = image.scaled(camera.width, camera.height)
    screen = QImage(camera.width, camera.height, QImage.Format.Format_RGB32)
    canvas = QPainter(screen)
    try:
        VectorPainter(look).paint(canvas, picture, camera)
    finally:
        canvas.end()
    difference = np.abs(pixels(image).astype(int) - pixels(screen).astype(int)).max(axis=2)
    assert (difference > 48).mean() < apart


def test_a_point_is_in_the_title_of_the_innermost_box(picture: Picture) -> None:
    scene = picture.scene
    outer, inner = scene.boxes[:2]
    assert title_at(scene, inner.x + 5, inner.y + 5) is inner
    assert title_at(scene, outer.x + 5, outer.y + 5) is outer
    assert title_at(scene, outer.x - 2, outer.y) is None
    assert title_at(scene, *corner(inner, 2.0)) is None


@THEMES
def test_from_afar_the_outermost_of_several_boxes_have_their_names(picture: Picture, look: Theme) -> None:
    """Over what they hold, whose own names are left out; not smaller than can be read, and the same in files."""
    scene, scale = picture.scene, 0.16
    x0, y0, x1, y1 = scene.bounds
    camera = Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, round((x1 - x0) * scale), round((y1 - y0) * scale))
    assert camera.detail == Detail.DOT
    titled = [(box, rect, color) for box, rect, color, _ in boxes._titled(scene, camera, look)]
    assert [box.depth for box, _, _ in titled] == [2] * 5
    assert all(rect.height() >= 30 for _, rect, _ in titled)
    image = paint(GraphPainter(look), picture, scale, active=False)
    x, y = image.width() / 2 - camera.width / 2, image.height() / 2 - camera.height / 2
    for _, rect, color in titled:
        strip = image.copy(round(rect.left() + x), round(rect.top() + y), round(rect.width()), 14)
        assert count_color(strip, color) > 4
    assert len(boxes.titles(scene, camera, look)) == 5


def test_boxes_that_are_too_small_for_a_name_have_none(picture: Picture) -> None:
    x0, y0, x1, y1 = picture.scene.bounds
    camera = Camera((x0 + x1) / 2, (y0 + y1) / 2, 0.02, 1000, 1000)
    assert boxes.titles(picture.scene, camera, DARK) == ()
