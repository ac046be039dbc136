"""How long the window's thread is held up while 20,000 nodes are opened, moved about, walked and laid out anew, on a
canvas by itself. `bench_window` tells of the whole window.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from benchmarks.heartbeat import Heartbeat, wait
from gui import theme
from gui.app import put_window_first
from gui.canvas.view import CanvasView
from gui.session import Session
from tests.recordings import make_chain

WIDTH, HEIGHT = 1600, 1000
NODES = 16_000  # operations; with their parameters 20,000 nodes


def run() -> list[tuple[str, str, str]]:
    running = QApplication.instance()
    application = running if isinstance(running, QApplication) else QApplication([])
    theme.apply(application, "dark")
    with tempfile.TemporaryDirectory() as folder:
        return measure(make_chain(Path(folder) / "long.chain", nodes=NODES, steps=2))


def measure(path: Path) -> list[tuple[str, str, str]]:
    """The longest gap in each of the things that one does with a graph."""
    session = Session()
    view = CanvasView(session)
    view.resize(WIDTH, HEIGHT)
    view.show()
    wait(lambda: False, 0.3)
    collecting = put_window_first(view)  # as in the application
    beat = Heartbeat()
    rows = []
    try:
        for what, act in _acts(session, view, path):
            rows.append(beat.row(what, act))
        return rows
    finally:
        beat.close()
        collecting.stop()
        view.shutdown()
        view.close()
        session.close()


def _acts(session: Session, view: CanvasView, path: Path) -> list[tuple[str, Callable[[], None]]]:
    random = np.random.default_rng(0)

    def opened() -> None:
        session.open(path, wait=False)
        wait(view.is_ready)

    def panned() -> None:
        for place in range(40):
            view._navigator.pan(20 * np.sin(place / 5), 20 * np.cos(place / 5))
            wait(lambda: False, 0.01)

    def zoomed() -> None:
        for zoom in [view.zoom_in] * 10 + [view.zoom_out] * 10:
            zoom()
            wait(lambda: False, 0.06)

    def sought(first: int, last: int) -> Callable[[], None]:
        def act() -> None:
            for event in random.integers(first, last, 30).tolist():
                session.seek(event)
                wait(view.is_ready)
                wait(lambda: False, 0.01)

        return act

    def hovered() -> None:
        scene = view.scene
        for node in random.integers(0, 1 if scene is None else scene.node_count, 20).tolist():
            view._hover(node)
            wait(lambda: False, 0.02)

    def arranged() -> None:
        for name in ("multipartite", "layered"):
            view.set_layout(name)
            wait(view.is_ready)

    def with_leaves() -> None:
        view.set_data_leaves(True)
        wait(view.is_ready)

    def seek(share: float, to: float) -> Callable[[], None]:
        return lambda: sought(int(share * session.event_count), int(to * session.event_count))()

    return [
        ("opening", opened),
        ("panning", panned),
        ("zooming", zoomed),
        ("seeking in one training step", seek(0.0, 0.45)),
        ("seeking to another training step", seek(0.0, 1.0)),
        ("hovering", hovered),
        ("another layout, and back", arranged),
        ("data leaves", with_leaves),
    ]
