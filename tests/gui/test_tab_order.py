"""The Tab key goes through the window as it is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QScrollArea, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from gui.inspector.panel import InspectorPanel
from gui.inspector.row import RowHeader
from gui.tab_order import ROW, parts_of
from gui.window import MainWindow


def press(window: MainWindow, key: Qt.Key) -> QWidget:
    QTest.keyClick(QApplication.focusWidget() or window, key)
    found = QApplication.focusWidget()
    assert found is not None
    return found


@pytest.fixture
def ready(walked: MainWindow, qtbot: QtBot) -> MainWindow:
    walked.resize(1280, 900)
    walked.panels.reset()
    walked.activateWindow()
    walked.session.seek(7)
    qtbot.waitUntil(walked.canvas.is_ready)
    inspector = walked.panels.widget("inspector")
    assert isinstance(inspector, InspectorPanel)
    qtbot.waitUntil(inspector.is_drawn)
    walked.setFocus()
    return walked


def round_of(window: MainWindow, key: Qt.Key = Qt.Key.Key_Tab) -> list[QWidget]:
    """What has the focus, one after the other, until it comes to the first again."""
    stops = [press(window, key)]
    while (other := press(window, key)) not in stops:
        stops.append(other)
        assert len(stops) < 200
    assert other is stops[0]
    return stops


def test_it_goes_part_by_part_and_row_by_row(ready: MainWindow) -> None:
    parts = parts_of(ready)
    panels = ready.panels
    assert parts[:5] == [ready.toolbar, panels["source"], panels["console"], ready.central, panels["inspector"]]
    assert parts[5] is panels.transport
    assert isinstance(parts[6], QTabBar)
    assert parts[7:] == [panels["charts"]]
    stops = round_of(ready)
    where = [
        next(place for place, part in enumerate(parts) if part is each or part.isAncestorOf(each)) for each in stops
    ]
    assert where == sorted(where)
    assert set(where) == set(range(len(parts)))
    for one, other, part, after in zip(stops, stops[1:], where, where[1:], strict=False):
        if part == after and not isinstance(one, QScrollArea):
            top, next_top = (each.mapTo(parts[part], QPoint()).y() for each in (one, other))
            assert next_top > top - 3 * ROW
    assert ready.canvas in stops
    assert any(panels["console"].isAncestorOf(each) for each in stops)


def test_backtab_goes_the_same_way_back(ready: MainWindow) -> None:
    stops = round_of(ready)
    assert press(ready, Qt.Key.Key_Backtab) is stops[-1]
    assert press(ready, Qt.Key.Key_Backtab) is stops[-2]


def test_what_is_put_away_or_behind_others_is_left_out(ready: MainWindow, qtbot: QtBot) -> None:
    ready.panels["source"].hide()
    ready.panels["parameters"].raise_()
    qtbot.waitUntil(lambda: not ready.panels["parameters"].visibleRegion().isEmpty())
    stops = round_of(ready)
    assert not any(
        ready.panels["source"].isAncestorOf(each) or ready.panels["charts"].isAncestorOf(each) for each in stops
    )
    assert any(ready.panels["parameters"].isAncestorOf(each) for each in stops)


def test_what_has_the_focus_is_scrolled_into_view(ready: MainWindow, qtbot: QtBot) -> None:
    ready.resize(1000, 560)
    last = [each for each in ready.panels["inspector"].findChildren(RowHeader) if each.isVisible()][-1]
    qtbot.waitUntil(lambda: last.visibleRegion().isEmpty())
    assert last in round_of(ready)
    while press(ready, Qt.Key.Key_Tab) is not last:
        pass
    qtbot.waitUntil(lambda: not last.visibleRegion().isEmpty())


def test_whoever_listens_hears_what_each_stop_is(ready: MainWindow) -> None:
    for name in ("parameters", "optimizer", "memory", "manual", "charts"):
        ready.panels[name].raise_()
        QApplication.processEvents()
        for each in round_of(ready):
            said = each.accessibleName() or (each.text() if isinstance(each, QAbstractButton | QLineEdit) else "")
            assert said, each


def test_the_tab_key_leads_on_from_the_source_and_indents_only_where_one_types(ready: MainWindow, script: Path) -> None:
    assert ready.open_path(script)
    editor = ready.source.editor
    while press(ready, Qt.Key.Key_Tab) is not editor:
        pass
    assert press(ready, Qt.Key.Key_Tab) is not editor
    assert press(ready, Qt.Key.Key_Backtab) is editor
    assert not ready.source.modified
    QTest.keyClicks(editor, "x")
    assert press(ready, Qt.Key.Key_Tab) is editor
    assert editor.toPlainText().startswith("x   import")
