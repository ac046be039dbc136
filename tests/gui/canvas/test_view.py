"""The widget: what it shows, how it is moved about, and that it never keeps anything that a seek would not show."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QHelpEvent, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from engine.recording.model import Edge, Event, Graph, Node, StepStart
from engine.recording.writer import Writer
from gui import theme
from gui.canvas.flow import lanes
from gui.canvas.lod import Detail
from gui.canvas.view import CanvasView
from gui.session import Session
from gui.theme import DARK, LIGHT
from tests.gui.canvas.scenes import count_color
from tests.recordings import make_chain, make_info

LAST = 35


@pytest.fixture
def view(session: Session, qtbot: QtBot, qapp: QApplication) -> Iterator[CanvasView]:
    """The bow, laid out and shown; nothing moves by itself."""
    theme.apply(qapp, "dark")
    theme.set_reduced_motion(True)
    made = CanvasView(session)
    made.resize(900, 640)
    made.show()
    qtbot.waitUntil(lambda: made.is_ready() and not made._reshape.isActive())
    yield made
    made.shutdown()
    made.close()
    theme.set_reduced_motion(None)


def place(view: CanvasView, title: str) -> QPoint:
    """Where a node's middle is, in the widget's own pixels."""
    return QPoint(*(round(each) for each in view.camera.to_device(*view.scene.center(node(view, title)))))  # type: ignore[union-attr]


def node(view: CanvasView, title: str) -> int:
    scene = view.scene
    assert scene is not None
    return next(n for n in range(scene.node_count) if scene.cards[scene.card[n]].title == title)


def shot(view: CanvasView) -> QImage:
    return view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def test_walking_equals_seeking(view: CanvasView, session: Session, qtbot: QtBot) -> None:
    sought = {}
    for event in (17, 3, 35, 0, *range(36)):
        session.seek(event)
        qtbot.waitUntil(view.is_ready)
        sought[event] = view.drawn_state()
    for event in range(LAST, -1, -1):
        session.seek(event)
        assert view.drawn_state() == sought[event]
    assert len(set(sought.values())) == 36


def test_what_stays_of_an_event_of_a_large_graph_is_found_out_in_a_thread(
    view: CanvasView, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = 9  # the last gradient arrives
    session.seek(event)
    whole = view.grab().toImage()
    session.seek(0)
    view.grab()
    monkeypatch.setattr(lanes, "AT_ONCE", 0)
    monkeypatch.setattr(lanes, "_kept", WeakKeyDictionary())
    go, made_in, make = threading.Event(), list[int](), lanes.make_lanes

    def slow(*about: Any) -> lanes.Lanes:
        go.wait(5.0)
        made_in.append(threading.get_ident())
        return make(*about)

    monkeypatch.setattr(lanes, "make_lanes", slow)
    session.seek(event)
    assert view.grab().toImage() != whole
    assert not view.is_ready()
    go.set()
    qtbot.waitUntil(view.is_ready)
    assert view.grab().toImage() == whole
    assert len(made_in) == 1
    assert threading.get_ident() not in made_in


def test_the_names_and_numbers_of_the_bow(view: CanvasView, session: Session) -> None:
    session.seek(9)
    texts = view.drawn_state()[2]
    assert isinstance(texts, tuple)
    assert {"14.06", "1.250", "5.000", "2.000", "0.5000", "0.2500"} <= set(texts)


def test_a_click_selects_and_a_click_beside_selects_nothing(view: CanvasView, session: Session) -> None:
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place(view, "prediction"))
    assert session.recording is not None
    assert session.selection is not None
    assert session.recording.node(session.selection).name == "prediction"
    assert count_color(shot(view), DARK.accent) > 100
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(5, 320))
    assert session.selection is None


def test_dragging_pans_and_selects_nothing(view: CanvasView, session: Session) -> None:
    start = place(view, "loss")
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(view, start + QPoint(20 * step, 10 * step))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start + QPoint(100, 50))
    assert session.selection is None
    moved = place(view, "loss") - start
    assert abs(moved.x() - 100) <= 1
    assert abs(moved.y() - 50) <= 1


def test_the_wheel_zooms_about_the_mouse(view: CanvasView) -> None:
    at = QPointF(300, 200)
    before = view.camera.to_scene(at.x(), at.y())
    scale = view.camera.scale
    event = QWheelEvent(at, view.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(view, event)
    assert view.camera.scale > scale
    # The view stands on whole pixels, before and after.
    assert view.camera.to_scene(at.x(), at.y()) == pytest.approx(before, abs=1 / view.camera.scale)


def test_two_fingers_pan(view: CanvasView) -> None:
    before = place(view, "loss")
    at = QPointF(300, 200)
    event = QWheelEvent(at, view.mapToGlobal(at), QPoint(12, -8), QPoint(12, -8), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.ScrollUpdate, False)  # fmt: skip
    QApplication.sendEvent(view, event)
    assert place(view, "loss") - before == QPoint(12, -8)


def test_keys_and_double_click(view: CanvasView) -> None:
    fitted = view.camera
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.camera.scale > fitted.scale
    QTest.keyClick(view, Qt.Key.Key_F)
    assert view.camera == fitted
    QTest.keyClick(view, Qt.Key.Key_Minus)
    assert view.camera.scale < fitted.scale
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(5, 320))
    assert view.camera == fitted
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=place(view, "w"))
    assert (view.camera.x, view.camera.y) == view.scene.center(node(view, "w"))  # type: ignore[union-attr]


def test_the_focus_is_shown_to_those_who_move_it_by_keys(view: CanvasView) -> None:
    view.clearFocus()
    plain = count_color(shot(view), DARK.accent)
    for reason, shown in ((Qt.FocusReason.TabFocusReason, True), (Qt.FocusReason.MouseFocusReason, False)):
        QApplication.sendEvent(view, QFocusEvent(QEvent.Type.FocusIn, reason))
        assert (count_color(shot(view), DARK.accent) > plain + 2000) is shown
        QApplication.sendEvent(view, QFocusEvent(QEvent.Type.FocusOut, reason))
        assert count_color(shot(view), DARK.accent) == plain


def test_hovering_fades_what_is_not_connected(view: CanvasView, session: Session) -> None:
    session.seek(11)
    plain = shot(view)
    QTest.mouseMove(view, place(view, "y"))
    assert shot(view) != plain
    assert view.cursor().shape() == Qt.CursorShape.PointingHandCursor
    QTest.mouseMove(view, QPoint(5, 320))
    assert shot(view) == plain


def test_a_tooltip_tells_all_digits(view: CanvasView, session: Session) -> None:
    session.seek(11)
    at = place(view, "w")
    QApplication.sendEvent(view, QHelpEvent(QEvent.Type.ToolTip, at, view.mapToGlobal(at)))
    assert "1.25" in QToolTip.text()
    assert "-15.0" in QToolTip.text()
    QToolTip.hideText()


def test_the_same_step_again_does_not_move_the_view(view: CanvasView, session: Session) -> None:
    session.seek(3)
    camera = view.camera
    session.seek(15)
    assert view.is_ready()
    assert view.camera == camera


def test_the_active_node_is_followed_unless_one_has_moved_away(view: CanvasView, session: Session) -> None:
    session.seek(3)  # the loss, at the top
    view.fly_to(int(view.scene.node_ids[node(view, "loss")]))  # type: ignore[union-attr]
    for _ in range(4):
        view.zoom_in()
    session.seek(9)  # w, at the foot
    assert view.camera.shows(*view.scene.center(node(view, "w")))  # type: ignore[union-attr]
    view._navigator.pan(5000, 0)
    session.seek(3)
    assert not view.camera.shows(*view.scene.center(node(view, "loss")))  # type: ignore[union-attr]


def test_data_leaves_can_be_hidden(view: CanvasView, qtbot: QtBot) -> None:
    assert view.data_leaves
    view.set_data_leaves(False)
    qtbot.waitUntil(view.is_ready)
    assert view.scene is not None
    assert view.scene.node_count == 6


def test_another_layout(view: CanvasView, qtbot: QtBot) -> None:
    before = view.scene
    view.set_layout("circular")
    assert view.scene is before  # shown until the other one is made
    qtbot.waitUntil(view.is_ready)
    assert view.scene is not before
    assert view.layout_name == "circular"


def test_another_direction(view: CanvasView, qtbot: QtBot) -> None:
    view.set_direction("up")
    qtbot.waitUntil(view.is_ready)
    assert view.scene is not None
    assert view.scene.top[0] == view.scene.top.max()


def test_a_layout_that_fails_says_so_in_the_canvas(view: CanvasView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.failed):
        view.set_layout("no such layout")
    assert "no such layout" in view.problem
    shot(view)
    view.set_layout("layered")
    qtbot.waitUntil(lambda: view.is_ready() and not view.problem)


def test_the_theme_can_be_switched(view: CanvasView, qapp: QApplication) -> None:
    assert count_color(shot(view), DARK.bg) > 10_000
    theme.apply(qapp, "light")
    assert count_color(shot(view), LIGHT.bg) > 10_000
    theme.apply(qapp, "dark")


def test_an_event_is_played_when_motion_is_wanted(view: CanvasView, session: Session, qtbot: QtBot) -> None:
    theme.set_reduced_motion(False)
    view.set_animation_speed(80)
    session.seek(4)
    session.seek(5)
    assert view._motion.happening is not None
    drawn = view.drawn_state()
    shot(view)
    qtbot.waitUntil(lambda: view._motion.happening is None)
    assert view.drawn_state() == drawn
    view.set_animation_speed(0)
    session.seek(6)
    assert view._motion.happening is None


def test_nothing_open(qtbot: QtBot) -> None:
    empty = Session()
    view = CanvasView(empty)
    qtbot.addWidget(view)
    assert view.is_ready()
    assert view.scene is None
    shot(view)
    view.fit()
    view.zoom_in()
    view.shutdown()


def test_closing_and_opening(view: CanvasView, session: Session, bow: Path, qtbot: QtBot) -> None:
    session.close()
    assert view.scene is None
    shot(view)
    session.open(bow)
    qtbot.waitUntil(view.is_ready)
    assert view.scene is not None


def test_a_large_graph_has_a_minimap_to_steer_by(
    qtbot: QtBot, tmp_path: Path, view: CanvasView, session: Session
) -> None:
    session.open(make_chain(tmp_path / "chain.chain", nodes=300))
    qtbot.waitUntil(view.is_ready)
    view.collapse_to(None)
    qtbot.waitUntil(view.is_ready)
    for _ in range(6):
        view.zoom_in()
    corner = view._minimap.rect(view.width(), view.height())
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=(corner.topLeft() + QPointF(20, 20)).toPoint())
    x0, y0, x1, y1 = view.scene.bounds  # type: ignore[union-attr]
    assert view.camera.x < (x0 + x1) / 2
    assert view.camera.y < (y0 + y1) / 2
    assert session.selection is None
    shot(view)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=corner.center().toPoint())
    for far in (QPoint(5, 5), QPoint(view.width() - 5, 5)):  # dragged beyond the map: the graph stays in view
        QTest.mouseMove(view, far)
        assert x0 <= view.camera.x <= x1
        assert y0 <= view.camera.y <= y1
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=far)


def test_the_first_picture_waits_for_no_large_library() -> None:
    code = (
        "import sys; import gui.canvas.view\n"
        "print(sorted({'networkx', 'pyqtgraph', 'torch', 'PySide6.QtSvg'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_graph_that_is_still_being_written_grows(qtbot: QtBot, tmp_path: Path) -> None:
    with Writer(tmp_path / "live.chain", make_info()) as writer:
        writer.put(StepStart(0, 1.0))
        writer.put(Graph(0, 0, "backward", 0, None))
        writer.put(Node(0, 0, "operation", "AddBackward0", name="loss", shape=(), forward_event=0))
        writer.put(Event(0, 0, 0, "forward", 0, None, 1.0))
        writer.flush()
        session = Session()
        view = CanvasView(session)
        view.resize(600, 400)
        assert session.open(tmp_path / "live.chain")
        qtbot.waitUntil(view.is_ready)
        assert view.scene is not None
        assert view.scene.node_count == 1
        writer.put(Node(1, 0, "operation", "MulBackward0", name="product", shape=(), forward_event=1))
        writer.put(Edge(0, 0, 0, 1, 0))
        writer.put(Event(1, 0, 0, "forward", 1, None, 2.0))
        writer.flush()
        session.refresh()
        qtbot.waitUntil(lambda: view.is_ready() and view.scene is not None and view.scene.node_count == 2)
        shot(view)
        view.shutdown()
        view.deleteLater()
        session.close()


def test_a_view_of_all_stays_while_one_walks(view: CanvasView, session: Session) -> None:
    """Nodes near the border of a small view are seen as well."""
    view.resize(260, 240)
    view.fit(fly=False)
    before = view.camera
    for event in range(12):
        session.seek(event)
    assert view._navigator.target == before


def test_a_low_view_keeps_the_names(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    view = CanvasView(session)
    view.resize(700, 900)
    view.show()
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=20))
    settled(view, qtbot)
    assert view.scene is not None
    pieces = view.scene.pieces
    view.resize(700, 300)
    settled(view, qtbot)
    assert view.camera.detail >= Detail.NAME
    view.resize(700, 900)
    settled(view, qtbot)
    assert view.scene.pieces is pieces
    view.shutdown()
    view.close()
    view.deleteLater()
    session.close()


def test_a_view_that_somebody_moved_keeps_its_columns(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    view = CanvasView(session)
    view.resize(700, 900)
    view.show()
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=20, steps=2))
    settled(view, qtbot)
    assert view.scene is not None
    pieces = view.scene.pieces
    view.zoom_in()
    moved = view.camera
    view.resize(700, 300)
    session.seek(session.event_count - 1)
    settled(view, qtbot)
    assert view.scene.pieces is pieces
    assert view.camera.scale == moved.scale
    view.fit()
    settled(view, qtbot)
    assert view.scene.pieces is not pieces
    view.shutdown()
    view.close()
    view.deleteLater()
    session.close()


def settled(view: CanvasView, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: view.is_ready() and not view._reshape.isActive())
