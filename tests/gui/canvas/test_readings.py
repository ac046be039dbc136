"""The numbers on the bow's nodes are those of the hand calculation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.recording.model import Tensor
from engine.recording.reader import Recording
from gui.canvas.lod import Detail
from gui.canvas.picture import Picture, labels_of
from gui.canvas.readings import Readings, gradient_of, text_of, value_of
from gui.canvas.scene import Scene
from tests.gui.canvas.scenes import node_named, picture_at, scene_of


def number(picture: Picture, name: str) -> complex | None:
    return value_of(picture.readings, picture.scene, picture.state, node_named(picture.scene, name))


def gradient(picture: Picture, name: str) -> complex | None:
    return gradient_of(picture.readings, picture.scene, picture.state, node_named(picture.scene, name))


def test_values_and_gradients_of_the_first_step(recording: Recording, scene: Scene) -> None:
    end = picture_at(recording, scene, 9)
    values = {name: number(end, name) for name in ("x", "y", "w", "b", "mul", "prediction", "sub", "loss")}
    assert values == {"x": 2, "y": 5, "w": 0.5, "b": 0.25, "mul": 1, "prediction": 1.25, "sub": -3.75, "loss": 14.0625}
    gradients = {name: gradient(end, name) for name in ("loss", "sub", "prediction", "mul", "w", "b", "x")}
    assert gradients == {"loss": 1, "sub": -7.5, "prediction": -7.5, "mul": -7.5, "w": -15, "b": -7.5, "x": None}


@pytest.mark.parametrize(
    ("data", "shown"), [(np.array(-np.inf, np.float32), -np.inf), (np.array(np.inf), np.inf), (None, np.inf)]
)
def test_an_infinite_number_keeps_its_sign_where_it_was_recorded(
    recording: Recording, scene: Scene, monkeypatch: pytest.MonkeyPatch, data: np.ndarray | None, shown: float
) -> None:
    read = Recording.tensor

    def overflown(self: Recording, tensor_id: int) -> Tensor:
        tensor = read(self, tensor_id)
        nothing = replace(tensor.statistics, min=None, max=None, mean=None, std=None, norm=None, infs=1)
        return replace(tensor, statistics=nothing)

    monkeypatch.setattr(Recording, "tensor", overflown)
    monkeypatch.setattr(Recording, "data", lambda *_: data)
    assert number(picture_at(recording, scene, 9), "loss") == shown


@pytest.mark.parametrize(
    ("data", "text"),
    [(np.array(1 - 2.5j, np.complex64), "1.0 \N{MINUS SIGN} 2.5j"), (np.zeros(0, np.complex64), ""), (None, "")],
)
def test_a_complex_number_is_shown_itself_and_not_its_size(
    recording: Recording, scene: Scene, monkeypatch: pytest.MonkeyPatch, data: np.ndarray | None, text: str
) -> None:
    read = Recording.tensor
    monkeypatch.setattr(Recording, "tensor", lambda self, number: replace(read(self, number), dtype="complex64"))
    monkeypatch.setattr(Recording, "data", lambda *_: data)
    assert text_of(number(picture_at(recording, scene, 9), "loss")) == text


def test_no_number_before_it_is_there(recording: Recording, scene: Scene) -> None:
    start = picture_at(recording, scene, 0)
    assert number(start, "mul") == 1
    assert number(start, "prediction") is None
    assert number(start, "y") is None
    assert gradient(start, "w") is None


def test_a_parameter_has_its_old_value_before_and_its_new_one_after_its_update(
    recording: Recording, scene: Scene
) -> None:
    lr, w = np.float32(0.05), np.float32(0.5)
    for playhead, expected in ((0, w), (9, w), (10, w - lr * np.float32(-15)), (11, w - lr * np.float32(-15))):
        assert number(picture_at(recording, scene, playhead), "w") == expected
    assert number(picture_at(recording, scene, 10), "b") == 0.25  # its turn comes next


def test_the_value_lives_on_in_the_next_step(recording: Recording) -> None:
    before = number(picture_at(recording, scene_of(recording, 0), 11), "w")
    assert number(picture_at(recording, scene_of(recording, 1), 12, 1), "w") == before


def test_labels_are_what_stands_on_a_card(recording: Recording, scene: Scene) -> None:
    picture = picture_at(recording, scene, 11)
    texts = [label.text for label in labels_of(picture, node_named(scene, "w"), Detail.TEXT)]
    assert texts == ["1.250", text_of(-15.0)]
    assert labels_of(picture, node_named(scene, "w"), Detail.NAME) == ()


def test_what_is_not_recorded_has_no_number(recording: Recording) -> None:
    readings = Readings(recording)
    assert readings.number(0, "grad_before") is None
    assert readings.norm(0, "grad_input", 7) is None
    assert readings.norm(4, "grad_input", 0) == pytest.approx(7.5)
    assert text_of(None) == ""
