"""The console: what a terminal would show, with places to click."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.console import MOST_LINES, Console, LineBuffer


@pytest.fixture
def console(qtbot: QtBot) -> Console:
    made = Console()
    qtbot.addWidget(made)
    made.resize(600, 300)
    made.show()
    return made


def _shown(*pieces: str) -> list[str]:
    buffer = LineBuffer()
    lines = [line for piece in pieces for line in buffer.feed(piece)]
    return [*lines, buffer.line]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (("a\nb",), ["a", "b"]),
        (("windows\r\nline\r\n",), ["windows", "line", ""]),
        (("10%\r20%\r",), ["20%"]),
        (("long line\rab",), ["abng line"]),
        (("abc\b\bX",), ["aXc"]),
        (("\x1b[31mred\x1b[0m plain",), ["red plain"]),
        (("\x1b[3", "1mcut\x1b", "[0m"), ["cut"]),
        (("\x1b]0;title\x07text",), ["text"]),
        (("bell\x07", "\x00zero"), ["bellzero"]),
    ],
)
def test_a_line_is_what_a_terminal_shows(pieces: tuple[str, ...], lines: list[str]) -> None:
    assert _shown(*pieces) == lines


@given(st.text(alphabet="ab\n\r\b\x1b[0m", max_size=40), st.integers(0, 40))
def test_it_does_not_matter_where_output_is_cut(text: str, at: int) -> None:
    assert _shown(text + "m.\n") == _shown(text[:at], text[at:] + "m.\n")


def test_output_appears_in_order(console: Console) -> None:
    console.write("one\ntw")
    console.flush()
    console.write("o\n")
    console.flush()
    console.write_error("went wrong\n")
    console.write("three")
    console.flush()
    assert console.toPlainText() == "one\ntwo\n✗ went wrong\nthree"


def test_a_progress_bar_stays_one_line(console: Console) -> None:
    for percent in range(0, 101, 5):
        console.write(f"\r{percent:3}%")
        console.flush()
    assert console.toPlainText() == "100%"


def test_it_is_shown_soon_by_itself(console: Console, qtbot: QtBot) -> None:
    console.write("hello")
    qtbot.waitUntil(lambda: console.toPlainText() == "hello")


def test_only_the_last_lines_are_kept(console: Console) -> None:
    console.write("".join(f"{number}\n" for number in range(MOST_LINES * 2)))
    console.flush()
    assert console.blockCount() <= MOST_LINES
    assert console.toPlainText().rstrip().endswith(str(MOST_LINES * 2 - 1))


def test_errors_are_in_the_error_colour_and_marked(console: Console) -> None:
    console.write("fine\n")
    console.write_error("bad")
    cursor = QTextCursor(console.document().findBlockByNumber(1))
    cursor.movePosition(QTextCursor.MoveOperation.Right)
    assert cursor.charFormat().foreground().color() == theme.current().error
    assert cursor.block().text().startswith("✗")


def test_a_place_in_a_traceback_can_be_clicked(console: Console, qtbot: QtBot) -> None:
    console.write_error('Traceback (most recent call last):\n  File "/home/me/a b.py", line 12, in <module>\n    f()')
    cursor = QTextCursor(console.document().findBlockByNumber(1))
    point = console.cursorRect(cursor).center() + QPoint(20, 0)
    assert console.place_at(point) == ("/home/me/a b.py", 12)
    with qtbot.waitSignal(console.place_activated) as clicked:
        QTest.mouseClick(console.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert clicked.args == ["/home/me/a b.py", 12]
    assert console.place_at(console.cursorRect(QTextCursor(console.document())).center()) is None


def test_clearing_forgets_what_was_held_back(console: Console) -> None:
    console.write("half a line")
    console.clear_all()
    console.write("new")
    console.flush()
    assert console.toPlainText() == "new"
