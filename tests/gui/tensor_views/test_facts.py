"""Facts: a long value takes the lines that it needs."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.tensor_views.facts import LINE_HEIGHT, MOST_LINES, NEXT_LINE, Fact, FactList, in_lines
from gui.tensor_views.painting import figures_in, metrics

LONG = "model.encoder.layers.11.self_attn.out_proj · NonDynamicallyQuantizableLinear"
FACTS = (Fact("type", "Type", "Linear"), Fact("module", "Module", LONG), Fact("shape", "Shape", "4 × 4"))


@pytest.fixture
def holder(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def facts(holder: QWidget) -> FactList:
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    made = FactList(holder)
    column.addWidget(made)
    column.addStretch(1)
    made.set_facts(FACTS)
    holder.resize(260, 400)
    holder.show()
    return made


@pytest.mark.parametrize("columns", [26, 40, 200])
def test_a_value_is_broken_where_its_parts_meet_and_nothing_is_lost(columns: int) -> None:
    lines = in_lines(LONG, columns)
    assert "".join("".join(lines).split()) == "".join(LONG.split())
    assert all(len(line) <= columns for line in lines)
    assert len(lines) <= MOST_LINES
    assert (len(lines) == 1) is (columns > len(LONG))


def test_what_would_take_too_many_lines_is_left_to_the_last() -> None:
    lines = in_lines("a_name_of_parts." * 40, 20)
    assert len(lines) == MOST_LINES
    assert len(lines[-1]) > 20


def test_each_line_has_the_room_that_it_takes() -> None:
    """Characters are not whole pixels wide: rounded down, a few too many were put on a line, and its middle elided."""
    for width in range(100, 260):
        columns = figures_in(width, "number")
        assert metrics("number").horizontalAdvance("0" * columns) <= width
        assert metrics("number").horizontalAdvance("0" * (columns + 1)) >= width


def test_the_list_is_as_high_as_its_lines(facts: FactList, holder: QWidget) -> None:
    assert facts.height() > LINE_HEIGHT * len(FACTS)
    assert (facts.height() - LINE_HEIGHT * len(FACTS)) % NEXT_LINE == 0
    holder.resize(1200, 400)
    assert facts.height() == LINE_HEIGHT * len(FACTS)


def test_a_shorter_value_makes_it_lower_again(facts: FactList, qtbot: QtBot) -> None:
    facts.set_facts((FACTS[0], Fact("module", "Module", "fc"), FACTS[2]))
    qtbot.waitUntil(lambda: facts.height() == LINE_HEIGHT * len(FACTS))


def test_a_click_below_the_lines_of_a_value_is_about_the_next_one(facts: FactList) -> None:
    QTest.mouseClick(facts, Qt.MouseButton.LeftButton, pos=QPoint(5, facts.height() - 3))
    facts.copy()
    assert QApplication.clipboard().text() == "4 × 4"
    QTest.mouseClick(facts, Qt.MouseButton.LeftButton, pos=QPoint(5, LINE_HEIGHT + NEXT_LINE + 2))
    facts.copy()
    assert QApplication.clipboard().text() == LONG


def test_all_of_a_value_is_told_on_hover(facts: FactList) -> None:
    place = QPoint(100, LINE_HEIGHT + 5)
    QApplication.sendEvent(facts, QHelpEvent(QEvent.Type.ToolTip, place, facts.mapToGlobal(place)))
    assert QToolTip.text() == LONG
    QToolTip.hideText()
