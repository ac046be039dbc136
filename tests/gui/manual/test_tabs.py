"""Panels that need room are made when they are looked at, and get it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.charts import ChartsPanel
from gui.manual.panel import ManualPanel
from gui.panels import LOW_LEAST
from gui.window import MainWindow


def test_tall_tabs_are_made_when_they_are_looked_at_and_get_room(walked: MainWindow, qtbot: QtBot) -> None:
    walked.resize(1280, 800)
    walked.panels.reset()
    charts, manual = walked.panels["charts"], walked.panels["manual"]
    shown = walked.panels.widget("charts")
    assert isinstance(shown, ChartsPanel)
    qtbot.waitUntil(lambda: shown.loss.plot is not None and shown.loss.plot.isVisible())
    tabs = walked.panels._bar_height
    qtbot.waitUntil(lambda: charts.width() == 1280 and charts.height() + tabs("charts") == LOW_LEAST)
    low = charts.height()
    assert walked.panels.widget("manual") is None
    assert isinstance(manual.widget(), QLabel)
    for _ in range(2):
        manual.raise_()
        qtbot.waitUntil(lambda: isinstance(manual.widget(), ManualPanel) and manual.height() > 1.8 * low)
        assert walked.panels.widget("manual") is manual.widget()
        assert walked.central.height() > 180
        charts.raise_()
        qtbot.waitUntil(lambda: charts.height() == low)


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 720), (1024, 700)])
def test_at_first_a_chart_can_be_read_and_so_can_the_graph(
    walked: MainWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    walked.resize(*size)
    walked.panels.reset()
    shown = walked.panels.widget("charts")
    assert isinstance(shown, ChartsPanel)
    qtbot.waitUntil(lambda: shown.loss.plot is not None and shown.loss.plot.isVisible())
    plot = shown.loss.plot
    assert plot is not None
    qtbot.waitUntil(lambda: shown.width() == size[0] and plot.getPlotItem().getViewBox().height() >= 90)
    assert walked.central.height() >= 300
