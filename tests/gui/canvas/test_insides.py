"""Heat maps in cards: what they show, that they are read elsewhere, and that they stand where words leave room."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from engine.recording.reader import Recording
from gui.canvas import cards
from gui.canvas import insides as inner
from gui.canvas.camera import Camera
from gui.canvas.insides import CELLS, HIGHEST, SEEN_FROM, SMALLEST, Insides, map_place, pooled, read
from gui.canvas.painter import GraphPainter
from gui.theme import DARK
from tests.gui.canvas.scenes import opened, picture_at, pixels, scene_of
from tests.recordings import make_chain

pytestmark = pytest.mark.usefixtures("qapp")


def test_large_planes_are_pooled_and_keep_their_signs() -> None:
    data = np.zeros((3, 100, 60))
    data[:, :50, :] = -4.0
    data[:, 50:, 30:] = 1.0
    heat = pooled(data)
    assert heat.shape == (CELLS, CELLS)
    np.testing.assert_allclose(heat[:11], -1.0)
    np.testing.assert_allclose(heat[13:, 13:], 0.5)  # a quarter of the largest, as a root
    np.testing.assert_allclose(heat[13:, :11], 0.0)


@pytest.mark.parametrize("shape", [(2,), (7,), (1000,), (1, 1000), (5, 1), (2, 3, 4, 5)])
def test_every_shape_becomes_a_plane(shape: tuple[int, ...]) -> None:
    heat = pooled(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape))
    assert heat.ndim == 2
    assert max(heat.shape) <= CELLS
    assert heat.max() == 1.0


def test_what_is_not_finite_counts_as_nothing() -> None:
    assert np.isfinite(pooled(np.array([[np.nan, 1.0], [np.inf, -1.0]]))).all()


def test_the_gradient_of_the_event_is_read(recording: Recording) -> None:
    by_role = {value.role for value in recording.values(4)}
    assert "grad_output" in by_role
    assert read(recording, 4) is None  # one number is no picture


def test_a_heat_map_stands_beside_the_words() -> None:
    about = {"kind": "operation", "title": "conv1 · Conv2d", "subtitle": "ConvolutionBackward0", "category": "linear"}
    card = cards.card_of({**about, "shape": (1, 64, 32, 32)})
    place = map_place(card)
    assert place is not None
    left, _, side = place
    words = max(cards.text_width(card.title, cards.TITLE), cards.text_width(card.subtitle, cards.SUBTITLE))
    assert left > card.padding + words * cards.SMALLER
    assert left + side < card.width
    assert SMALLEST <= side <= HIGHEST
    assert map_place(cards.card_of({**about, "shape": ()})) is None
    assert map_place(cards.card_of({**about, "kind": "parameter", "shape": (64,)})) is None
    assert map_place(replace(card, width=60.0)) is None


def test_close_up_the_gradient_is_read_and_then_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    readers = set()

    def gradient(recording: Recording, event: int) -> npt.NDArray[np.float64]:
        readers.add(threading.current_thread() is threading.main_thread())
        return pooled(np.arange(float(event), 36.0 + event).reshape(6, 6))

    monkeypatch.setattr(inner, "read", gradient)
    with opened(make_chain(tmp_path / "chain.chain", nodes=12)) as recording:
        scene = scene_of(recording)
        insides = Insides(recording)
        picture = replace(picture_at(recording, scene, len(recording.timeline) - 1), insides=insides)
        node = next(n for n in range(scene.node_count) if map_place(scene.cards[scene.card[n]]) is not None)
        event = int(picture.state.gradient_event[node])

        def drawn(scale: float) -> QImage:
            image = QImage(400, 200, QImage.Format.Format_RGB32)
            canvas = QPainter(image)
            try:
                GraphPainter(DARK).paint(canvas, picture, Camera(*scene.center(node), scale, 400, 200), active=False)
            finally:
                canvas.end()
            return image

        before = drawn(1.2 * SEEN_FROM)
        qtbot.waitUntil(lambda: insides.heat(event) is not None)
        insides.finish()
        after = drawn(1.2 * SEEN_FROM)
        changed = (pixels(before) != pixels(after)).any(axis=2)
        assert 100 < changed.sum() < 60 * 60 * 12
        assert readers == {False}
        far = drawn(0.9 * SEEN_FROM)
        insides._known.clear()
        assert (pixels(far) == pixels(drawn(0.9 * SEEN_FROM))).all()
        assert not insides._known
        insides.finish()


def test_a_fault_is_told_and_others_are_read(
    recording: Recording, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_type))
    insides = Insides(recording)
    with monkeypatch.context() as patch:
        patch.setattr(inner, "read", lambda *_: dict[int, int]()[0])
        assert insides.heat(4) is None
        qtbot.waitUntil(lambda: seen == [KeyError])
    monkeypatch.setattr(inner, "read", lambda *_: np.ones((2, 2)))
    with qtbot.waitSignal(insides.changed):
        assert insides.heat(5) is None
    assert insides.heat(5) is not None
    assert insides.heat(4) is None
    insides.finish()
