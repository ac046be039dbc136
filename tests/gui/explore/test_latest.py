"""Work that the window does not wait for."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.errors import RecordingError
from gui.explore.latest import Latest


@pytest.fixture
def latest(qapp: QApplication) -> Iterator[Latest]:
    made = Latest("work")
    yield made
    made.finish()


def _fail(error: Exception) -> object:
    raise error


def test_of_what_waits_the_newest_is_done(latest: Latest, qtbot: QtBot) -> None:
    told: list[tuple[object, object]] = []
    latest.done.connect(lambda key, result: told.append((key, result)))
    go = threading.Event()
    latest.start("first", go.wait)
    latest.start("second", lambda: 2)
    latest.start("third", lambda: 3)
    with qtbot.waitSignal(latest.done):
        go.set()
    assert told == [("third", 3)]


def test_what_cannot_be_read_is_told_in_words(latest: Latest, qtbot: QtBot) -> None:
    with qtbot.waitSignal(latest.failed) as told:
        latest.start("norms", lambda: _fail(RecordingError("bow.chain does not exist.")))
    assert told.args == ["norms", "bow.chain does not exist."]


def test_a_fault_is_told_and_the_next_wish_is_served(
    latest: Latest, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_type))
    with qtbot.waitSignal(latest.failed):
        latest.start("norms", lambda: _fail(ZeroDivisionError("by nothing")))
    with qtbot.waitSignal(latest.done) as told:
        latest.start("norms", lambda: 1)
    assert told.args == ["norms", 1]
    assert seen == [ZeroDivisionError]


def test_what_was_asked_for_lives_until_it_is_told(latest: Latest, qtbot: QtBot) -> None:
    """A key may hold the id of something that only the work refers to: it must not be given to something else."""

    class Recording:
        pass

    about = Recording()
    alive = weakref.ref(about)
    latest.start(id(about), lambda about=about: about is not None)  # type: ignore[misc]
    del about
    thread = latest._thread
    assert thread is not None
    thread.join()
    assert alive() is not None
    with qtbot.waitSignal(latest.done):
        pass
    qtbot.waitUntil(lambda: alive() is None)


def test_after_finishing_nothing_is_told(latest: Latest) -> None:
    told: list[object] = []
    latest.done.connect(lambda *_: told.append(None))
    latest.start("norms", lambda: 1)
    latest.finish()
    QApplication.processEvents()
    assert told == []


def test_what_was_finished_does_not_end_what_came_after(latest: Latest) -> None:
    latest.start("norms", lambda: 1)
    latest.finish()
    go = threading.Event()
    latest.start("times", lambda: go.wait(60))
    working = latest._thread
    QApplication.processEvents()  # what the first one had to tell comes now
    assert latest._thread is working is not None
    go.set()
