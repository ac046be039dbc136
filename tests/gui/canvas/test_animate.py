from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QImage, QPainter

from engine.recording.reader import Recording
from gui.canvas.animate import PulsePainter, Transition, ease, frame, transition
from gui.canvas.camera import Camera
from gui.canvas.readings import Readings
from gui.canvas.scene import Scene
from gui.theme import DARK
from tests.gui.canvas.scenes import count_color, node_named, scene_of, state_of


def change(recording: Recording, scene: Scene, after: int, *, undone: bool = False) -> Transition:
    earlier, later = state_of(recording, scene, after - 1), state_of(recording, scene, after)
    return transition(scene, Readings(recording), earlier, later, undone=undone)


def head(scene: Scene, now: Transition, t: float) -> np.ndarray:
    """Where the first pulse is."""
    place: np.ndarray = frame(scene, now, t).at[0]
    return place


def test_values_run_to_the_operation(recording: Recording, scene: Scene) -> None:
    now = change(recording, scene, 1)  # prediction = mul + b
    assert now.phase == "forward"
    assert now.node == node_named(scene, "prediction")
    assert {scene.cards[scene.card[scene.target[edge]]].title for edge in now.edges} == {"mul", "b"}
    ends = scene.pieces.points(now.edges[:1].repeat(2), np.array([0.0, 1.0]))
    np.testing.assert_allclose(head(scene, now, 0.0), ends[1])
    np.testing.assert_allclose(head(scene, now, 1.0), ends[0])


def test_gradients_run_to_where_they_are_summed(branches: Recording) -> None:
    scene = scene_of(branches)
    now = change(branches, scene, 7)
    assert now.phase == "backward"
    assert {scene.cards[scene.card[scene.source[edge]]].title for edge in now.edges} == {"double", "triple"}
    ends = scene.pieces.points(now.edges[:1].repeat(2), np.array([0.0, 1.0]))
    np.testing.assert_allclose(head(scene, now, 0.0), ends[0])
    np.testing.assert_allclose(head(scene, now, 1.0), ends[1])


def test_larger_gradients_are_larger(recording: Recording, scene: Scene) -> None:
    small, large = change(recording, scene, 7), change(recording, scene, 9)  # into b: 7.5, into w: 15
    assert frame(scene, small, 0.5).size.max() < frame(scene, large, 0.5).size.max()


def test_a_parameter_rolls_from_old_to_new(recording: Recording, scene: Scene) -> None:
    now = change(recording, scene, 10)
    assert now.phase == "update"
    assert frame(scene, now, 0.0).number == 0.5
    assert frame(scene, now, 1.0).number == pytest.approx(1.25)
    assert 0.5 < (frame(scene, now, 0.5).number or 0) < 1.25


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(st.integers(1, 11), st.floats(0, 1))
def test_back_is_forth_reversed(recording: Recording, scene: Scene, after: int, t: float) -> None:
    forth = frame(scene, change(recording, scene, after), t)
    back = frame(scene, change(recording, scene, after, undone=True), 1 - t)
    np.testing.assert_allclose(forth.at, back.at, atol=1e-6)
    assert forth.number == pytest.approx(back.number)


def test_the_first_gradient_comes_from_nowhere(recording: Recording, scene: Scene) -> None:
    assert not change(recording, scene, 4).moves


def test_a_jump_moves_nothing(recording: Recording, scene: Scene) -> None:
    states = state_of(recording, scene, 2), state_of(recording, scene, 9)
    assert not transition(scene, Readings(recording), *states, undone=False).moves


def test_ease_starts_and_ends_at_rest() -> None:
    assert (ease(0.0), ease(0.5), ease(1.0)) == (0.0, 0.5, 1.0)
    assert ease(0.05) < 0.05 < 0.95 < ease(0.95)


def test_pulses_are_painted_in_their_colour(recording: Recording, scene: Scene) -> None:
    now = frame(scene, change(recording, scene, 9), 0.5)
    image = QImage(200, 200, QImage.Format.Format_RGB32)
    image.fill(DARK.bg)
    painter = QPainter(image)
    camera = Camera(float(now.at[0, 0]), float(now.at[0, 1]), 1.0, 200, 200)
    try:
        PulsePainter().paint(painter, now, "backward", camera, DARK)
    finally:
        painter.end()
    assert count_color(image, DARK.bg) < 200 * 200
    center = image.pixelColor(100, 100)
    assert center.red() > center.blue()
