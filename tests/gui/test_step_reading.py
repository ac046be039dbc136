"""A training step's numbers are read in a thread, and told in the window's."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.errors import RecordingError
from gui.parameter_values import StepValues
from gui.parameters import ParametersPanel
from gui.session import Session
from gui.step_reading import AT_ONCE, GENTLY, StepReading


def test_everything_is_read_elsewhere_and_told_here(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.recording is not None
    values, plain = StepValues(session.recording, 0), StepValues(session.recording, 0)
    load, read_in, told_in = StepValues.load, set[int](), set[int]()

    def noted(self: StepValues, seconds: float | None = None) -> bool:
        read_in.add(threading.get_ident())
        return load(self, seconds)

    monkeypatch.setattr(StepValues, "load", noted)
    reading = StepReading()
    reading.read.connect(lambda _: told_in.add(threading.get_ident()))
    with qtbot.waitSignal(reading.read, check_params_cb=lambda each: each is values and values.loaded):
        reading.start(values)
    assert read_in
    assert threading.get_ident() not in read_in
    assert told_in == {threading.get_ident()}
    load(plain)
    assert values.at(values.last).same_as(plain.at(plain.last))
    assert np.any(values.at(values.last).update.known)


def test_what_is_not_wanted_any_more_is_not_told(qtbot: QtBot, session: Session) -> None:
    assert session.recording is not None
    first, second = StepValues(session.recording, 0), StepValues(session.recording, 1)
    reading, told = StepReading(), list[object]()
    reading.read.connect(told.append)
    reading.start(first)
    with qtbot.waitSignal(reading.read, check_params_cb=lambda each: each is second and second.loaded):
        reading.start(second)
    assert first not in told[-1:]
    qtbot.waitUntil(lambda: not reading.busy)


def test_a_step_that_cannot_be_read_is_said(qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise RecordingError("torn off")

    panel = ParametersPanel(session)
    qtbot.addWidget(panel)
    monkeypatch.setattr(StepValues, "load", broken)
    panel.show()
    qtbot.waitUntil(lambda: panel.message.text() == "torn off")


def test_the_table_fills_by_itself(qtbot: QtBot, session: Session) -> None:
    session.seek(session.last)
    panel = ParametersPanel(session)
    qtbot.addWidget(panel)
    panel.show()

    def known() -> bool:
        shown = panel.model.rows.numbers
        return shown is not None and bool(shown.update.known.all()) and bool(shown.gradient.known.all())

    qtbot.waitUntil(known)
    QApplication.processEvents()
    assert panel.message.text() == ""


def test_while_it_plays_the_window_has_more_of_the_time(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    portions: list[float | None] = []
    load = StepValues.load

    def noted(self: StepValues, seconds: float | None = None) -> bool:
        portions.append(seconds)
        return load(self, seconds)

    monkeypatch.setattr(StepValues, "load", noted)
    panel = ParametersPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: bool(portions) and not panel._reading.busy)
    panel.set_playing(True)
    session.seek(session.last)
    panel.refresh()
    quick = len(portions)
    qtbot.waitUntil(lambda: len(portions) > quick and not panel._reading.busy)
    assert set(portions[:quick]) == {AT_ONCE[0]}
    assert set(portions[quick:]) == {GENTLY[0]}
