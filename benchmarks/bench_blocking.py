"""How long the window's thread is held up while 20,000 nodes are opened, moved about, walked and laid out anew.

A timer ticks every two milliseconds; the longest time without a tick is the longest that a click could have waited.
Another thread looks at what the window's thread is doing when a tick is late.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.canvas.view import CanvasView
from gui.collecting import Collecting
from gui.session import Session
from tests.recordings import make_chain

WIDTH, HEIGHT = 1600, 1000
NODES = 16_000  # operations; with their parameters 20,000 nodes
BAR_MS = 50.0
TICK_MS = 2
LATE_MS = 25.0
PATIENCE_S = 60.0
ROOT = str(Path(__file__).parents[1])


class Heartbeat(QObject):
    """Counts the gaps between ticks, and remembers what went on in the longest one."""

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._last = self._worked = 0.0
        self._window = threading.get_ident()
        self._seen: list[str] = []
        self.longest, self.work, self.where = 0.0, 0.0, ""
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    @contextmanager
    def over(self) -> Iterator[None]:
        """Measure what happens in here."""
        self.longest, self.work, self.where = 0.0, 0.0, ""
        self._last, self._worked = time.perf_counter(), time.thread_time()
        self._timer.start()
        try:
            yield
            self._tick()
        finally:
            self._timer.stop()
            self._last = 0.0

    def close(self) -> None:
        self._stop.set()
        self._watch.join()

    def _tick(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        gap, self._last = (now - self._last) * 1e3, now
        work, self._worked = (worked - self._worked) * 1e3, worked
        if gap > self.longest:
            self.longest, self.work = gap, work
            self.where = max(set(self._seen), key=self._seen.count) if self._seen else ""
        self._seen = []

    def _look(self) -> None:
        while not self._stop.wait(0.004):
            if self._last and (time.perf_counter() - self._last) * 1e3 > LATE_MS:
                frame = sys._current_frames().get(self._window)
                stack = [f for f in traceback.extract_stack(frame) if f.filename.startswith(ROOT)]
                mine = [f for f in stack if "benchmarks" not in f.filename][-3:]
                self._seen.append(" → ".join(f.name for f in mine))


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
    _wait(lambda: False, 0.3)
    collecting = Collecting()  # as in the application
    collecting.start()
    beat = Heartbeat()
    rows = []
    try:
        for what, act in _acts(session, view, path):
            with beat.over():
                act()
            figure = f"{beat.longest:.0f} ms, of them {beat.work:.0f} at work ({beat.where or 'painting'})"
            rows.append((f"longest time without a tick: {what}", figure, f"≤ {BAR_MS:.0f} ms"))
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
        _wait(view.is_ready)

    def panned() -> None:
        for place in range(40):
            view._navigator.pan(20 * np.sin(place / 5), 20 * np.cos(place / 5))
            _wait(lambda: False, 0.01)

    def zoomed() -> None:
        for zoom in [view.zoom_in] * 10 + [view.zoom_out] * 10:
            zoom()
            _wait(lambda: False, 0.06)

    def sought(first: int, last: int) -> Callable[[], None]:
        def act() -> None:
            for event in random.integers(first, last, 30).tolist():
                session.seek(event)
                _wait(view.is_ready)
                _wait(lambda: False, 0.01)

        return act

    def hovered() -> None:
        scene = view.scene
        for node in random.integers(0, 1 if scene is None else scene.node_count, 20).tolist():
            view._hover(node)
            _wait(lambda: False, 0.02)

    def arranged() -> None:
        for name in ("multipartite", "layered"):
            view.set_layout(name)
            _wait(view.is_ready)

    def with_leaves() -> None:
        view.set_data_leaves(True)
        _wait(view.is_ready)

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


def _wait(until: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Let the window's loop run, at least once."""
    deadline = time.monotonic() + seconds
    while True:
        QApplication.processEvents()
        if until() or time.monotonic() >= deadline:
            return
        time.sleep(0.001)
