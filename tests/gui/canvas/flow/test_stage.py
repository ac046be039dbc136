"""Frames over still pictures: what is seen at the beginning and at the end of an event, and between."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from engine.recording.reader import Recording
from gui.canvas.camera import Camera
from gui.canvas.flow.lanes import lanes_of
from gui.canvas.flow.plan import plan
from gui.canvas.flow.stage import Stage
from gui.canvas.frames import Frames
from gui.canvas.painter import GraphPainter
from gui.canvas.scene import Scene
from gui.theme import DARK, LIGHT, Theme
from tests.gui.canvas.scenes import pixels, scene_of


def shown(
    recording: Recording, scene: Scene, event: int, time: float, theme: Theme = DARK, *, undone: bool = False
) -> np.ndarray:
    frames, camera = Frames(recording), Camera(width=600, height=520).fitted(scene.bounds)
    happening = plan(recording, frames.readings, scene, lanes_of(recording, scene, 0), event, undone=undone)
    before, after = (frames.picture(scene, 0, playhead, None, None) for playhead in (event - 1, event))
    image = QImage(600, 520, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        Stage().happening(painter, before, after, happening, time, camera, GraphPainter(theme), camera.scale)
    finally:
        painter.end()
    return pixels(image)


def at_rest(recording: Recording, scene: Scene, event: int, theme: Theme = DARK) -> np.ndarray:
    camera = Camera(width=600, height=520).fitted(scene.bounds)
    image = QImage(600, 520, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        GraphPainter(theme).paint(painter, Frames(recording).picture(scene, 0, event, None, None), camera)
    finally:
        painter.end()
    return pixels(image)


def differing(one: np.ndarray, other: np.ndarray) -> float:
    """Share of pixels that are visibly different."""
    return float((np.abs(one.astype(int) - other.astype(int)).max(axis=2) > 24).mean())


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("event", [6, 7, 8, 9])
def test_an_event_ends_as_the_picture_that_stays(branches: Recording, event: int, theme: Theme) -> None:
    """No jump: what moved has become what is drawn of the event at rest."""
    scene = scene_of(branches)
    end, rest = shown(branches, scene, event, 1.0, theme), at_rest(branches, scene, event, theme)
    assert differing(end, rest) < 0.004
    assert differing(shown(branches, scene, event, 0.5, theme), rest) > differing(end, rest)


@pytest.mark.parametrize("time", [0.0, 0.3, 0.8, 1.0])
def test_undone_it_runs_the_other_way(branches: Recording, time: float) -> None:
    scene = scene_of(branches)
    forth, back = shown(branches, scene, 7, time), shown(branches, scene, 7, 1.0 - time, undone=True)
    assert differing(forth, back) == 0.0
