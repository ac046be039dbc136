"""The histogram: its numbers, and what it says of what it leaves out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.tensor_views.histogram import BARS_HEIGHT, HistogramView
from tests.recordings import make_tensor


def shown(qtbot: QtBot, data: npt.ArrayLike) -> HistogramView:
    view = HistogramView()
    qtbot.addWidget(view)
    view.set_tensor(make_tensor(0, data), "backward")
    view.resize(256, view.sizeHint().height())
    view.show()
    return view


def test_bars_stand_where_the_elements_are(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, [0.0] * 3 + [1.0])
    image = view.grab().toImage()
    color = theme.current().backward.rgb()
    columns = [image.pixelColor(x, BARS_HEIGHT - 2).rgb() == color for x in range(256)]
    assert columns[1]
    assert columns[253]
    assert not any(columns[10:240])
    tall = [image.pixelColor(x, BARS_HEIGHT // 2).rgb() == color for x in (1, 253)]
    assert tall == [True, False]


def test_it_says_of_how_many_elements_it_is(qtbot: QtBot, qapp: QApplication) -> None:
    assert shown(qtbot, np.arange(5000.0)).remark() == "of 4,096 of 5,000 elements"
    assert shown(qtbot, np.arange(50.0)).remark() == ""
    assert shown(qtbot, [1.0, np.nan, np.inf]).remark() == "without 2 NaN and Inf"


def test_without_finite_elements_it_says_so(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, [np.nan, np.nan])
    view.grab()
    assert view.range_text() == "No finite elements"
    assert view.csv() == ""


def test_hovering_tells_range_and_count(qtbot: QtBot, qapp: QApplication) -> None:
    view = shown(qtbot, np.arange(64.0))
    QTest.mouseMove(view, QPoint(1, 20))
    qtbot.waitUntil(lambda: view.readout() == "0 to 0.9844: 1")


def test_csv_has_every_bar(qtbot: QtBot, qapp: QApplication) -> None:
    lines = shown(qtbot, [0.0, 64.0]).csv().splitlines()
    assert lines[:2] == ["low,high,count", "0.0,1.0,1"]
    assert len(lines) == 65
    assert sum(int(line.split(",")[2]) for line in lines[1:]) == 2
