"""Long recordings are read in another thread; what is shown stays until they are, and if they cannot be."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.recording.timeline import Timeline
from gui import session as sessions
from gui.canvas import loader
from gui.canvas.view import CanvasView
from gui.session import Session
from tests.recordings import make_chain


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_chain(tmp_path / "chain.chain", nodes=40, steps=2)


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "AT_ONCE", 10)


@pytest.fixture
def view(session: Session, qtbot: QtBot) -> Iterator[CanvasView]:
    view = CanvasView(session)
    qtbot.addWidget(view)
    yield view
    view.shutdown()


def test_a_short_one_is_there_at_once(session: Session, path: Path) -> None:
    shown: list[int] = []
    assert session.open(path, lambda: shown.append(session.event_count), wait=False)
    assert not session.opening
    assert shown == [session.event_count] != [0]


@pytest.mark.usefixtures("long")
def test_a_long_one_comes_later(session: Session, path: Path, view: CanvasView, qtbot: QtBot) -> None:
    shown: list[int] = []
    session.close()
    with qtbot.waitSignal(session.recording_changed):
        assert session.open(path, lambda: shown.append(session.event_count), wait=False)
        assert (session.opening, session.recording, view.is_ready()) == (True, None, False)
        view.grab()
    assert not session.opening
    assert (session.playhead, session.graph_id) == (0, 0)
    assert shown == [session.event_count] != [0]
    qtbot.waitUntil(view.is_ready)
    assert view.scene is not None


@pytest.mark.usefixtures("long")
def test_what_its_first_picture_asks_for_has_been_read(
    session: Session, path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with qtbot.waitSignal(session.recording_changed):
        session.open(path, wait=False)
    recording, graph = session.recording, session.graph_id
    assert recording is not None
    assert graph is not None
    assert recording.has_read(graph)
    assert recording.has_norms(0)
    made: list[object] = []
    monkeypatch.setattr(loader, "_fingerprint", lambda *graph: made.append(graph))
    loader.structure_of(recording, graph)
    assert not made


@pytest.mark.usefixtures("long")
def test_one_may_wait_for_it(session: Session, path: Path) -> None:
    assert session.open(path)
    assert session.recording is not None


@pytest.mark.usefixtures("long")
def test_what_is_shown_stays_if_the_next_is_damaged(session: Session, path: Path, tmp_path: Path, qtbot: QtBot) -> None:
    session.open(path)
    before = session.recording
    damaged = make_chain(tmp_path / "damaged.chain", nodes=40)
    with sqlite3.connect(damaged) as connection:
        connection.execute("DELETE FROM event WHERE id = 20")
    connection.close()
    shown: list[bool] = []
    with qtbot.waitSignal(session.failed) as answer:
        assert session.open(damaged, lambda: shown.append(True), wait=False)
        assert session.opening
    assert "events are missing" in answer.args[0]
    assert session.recording is before is not None
    assert (session.opening, shown) == (False, [])


@pytest.mark.usefixtures("long")
def test_a_fault_ends_the_opening(session: Session, path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_type))

    def fail(_: Timeline) -> None:
        raise ZeroDivisionError("by nothing")

    with monkeypatch.context() as patch, qtbot.waitSignal(session.failed) as answer:
        patch.setattr(Timeline, "warm_up", fail)
        session.open(path, wait=False)
    assert "by nothing" in answer.args[0]
    assert not session.opening
    qtbot.waitUntil(lambda: seen == [ZeroDivisionError])
    with qtbot.waitSignal(session.recording_changed):
        session.open(path, wait=False)


@pytest.mark.usefixtures("long")
def test_only_the_last_one_asked_for_is_shown(session: Session, path: Path, tmp_path: Path, qtbot: QtBot) -> None:
    other = make_chain(tmp_path / "other.chain", nodes=30)
    session.open(path, wait=False)
    with qtbot.waitSignal(session.recording_changed):
        session.open(other, wait=False)
    assert session.recording is not None
    assert session.recording.path == other


@pytest.mark.usefixtures("long")
def test_what_was_closed_does_not_come(session: Session, path: Path, qtbot: QtBot) -> None:
    session.open(path, wait=False)
    session.close()
    assert not session.opening
    with qtbot.assertNotEmitted(session.recording_changed, wait=200):
        pass
    assert session.recording is None
