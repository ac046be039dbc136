"""A thread that computes what the inspector shows, so that the window never waits for NumPy.

It reads the recording through a connection of its own. Of the jobs of one lane only the newest is done.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engine.errors import ChainruleError

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from engine.rules.reading import GraphValues

KEPT_GRAPHS = 4


class Desk:
    """What a job works with: the recording, and its backward passes as rules see them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recording: Recording | None = None
        self._graphs: dict[int, GraphValues] = {}

    @property
    def recording(self) -> Recording:
        if self._recording is None:
            from engine.recording.reader import open_recording

            self._recording = open_recording(self._path)
        return self._recording

    def graph(self, graph: int) -> GraphValues:
        """Made once for as long as the recording does not grow."""
        from engine.rules.reading import GraphValues

        if self._recording is not None and self._recording.refresh():
            self._graphs.clear()
        if graph not in self._graphs:
            if len(self._graphs) >= KEPT_GRAPHS:
                self._graphs.clear()
            self._graphs[graph] = GraphValues(self.recording, graph)
        return self._graphs[graph]

    def close(self) -> None:
        if self._recording is not None:
            self._recording.close()


Job = Callable[[Desk], Any]
Done = Callable[[Any], None]


class Worker(QObject):
    """`ask(lane, job, done)`: `done` gets the job's result, or the ChainruleError that it raised, in this thread."""

    _worked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Desk, Job, Done]] = {}
        self._results: deque[tuple[Desk, str, int, Done, Any]] = deque()
        self._newest: dict[str, int] = {}
        self._count = 0
        self._desk: Desk | None = None
        self._thread: threading.Thread | None = None
        self._worked.connect(self._deliver)

    @property
    def busy(self) -> bool:
        return bool(self._thread or self._results)

    def reset(self, path: Path | None) -> None:
        """Another recording: what is being worked out is no longer wanted."""
        with self._lock:
            self._waiting.clear()
            self._results.clear()
            self._newest.clear()
            self._desk = None if path is None else Desk(path)

    def ask(self, lane: str, job: Job, done: Done) -> None:
        """Do a job; one that waits in the same lane, or whose result is on its way, is forgotten."""
        with self._lock:
            if self._desk is None:
                return
            self._count += 1
            self._newest[lane] = self._count
            self._waiting.pop(lane, None)
            self._waiting[lane] = (self._desk, job, done)
            if self._thread is None:
                # A daemon: a long proof does not keep the program from ending.
                self._thread = threading.Thread(target=self._work, name="proof", daemon=True)
                self._thread.start()

    def drop(self, lane: str) -> None:
        """What was asked for in this lane is no longer wanted."""
        with self._lock:
            self._waiting.pop(lane, None)
            self._newest.pop(lane, None)

    def settle(self) -> None:
        """Wait until everything is worked out and delivered."""
        while True:
            with self._lock:
                thread = self._thread
            if thread is not None:
                thread.join()
            self._deliver()
            with self._lock:
                if self._thread is None and not self._results:
                    return

    def finish(self) -> None:
        """Nothing is wanted any more; waits for what is being computed."""
        self.reset(None)
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    break
                lane = next(iter(self._waiting))
                desk, job, done = self._waiting.pop(lane)
                number = self._newest[lane]
            try:
                result = job(desk)
            except ChainruleError as error:
                result = error
            except Exception as error:  # a rule that fails is a fault of the rule, and the inspector says so
                result = ChainruleError(f"{type(error).__name__}: {error}")
            finally:
                desk.close()
            with self._lock:
                self._results.append((desk, lane, number, done, result))
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._worked.emit()

    def _deliver(self) -> None:
        while True:
            with self._lock:
                if not self._results:
                    return
                desk, lane, number, done, result = self._results.popleft()
                wanted = desk is self._desk and self._newest.get(lane) == number
            if wanted:
                done(result)
