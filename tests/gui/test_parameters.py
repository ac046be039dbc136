"""The parameter table: what it shows at the playhead, sorting, filtering, choosing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import numbers
from gui.parameter_values import StepValues
from gui.parameters import ParametersPanel
from gui.parameters_model import GRADIENT, NAME, OPTIMIZER, RATIO, SHAPE, UPDATE, VALUE
from gui.session import Session
from tests.gui import layers
from tests.gui.layers import make_layers
from tests.gui.walking import assert_walking_equals_seeking
from tests.recordings import make_chain


@pytest.fixture
def layered(qapp: QApplication, tmp_path: Path) -> Iterator[Session]:
    opened = Session()
    assert opened.open(make_layers(tmp_path / "layers.chain"))
    yield opened
    opened.close()


def panel_of(qtbot: QtBot, session: Session) -> ParametersPanel:
    panel = ParametersPanel(session)
    qtbot.addWidget(panel)
    panel.resize(900, 300)
    panel.show()
    return panel


def column(panel: ParametersPanel, number: int) -> list[str]:
    panel.drawn_state()
    model = panel.model
    texts = [str(model.index(row, number).data()) for row in range(model.rowCount())]
    return [text.rstrip(numbers.FIGURE_SPACE) for text in texts]


def test_the_bow_before_and_after_its_updates(qtbot: QtBot, session: Session) -> None:
    panel = panel_of(qtbot, session)
    assert column(panel, NAME) == ["w", "b"]
    assert column(panel, VALUE) == ["0.5000", "0.2500"]
    assert column(panel, GRADIENT) == [numbers.ABSENT] * 2
    session.seek(10)
    assert column(panel, VALUE) == ["1.250", "0.2500"]
    assert column(panel, GRADIENT) == ["15.00", "7.500"]
    assert column(panel, UPDATE) == ["0.7500", numbers.ABSENT]
    assert column(panel, RATIO) == ["1.500", numbers.ABSENT]
    assert column(panel, OPTIMIZER) == ["SGD", ""]


def test_walking_equals_seeking(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    panel.model.sort(GRADIENT, Qt.SortOrder.DescendingOrder)
    forth = assert_walking_equals_seeking(layered, panel.drawn_state)
    assert len(set(forth.values())) > 6


def test_hovering_tells_every_digit_or_why_there_is_none(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    panel.drawn_state()
    tip = panel.model.index(0, GRADIENT).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "not yet"
    layered.seek(layers.BIAS_ARRIVES)
    panel.drawn_state()
    assert panel.model.index(0, GRADIENT).data(Qt.ItemDataRole.ToolTipRole).startswith("norm 28.84441")


def test_sorting_puts_the_unknown_last_either_way(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    layered.seek(layers.BIAS_ARRIVES)
    panel.drawn_state()
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        panel.table.sortByColumn(GRADIENT, order)
        assert column(panel, NAME) == ["fc.bias", "fc.weight"]
    panel.table.sortByColumn(SHAPE, Qt.SortOrder.DescendingOrder)
    assert column(panel, SHAPE) == ["2 × 3", "2"]
    panel.table.sortByColumn(NAME, Qt.SortOrder.DescendingOrder)
    assert column(panel, NAME) == ["fc.weight", "fc.bias"]


def test_filtering_keeps_what_has_the_text_in_its_name(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    QTest.keyClicks(panel.filter, "WEI")
    assert column(panel, NAME) == ["fc.weight"]
    panel.filter.clear()
    assert column(panel, NAME) == ["fc.bias", "fc.weight"]


def test_a_click_selects_the_node_and_the_selection_marks_the_row(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    layered.seek(layered.last)
    panel.drawn_state()
    rect = panel.table.visualRect(panel.model.index(1, NAME))
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert layered.selection == layers.NODES + layers.WEIGHT
    layered.select(layers.NODES + layers.BIAS)
    panel.drawn_state()
    assert panel.table.currentIndex().row() == 0
    layered.select(layers.NODES + layers.FC)
    panel.drawn_state()
    assert not panel.table.selectionModel().hasSelection()


def test_the_keyboard_chooses_and_copies(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    layered.seek(layered.last)
    panel.drawn_state()
    panel.table.setCurrentIndex(panel.model.index(0, NAME))
    QTest.keyClick(panel.table, Qt.Key.Key_Return)
    assert layered.selection == layers.NODES + layers.BIAS
    QTest.keyClick(panel.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    header, line = QGuiApplication.clipboard().text().split("\n")
    assert header.split("\t")[0] == "Name"
    assert line.split("\t")[:4] == ["fc.bias", "2", "float32", "5.0"]


def test_nan_is_written_in_the_error_colour(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    session = Session()
    session.open(make_layers(tmp_path / "nan.chain", gradient=float("nan")))
    session.seek(session.last)
    panel = panel_of(qtbot, session)
    assert column(panel, GRADIENT)[1] == "NaN"
    from gui import theme

    assert panel.model.index(1, GRADIENT).data(Qt.ItemDataRole.ForegroundRole) == theme.current().error
    session.close()


def test_a_thousand_parameters(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    session = Session()
    session.open(make_chain(tmp_path / "chain.chain", nodes=1000, every=1))
    session.seek(session.last)
    panel = panel_of(qtbot, session)
    assert len(column(panel, NAME)) == 1000
    assert set(column(panel, OPTIMIZER)) == {"SGD"}
    session.close()


def test_hidden_it_reads_nothing(qtbot: QtBot, layered: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = ParametersPanel(layered)
    qtbot.addWidget(panel)
    panel._timer.stop()
    monkeypatch.setattr(StepValues, "load", lambda *_: pytest.fail("a hidden panel read"))
    for event in range(0, layered.event_count, 5):
        layered.seek(event)
        QApplication.processEvents()
    assert panel.model.index(0, GRADIENT).data() == numbers.ABSENT


def test_it_reads_a_moment_after_the_playhead_came_to_rest(qtbot: QtBot, layered: Session) -> None:
    layered.seek(layered.last)
    panel = panel_of(qtbot, layered)
    qtbot.waitUntil(lambda: panel.model.index(0, GRADIENT).data() != numbers.ABSENT)


def test_another_recording_replaces_it(qtbot: QtBot, layered: Session, bow: Path) -> None:
    panel = panel_of(qtbot, layered)
    panel.drawn_state()
    assert layered.open(bow)
    assert column(panel, NAME) == ["w", "b"]
    layered.close()
    panel.drawn_state()
    assert panel.message.text() == "The parameters of the recording appear here."
    assert panel.model.rowCount() == 0


def test_names_have_the_room_that_there_is_until_one_says_otherwise(qtbot: QtBot, layered: Session) -> None:
    panel = panel_of(qtbot, layered)
    panel.resize(900, 300)
    QApplication.processEvents()
    usual = panel.table.columnWidth(NAME)
    panel.resize(1500, 300)
    QApplication.processEvents()
    assert panel.table.columnWidth(NAME) > usual + 150
    panel.table.setColumnWidth(NAME, 210)
    panel.resize(1600, 300)
    QApplication.processEvents()
    assert panel.table.columnWidth(NAME) == 210
