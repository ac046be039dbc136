"""Modules on the canvas: opened and closed by mouse and keys, and told of by what happens in them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.canvas import describe, loader, overlays
from gui.canvas.cards import MODULE
from gui.canvas.modules.flow import Sums
from gui.canvas.scene import Scene
from gui.canvas.view import CanvasView
from gui.session import Session
from tests.recordings import make_chain


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[CanvasView]:
    """Five layers of four operations and a parameter each, two training steps."""
    theme.apply(qapp, "dark")
    theme.set_reduced_motion(True)
    session = Session()
    assert session.open(make_chain(tmp_path / "chain.chain", nodes=20, steps=2))
    made = CanvasView(session)
    made.resize(1100, 700)
    made.show()
    qtbot.waitUntil(lambda: made.is_ready() and not made._reshape.isActive())
    yield made
    made.shutdown()
    made.close()
    session.close()
    theme.set_reduced_motion(None)


def shown(view: CanvasView) -> Scene:
    assert view.scene is not None
    return view.scene


def place(view: CanvasView, position: int) -> QPoint:
    x, y = view.camera.to_device(*shown(view).center(position))
    return QPoint(round(x), round(y))


def collapse(view: CanvasView, key: str, qtbot: QtBot) -> int:
    """Close a module; where it is drawn."""
    view.collapse(key)
    qtbot.waitUntil(view.is_ready)
    inner = shown(view).inner
    assert inner is not None
    return inner.place_of_group[key]


def test_a_double_click_opens_a_module_and_the_keys_close_it(view: CanvasView, qtbot: QtBot) -> None:
    before = shown(view).node_ids.tolist()
    group = collapse(view, "layers.2", qtbot)
    assert shown(view).node_count == 25 - 5 + 1
    assert shown(view).kind[group] == MODULE
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=place(view, group))
    qtbot.waitUntil(view.is_ready)
    assert shown(view).node_ids.tolist() == before
    view._session.select(before[9])
    QTest.keyClick(view, Qt.Key.Key_Minus)
    qtbot.waitUntil(view.is_ready)
    assert view.collapsed == {"layers.2"}
    QTest.keyClick(view, Qt.Key.Key_Plus)
    qtbot.waitUntil(view.is_ready)
    assert view.collapsed == frozenset()


def title(view: CanvasView, key: str) -> QPoint:
    """In the strip over an open module, at its left."""
    box = next(box for box in shown(view).boxes if box.key == key)
    x, y = view.camera.to_device(box.x, box.y)
    return QPoint(round(x) + 6, round(y) + 5)


def test_the_title_of_an_open_module_chooses_and_closes_it(view: CanvasView, qtbot: QtBot) -> None:
    assert {box.key for box in shown(view).boxes} == {"layers", *(f"layers.{number}" for number in range(5))}
    before = shot(view)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=title(view, "layers.2"))
    assert view._session.modules.current == "layers.2"
    assert view._session.marked == {8, 9, 10, 11, 22}
    assert shot(view) != before
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=title(view, "layers.2"))
    qtbot.waitUntil(view.is_ready)
    assert view.collapsed == {"layers.2"}
    assert "layers.2" not in [box.key for box in shown(view).boxes]


def test_a_click_on_a_breadcrumb_goes_to_its_module(view: CanvasView, qtbot: QtBot) -> None:
    view._session.select(9)
    picture = view.picture()
    assert picture is not None
    parts = view.crumbs(picture)
    assert parts[1:3] == ["layers", "2"]
    places = overlays.crumb_places(parts, view.width() - view.corner)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=places[2].center().toPoint())
    assert view._session.modules.current == "layers.2"
    box = next(box for box in shown(view).boxes if box.key == "layers.2")
    assert view.camera.shows(box.x + box.width / 2, box.y + box.height / 2, 100)
    picture = view.picture()
    assert picture is not None
    assert view.crumbs(picture)[1:] == ["layers", "2"]
    assert view.crumb_at(places[0].center()) is None


def shot(view: CanvasView) -> QImage:
    return view.grab().toImage()


def test_a_click_on_a_module_marks_what_it_holds(view: CanvasView, qtbot: QtBot) -> None:
    group = collapse(view, "layers.2", qtbot)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place(view, group))
    assert view._session.modules.current == "layers.2"
    assert view._session.selection is None
    assert view._session.marked == {8, 9, 10, 11, 22}


def test_what_a_module_says_of_itself(view: CanvasView, qtbot: QtBot) -> None:
    group = collapse(view, "layers.2", qtbot)
    view._session.seek(view._session.last)
    picture, recording = view.picture(), view._session.recording
    assert picture is not None
    assert recording is not None
    text = describe.tooltip(recording, picture, group)
    assert "layers.2 · Layer" in text
    assert "5 nodes · 16 parameters" in text
    assert "norm of all its gradients" in text


def test_walking_equals_seeking_with_modules_collapsed(view: CanvasView, qtbot: QtBot) -> None:
    session = view._session
    view.collapse_to(0)
    qtbot.waitUntil(view.is_ready)
    count = session.event_count
    seen = []
    for event in range(count):
        session.seek(event)
        qtbot.waitUntil(view.is_ready)
        seen.append(view.drawn_state())
    assert view.collapsed, "the next training step's graph has the same modules collapsed"
    for event in (*range(count - 1, -1, -1), 40, 3, 77, 12):
        session.seek(event)
        assert view.drawn_state() == seen[event]
    assert len(set(seen)) == count


def test_the_playhead_on_a_hidden_node_lights_its_module(view: CanvasView, qtbot: QtBot) -> None:
    group = collapse(view, "layers.2", qtbot)
    recording = view._session.recording
    assert recording is not None
    event = recording.timeline.backward_event(0)[9]
    view._session.seek(event)
    picture = view.picture()
    assert picture is not None
    assert picture.state.active == group
    view._session.select(9)
    again = view.picture()
    assert again is not None
    assert again.selection == group


def test_the_flow_of_a_module_is_that_of_its_parameters(view: CanvasView, qtbot: QtBot) -> None:
    group = collapse(view, "layers.2", qtbot)
    recording = view._session.recording
    assert recording is not None
    arrive = {22: recording.timeline.accumulate_event(0)[22]}
    norms = recording.norms(0)
    for event in (*sorted(arrive.values()), recording.timeline.step_bounds(0)[1]):
        view._session.seek(event)
        picture = view.picture()
        assert picture is not None
        assert picture.state.norm[group] == pytest.approx(norms[arrive[22]])
    view._session.seek(arrive[22] - 1)
    picture = view.picture()
    assert picture is not None
    assert np.isnan(picture.state.norm[group])


def test_squares_add_up() -> None:
    sums = Sums(np.array([4, 7]), np.array([0, 2, 3]), np.array([10, 20, 15]), np.array([9.0, 25.0, 4.0]))
    assert [sums.at(event).tolist() for event in (10, 15, 20)] == [
        [3.0, pytest.approx(np.nan, nan_ok=True)],
        [3, 2],
        [5, 2],
    ]


def test_flying_to_a_hidden_node_opens_what_hides_it(view: CanvasView, qtbot: QtBot) -> None:
    view.collapse_to(0)
    qtbot.waitUntil(view.is_ready)
    assert 9 not in shown(view).node_ids
    view.fly_to(9)
    qtbot.waitUntil(view.is_ready)
    scene = shown(view)
    assert 9 in scene.node_ids
    x, y = view.camera.to_device(*scene.center(scene.position[9]))
    assert [x, y] == pytest.approx([view.camera.width / 2, view.camera.height / 2])


def test_what_opens_stays_where_it_was(view: CanvasView, qtbot: QtBot) -> None:
    group = collapse(view, "layers.2", qtbot)
    view.zoom_in()
    x, y = view.camera.to_device(*shown(view).center(group))
    view.expand("layers.2")
    qtbot.waitUntil(view.is_ready)
    scene = shown(view)
    there = view.camera.to_device(*scene.center(scene.position[8]))
    assert list(there) == pytest.approx([x, y], abs=1.0)  # the view stands on whole pixels


def test_a_large_graph_opens_with_modules_collapsed(view: CanvasView, qtbot: QtBot, tmp_path: Path) -> None:
    assert view._session.open(make_chain(tmp_path / "large.chain", nodes=1000))
    qtbot.waitUntil(view.is_ready)
    assert shown(view).node_count <= 150
    view.collapse_to(None)
    qtbot.waitUntil(view.is_ready)
    assert shown(view).node_count == 1250


def test_a_right_click_on_a_title_is_about_its_module(view: CanvasView, qtbot: QtBot) -> None:
    point = title(view, "layers.2")
    with qtbot.waitSignal(view.menu_wanted) as asked:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, view.mapToGlobal(point))
        QApplication.sendEvent(view, event)
    assert asked.args is not None
    assert asked.args[1:] == [-1, None]
    assert view.group is not None
    assert view.group.path == "layers.2"
    assert view._session.marked == {8, 9, 10, 11, 22}


def test_where_it_is_narrow_the_last_breadcrumb_is_the_last_to_be_cut(qapp: QApplication) -> None:
    parts = ["step 1 of 10", "layer4", "0", "downsample", "conv2"]
    wide = overlays.crumb_places(parts, 2000.0)
    narrow = overlays.crumb_places(parts, wide[-1].right() - 10)
    assert narrow[-1].right() + 16 <= wide[-1].right() - 10
    assert (narrow[0].width(), narrow[-1].width()) == (wide[0].width(), wide[-1].width())
    assert 0 < narrow[1].width() < wide[1].width()
    assert narrow[2].width() in (0.0, wide[2].width())
    places = overlays.crumb_places(parts, 2 * 16 + wide[-1].width() + 60)
    assert [place.width() > 0 for place in places] == [True, False, False, False, True]
    assert places[-1].width() == wide[-1].width()
    cut = overlays.crumb_places(parts, 2 * 16 + wide[-1].width())
    assert 0 < cut[-1].width() < wide[-1].width()
    assert overlays.crumb_places(["alone"], 2000.0)[0].width() > 0
    assert overlays.crumb_places([], 100.0) == []


def test_with_its_marks_goes_the_frame_of_a_module(view: CanvasView) -> None:
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=title(view, "layers.2"))
    assert view._session.modules.current == "layers.2"
    view._session.mark(())
    assert view._session.modules.current == ""


def test_what_can_wait_waits_for_the_first_picture(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    view = CanvasView(session)
    qtbot.addWidget(view)
    assert not view.is_opening()
    session.open(make_chain(tmp_path / "chain.chain", nodes=20))
    assert view.is_opening()
    qtbot.waitUntil(view.is_ready)
    assert not view.is_opening()
    view.set_direction("up")
    assert not view.is_opening(), "there is a picture"
    qtbot.waitUntil(view.is_ready)
    view.shutdown()
    session.close()


def test_a_module_is_shown_alone_and_a_click_leads_back(view: CanvasView, qtbot: QtBot) -> None:
    collapse(view, "layers.1", qtbot)
    before, parts = view.collapsed, crumbs(view)
    view.show_only("layers.2")
    qtbot.waitUntil(view.is_ready)
    assert view.collapsed == {"layers.0", "layers.1", "layers.3", "layers.4"}
    box = next(box for box in shown(view).boxes if box.key == "layers.2")
    assert view.camera.height / 3 < box.height * view.camera.scale < view.camera.height
    assert crumbs(view)[1:] == parts
    (place, *_) = overlays.crumb_places(crumbs(view), view.width())
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place.center().toPoint())
    qtbot.waitUntil(view.is_ready)
    assert view.collapsed == before
    assert crumbs(view) == parts
    assert view._navigator.still_fitted


def crumbs(view: CanvasView) -> list[str]:
    picture = view.picture(hover=False)
    assert picture is not None
    return view.crumbs(picture)


def test_one_alone_after_the_other_leads_back_to_the_beginning(view: CanvasView, qtbot: QtBot) -> None:
    before = view.collapsed
    view.show_only("layers.2")
    qtbot.waitUntil(view.is_ready)
    view.show_only("layers.4")
    qtbot.waitUntil(view.is_ready)
    assert view.collapsed == {"layers.0", "layers.1", "layers.2", "layers.3"}
    view.show_others()
    qtbot.waitUntil(view.is_ready)
    assert view.collapsed == before
    view.show_only("layers.2")
    view.collapse_to(0)
    qtbot.waitUntil(view.is_ready)
    assert not view.shows_only, "what was chosen for all is not taken back"
    assert view.collapsed == {"layers"}


def test_the_old_picture_is_not_painted_once_more_for_a_module_that_is_being_closed(
    view: CanvasView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, load, paint = threading.Event(), loader.load, view._paint_graph
    painted: list[Scene | None] = []

    def load_later(*args: Any) -> Scene:
        go_on.wait()
        return load(*args)

    def noted(*args: Any) -> None:
        painted.append(view.scene)
        paint(*args)

    QApplication.processEvents()
    monkeypatch.setattr(loader, "load", load_later)
    monkeypatch.setattr(view, "_paint_graph", noted)
    before = shown(view)
    try:
        view.collapse("layers.2")
        QApplication.processEvents()
        of_itself = list(painted)
        view._session.modules.look_at("layers.1")
        QApplication.processEvents()
    finally:
        go_on.set()
    assert of_itself == []
    assert painted == [before], "whoever looks at another one meanwhile sees it marked"
    qtbot.waitUntil(lambda: view.is_ready() and len(painted) > 1)
    assert painted[-1] is shown(view)
