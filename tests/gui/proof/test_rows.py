"""Lists of addends."""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.proof.rows import ROW_HEIGHT, Row, RowList, element_name, share_of

ROWS = (
    Row("G[0]", "2 · 3", "6", share=1.0, index=True),
    Row("G[1]", "1 · 1", "1", share=0.2, index=True),
    Row("3 more", "", "0.5", quiet=True),
    Row("sum", "", "7.5", quiet=True, strong=True),
)


def make(qtbot: QtBot) -> tuple[RowList, list[int]]:
    view = RowList()
    chosen: list[int] = []
    qtbot.addWidget(view)
    view.activated.connect(chosen.append)
    view.resize(300, 100)
    view.set_rows(ROWS)
    view.show()
    return view, chosen


def test_a_click_goes_where_the_addend_came_from(qtbot: QtBot) -> None:
    view, chosen = make(qtbot)
    assert view.height() == 4 * ROW_HEIGHT
    for place in range(4):
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(50, place * ROW_HEIGHT + 5))
    assert chosen == [0, 1]  # the rest and the sum lead nowhere


def test_keys_walk_and_enter_goes(qtbot: QtBot) -> None:
    view, chosen = make(qtbot)
    view.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Up, Qt.Key.Key_Enter):
        QTest.keyClick(view, key)
    assert chosen == [1, 0]
    assert not view.grab().isNull()


def test_other_rows_forget_the_current_one(qtbot: QtBot) -> None:
    view, chosen = make(qtbot)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Down)
    view.set_rows(ROWS[:1])
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert chosen == []
    assert "G[0] 2 · 3 6" in view.accessibleDescription()


def test_shares_and_names() -> None:
    assert share_of(-2.0, 4.0) == 0.5
    assert share_of(math.inf, 4.0) == share_of(1.0, 0.0) == share_of(math.nan, 1.0) == 0.0
    assert element_name(()) == ""
    assert element_name((1, 2)) == "[1, 2]"
