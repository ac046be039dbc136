"""Walking to the end and back by single steps shows, in every view, what seeking there shows."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Hashable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.app import create_window
from gui.window import MainWindow
from tests.recordings import make_bow, make_chain

ROOT = Path(__file__).parents[2]
State = dict[str, Hashable]


@pytest.fixture
def window(qapp: QApplication) -> Iterator[MainWindow]:
    made = create_window()
    made.show()
    made.fill()
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One training step of the example, recorded by the command line."""
    path = tmp_path_factory.mktemp("recordings") / "resnet18.chain"
    script = ROOT / "resources" / "examples" / "resnet18.py"
    command = [sys.executable, "main.py", "record", str(script), "-o", str(path), "--steps", "1", "--tensors", "stats"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return path


def _open(window: MainWindow, path: Path, qtbot: QtBot) -> None:
    assert window.open_path(path)
    qtbot.waitUntil(window.canvas.is_ready)
    assert window.canvas.problem == ""


def _views(window: MainWindow) -> dict[str, object]:
    views: dict[str, object] = {"canvas": window.canvas, "transport": window.transport, "source": window.source}
    views.update({name: window.panels.widget(name) for name in ("inspector", "parameters", "charts")})
    views.update({name: window.panels.make(name) for name in ("manual", "optimizer")})
    return views


def _state(window: MainWindow) -> State:
    """What every view shows now."""
    assert window.canvas.is_ready()
    return {name: view.drawn_state() for name, view in _views(window).items()}  # type: ignore[attr-defined]


def _walk(window: MainWindow, action_id: str, events: range, every: int = 1) -> dict[int, State]:
    """Press one button again and again; the state at those that `every` divides."""
    states = {}
    for event in events:
        if event != events[0]:
            window.actions_table[action_id].trigger()
        assert window.session.playhead == event
        if event % every == 0:
            states[event] = _state(window)
    return states


def _compare(window: MainWindow, qtbot: QtBot, every: int = 1) -> None:
    session = window.session
    count = session.event_count
    forth = _walk(window, "step_forward", range(count), every)
    back = _walk(window, "step_back", range(count - 1, -1, -1), every)
    order = list(forth)
    random.Random(0).shuffle(order)
    for event in order:
        session.seek(event)
        there = _state(window)
        for name, shown in there.items():
            assert forth[event][name] == shown, f"{name} at event {event}, walking forward"
            assert back[event][name] == shown, f"{name} at event {event}, walking back"
    different = [name for name in forth[0] if len({repr(state[name]) for state in forth.values()}) > 1]
    assert {"canvas", "transport", "inspector", "parameters"} <= set(different), (
        "a view that never changes proves nothing"
    )


def test_the_bow(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    _open(window, make_bow(tmp_path / "bow.chain"), qtbot)
    _compare(window, qtbot)


def test_the_bow_with_a_node_selected(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    _open(window, make_bow(tmp_path / "bow.chain"), qtbot)
    recording = window.session.recording
    assert recording is not None
    w = next(node for node in recording.nodes(recording.graphs[1].id) if node.parameter is not None)
    window.session.select(w.id)
    count = window.session.event_count
    forth = _walk(window, "step_forward", range(count))
    back = _walk(window, "step_back", range(count - 1, -1, -1))
    assert forth == back


def test_a_chain_of_layers(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    _open(window, make_chain(tmp_path / "chain.chain", nodes=20, steps=2), qtbot)
    _compare(window, qtbot, every=3)


@pytest.mark.slow
def test_resnet18(window: MainWindow, resnet18: Path, qtbot: QtBot) -> None:
    """Forward operations, 134 nodes backward, 62 gradients, 62 updates: passed one by one, every third looked at."""
    _open(window, resnet18, qtbot)
    assert window.session.event_count == 268
    _compare(window, qtbot, every=3)
