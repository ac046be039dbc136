"""The canvas says what it is about while the picture is not the one that was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from engine.layout import algorithms
from gui.canvas.view import CanvasView
from gui.session import Session
from gui.theme import current
from tests.gui.canvas.scenes import count_color
from tests.recordings import make_bow


@pytest.fixture
def view(qtbot: QtBot, tmp_path: Path) -> Iterator[CanvasView]:
    session = Session()
    made = CanvasView(session)
    qtbot.addWidget(made)
    made.resize(800, 500)
    made.show()
    session.open(make_bow(tmp_path / "bow.chain"))
    qtbot.waitUntil(lambda: made.scene is not None)
    yield made
    made.shutdown()
    session.close()


def _shot(view: CanvasView) -> QImage:
    return view.grab().toImage()


def test_a_layout_that_cannot_be_made_is_said_over_the_earlier_one(view: CanvasView, qtbot: QtBot) -> None:
    plain, before = _shot(view), view.scene
    assert count_color(plain, current().error) == 0
    with qtbot.waitSignal(view.failed):
        view.set_layout("no such layout")
    assert view.scene is before
    assert count_color(_shot(view), current().error) > 300
    assert "no such layout" in view._notices.text(view._situation())
    view.set_layout("layered")
    qtbot.waitUntil(lambda: view.is_ready() and not view.problem)
    assert _shot(view) == plain


def test_what_cannot_be_made_is_not_tried_again_for_the_same_view(view: CanvasView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.failed):
        view.set_layout("no such layout")
    view.fit(fly=False)
    with qtbot.waitSignal(view._reshape.timeout):
        pass
    assert "no such layout" in view.problem
    view.resize(500, 800)
    with qtbot.waitSignal(view.failed):  # it might have been the shape
        pass


def test_what_takes_long_is_said(view: CanvasView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    circular = algorithms.ALGORITHMS["circular"]

    def slow(*args: object, **kwargs: object) -> object:
        done.wait(30)
        return circular(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setitem(algorithms.ALGORITHMS, "circular", slow)  # type: ignore[arg-type]
    plain = _shot(view)
    view.set_layout("circular")
    assert _shot(view) == plain, "at once there is nothing to say"
    try:
        with qtbot.waitSignal(view._notices.changed):
            pass
        assert _shot(view) != plain
        assert "Laying out" in view._notices.text(view._situation())
    finally:
        done.set()
    qtbot.waitUntil(view.is_ready)
    assert not view._notices.text(view._situation())
