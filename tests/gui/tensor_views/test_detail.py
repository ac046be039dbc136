"""The four views of one tensor, and what is chosen in them."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel, QSpinBox, QTabBar
from pytestqt.qtbot import QtBot

from engine.recording.model import Level
from gui.tensor_views.detail import VIEWS, Looking, TensorDetail
from gui.tensor_views.facts import FactList
from gui.tensor_views.heatmap import HeatMap
from gui.tensor_views.loaded import Loaded
from gui.tensor_views.table import TensorTable
from tests.recordings import make_tensor


def shown(qtbot: QtBot, shape: tuple[int, ...], looking: Looking = Looking(), level: Level = "full") -> TensorDetail:  # noqa: B008 - frozen
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    kept = {"full": data, "preview": data[::2], "stats": None}[level]
    detail = TensorDetail()
    qtbot.addWidget(detail)
    detail.show_tensor(Loaded(make_tensor(0, data, level=level), kept), "forward", looking)
    detail.show()
    return detail


def spins(detail: TensorDetail) -> list[QSpinBox]:
    return [spin for spin in detail.findChildren(QSpinBox) if spin.isVisible()]


def test_a_view_is_made_when_it_is_first_chosen(qtbot: QtBot, qapp: QApplication) -> None:
    detail = shown(qtbot, (2, 3))
    tabs = detail.findChild(QTabBar)
    assert isinstance(tabs, QTabBar)
    for place, kind in ((2, FactList), (3, TensorTable), (0, HeatMap)):
        tabs.setCurrentIndex(place)
        visible = [view for view in detail._views.values() if view.isVisible()]
        assert [type(view) for view in visible] == [kind]
    assert len(detail._views) == 3


def test_choosing_is_told(qtbot: QtBot, qapp: QApplication) -> None:
    detail = shown(qtbot, (4, 5, 6))
    told: list[Looking] = []
    detail.looked.connect(told.append)
    spins(detail)[0].setValue(3)
    detail.findChild(QTabBar).setCurrentIndex(VIEWS.index("table"))  # type: ignore[union-attr]
    assert told == [Looking("heat_map", (3,)), Looking("table", (3,))]
    table = detail.view("table")
    assert isinstance(table, TensorTable)
    assert table.model().index(0, 0).data() == "90.00"


def test_each_leading_dimension_with_a_choice_has_a_box(qtbot: QtBot, qapp: QApplication) -> None:
    deep, flat = shown(qtbot, (1, 4, 3, 2, 2)), shown(qtbot, (4, 5))
    assert [spin.maximum() for spin in spins(deep)] == [3, 2]
    assert spins(flat) == []


def test_a_slice_that_is_not_there_shows_the_nearest_and_is_remembered(qtbot: QtBot, qapp: QApplication) -> None:
    detail = shown(qtbot, (2, 3, 3), Looking("heat_map", (7,)))
    assert spins(detail)[0].value() == 1
    assert detail.looking.leading == (7,)


@pytest.mark.parametrize(
    ("level", "view", "remark"),
    [
        ("full", "heat_map", ""),
        ("preview", "heat_map", "Preview: 3 × 4 evenly spaced elements of 6 × 4."),
        ("stats", "histogram", "Only statistics were recorded (level “stats”): no heat map, no table."),
    ],
)
def test_what_was_not_recorded_is_said(qtbot: QtBot, qapp: QApplication, level: Level, view: str, remark: str) -> None:
    detail = shown(qtbot, (6, 4), level=level)
    assert detail.shown_view == view
    label = detail._remark
    assert isinstance(label, QLabel)
    assert (label.text(), label.isVisible()) == (remark, bool(remark))


def test_statistics_have_every_digit_to_copy(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, (2, 3), Looking("statistics")).view("statistics")
    assert isinstance(view, FactList)
    told = {fact.key: fact.text for fact in view.facts}
    assert (told["min"], told["max"], told["mean"], told["elements"], told["zeros"]) == ("0.0", "5.0", "2.5", "6", "1")
