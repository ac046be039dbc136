from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.layout import LayoutCancelled
from engine.recording.reader import Recording, open_recording
from gui.canvas import preparing
from gui.canvas.camera import Camera
from gui.canvas.flow import lanes
from gui.canvas.loader import LEAVES_UP_TO, Loader, Wish, load, rough_aspect, rough_room, structure_of
from gui.canvas.lod import Detail
from gui.canvas.modules.source import Sources
from gui.canvas.scene import Scene
from tests.recordings import make_chain


@pytest.fixture
def loader(qtbot: QtBot, recording: Recording) -> Iterator[Loader]:
    made = Loader()
    made.reset(recording)
    yield made
    made.finish()


def loaded(loader: Loader, wish: Wish, qtbot: QtBot) -> Scene:
    with qtbot.waitSignal(loader.ready) as answer:
        loader.start(wish)
    assert answer.args is not None
    assert answer.args[0] == wish
    scene: Scene = answer.args[1]
    return scene


def test_steps_of_one_structure_share_a_layout(loader: Loader, recording: Recording, qtbot: QtBot) -> None:
    wishes = [loader.wish(graph, "layered", None, 1.0) for graph in (0, 1)]
    assert wishes[0].key == wishes[1].key
    assert loader.known(wishes[0]) is None
    first = loaded(loader, wishes[0], qtbot)
    second = loader.known(wishes[1])
    assert second is not None
    assert second.pieces is first.pieces
    for a, b in zip(first.node_ids.tolist(), second.node_ids.tolist(), strict=True):
        assert (recording.node(a).name, recording.node(a).type) == (recording.node(b).name, recording.node(b).type)
    assert loader.known(wishes[1]) is second


def test_the_graph_that_comes_next_is_read_before_it_is_asked_for(
    loader: Loader, recording: Recording, qtbot: QtBot
) -> None:
    warmed: list[tuple[int, threading.Thread]] = []
    loader.warm = lambda _, graph: warmed.append((graph, threading.current_thread()))
    loaded(loader, loader.wish(0, "layered", None, 1.0), qtbot)
    loader.look_ahead()
    assert not loader.at_rest
    qtbot.waitUntil(lambda: loader.at_rest)
    assert [recording.has_read(graph.id) for graph in recording.graphs] == [True, True, False]
    assert [graph for graph, _ in warmed] == [0, 1]
    assert warmed[1][1] is not threading.main_thread()
    assert not loader.preparing.busy
    before = loader.known(loader.wish(1, "layered", None, 1.0))
    assert before is not None


def test_large_graphs_and_those_after_the_last_one_are_not_read_ahead(
    loader: Loader, recording: Recording, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(loader, loader.wish(2, "layered", None, 1.0), qtbot)
    loader.look_ahead()
    qtbot.waitUntil(lambda: loader.at_rest)
    monkeypatch.setattr(preparing, "AT_ONCE", 1)
    loader.wish(0, "layered", None, 1.0)
    loader.look_ahead()
    qtbot.waitUntil(lambda: loader.at_rest)
    assert not recording.has_read(1)


def test_another_graph_has_another_structure(recording: Recording, tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=8)) as chain:
        assert structure_of(chain, 0) != structure_of(recording, 0)


def test_data_leaves_are_shown_in_small_graphs_only(loader: Loader, tmp_path: Path) -> None:
    assert loader.wish(0, "layered", None, 1.0).data_leaves
    assert not loader.wish(0, "layered", False, 1.0).data_leaves
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=LEAVES_UP_TO + 1)) as chain:
        loader.reset(chain)
        assert not loader.wish(0, "layered", None, 1.0).data_leaves
        assert loader.wish(0, "layered", True, 1.0).data_leaves


def test_a_failure_is_told_and_the_next_wish_is_met(loader: Loader, qtbot: QtBot) -> None:
    with qtbot.waitSignal(loader.failed) as answer:
        loader.start(loader.wish(0, "no such layout", None, 1.0))
    assert answer.args is not None
    assert "no such layout" in answer.args[1]
    loaded(loader, loader.wish(0, "circular", None, 1.0), qtbot)


def test_the_last_wish_counts(loader: Loader, qtbot: QtBot) -> None:
    told: list[Wish] = []
    loader.ready.connect(lambda wish, _: told.append(wish))
    last = loader.wish(0, "circular", None, 1.0)
    for name in ("layered", "spring", "circular"):
        loader.start(loader.wish(0, name, None, 1.0))
    qtbot.waitUntil(lambda: bool(told) and not loader.busy)
    assert told == [last]


def test_a_newer_wish_cancels_the_one_in_work(loader: Loader, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one would never end by itself."""
    begun, given_up = threading.Event(), threading.Event()

    def endless(recording: Recording, wish: Wish, cancel: Callable[[], bool], sources: Sources) -> Scene:
        if wish.algorithm != "endless":
            return load(recording, wish, cancel, sources)
        begun.set()
        while not cancel():
            time.sleep(0.001)
        given_up.set()
        raise LayoutCancelled("not wanted any more")

    monkeypatch.setattr("gui.canvas.loader.load", endless)
    failures: list[str] = []
    loader.failed.connect(lambda _, message: failures.append(message))
    loader.start(loader.wish(0, "endless", None, 1.0))
    assert begun.wait(60)
    loader.start(loader.wish(0, "endless", None, 1.0))
    assert not given_up.wait(0.05), "the same wish again changes nothing"
    loaded(loader, loader.wish(0, "layered", None, 1.0), qtbot)
    assert given_up.is_set()
    loader.start(loader.wish(0, "endless", None, 1.0))
    loader.reset(None)
    qtbot.waitUntil(lambda: not loader.busy)
    assert not failures


def test_what_was_finished_does_not_end_what_came_after(loader: Loader, recording: Recording, qtbot: QtBot) -> None:
    told: list[Wish] = []
    loader.ready.connect(lambda wish, _: told.append(wish))
    loader.start(loader.wish(0, "layered", None, 1.0))
    loader.finish()
    loader.reset(recording)
    wish = loader.wish(0, "circular", None, 1.0)
    loader.start(wish)
    qtbot.waitUntil(lambda: not loader.busy)
    assert told == [wish]


def test_each_direction_is_a_layout_of_its_own(loader: Loader, qtbot: QtBot) -> None:
    down = loaded(loader, loader.wish(0, "layered", None, 1.0), qtbot)
    up = loaded(loader, loader.wish(0, "layered", None, 1.0, "up"), qtbot)
    assert down.top[0] == down.top.min()
    assert up.top[0] == up.top.max()
    known = loader.known(loader.wish(0, "layered", None, 1.0, "down"))
    assert known is not None
    assert known.pieces is down.pieces


def test_what_the_first_layout_needs_can_be_imported_before() -> None:
    """In a process of its own: here it has been imported long ago."""
    code = (
        "import sys, threading\n"
        "from gui.canvas.loader import warm_up\n"
        "assert 'networkx' not in sys.modules\n"
        "warm_up()\n"
        "[thread.join() for thread in threading.enumerate() if thread.name == 'warm-up']\n"
        "assert {'networkx', 'engine.layout.pipeline', 'engine.desk.wire'} <= set(sys.modules)\n"
        "warm_up()\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_what_is_drawn_ahead_is_drawn_before_it_is_told(loader: Loader, qtbot: QtBot) -> None:
    drawn: list[Scene] = []

    def draw(scene: Scene) -> Iterator[None]:
        assert threading.current_thread() is threading.main_thread()
        assert loader.busy
        yield
        drawn.append(scene)

    loader.draw = draw
    scene = loaded(loader, loader.wish(0, "layered", None, 1.0), qtbot)
    assert drawn == [scene]
    assert not loader.busy


def test_what_nobody_waits_for_any_more_is_not_drawn_to_its_end(loader: Loader, qtbot: QtBot) -> None:
    wishes = [loader.wish(0, name, None, 1.0) for name in ("layered", "circular")]
    begun: list[Scene] = []
    ended: list[Scene] = []

    def draw(scene: Scene) -> Iterator[None]:
        begun.append(scene)
        if len(begun) == 1:
            loader.start(wishes[1])
        yield
        ended.append(scene)

    loader.draw = draw
    with qtbot.waitSignal(loader.ready) as answer:
        loader.start(wishes[0])
    assert answer.args is not None
    assert answer.args[0] == wishes[1]
    assert (len(begun), ended) == (2, [answer.args[1]])


def test_what_the_window_asks_next_is_worked_out_after_the_picture(
    loader: Loader, recording: Recording, qtbot: QtBot
) -> None:
    scene = loaded(loader, loader.wish(0, "layered", None, 1.0), qtbot)
    assert not loader.at_rest
    qtbot.waitUntil(lambda: loader.at_rest)
    assert (0, len(recording.timeline), id(scene.pieces)) in lanes._kept[recording]


def test_nothing_is_told_after_another_recording_was_opened(loader: Loader, qtbot: QtBot) -> None:
    told: list[Wish] = []
    loader.ready.connect(lambda wish, _: told.append(wish))
    loader.start(loader.wish(0, "layered", None, 1.0))
    loader.reset(None)
    qtbot.waitUntil(lambda: not loader.busy)
    assert not told


def test_a_little_more_room_changes_no_aspect() -> None:
    assert rough_aspect(1280, 800) == rough_aspect(1300, 800)
    assert rough_aspect(1280, 800) != rough_aspect(800, 1280)
    assert rough_aspect(0, 0) == 1.0


def test_what_the_view_can_show_is_what_can_be_read() -> None:
    """Rounded down a little: what fits is then named."""
    for width, height in ((1280, 800), (638, 352), (1301, 777)):
        wide, high = rough_room(width, height)
        for bounds in ((0.0, 0.0, wide, 1.0), (0.0, 0.0, 1.0, high)):
            assert Camera(width=width, height=height).fitted(bounds).detail >= Detail.NAME
            larger = tuple(each * 1.15 if each > 1 else each for each in bounds)
            assert Camera(width=width, height=height).fitted(larger).detail == Detail.DOT  # type: ignore[arg-type]
    assert rough_room(1280, 800) == rough_room(1290, 805)
    assert rough_room(0, 0) == (4.0, 4.0)


def test_columns_are_short_where_names_would_be_lost(qtbot: QtBot, tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=20)) as chain:
        loader = Loader()
        loader.reset(chain)
        low, high = (
            loader.wish(0, "layered", None, rough_aspect(638, height), room=rough_room(638, height))
            for height in (300, 900)
        )
        camera = Camera(width=638, height=300)
        assert camera.fitted(loaded(loader, low, qtbot).bounds).detail >= Detail.NAME
        assert camera.fitted(loaded(loader, high, qtbot).bounds).detail == Detail.DOT
        loader.finish()
