"""A painter that has painted before paints what a new one paints: nothing that it keeps is out of date."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QImage, QPainter

from engine.recording.reader import Recording
from gui.canvas import atlas
from gui.canvas.camera import Camera
from gui.canvas.painter import GraphPainter, Picture
from gui.canvas.readings import Readings
from gui.canvas.scene import Scene
from gui.theme import DARK
from tests.gui.canvas.scenes import picture_at, pixels

pytestmark = pytest.mark.usefixtures("qapp")

WIDTH, HEIGHT = 220, 160


def painted(
    painter: GraphPainter, picture: Picture, camera: Camera, sprite_scale: float | None = None
) -> npt.NDArray[np.uint8]:
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    canvas = QPainter(image)
    try:
        painter.paint(canvas, picture, camera, sprite_scale=sprite_scale)
    finally:
        canvas.end()
    return pixels(image)


@st.composite
def walks(draw: st.DrawFn) -> list[tuple[int, int, float, float, float, bool, bool]]:
    """Playhead, node in the middle, scale, pixels beside it, stretched, faded."""
    step = st.tuples(
        st.integers(0, 11), st.integers(0, 3), st.sampled_from([0.2, 0.45, 1.0, 1.5, 2.0]), st.floats(-90, 90),
        st.floats(-60, 60), st.booleans(), st.booleans(),
    )  # fmt: skip
    return draw(st.lists(step, min_size=2, max_size=6))


@given(walk=walks())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_one_has_been(
    recording: Recording, scene: Scene, walk: list[tuple[int, int, float, float, float, bool, bool]]
) -> None:
    used = GraphPainter(DARK)
    pictures: dict[tuple[int, bool], Picture] = {}
    readings = Readings(recording)
    for playhead, node, scale, dx, dy, stretched, faded in walk:
        if (playhead, faded) not in pictures:
            plain = replace(picture_at(recording, scene, playhead), readings=readings)
            pictures[playhead, faded] = replace(plain, emphasis=scene.connected(1)) if faded else plain
        picture = pictures[playhead, faded]
        camera = Camera(*scene.center(node), scale, WIDTH, HEIGHT).panned(dx, dy)
        sprite_scale = scale * 1.1 if stretched else None
        np.testing.assert_array_equal(
            painted(used, picture, camera, sprite_scale), painted(GraphPainter(DARK), picture, camera, sprite_scale)
        )


def test_a_sheet_that_starts_anew(recording: Recording, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = picture_at(recording, scene, 11)
    cameras = [Camera(*scene.center(item), 1.5, WIDTH, HEIGHT) for item in range(len(scene.left))]
    wanted = [painted(GraphPainter(DARK), picture, camera) for camera in cameras]
    monkeypatch.setattr(atlas, "MOST_PAGES", 1)
    monkeypatch.setattr(atlas, "PAGE", 64)
    used = GraphPainter(DARK)
    for camera, image in zip([*cameras, *cameras], [*wanted, *wanted], strict=True):
        np.testing.assert_array_equal(painted(used, picture, camera), image)


@pytest.mark.parametrize("scale", [0.2, 0.45, 1.0, 1.5])
def test_whatever_has_happened(recording: Recording, scene: Scene, scale: float) -> None:
    used, readings = GraphPainter(DARK), Readings(recording)
    camera = Camera(*scene.center(0), scale, WIDTH, HEIGHT)
    for playhead in (*range(12), 3):
        picture = replace(picture_at(recording, scene, playhead), readings=readings)
        np.testing.assert_array_equal(painted(used, picture, camera), painted(GraphPainter(DARK), picture, camera))
