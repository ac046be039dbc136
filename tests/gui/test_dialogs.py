"""Questions: their buttons say what they do, and keys press the right one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gui.dialogs import ask_to_replace, ask_to_save_and_run, ask_to_stop

Ask = Callable[[QWidget, str], bool]
QUESTIONS = (
    (ask_to_save_and_run, "Save and run", True),
    (ask_to_stop, "Stop", True),
    (ask_to_replace, "Replace", False),
)


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def answered(ask: Ask, parent: QWidget, answer: Callable[[QMessageBox], None]) -> bool:
    """What the question gives where the user does `answer`."""

    def act() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        assert "train.py" in box.text()
        answer(box)

    QTimer.singleShot(0, act)
    return ask(parent, "train.py")


def button(box: QMessageBox, text: str) -> QPushButton:
    return next(each for each in box.findChildren(QPushButton) if each.text().replace("&", "") == text)


@pytest.mark.parametrize(("ask", "verb", "by_enter"), QUESTIONS)
def test_a_button_says_what_it_does(parent: QWidget, ask: Ask, verb: str, by_enter: bool) -> None:
    assert answered(ask, parent, lambda box: button(box, verb).click())
    assert not answered(ask, parent, lambda box: button(box, "Cancel").click())
    assert not answered(ask, parent, lambda box: QTest.keyClick(box, Qt.Key.Key_Escape))
    assert answered(ask, parent, lambda box: QTest.keyClick(box, Qt.Key.Key_Return)) == by_enter
