"""Large graphs are read in another thread, small ones at once; either way they are shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from engine.recording.contents import Contents
from engine.recording.reader import Recording, open_recording
from gui.canvas import frames, loader, preparing
from gui.canvas.preparing import Preparing
from gui.canvas.view import CanvasView
from gui.session import Session
from tests.recordings import make_chain


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=40)) as found:
        yield found


def test_what_is_large_is_read_in_another_thread(
    chain: Recording, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    readers: list[threading.Thread] = []

    def read(graph: int) -> None:
        readers.append(threading.current_thread())
        chain.edges(graph)

    made = Preparing(read, lambda graph: bool(readers) and graph == 0)
    made.reset(chain)
    assert not made.needed(0)
    monkeypatch.setattr(preparing, "AT_ONCE", 10)
    with qtbot.waitSignal(made.done) as answer:
        assert [made.needed(0), made.busy] == [True, False]
        made.start(0)
        made.start(0)
    assert answer.args == [0]
    assert len(readers) == 1
    assert readers[0] is not threading.main_thread()
    assert [made.needed(0), made.busy] == [False, False]
    made.finish()


def test_what_cannot_be_read_is_not_asked_for_again(
    chain: Recording, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", 10)

    def fail(graph_id: int) -> None:
        chain.graph(10_000 + graph_id)

    made = Preparing(fail, lambda _: False)
    made.reset(chain)
    with qtbot.waitSignal(made.done):
        made.start(0)
    assert not made.needed(0)
    made.finish()


def test_a_fault_is_told_and_does_not_keep_the_window_waiting(
    chain: Recording, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_type))
    monkeypatch.setattr(preparing, "AT_ONCE", 10)
    made = Preparing(lambda _: dict[int, int]()[0], lambda _: False)
    made.reset(chain)
    with qtbot.waitSignal(made.done):
        made.start(0)
    assert [made.needed(0), made.busy] == [False, False]
    made.finish()
    qtbot.waitUntil(lambda: seen == [KeyError])


def test_what_is_read_of_another_recording_is_waited_for_too(
    chain: Recording, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    go, told, read = threading.Event(), list[int](), list[int]()
    norms = Recording.norms

    def slow(recording: Recording, step: int) -> Any:
        go.wait(60)
        return norms(recording, step)

    monkeypatch.setattr(Recording, "norms", slow)
    made = Preparing(read.append, lambda _: False)
    made.done.connect(told.append)
    made.reset(chain)
    made.start(0)
    (thread,) = made._threads.values()
    made.reset(None)
    assert not made.busy
    go.set()
    made.finish()
    assert not thread.is_alive()
    assert (told, read) == ([], [])


def test_a_large_graph_is_shown_when_it_has_been_read(
    tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", 10)
    view = CanvasView(session)
    qtbot.addWidget(view)
    session.open(make_chain(tmp_path / "chain.chain", nodes=40, steps=2))
    assert not view.is_ready()
    qtbot.waitUntil(view.is_ready)
    assert view.scene is not None
    session.seek(session.event_count - 1)
    qtbot.waitUntil(view.is_ready)
    assert view.scene is not None
    assert session.recording is not None
    assert int(view.scene.node_ids[0]) in {node.id for node in session.recording.nodes(session.recording.graphs[-1].id)}
    view.shutdown()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[threading.Thread]]:
    """In which threads graphs are fingerprinted, and their events looked up."""
    found: dict[str, set[threading.Thread]] = {}

    def watched(module: ModuleType, name: str) -> None:
        plain = getattr(module, name)

        def call(*arguments: Any) -> Any:
            found.setdefault(name, set()).add(threading.current_thread())
            return plain(*arguments)

        monkeypatch.setattr(module, name, call)

    watched(loader, "structure_of")
    watched(frames, "make_track")
    monkeypatch.setattr(preparing, "AT_ONCE", 10)
    return found


def test_later_graphs_are_made_ready_in_threads(
    tmp_path: Path, session: Session, threads: dict[str, set[threading.Thread]], qtbot: QtBot
) -> None:
    view = CanvasView(session)
    qtbot.addWidget(view)
    session.open(make_chain(tmp_path / "chain.chain", nodes=40, steps=3))
    qtbot.waitUntil(view.is_ready)
    assert session.recording is not None
    for graph in session.recording.graphs[1:]:
        session.seek(int(session.recording.timeline.events_of_graph(graph.id)[5]))
        qtbot.waitUntil(view.is_ready)
        assert view.wish is not None
        assert view.wish.graph_id == graph.id
        assert view.picture() is not None
    assert set(threads) == {"structure_of", "make_track"}
    for name, found in threads.items():
        assert threading.main_thread() not in found, name
    view.shutdown()


def test_a_graph_that_is_still_being_written_is_read_in_a_thread_each_time_it_has_grown(
    tmp_path: Path,
    session: Session,
    threads: dict[str, set[threading.Thread]],
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    monkeypatch.setattr(Contents, "complete", property(lambda _: False, lambda _, __: None), raising=False)
    view = CanvasView(session)
    qtbot.addWidget(view)
    session.open(make_chain(tmp_path / "chain.chain", nodes=40))
    qtbot.waitUntil(view.is_ready)
    first, recording = view.scene, session.recording
    assert recording is not None
    assert not recording.complete
    session.recording_grew.emit()
    assert view.is_ready(), "nothing new is known of this graph"
    recording._nodes.clear()
    recording._edges.clear()  # as when more of it was written
    session.recording_grew.emit()
    assert not view.is_ready()
    qtbot.waitUntil(view.is_ready)
    assert first is not None
    assert view.scene is not None
    assert view.scene.pieces is first.pieces, "it is the same graph as before"
    assert threading.main_thread() not in threads["structure_of"]
    view.shutdown()
