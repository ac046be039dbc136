"""The message bar: its buttons stand where they leave the text room."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from gui.messages import MessageBar, Place
from gui.wrapped import BREAK

LONG = "RuntimeError: inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements"
PLACE = Place("train.py", 5)


def _shown(qtbot: QtBot, width: int, text: str) -> MessageBar:
    bar = MessageBar()
    qtbot.addWidget(bar)
    bar.resize(width, 60)
    bar.show_message("error", text, "Traceback …", PLACE)
    bar.adjustSize()
    bar.resize(width, bar.heightForWidth(width))
    return bar


def _button(bar: MessageBar, text: str) -> QPushButton:
    return next(each for each in bar.findChildren(QPushButton) if each.text() == text)


def _is_below(bar: MessageBar) -> bool:
    layout = bar.layout()
    assert layout is not None
    layout.activate()
    return _button(bar, "Show line").mapTo(bar, QPoint()).y() >= bar._text.geometry().bottom()


def test_buttons_stand_beside_a_short_text(qtbot: QtBot) -> None:
    assert not _is_below(_shown(qtbot, 500, "SyntaxError: expected ':'"))


def test_buttons_stand_below_a_text_that_would_be_a_narrow_column_beside_them(qtbot: QtBot) -> None:
    bar = _shown(qtbot, 500, LONG)
    assert _is_below(bar)
    assert bar._text.width() > 400
    bar.resize(1400, bar.height())
    assert not _is_below(bar)


def test_the_next_message_finds_its_own_place(qtbot: QtBot) -> None:
    bar = _shown(qtbot, 500, LONG)
    bar.show_message("error", "short", "", PLACE)
    bar.resize(500, bar.heightForWidth(500))
    assert not _is_below(bar)


def test_of_an_endless_path_the_reason_is_not_cut(qtbot: QtBot) -> None:
    path = "/home/" + "a_folder_with_a_name/" * 20 + "run.chain"
    text = f"{path} does not exist."
    bar = _shown(qtbot, 390, text)
    shown = QLabel.text(bar._text).replace(BREAK, "")
    assert shown.startswith("/home/a_folder")
    assert shown.endswith("/run.chain does not exist.")
    assert len(shown) < 150
    assert bar._text.toolTip() == text
    _button(bar, "Copy").click()
    assert QApplication.clipboard().text().startswith(text)
    assert bar._text.heightForWidth(bar._text.width()) <= bar._text.height()
    bar.show_message("error", "short")
    assert bar._text.toolTip() == ""
