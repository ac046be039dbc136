"""Lines of facts."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.tensor_views.facts import LINE_HEIGHT, Fact, FactList

FACTS = (Fact("a", "Alpha", "0.3333", "0.33333334"), Fact("b", "Beta", "conv1"))


def shown(qtbot: QtBot) -> FactList:
    view = FactList()
    qtbot.addWidget(view)
    view.set_facts(FACTS)
    view.resize(view.sizeHint())
    view.show()
    return view


def copied(view: FactList) -> str:
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    return QGuiApplication.clipboard().text()


def test_everything_is_copied_until_a_line_is_chosen(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot)
    assert copied(view) == "Alpha: 0.33333334\nBeta: conv1"
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(5, LINE_HEIGHT // 2))
    assert copied(view) == "0.33333334"
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert copied(view) == "conv1"


def test_screen_readers_get_every_line(qtbot: QtBot, qapp: QApplication) -> None:
    assert shown(qtbot).accessibleDescription() == "Alpha: 0.33333334\nBeta: conv1"


def test_fewer_facts_take_less_room(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot)
    before = view.sizeHint().height()
    view.set_facts(FACTS[:1])
    assert view.sizeHint().height() == before - LINE_HEIGHT
    assert not view.grab().isNull()
