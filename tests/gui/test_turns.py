"""Work that may wait: others' turns come in between, and what is stopped is not gone on with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import turns
from gui.turns import TURN_S, Turn, in_portions


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turns, "perf_counter", clock)
    monkeypatch.setattr(Turn, "_began", 0.0)
    monkeypatch.setattr(Turn, "_ended", 0.0)
    return clock


def test_long_jobs_are_not_done_in_one_turn_of_the_loop(qtbot: QtBot, qapp: QApplication, clock: Clock) -> None:
    parent, done = QObject(), list[int]()

    def job(number: int, seconds: float) -> None:
        done.append(number)
        clock.now += seconds

    long = [Turn(lambda number=number: job(number, 2 * TURN_S), parent) for number in (1, 2)]  # type: ignore[misc]
    for turn in long:
        turn.start(0)
    qtbot.waitUntil(lambda: bool(done))
    QApplication.processEvents()
    assert len(done) == 1  # the clock stands still: the loop had no breath yet
    clock.now += 1.0
    qtbot.waitUntil(lambda: len(done) == 2)
    assert sorted(done) == [1, 2]
    done.clear()
    clock.now += 1.0
    short = [Turn(lambda number=number: job(number, TURN_S / 4), parent) for number in (1, 2)]  # type: ignore[misc]
    for turn in short:
        turn.start(0)
    qtbot.waitUntil(lambda: len(done) == 2)


def test_a_job_goes_on_piece_by_piece(qtbot: QtBot, qapp: QApplication) -> None:
    done: list[str] = []

    def pieces() -> Iterator[None]:
        try:
            for word in "abc":
                done.append(word)
                yield
        finally:
            done.append("end")

    turn = Turn(pieces, QObject(qapp))
    turn.start(0)
    assert done == []
    qtbot.waitUntil(lambda: "end" in done)
    assert done == ["a", "b", "c", "end"]
    assert not turn.isActive()


def test_what_is_stopped_ends_and_begins_anew(
    qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "BREATH_MS", 10_000)
    done: list[str] = []

    def pieces() -> Iterator[None]:
        try:
            done.append("begun")
            yield
            done.append("whole")
        finally:
            done.append("end")

    turn = Turn(pieces, QObject(qapp))
    turn.start(0)
    qtbot.waitUntil(lambda: bool(done))
    turn.stop()
    assert done == ["begun", "end"]
    monkeypatch.undo()
    turn.start(0)
    qtbot.waitUntil(lambda: "whole" in done)
    assert done == ["begun", "end", "begun", "whole", "end"]


def test_a_job_that_fails_is_begun_anew(qtbot: QtBot, qapp: QApplication) -> None:
    done: list[str] = []

    def pieces() -> Iterator[None]:
        done.append("begun")
        yield
        if done == ["begun"]:
            raise ValueError("once")
        done.append("whole")

    turn = Turn(pieces, QObject(qapp))
    with qtbot.captureExceptions() as errors:
        turn.start(0)
        qtbot.waitUntil(lambda: bool(errors))
    assert not turn.isActive()
    turn.start(0)
    qtbot.waitUntil(lambda: "whole" in done)
    assert done == ["begun", "begun", "whole"]


def test_a_job_may_stop_itself(qtbot: QtBot, qapp: QApplication) -> None:
    done: list[str] = []

    def pieces() -> Iterator[None]:
        done.append("begun")
        turn.stop()
        yield
        done.append("whole")

    turn = Turn(pieces, QObject(qapp))
    turn.start(0)
    qtbot.waitUntil(lambda: bool(done))
    assert not turn.isActive()
    qtbot.wait(10 * turns.BREATH_MS)
    assert done == ["begun"]


def test_portions_take_about_as_long_as_they_may(clock: Clock) -> None:
    done: list[int] = []

    def pieces() -> Iterator[None]:
        for number in range(7):
            done.append(number)
            clock.now += 1.0
            yield

    seen = [len(done) for _ in in_portions(pieces(), 2.5)]
    assert seen == [3, 6]
    assert len(done) == 7
