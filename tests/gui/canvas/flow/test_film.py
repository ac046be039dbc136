"""Frames without a window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from engine.errors import UsageError
from engine.recording.reader import Recording
from gui.canvas.camera import Camera
from gui.canvas.flow.film import Take, frame_count, render_step
from gui.canvas.painter import GraphPainter
from gui.canvas.scene import Scene
from gui.theme import DARK
from tests.gui.canvas.scenes import picture_at, pixels

SMALL = {"width": 420, "height": 360, "theme": DARK}


def frames(recording: Recording, scene: Scene, **options: object) -> list[np.ndarray]:
    take = Take(**(SMALL | options))  # type: ignore[arg-type]
    images = list(render_step(recording, scene, 0, take))
    assert len(images) == frame_count(recording, 0, take)
    assert {(image.width(), image.height()) for image in images} == {(420, 360)}
    return [pixels(image) for image in images]


@pytest.mark.parametrize("speed", [4.0, 60.0])
def test_a_film_ends_with_what_seeking_there_shows(recording: Recording, scene: Scene, speed: float) -> None:
    shown = frames(recording, scene, fps=8.0, events_per_second=speed)
    camera = Camera(width=420, height=360).fitted(scene.bounds)
    image = QImage(420, 360, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        GraphPainter(DARK).paint(painter, picture_at(recording, scene, 11), camera, active=speed < 10)
    finally:
        painter.end()
    np.testing.assert_array_equal(shown[-1], pixels(image))
    assert not np.array_equal(shown[0], shown[-1])


def test_between_two_events_it_is_neither(recording: Recording, scene: Scene) -> None:
    shown = frames(recording, scene, fps=4.0, events_per_second=1.0, first=5, last=5)
    assert not np.array_equal(shown[0], shown[2])
    assert not np.array_equal(shown[2], shown[4])
    np.testing.assert_array_equal(shown[4], shown[5])  # it stands still at the end


def test_frames_are_the_same_every_time(recording: Recording, scene: Scene) -> None:
    once, again = (frames(recording, scene, fps=3.0, first=6, last=9) for _ in range(2))
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("options", [{"fps": 0}, {"events_per_second": 0}, {"width": 0}, {"first": 9, "last": 3}])
def test_a_film_of_nothing_is_refused(recording: Recording, scene: Scene, options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        list(render_step(recording, scene, 0, Take(**options)))  # type: ignore[arg-type]
