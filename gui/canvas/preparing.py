"""Reads a large graph in a thread of its own, before anything is asked about it in the window's."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine.errors import ChainruleError

if TYPE_CHECKING:
    from engine.recording.reader import Recording

AT_ONCE = 1_000  # events of a graph: what has fewer is read sooner than a thread is started


class Preparing(QObject):
    """`done(graph_id)` follows `start`, in the window's thread, whether or not it could be read: who asks learns why.

    `read(graph_id)` is called in the other thread and keeps what it has found.
    """

    done = Signal(int)
    _worked = Signal(object, int)

    def __init__(self, read: Callable[[int], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read = read
        self._recording: Recording | None = None
        self._threads: dict[int, threading.Thread] = {}
        self._over: set[int] = set()
        self._worked.connect(self._take)

    @property
    def busy(self) -> bool:
        return bool(self._threads)

    def reset(self, recording: Recording | None) -> None:
        self._recording = recording
        self._threads.clear()
        self._over.clear()

    def needed(self, graph_id: int) -> bool:
        """Whether a graph is large, and what the window will ask about it was not worked out yet."""
        recording = self._recording
        if recording is None or not recording.complete or graph_id in self._over:
            return False
        return len(recording.timeline.events_of_graph(graph_id)) > AT_ONCE

    def start(self, graph_id: int) -> None:
        if self._recording is not None and graph_id not in self._threads:
            thread = threading.Thread(target=self._work, args=(self._recording, graph_id), name="reading", daemon=True)
            self._threads[graph_id] = thread
            thread.start()

    def finish(self) -> None:
        """Wait for what is running; nothing is reported any more."""
        threads = list(self._threads.values())
        self.reset(None)
        for thread in threads:
            thread.join()

    def _work(self, recording: Recording, graph_id: int) -> None:
        from engine.graph import known
        from engine.graph.flow import contributions
        from gui.parameter_values import layer_order

        with contextlib.suppress(ChainruleError):  # who asks for the graph is told
            self._read(graph_id)
            recording.norms(recording.graph(graph_id).step)
            contributions(recording, graph_id)
            known.labels(recording, graph_id)
            known.ends(recording, graph_id)
            layer_order(recording)
        with contextlib.suppress(RuntimeError):  # the window is gone
            self._worked.emit(recording, graph_id)

    def _take(self, recording: Recording, graph_id: int) -> None:
        if recording is self._recording:
            self._threads.pop(graph_id, None)
            self._over.add(graph_id)
            self.done.emit(graph_id)
