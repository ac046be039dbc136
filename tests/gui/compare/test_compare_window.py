"""Two backward passes side by side."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from engine.graph.compare import TYPE, Comparison
from engine.graph.measures import SPOILED
from gui import dialogs
from gui.canvas.modules.choosing import choose as choose_nothing
from gui.canvas.modules.choosing import choose_group
from gui.compare import marks
from gui.compare.marks import CHANGED, ONLY, QUIET, RATIO, Side, factor, limit_of, words_of
from gui.compare.menu import build_menu
from gui.compare.table import GRADIENT, LEFT, LEFT_NORM, RIGHT, RIGHT_NORM, WHAT, CompareModel, rows_of
from gui.compare.view import CompareView
from gui.compare.window import CompareWindow
from gui.proof.desk import DeskProcess
from gui.session import Session
from gui.window import MainWindow
from tests.recordings import make_begun, make_chain


def _shown(window: CompareWindow, qtbot: QtBot) -> CompareWindow:
    window.show()
    views = (window.left.view, window.right.view)
    qtbot.waitUntil(lambda: not any(view._reshape.isActive() for view in views))  # laid out for the size that they have
    qtbot.waitUntil(lambda: window.link.comparison is not None and all(view.is_ready() for view in views))
    return window


def _looks_at(view: CompareView, place: tuple[float, float]) -> bool:
    return (view.camera.x, view.camera.y) == pytest.approx(place, abs=1.0)


def _closed(window: CompareWindow) -> None:
    window.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def pair(qapp: QApplication, qtbot: QtBot, bow: Path) -> Iterator[CompareWindow]:
    """The bow's first step beside its second."""
    window = CompareWindow()
    window.compare(bow, 0)
    yield _shown(window, qtbot)
    _closed(window)


@pytest.fixture
def chains(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[CompareWindow]:
    """Two chains of different length."""
    window = CompareWindow()
    window.compare(make_chain(tmp_path / "short.chain", 40), 0)
    window.right.show_recording(make_chain(tmp_path / "long.chain", 52), None)
    yield _shown(window, qtbot)
    _closed(window)


def _texts(window: CompareWindow, column: int) -> list[str]:
    model = window.model
    return [str(model.index(row, column).data()) for row in range(model.rowCount())]


@pytest.mark.parametrize(
    ("key", "modifier"),
    [(Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)],
)
def test_a_key_closes_the_window(qtbot: QtBot, bow: Path, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    window = CompareWindow()
    window.compare(bow, 0)
    _shown(window, qtbot)
    window.activateWindow()
    window.left.view.setFocus()
    QTest.keyClick(window.left.view, key, modifier)
    assert not window.isVisible()
    _closed(window)


def test_the_tab_key_goes_from_left_to_right_and_down(pair: CompareWindow) -> None:
    pair.activateWindow()
    pair.left.steps.setFocus()
    seen: list[QWidget | None] = [pair.left.steps]
    for _ in range(6):
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget())
    left, right = pair.left, pair.right
    assert seen == [left.steps, left.open, left.view, right.steps, right.open, right.view, pair.table]


def test_two_steps_of_the_bow(pair: CompareWindow) -> None:
    assert [half.steps.currentText() for half in (pair.left, pair.right)] == ["step 1", "step 2"]
    assert pair.summary.text().startswith("6 nodes on both sides, all made alike")
    assert _texts(pair, WHAT) == ["gradient"] * 5 + ["value"]  # what enters the loss is 1 in both
    assert _texts(pair, LEFT) == _texts(pair, RIGHT)
    assert _texts(pair, GRADIENT)[0] == "× 0.500"  # the miss is halved
    for half in (pair.left, pair.right):
        picture = half.view.picture()
        assert picture is not None
        assert picture.fills is not None
        assert picture.state.active == -1
    assert pair.grab().toImage().pixelColor(5, 5).isValid()


def test_recordings_are_found_from_wherever_the_program_was_started(
    bow: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are compared by a process that works in another folder."""
    monkeypatch.setattr("gui.session.DeskProcess", DeskProcess)
    monkeypatch.chdir(bow.parent)
    window = CompareWindow()
    window.compare(Path(bow.name), 0)
    qtbot.waitUntil(lambda: window.summary.text() != "Comparing…")
    assert window.summary.text().startswith("6 nodes on both sides, all made alike")
    _closed(window)


def test_another_step_is_compared_anew(pair: CompareWindow, qtbot: QtBot) -> None:
    pair.right.steps.setCurrentIndex(2)
    assert pair.link.comparison is None
    qtbot.waitUntil(lambda: pair.link.comparison is not None)
    assert _texts(pair, GRADIENT)[0] == "× 0.250"


def test_what_is_selected_on_one_side_is_selected_on_the_other(pair: CompareWindow) -> None:
    left, right = pair.left.session, pair.right.session
    node = next(node.id for node in left.recording.nodes(left.graph_id) if node.name == "w")  # type: ignore[union-attr, arg-type]
    left.select(node)
    assert right.selection is not None
    assert right.selection != node
    assert right.recording is not None
    assert right.recording.node(right.selection).name == "w"
    right.select(None)
    assert left.selection is None


def test_views_move_together(pair: CompareWindow, qtbot: QtBot) -> None:
    left, right = pair.left.view, pair.right.view
    before = right.camera
    left._zoom(4, QPointF(50, 60))
    assert right.camera.scale == left.camera.scale != before.scale
    right._pan(QPointF(33, -12))
    assert (left.camera.x, left.camera.y) == pytest.approx((right.camera.x, right.camera.y))
    left.fit(fly=False)
    assert (left.camera.x, left.camera.scale) == pytest.approx((right.camera.x, right.camera.scale))


def test_a_click_in_the_table_flies_both_views_there(pair: CompareWindow, qtbot: QtBot) -> None:
    row = _texts(pair, LEFT).index("b")
    place = pair.table.visualRect(pair.model.index(row, LEFT)).center()
    QTest.mouseClick(pair.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    nodes = pair.model.nodes(row)
    assert (pair.left.session.selection, pair.right.session.selection) == nodes
    for half, node in zip((pair.left, pair.right), nodes, strict=True):
        view, scene = half.view, half.view.scene
        assert scene is not None
        assert node is not None
        qtbot.waitUntil(partial(_looks_at, view, scene.center(scene.position[node])))


def test_chains_of_different_length(chains: CompareWindow) -> None:
    found = chains.link.comparison
    assert found is not None
    assert len(found.only_right) >= 12
    what = _texts(chains, WHAT)
    assert what[: len(found.only_right)] == ["only right"] * len(found.only_right)
    assert "only right" in chains.summary.text()
    left = chains.link.counterpart(int(found.right_ids[found.only_right[0]]), on_left=False)
    assert left is None
    same = chains.link.counterpart(int(found.left_ids[found.pairs[0, 0]]), on_left=True)
    assert same == int(found.right_ids[found.pairs[0, 1]])


def test_columns_can_be_sorted(pair: CompareWindow) -> None:
    pair.table.sortByColumn(GRADIENT, Qt.SortOrder.AscendingOrder)
    up = _texts(pair, LEFT)
    pair.table.sortByColumn(GRADIENT, Qt.SortOrder.DescendingOrder)
    assert sorted(_texts(pair, LEFT)) == sorted(up)
    pair.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert pair.model.places(0) == (int(pair.model.rows.left[0]), int(pair.model.rows.right[0]))  # type: ignore[union-attr]


def test_what_is_chosen_in_the_table_stays_chosen_when_it_is_sorted(pair: CompareWindow) -> None:
    pair.table.selectRow(4)
    chosen = pair.model.nodes(4)
    pair.table.sortByColumn(LEFT, Qt.SortOrder.DescendingOrder)
    (index,) = pair.table.selectionModel().selectedRows()
    assert pair.model.nodes(index.row()) == chosen
    assert pair.table.currentIndex().row() == index.row()


def test_by_nodes_it_is_sorted_as_the_graph_goes(chains: CompareWindow) -> None:
    chains.table.sortByColumn(RIGHT, Qt.SortOrder.AscendingOrder)
    rows = [chains.model.places(row)[1] for row in range(chains.model.rowCount())]
    there = [place for place in rows if place >= 0]
    assert there == sorted(there)
    assert rows[: len(there)] == there
    chains.table.sortByColumn(RIGHT, Qt.SortOrder.DescendingOrder)
    assert [chains.model.places(row)[1] for row in range(len(there))] == there[::-1]


def test_a_file_that_is_no_recording_says_so(
    pair: CompareWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.chain"
    broken.write_text("no recording", encoding="utf-8")
    monkeypatch.setattr(dialogs, "open_file", lambda *_: broken)
    compared = _texts(pair, GRADIENT)
    QTest.mouseClick(pair.right.open, Qt.MouseButton.LeftButton)
    assert str(broken) in pair.summary.text()
    assert _texts(pair, GRADIENT) == compared
    pair.right.steps.setCurrentIndex(0)
    qtbot.waitUntil(lambda: pair.summary.text().startswith("6 nodes on both sides"))


def test_the_first_recording_may_be_gone(qapp: QApplication, tmp_path: Path) -> None:
    window = CompareWindow()
    window.compare(tmp_path / "gone.chain", 0)
    assert "gone.chain does not exist" in window.summary.text()
    _closed(window)


def test_long_names_do_not_make_the_window_wider(pair: CompareWindow, bow: Path, qtbot: QtBot) -> None:
    width, long = pair.width(), bow.with_name(f"{'a_long_name_' * 15}.chain")
    long.write_bytes(bow.read_bytes())
    pair.right.show_recording(long, 1)
    pair.left.show_recording(long.with_name(f"not_{long.name}"), 1)
    qtbot.wait(1)
    assert "does not exist" in pair.summary.text()
    assert pair.width() == width
    assert pair.right.file.toolTip() == str(long)


def test_a_recording_without_an_event_of_its_graph_says_so(
    pair: CompareWindow, qtbot: QtBot, bow: Path, tmp_path: Path
) -> None:
    pair.right.show_recording(make_begun(tmp_path / "begun.chain"), None)
    assert pair.summary.text() == "begun.chain has no backward pass to compare."
    pair.right.show_recording(bow, 1)
    qtbot.waitUntil(lambda: pair.summary.text().startswith("6 nodes on both sides"))


def test_the_action_opens_it_for_the_step_that_one_looks_at(walked: MainWindow, qtbot: QtBot) -> None:
    walked.session.seek(walked.session.last)
    walked.actions_table["compare"].trigger()
    shown = walked.compare_commands.shown
    assert shown is not None
    _shown(shown, qtbot)
    assert [half.steps.currentText() for half in (shown.left, shown.right)] == ["step 2", "step 3"]


def test_what_each_side_sees() -> None:
    ids, nan, none = np.arange(4), np.nan, np.full(4, np.nan)
    found = Comparison(
        ids, ids, np.array([1, 0, -1, 3]), np.array([0, TYPE, 0, 0], np.uint8),
        np.array([1.0, 1.0, 1.0, nan]), np.array([1.0, 10.0, 1.0, nan]), none, none,
    )  # fmt: skip
    left, right = Side(found, left=True), Side(found, left=False)
    assert left.state.tolist() == [RATIO, CHANGED, ONLY, QUIET]
    assert right.state.tolist() == [CHANGED, RATIO, ONLY, QUIET]
    assert left.ratio[0] == right.ratio[1] == 1.0
    assert limit_of(left.ratio) == 1.0
    assert limit_of(np.array([nan, 0.0])) == pytest.approx(np.log10(1.1))
    assert words_of(TYPE | 4) == "type, name"
    assert [factor(value) for value in (nan, np.inf, -np.inf, 1.0)] == ["–", "from 0", "to 0", "× 10.0"]


def test_what_went_from_zero_comes_after_what_can_be_compared(session: Session) -> None:
    recording, ids, none = session.recording, np.arange(5), np.full(5, np.nan)
    assert recording is not None
    found = Comparison(
        ids, ids, ids, np.zeros(5, np.uint8),
        np.array([0.0, 1.0, 1.0, 1.0, 1.0]), np.array([5.0, 1.0, 2.0, 0.0, 8.0]), none, none,
    )  # fmt: skip
    model = CompareModel()
    model.set_rows(rows_of(found, recording, recording))
    ratios = [model.index(row, GRADIENT).data() for row in range(5)]
    assert ratios == ["× 8.00", "× 2.00", "from 0", "to 0", "× 1.00"]
    model.sort(GRADIENT, Qt.SortOrder.DescendingOrder)
    assert [model.index(row, GRADIENT).data() for row in range(5)] == ["× 8.00", "× 2.00", "× 1.00", "from 0", "to 0"]


def test_what_is_told_to_be_different_is_the_gradient_else_the_value(session: Session) -> None:
    recording, ids, nan, ones = session.recording, np.arange(5), np.nan, np.ones(5)
    assert recording is not None
    found = Comparison(
        ids, ids, ids, np.zeros(5, np.uint8),
        ones, np.array([1.0, 1.0, 2.0, nan, nan]), ones, np.array([1.0, 4.0, 4.0, 4.0, nan]),
    )  # fmt: skip
    model = CompareModel()
    model.set_rows(rows_of(found, recording, recording))
    told = {model.places(row)[0]: model.index(row, WHAT).data() for row in range(5)}
    assert told == {0: "none", 1: "value", 2: "gradient", 3: "value", 4: "none"}


def test_what_is_not_finite_on_one_side_comes_first_and_is_told(session: Session) -> None:
    recording, ids, nan = session.recording, np.arange(4), np.nan
    assert recording is not None
    found = Comparison(
        ids, ids, ids, np.zeros(4, np.uint8),
        np.array([1.0, 2.0, SPOILED, nan]), np.array([9.0, SPOILED, SPOILED, nan]),
        np.ones(4), np.array([1.0, 1.0, 1.0, SPOILED]),
    )  # fmt: skip
    model = CompareModel()
    model.set_rows(rows_of(found, recording, recording))
    rows = [[model.index(row, column).data() for column in (WHAT, LEFT_NORM, RIGHT_NORM, GRADIENT)] for row in range(4)]
    assert [model.places(row)[0] for row in range(4)] == [1, 0, 2, 3]
    assert rows == [
        ["gradient", "2.000", "not finite", "–"],
        ["gradient", "1.000", "9.000", "× 9.00"],
        ["none", "not finite", "not finite", "–"],
        ["value", "–", "–", "–"],
    ]
    assert Side(found, left=True).state.tolist() == [RATIO, marks.SPOILED, QUIET, QUIET]


def test_the_canvases_have_more_room_than_the_table(pair: CompareWindow) -> None:
    assert pair.left.view.height() > 1.3 * pair.table.height()


def test_both_are_laid_out_as_in_the_main_window(walked: MainWindow, qtbot: QtBot) -> None:
    actions = walked.actions_table
    actions["direction_right"].trigger()
    actions["module_boxes"].setChecked(True)
    actions["module_boxes"].trigger()  # off
    actions["compare"].trigger()
    window = walked.compare_commands.shown
    assert window is not None
    _shown(window, qtbot)
    for half in (window.left, window.right):
        assert half.view.direction == "right"
        assert half.view.wish is not None
        assert not half.view.wish.boxes
    actions["direction_down"].trigger()
    actions["module_boxes"].trigger()
    for half in (window.left, window.right):
        assert half.view.direction == "down"
        assert half.session.modules.boxes


def test_a_right_click_offers_what_can_be_done_with_a_graph_that_is_compared(pair: CompareWindow) -> None:
    view = pair.left.view
    scene = view.scene
    assert scene is not None
    node = int(scene.node_ids[0])
    view.menu_wanted.emit(view.mapToGlobal(view.rect().center()), node, None)
    menu = view.findChild(QMenu, "compare_menu")
    assert menu is not None
    assert menu.isVisible()
    actions = {action.text(): action for action in menu.actions()}
    actions["Copy name"].trigger()
    assert QApplication.clipboard().text() == scene.cards[scene.card[0]].title
    view.zoom_in()
    moved = not view.fitted
    actions["Fit the graph"].trigger()
    assert (moved, view.fitted) == (True, True)
    assert actions["Collapse all modules"].isEnabled() is (view.tree is not None)
    menu.close()


def test_the_menu_on_the_ground_is_about_the_whole_graph(pair: CompareWindow) -> None:
    texts = [action.text() for action in build_menu(pair.right.view, None).actions()]
    assert texts == ["Fit the graph", "Collapse all modules", "Expand all modules"]


def test_a_module_that_is_closed_by_the_menu_is_closed_on_both_sides(chains: CompareWindow, qtbot: QtBot) -> None:
    left, right = chains.left.view, chains.right.view

    def choose(view: CompareView, module: str, action: str) -> None:
        view._session.modules.look_at(module)
        next(item for item in build_menu(view, -1).actions() if item.text() == action).trigger()
        qtbot.waitUntil(lambda: left.is_ready() and right.is_ready())

    choose(left, "layers.2", "Collapse the module")
    assert left.collapsed == right.collapsed == {"layers.2"}
    choose(right, "layers.12", "Collapse the module")  # which the shorter one does not have
    assert left.collapsed == {"layers.2"}
    assert right.collapsed == {"layers.2", "layers.12"}
    choose(left, "layers.2", "Expand the module")
    assert left.collapsed == frozenset()
    assert "layers.2" not in right.collapsed


def test_a_module_that_is_chosen_on_one_side_is_chosen_on_the_other_if_it_is_there(chains: CompareWindow) -> None:
    left, right = chains.left.session, chains.right.session

    def choose(view: CompareView, module: str) -> None:
        assert view.scene is not None
        assert view.tree is not None
        choose_group(view._session, view.scene, view.tree.by_key[module])

    choose(chains.left.view, "layers.2")
    assert (left.modules.current, right.modules.current) == ("layers.2", "layers.2")
    assert len(left.marked) == len(right.marked) > 0
    choose(chains.right.view, "layers.3")
    assert (left.modules.current, right.modules.current) == ("layers.3", "layers.3")
    choose(chains.right.view, "layers.12")  # which the shorter one does not have
    assert (left.modules.current, right.modules.current) == ("", "layers.12")
    assert not left.marked
    choose(chains.left.view, "layers.2")
    choose_nothing(left, chains.left.view.scene, None)
    assert (left.modules.current, right.modules.current) == ("", "")
    assert not right.marked


def test_a_module_that_is_chosen_leaves_nodes_alone_that_were_marked_on_the_other_side(chains: CompareWindow) -> None:
    left, right = chains.left.session, chains.right.session
    left.mark([1, 2])
    assert chains.right.view.tree is not None
    right.modules.look_at("layers.12")  # which the shorter one does not have
    assert left.marked == {1, 2}
    right.modules.look_at("")
    assert left.marked == {1, 2}
