"""What happens inside goes no further."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.steady import Steady


class Told(QObject):
    """Counts how often a widget is told to lay out what is in it."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.times = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.times += event.type() == QEvent.Type.LayoutRequest
        return False


def strip() -> tuple[QWidget, QLabel]:
    """A row with words that do not need their room."""
    inner, label = QWidget(), QLabel("a")
    label.setMinimumWidth(1)
    row = QHBoxLayout(inner)
    row.addWidget(label)
    row.addStretch(1)
    return inner, label


def test_longer_words_lay_out_the_strip_and_not_what_is_around_it(qtbot: QtBot) -> None:
    inner, label = strip()
    outer = QWidget()
    qtbot.addWidget(outer)
    steady = Steady(inner)
    QVBoxLayout(outer).addWidget(steady)
    outer.resize(300, 60)
    outer.show()
    qtbot.waitExposed(outer)
    QApplication.processEvents()  # what showing it has asked for
    told, before = Told(outer), label.width()
    label.setText("many more words")
    qtbot.waitUntil(lambda: label.width() > before)
    assert told.times == 0


def test_more_room_that_is_needed_at_least_is_told_once(qtbot: QtBot) -> None:
    inner, label = strip()
    outer = QWidget()
    qtbot.addWidget(outer)
    QVBoxLayout(outer).addWidget(Steady(inner))
    outer.resize(300, 60)
    outer.show()
    qtbot.waitExposed(outer)
    QApplication.processEvents()
    told = Told(outer)
    label.setMinimumWidth(400)
    qtbot.waitUntil(lambda: outer.width() >= 400)
    QApplication.processEvents()
    assert told.times == 1
    assert outer.minimumSize().width() >= 400


def test_it_asks_for_what_the_inner_one_asks_for_and_gives_it_all_of_its_room(qtbot: QtBot) -> None:
    inner, _ = strip()
    steady = Steady(inner)
    qtbot.addWidget(steady)
    assert steady.sizeHint() == inner.sizeHint()
    assert steady.minimumSizeHint() == inner.minimumSizeHint()
    steady.resize(200, 40)
    steady.show()
    assert inner.geometry() == steady.rect()
    assert inner.isVisible()
