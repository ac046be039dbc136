"""The search line in the window: what it lists, what it lights, and how one goes to what was found."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.explore.search_bar import SearchBar
from gui.window import MainWindow


@pytest.fixture
def bar(walked: MainWindow, qtbot: QtBot) -> SearchBar:
    """Open, with its index made."""
    walked.actions_table["find_node"].trigger()
    found = walked.explore_commands.search
    assert found is not None
    qtbot.waitUntil(lambda: found.results.index_ is not None)
    return found


def names(window: MainWindow, bar: SearchBar) -> list[str]:
    recording = window.session.recording
    assert recording is not None
    return [recording.node(node).name for row in range(bar.results.rowCount()) if (node := bar.results.node(row))
            is not None]  # fmt: skip


def test_every_letter_narrows_what_is_lit(walked: MainWindow, bar: SearchBar) -> None:
    QTest.keyClicks(bar.line, "type:accu")
    assert sorted(names(walked, bar)) == ["b", "w"]
    picture = walked.canvas.picture()
    assert picture is not None
    assert picture.dimmed is not None
    lit = {walked.canvas.scene.node_ids[place] for place in (~picture.dimmed).nonzero()[0].tolist()}  # type: ignore[union-attr]
    assert lit == {bar.results.node(0), bar.results.node(1)}
    QTest.keyClicks(bar.line, "x")
    assert names(walked, bar) == []
    assert walked.canvas.picture().dimmed.all()  # type: ignore[union-attr]


def test_arrows_choose_and_enter_goes_there(walked: MainWindow, bar: SearchBar) -> None:
    QTest.keyClicks(bar.line, "kind:parameter")
    QTest.keyClick(bar.line, Qt.Key.Key_Down)
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    assert walked.session.selection == bar.results.node(1)
    x, y = walked.canvas.scene.center(walked.canvas.scene.position[walked.session.selection])  # type: ignore[union-attr,index]
    assert walked.canvas._navigator.target.shows(x, y)


def test_a_click_into_the_list_selects(walked: MainWindow, bar: SearchBar) -> None:
    QTest.keyClicks(bar.line, "prediction")
    row = bar.list.visualRect(bar.results.index(0)).center()
    QTest.mouseClick(bar.list.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert walked.session.selection == bar.results.node(0)


def test_escape_ends_the_search_and_keeps_the_selection(walked: MainWindow, bar: SearchBar) -> None:
    walked.session.select(1)
    QTest.keyClicks(bar.line, "mul")
    QTest.keyClick(bar.line, Qt.Key.Key_Escape)
    assert not bar.is_open
    assert walked.session.selection == 1
    assert walked.canvas.picture().dimmed is None  # type: ignore[union-attr]


def test_what_was_found_can_be_marked(walked: MainWindow, bar: SearchBar) -> None:
    QTest.keyClicks(bar.line, "kind:parameter")
    QTest.mouseClick(bar._mark, Qt.MouseButton.LeftButton)
    assert walked.session.marked == {bar.results.node(0), bar.results.node(1)}
    assert "kind:parameter" in walked.session.marked_title


def test_the_next_pass_is_searched_anew(walked: MainWindow, bar: SearchBar, qtbot: QtBot) -> None:
    QTest.keyClicks(bar.line, "loss")
    first = bar.results.node(0)
    recording = walked.session.recording
    assert recording is not None
    walked.session.seek(recording.steps[1].first_event)
    qtbot.waitUntil(lambda: bar.results.node(0) not in (None, first))
    assert recording.node(bar.results.node(0) or 0).graph == walked.session.graph_id


def test_the_list_folds_away_once_one_has_gone_somewhere(walked: MainWindow, bar: SearchBar) -> None:
    QTest.keyClicks(bar.line, "kind:operation")
    rows, tall = bar.results.rowCount(), bar.height()
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    assert bar.is_open
    assert not bar.list.isVisible()
    assert bar.height() < tall - 2 * rows
    assert bar._count.text().startswith(f"1 of {rows}")
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    assert walked.session.selection == bar.results.node(1)
    QTest.keyClick(bar.line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(bar.line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert walked.session.selection == bar.results.node(rows - 1)
    QTest.keyClick(bar.line, Qt.Key.Key_Up)
    assert bar.list.isVisible()
    assert bar.list.currentIndex().row() == rows - 2
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    QTest.mouseClick(bar.line, Qt.MouseButton.LeftButton)
    assert bar.list.isVisible()
    assert "nodes" in bar._count.text()
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    QTest.keyClicks(bar.line, " mul")
    assert bar.list.isVisible()
