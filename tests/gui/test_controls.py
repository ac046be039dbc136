"""Fields stand in rows: they are equally high, and their words begin at nearly the same place."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.controls import ROOM, combo_box, decimal_box, spin_box


@pytest.mark.parametrize("shade", ["dark", "light"])
def test_fields_are_equally_high(qtbot: QtBot, qapp: QApplication, shade: theme.Choice) -> None:
    theme.apply(qapp, shade)
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    fields = (combo_box("a", [("x", "one")]), spin_box("b", 0, 9, " px"), decimal_box("c"), QLineEdit())
    for field in fields:
        column.addWidget(field)
    holder.show()
    assert {field.height() for field in fields} == {theme.CONTROL_HEIGHT}


def test_a_spin_box_knows_its_limits_and_gives_the_number_room(qtbot: QtBot) -> None:
    box = spin_box("steps", 2, 9, " px")
    qtbot.addWidget(box)
    assert (box.minimum(), box.maximum(), box.text(), box.objectName()) == (2, 9, "2 px", "steps")
    assert box.lineEdit().textMargins().left() == ROOM


def test_a_combo_box_has_its_keys_as_data(qtbot: QtBot) -> None:
    box = combo_box("loss", [("mse", "mean squared error"), ("l1", "mean absolute error")])
    qtbot.addWidget(box)
    assert [box.itemData(place) for place in range(box.count())] == ["mse", "l1"]
    assert box.findData("l1") == 1
