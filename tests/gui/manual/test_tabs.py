"""Panels that need room are made when they are looked at, and get it."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.charts import ChartsPanel
from gui.manual.panel import ManualPanel
from gui.window import MainWindow

SEPARATOR = 5  # px; the first height is Qt's own choice, and the one that is given back differs by about as much


def test_tall_tabs_are_made_when_they_are_looked_at_and_get_room(walked: MainWindow, qtbot: QtBot) -> None:
    walked.resize(1280, 800)
    walked.panels.reset()
    charts, manual = walked.panels["charts"], walked.panels["manual"]
    shown = walked.panels.widget("charts")
    assert isinstance(shown, ChartsPanel)
    qtbot.waitUntil(lambda: shown.loss.plot is not None and shown.loss.plot.isVisible())
    qtbot.waitUntil(lambda: charts.width() == 1280 and charts.height() >= charts.minimumSizeHint().height())
    low = charts.height()
    assert walked.panels.widget("manual") is None
    assert isinstance(manual.widget(), QLabel)
    for _ in range(2):
        manual.raise_()
        qtbot.waitUntil(lambda: isinstance(manual.widget(), ManualPanel) and manual.height() > 2 * low)
        assert walked.panels.widget("manual") is manual.widget()
        assert walked.central.height() > 180
        charts.raise_()
        qtbot.waitUntil(lambda: abs(charts.height() - low) <= SEPARATOR)
