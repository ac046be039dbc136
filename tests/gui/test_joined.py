"""Threads that a closing window ends and waits for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from engine.recording.timeline import Timeline
from gui import session as sessions
from gui.inspector.differences import Differences
from gui.joined import Joined, finish_all
from gui.opening import Opening
from gui.step_reading import StepReading
from gui.window import MainWindow


class Working(Joined):
    """Works until it is told to stop, or, if it does not listen, until it may end."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.works, self.may_end = threading.Event(), threading.Event()

    def start(self) -> threading.Thread:
        return self.begin("working", self._work)

    def stop(self) -> None:
        self.may_end.set()

    def _work(self) -> None:
        self.works.set()
        self.may_end.wait(60)


class Deaf(Working):
    def stop(self) -> None:
        """Goes on."""


def test_all_of_a_window_are_told_before_any_is_waited_for(qtbot: QtBot) -> None:
    window = QObject()
    first, second = Working(window), Working(QObject(window))
    threads = [first.start(), first.start(), second.start()]
    finish_all(window)
    assert not any(thread.is_alive() for thread in threads)


def test_what_takes_too_long_is_not_waited_for(qtbot: QtBot) -> None:
    window = QObject()
    deaf = Deaf(window)
    thread = deaf.start()
    assert not deaf.finish(0.01)
    assert thread.is_alive()
    assert thread.daemon
    deaf.may_end.set()
    assert deaf.finish(60)
    assert not thread.is_alive()


def test_a_window_that_closes_waits_for_the_recording_that_is_being_opened(
    window: MainWindow, bow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, closes = threading.Event(), threading.Event()
    warm_up, finish = Timeline.warm_up, Opening.finish

    def slowly(timeline: Timeline) -> None:
        reads.set()
        closes.wait(60)
        warm_up(timeline)

    def finishing(opening: Opening, patience: float) -> bool:
        closes.set()
        return finish(opening, patience)

    monkeypatch.setattr(sessions, "AT_ONCE", 1)
    monkeypatch.setattr(Timeline, "warm_up", slowly)
    monkeypatch.setattr(Opening, "finish", finishing)
    window.open_path(bow)
    assert reads.wait(60)
    window.close()
    works = "opening" in {thread.name for thread in threading.enumerate()}
    closes.set()
    assert not works
    assert window.session.recording is None


def test_a_window_knows_what_reads_for_it(window: MainWindow) -> None:
    kinds = {type(worker) for worker in window.findChildren(Joined)}
    assert {type(window.session._opening), StepReading, Differences} <= kinds
