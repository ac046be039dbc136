"""Marking by mouse, key and menu; paths; walking along edges; what the inspector says of several nodes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QTableView
from pytestqt.qtbot import QtBot

from gui.canvas.edges import FROM_NODE, INTO, ON_PATH, OUT_OF, TO_NODE
from gui.canvas.view import CanvasView
from gui.explore.marked_view import BYTES, COLUMN_WIDTHS, NAME, NAME_WIDTH, MarkedModel, MarkedView
from gui.explore.menu import build_menu
from gui.inspector.panel import InspectorPanel
from gui.window import MainWindow
from tests.gui.canvas.scenes import count_color

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def named(walked: MainWindow) -> Callable[[str], int]:
    """The id of a node of the shown pass, by its name."""
    recording = walked.session.recording
    assert recording is not None
    return lambda name: next(node.id for node in recording.nodes(walked.session.graph_id or 0) if node.name == name)


def place(canvas: CanvasView, node: int) -> QPoint:
    scene = canvas.scene
    assert scene is not None
    x, y = canvas.camera.to_device(*scene.center(scene.position[node]))
    return QPoint(round(x / canvas.camera.ratio), round(y / canvas.camera.ratio))


def click(canvas: CanvasView, node: int, shift: bool = False) -> None:
    QTest.mouseClick(canvas, LEFT, SHIFT if shift else Qt.KeyboardModifier.NoModifier, place(canvas, node))


def test_shift_and_clicks_add_and_take_away(walked: MainWindow, named: Callable[[str], int]) -> None:
    canvas, session = walked.canvas, walked.session
    click(canvas, named("prediction"))
    click(canvas, named("loss"), shift=True)  # the selected one is the first
    assert session.marked == {named("prediction"), named("loss")}
    click(canvas, named("w"), shift=True)
    click(canvas, named("loss"), shift=True)
    assert session.marked == {named("prediction"), named("w")}
    image = canvas.grab().toImage().convertToFormat(canvas.grab().toImage().Format.Format_RGB32)
    assert count_color(image, canvas._painter.theme.accent) > 100
    click(canvas, named("loss"))
    assert session.marked == frozenset()
    assert session.selection == named("loss")


def test_shift_and_a_drag_mark_what_the_rectangle_holds(walked: MainWindow) -> None:
    canvas = walked.canvas
    QTest.mousePress(canvas, LEFT, SHIFT, QPoint(1, 1))
    QTest.mouseMove(canvas, QPoint(200, 200))
    QTest.mouseMove(canvas, QPoint(canvas.width() - 1, canvas.height() - 1))
    before = canvas.camera
    QTest.mouseRelease(canvas, LEFT, SHIFT, QPoint(canvas.width() - 1, canvas.height() - 1))
    assert canvas.camera == before
    assert canvas.scene is not None
    assert walked.session.marked == set(canvas.scene.node_ids.tolist())


def test_all_are_marked_and_escape_lets_go_one_after_the_other(walked: MainWindow) -> None:
    session, actions = walked.session, walked.actions_table
    session.select(1)
    actions["mark_all"].trigger()
    assert len(session.marked) == 8
    actions["clear_selection"].trigger()
    assert (session.marked, session.selection) == (frozenset(), 1)
    actions["clear_selection"].trigger()
    assert session.selection is None


def test_the_path_between_two_nodes(walked: MainWindow, named: Callable[[str], int]) -> None:
    session, actions = walked.session, walked.actions_table
    assert not actions["show_path"].isEnabled()
    session.mark([named("w"), named("loss")])
    actions["show_path"].trigger()
    assert {named("w"), named("prediction"), named("loss")} < session.marked
    assert named("b") not in session.marked
    assert session.marked_title == "paths loss – w"
    assert walked.central.messages.text.startswith(f"Paths loss – w: {len(session.marked)} nodes")
    picture = walked.canvas.picture()
    assert picture is not None
    assert picture.flow is not None
    assert int((picture.flow == ON_PATH).sum()) == len(session.marked) - 1


def test_from_all_paths_one_goes_on_to_the_shortest_and_back(walked: MainWindow, named: Callable[[str], int]) -> None:
    session, actions = walked.session, walked.actions_table
    session.mark([named("w"), named("loss")])
    actions["show_path"].trigger()
    for action, title in (("show_shortest_path", "shortest path loss – w"), ("show_path", "paths loss – w")):
        assert actions[action].isEnabled()
        actions[action].trigger()
        assert session.marked_title == title
    session.mark([*session.marked, named("b")])
    assert not actions["show_path"].isEnabled()


def test_a_path_goes_before_the_edges_of_the_selected_node(walked: MainWindow, named: Callable[[str], int]) -> None:
    session = walked.session
    session.mark([named("w"), named("loss")])
    walked.actions_table["show_path"].trigger()
    session.select(named("prediction"))
    picture = walked.canvas.picture()
    assert picture is not None
    assert picture.flow is not None
    assert int((picture.flow == ON_PATH).sum()) == len(session.marked) - 1
    assert (picture.flow == OUT_OF).any()
    again = walked.canvas.picture()
    assert again is not None
    assert again.flow is picture.flow, "what is drawn for it is kept"


def test_no_path_is_said(walked: MainWindow, named: Callable[[str], int]) -> None:
    walked.session.mark([named("w"), named("b")])
    walked.actions_table["show_shortest_path"].trigger()
    assert walked.session.marked == {named("w"), named("b")}
    assert "No gradient flows" in walked.central.messages.text


def test_hovering_tells_upstream_from_downstream(walked: MainWindow, named: Callable[[str], int]) -> None:
    canvas = walked.canvas
    assert canvas.scene is not None
    canvas._hover(canvas.scene.position[named("prediction")])
    picture = canvas.picture()
    assert picture is not None
    assert picture.flow is not None
    scene = picture.scene
    up = {int(scene.node_ids[each]) for each in np.unique(scene.source[np.isin(picture.flow, (TO_NODE, INTO))])}
    down = {int(scene.node_ids[each]) for each in np.unique(scene.target[np.isin(picture.flow, (FROM_NODE, OUT_OF))])}
    assert named("loss") in up
    assert {named("w"), named("b")} <= down
    assert not up & down


def test_up_and_down_walk_along_edges(walked: MainWindow, named: Callable[[str], int]) -> None:
    canvas, session = walked.canvas, walked.session
    session.select(named("prediction"))
    QTest.keyClick(canvas, Qt.Key.Key_Up)
    QTest.keyClick(canvas, Qt.Key.Key_Up)
    assert session.selection == named("loss")
    QTest.keyClick(canvas, Qt.Key.Key_Up)
    assert session.selection == named("loss")
    QTest.keyClick(canvas, Qt.Key.Key_Down)
    assert session.selection not in (named("loss"), None)
    session.select(named("b"))
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert session.selection != named("b")


def test_an_edge_tells_its_gradient_and_a_click_marks_its_ends(walked: MainWindow) -> None:
    from gui.explore.edge_hit import edge_at, edge_tooltip

    canvas, session = walked.canvas, walked.session
    session.seek(9)
    scene, picture, recording = canvas.scene, canvas.picture(), session.recording
    assert scene is not None
    assert picture is not None
    assert recording is not None
    edge = int(np.argmax(scene.pieces.length[scene.pieces.first[:-1]]))
    x, y = scene.pieces.points(np.array([edge]), np.array([0.5]))[0].tolist()
    assert edge_at(scene, x, y, 2.0) == edge
    assert edge_at(scene, -1e6, 0.0, 2.0) is None
    assert "→" in edge_tooltip(recording, picture, edge)
    device = canvas.camera.to_device(x, y)
    point = QPoint(round(device[0] / canvas.camera.ratio), round(device[1] / canvas.camera.ratio))
    QTest.mouseMove(canvas, point)
    QTest.mouseClick(canvas, LEFT, pos=point)
    ends = {int(scene.node_ids[scene.source[edge]]), int(scene.node_ids[scene.target[edge]])}
    assert session.marked == ends


def actions_of(menu: QMenu) -> dict[str, QAction]:
    return {action.text().replace("&", ""): action for action in menu.actions()}


def test_the_menu_of_a_node(walked: MainWindow, named: Callable[[str], int]) -> None:
    session, recording = walked.session, walked.session.recording
    assert recording is not None
    node = named("prediction")
    menu = build_menu(walked, node, None)
    entries = actions_of(menu)
    entries["Go to its backward event"].trigger()
    assert session.selection == node
    assert session.playhead == recording.timeline.backward_event(session.graph_id or 0)[node]
    entries["Copy name"].trigger()
    assert QApplication.clipboard().text() == "prediction"
    entries["Copy values"].trigger()
    assert "1.25" in QApplication.clipboard().text()
    entries["Mark what is upstream"].trigger()
    assert named("loss") in session.marked
    entries["Show path to…"].trigger()
    click(walked.canvas, named("w"))
    assert {named("w"), node} <= session.marked
    assert session.selection == node  # the click was for the path
    menu.deleteLater()


def test_nothing_is_to_be_proved_of_what_gets_no_gradient(walked: MainWindow, named: Callable[[str], int]) -> None:
    for name, proved in (("w", True), ("x", False)):
        menu = build_menu(walked, named(name), None)
        assert ("Show its proof" in actions_of(menu)) is proved
        menu.deleteLater()


def test_the_menu_of_the_ground_and_of_several(walked: MainWindow, named: Callable[[str], int]) -> None:
    ground = build_menu(walked, None, None)
    assert "Fit graph" in actions_of(ground)
    walked.session.mark([named("w"), named("loss")])
    several = build_menu(walked, named("w"), None)
    actions_of(several)["Copy names"].trigger()
    assert sorted(QApplication.clipboard().text().split("\n")) == ["loss", "w"]
    actions_of(several)["Take off the marks"].trigger()
    assert walked.session.marked == frozenset()
    ground.deleteLater()
    several.deleteLater()


def test_the_inspector_says_what_the_marked_nodes_are(
    walked: MainWindow, named: Callable[[str], int], qtbot: QtBot
) -> None:
    inspector = walked.panels.widget("inspector")
    assert isinstance(inspector, InspectorPanel)
    view = inspector.marked
    assert not view.isVisibleTo(inspector)
    walked.session.mark([named("w"), named("b"), named("loss")], "three")
    qtbot.waitUntil(lambda: view.model.rowCount() == 3)
    assert view.isVisibleTo(inspector)
    facts = {fact.key: fact for fact in view.facts.facts}
    assert facts["norm"].value.startswith("16.77")  # the root of 15² + 7.5²
    assert facts["largest"].value.endswith("w")
    view.table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert view.model.node(0) == named("w")
    row = view.table.visualRect(view.model.index(0, 0)).center()
    QTest.mouseClick(view.table.viewport(), LEFT, pos=row)
    assert walked.session.selection == named("w")
    assert len(walked.session.marked) == 3


def test_the_menu_of_a_module_opens_and_closes_it(walked: MainWindow) -> None:
    menu = build_menu(walked, -1, None)
    labels = [action.text().replace("&", "") for action in menu.actions()]
    assert {"Expand", "Collapse", "Fit it", "Copy names"} <= set(labels)
    inner = next(action.menu() for action in menu.actions() if action.text().replace("&", "") == "Modules")
    assert isinstance(inner, QMenu)
    assert {"Expand all modules", "Collapse all modules"} <= {
        action.text().replace("&", "") for action in inner.actions()
    }


def test_names_in_the_list_of_marked_nodes_go_without_their_class(walked: MainWindow, qtbot: QtBot) -> None:
    inspector = walked.findChild(InspectorPanel)
    assert isinstance(inspector, InspectorPanel)
    walked.actions_table["mark_all"].trigger()
    table = inspector.findChild(QTableView, "marked_table")
    assert isinstance(table, QTableView)
    qtbot.waitUntil(lambda: table.model().rowCount() > 0)
    names = [table.model().index(row, 0).data() for row in range(table.model().rowCount())]
    assert "prediction" in names
    assert not any(" · " in name for name in names)


def test_a_column_that_says_nothing_leaves_its_room_to_the_names(
    walked: MainWindow, named: Callable[[str], int], qtbot: QtBot
) -> None:
    view = walked.findChild(MarkedView, "marked_view")
    assert isinstance(view, MarkedView)
    view.setFixedWidth(NAME_WIDTH + sum(COLUMN_WIDTHS.values()))
    hidden, widths = [], []
    for names in (("w", "b"), ("w", "loss"), ("w", "b")):  # a parameter keeps nothing for backward
        walked.session.mark([named(name) for name in names])
        qtbot.waitUntil(lambda: view.model.rowCount() == 2)
        hidden.append([column for column in COLUMN_WIDTHS if view.table.isColumnHidden(column)])
        widths.append(view.table.columnWidth(NAME))
    assert hidden == [[BYTES], [], [BYTES]]
    assert widths[0] == widths[2] == widths[1] + COLUMN_WIDTHS[BYTES]


def test_operations_are_told_in_words_that_fit(walked: MainWindow, qtbot: QtBot) -> None:
    inspector = walked.findChild(InspectorPanel)
    assert isinstance(inspector, InspectorPanel)
    walked.actions_table["mark_all"].trigger()
    view = inspector.findChild(MarkedView, "marked_view")
    assert isinstance(view, MarkedView)
    qtbot.waitUntil(lambda: bool(view.facts.facts))
    facts = {fact.key: fact for fact in view.facts.facts}
    assert facts["operations"].value == "4 of 4 types"
    assert facts["types"].value.startswith("1 ")
    assert facts["types"].detail.count("\n") == 3


def test_escape_leaves_a_module_that_one_looks_at(walked: MainWindow) -> None:
    session, escape = walked.session, walked.actions_table["clear_selection"]
    assert not escape.isEnabled()
    session.modules.look_at("some module")
    assert escape.isEnabled()
    escape.trigger()
    assert session.modules.current == ""
    assert not escape.isEnabled()


def test_a_column_and_its_title_are_aligned_alike() -> None:
    model = MarkedModel()
    role = Qt.ItemDataRole.TextAlignmentRole
    titles = [int(str(model.headerData(column, Qt.Orientation.Horizontal, role))) for column in range(4)]
    sides = [Qt.AlignmentFlag(title) & Qt.AlignmentFlag.AlignHorizontal_Mask for title in titles]
    assert sides == [Qt.AlignmentFlag.AlignLeft] + 3 * [Qt.AlignmentFlag.AlignRight]
