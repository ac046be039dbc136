"""What a picture needs is drawn before it is shown, and then not again."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine.recording.reader import Recording
from gui.canvas import ahead, atlas
from gui.canvas.ahead import PreparedPainter
from gui.canvas.camera import Camera
from gui.canvas.cards import Card
from gui.canvas.painter import GraphPainter
from gui.canvas.scene import Scene
from gui.canvas.view import CanvasView
from gui.session import Session
from gui.theme import DARK
from tests.gui.canvas.scenes import paint, picture_at, pixels

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """The cards that were put on a sheet."""
    cards: list[Card] = []
    draw = atlas.Sheet._draw

    def told(sheet: atlas.Sheet, wanted: list[Card]) -> None:
        cards.extend(wanted)
        draw(sheet, wanted)

    monkeypatch.setattr(atlas.Sheet, "_draw", told)
    return cards


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_what_was_prepared_is_painted_and_not_drawn_again(
    recording: Recording, scene: Scene, drawn: list[Card], scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "AT_A_TIME", 2)
    picture = picture_at(recording, scene, 5)
    plain = paint(GraphPainter(DARK), picture, scale)
    wanted, drawn[:] = set(drawn), []
    painter = PreparedPainter(DARK)
    x0, y0, x1, y1 = scene.bounds
    view = Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, plain.width(), plain.height())
    pieces = list(painter.prepare(scene, view))
    assert set(drawn) >= wanted
    assert len(pieces) >= len(wanted) / 2
    drawn.clear()
    np.testing.assert_array_equal(pixels(paint(painter, picture, scale)), pixels(plain))
    assert drawn == []


def test_from_afar_there_is_nothing_to_prepare(scene: Scene, drawn: list[Card]) -> None:
    assert list(PreparedPainter(DARK).prepare(scene, Camera(0.0, 0.0, 0.05, 300, 300))) == []
    assert drawn == []


def test_the_first_frame_of_a_graph_draws_no_card(qtbot: QtBot, session: Session, drawn: list[Card]) -> None:
    view = CanvasView(session)
    qtbot.addWidget(view)
    view.resize(600, 500)
    view.show()
    qtbot.waitUntil(view.is_ready)
    assert drawn
    drawn.clear()
    view.grab()
    assert drawn == []
    view.shutdown()
