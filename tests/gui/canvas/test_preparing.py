"""Large graphs are read in another thread, small ones at once; either way they are shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.recording.reader import Recording, open_recording
from gui.canvas import preparing
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

    made = Preparing(read)
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

    made = Preparing(fail)
    made.reset(chain)
    with qtbot.waitSignal(made.done):
        made.start(0)
    assert not made.needed(0)
    made.finish()


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
