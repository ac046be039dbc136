"""Where the Tab key has led to can be seen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QTableWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.canvas.view import CanvasView
from gui.focus_ring import FocusRing
from gui.tab_order import go_to
from gui.window import MainWindow


@pytest.fixture
def holder(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    column = QVBoxLayout(made)
    for widget in (QTableWidget(2, 2), QPushButton("Go"), QLineEdit()):
        column.addWidget(widget)
    made.show()
    made.activateWindow()
    return made


def _rings(around: QWidget) -> list[FocusRing]:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    return around.findChildren(FocusRing)


def _child(holder: QWidget, kind: type[QWidget]) -> QWidget:
    found = holder.findChild(kind)
    assert isinstance(found, QWidget)
    return found


def test_a_table_has_a_ring_while_the_tab_key_is_there(holder: QWidget) -> None:
    table = _child(holder, QTableWidget)
    go_to(table, forward=True)
    (ring,) = _rings(table)
    assert ring.isVisible()
    table.resize(300, 200)
    assert ring.size() == table.size()
    go_to(_child(holder, QLineEdit), forward=True)
    assert _rings(holder) == []


def test_what_shows_its_focus_itself_has_none(holder: QWidget) -> None:
    for kind in (QPushButton, QLineEdit):
        go_to(_child(holder, kind), forward=True)
        assert _rings(holder) == []


def test_a_click_makes_none(holder: QWidget) -> None:
    table = _child(holder, QTableWidget)
    table.setFocus(Qt.FocusReason.MouseFocusReason)
    assert _rings(table) == []


def test_a_click_reaches_what_is_under_the_ring(holder: QWidget) -> None:
    table = _child(holder, QTableWidget)
    assert isinstance(table, QTableWidget)
    go_to(table, forward=True)
    place = table.mapTo(holder, table.viewport().geometry().topLeft())
    assert holder.childAt(place) is table.viewport()


def test_the_canvas_draws_its_own(walked: MainWindow) -> None:
    walked.activateWindow()
    go_to(walked.canvas, forward=True)
    assert QApplication.focusWidget() is walked.canvas
    assert isinstance(walked.canvas, CanvasView)
    assert _rings(walked.canvas) == []


def test_the_parameters_are_ringed_on_the_way_through_the_window(walked: MainWindow, qtbot: QtBot) -> None:
    walked.activateWindow()
    walked.panels["parameters"].raise_()
    qtbot.waitUntil(lambda: not walked.panels["parameters"].visibleRegion().isEmpty())
    walked.setFocus()
    for _ in range(80):
        QTest.keyClick(QApplication.focusWidget() or walked, Qt.Key.Key_Tab)
        if _rings(walked.panels["parameters"]):
            break
    assert _rings(walked.panels["parameters"])
