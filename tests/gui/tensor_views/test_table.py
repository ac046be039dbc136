"""The table of elements: lazy, exact, and copied with every digit."""

from __future__ import annotations

import csv
import io

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.tensor_views.planes import plane
from gui.tensor_views.table import PlaneModel, TensorTable


def shown(qtbot: QtBot, data: npt.ArrayLike, leading: tuple[int, ...] = ()) -> TensorTable:
    array = np.asarray(data)
    table = TensorTable()
    qtbot.addWidget(table)
    table.set_slice(array, plane(array.shape, leading))
    table.resize(400, 300)
    table.show()
    return table


def cell(table: TensorTable, row: int, column: int, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole) -> str:
    return str(table.model().index(row, column).data(role))


def test_cells_show_four_digits_and_hover_shows_all(qtbot: QtBot, qapp: QApplication) -> None:
    table = shown(qtbot, np.array([[[0.1, 2.0]], [[1 / 3, -1.0]]], np.float32), (1,))
    assert cell(table, 0, 0) == "0.3333"
    assert cell(table, 0, 0, Qt.ItemDataRole.ToolTipRole) == "[1, 0, 0] = 0.33333334"


def test_a_strip_is_one_column(qtbot: QtBot, qapp: QApplication) -> None:
    table = shown(qtbot, np.arange(100.0))
    model = table.model()
    assert (model.rowCount(), model.columnCount()) == (100, 1)
    assert cell(table, 99, 0) == "99.00"
    assert model.headerData(0, Qt.Orientation.Horizontal) == "value"


def test_a_large_slice_is_read_cell_by_cell(qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    original = PlaneModel.data

    def counting(self: PlaneModel, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        nonlocal asked
        asked += role == Qt.ItemDataRole.DisplayRole
        return original(self, index, role)

    monkeypatch.setattr(PlaneModel, "data", counting)
    table = shown(qtbot, np.zeros((1000, 4608), np.float32))
    table.grab()
    table.scrollTo(table.model().index(999, 4607))
    table.grab()
    assert 0 < asked < 1000


def test_copying_takes_the_chosen_cells_with_every_digit(qtbot: QtBot, qapp: QApplication) -> None:
    table = shown(qtbot, np.array([[0.1, 0.2], [0.3, 0.4]], np.float32))
    for column in range(2):
        table.selectionModel().select(table.model().index(1, column), QItemSelectionModel.SelectionFlag.Select)
    table.selectionModel().setCurrentIndex(table.model().index(1, 0), QItemSelectionModel.SelectionFlag.SelectCurrent)
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "0.3\n"


def test_without_a_choice_everything_is_copied(qtbot: QtBot, qapp: QApplication) -> None:
    data = np.array([[0.1, np.nan], [-np.inf, 1e-30]], np.float32)
    text = shown(qtbot, data).text(",")
    read = [[np.float32(value) for value in row] for row in csv.reader(io.StringIO(text))]
    np.testing.assert_array_equal(np.array(read), data)


def test_other_data_replaces_it(qtbot: QtBot, qapp: QApplication) -> None:
    table = shown(qtbot, np.zeros((3, 3)))
    before = table.drawn_state()
    table.set_slice(np.ones((3, 3)), plane((3, 3)))
    assert cell(table, 2, 2) == "1.000"
    assert table.drawn_state() != before
    table.set_slice(None, None)
    assert table.model().rowCount() == 0


def test_a_click_or_enter_chooses_an_element(qtbot: QtBot, qapp: QApplication) -> None:
    table = shown(qtbot, np.arange(24.0).reshape(2, 3, 4), (1,))
    chosen: list[tuple[int, ...]] = []
    table.element_chosen.connect(chosen.append)
    place = table.visualRect(table.model().index(2, 1)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert chosen == [(1, 2, 1), (1, 2, 1)]
