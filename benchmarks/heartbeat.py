"""How long a window's thread is held up: a timer ticks in it, and the longest time without a tick is the longest that a
click could have waited. Another thread looks at what the window's thread is doing when a tick is late.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

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

    def row(self, what: str, act: Callable[[], object]) -> tuple[str, str, str]:
        """What a benchmark tells of `act`."""
        with self.over():
            act()
        figure = f"{self.longest:.0f} ms, of them {self.work:.0f} at work ({self.where or 'painting'})"
        return f"longest time without a tick: {what}", figure, f"≤ {BAR_MS:.0f} ms"

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


def wait(until: Callable[[], bool] = lambda: False, seconds: float = PATIENCE_S) -> None:
    """Let the window's loop run, at least once."""
    deadline = time.monotonic() + seconds
    while True:
        QApplication.processEvents()
        if until() or time.monotonic() >= deadline:
            return
        time.sleep(0.001)
