"""Reads a large graph in a thread of its own, before anything is asked about it in the window's."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine.errors import ChainruleError
from engine.pace import unless

if TYPE_CHECKING:
    from engine.recording.reader import Recording

AT_ONCE = 1_000  # events of a graph: what has fewer is read sooner than a thread is started


class Preparing(QObject):
    """`done(graph_id)` follows `start`, in the window's thread, whether or not it could be read: who asks learns why.

    `read(graph_id)` is called in the other thread and keeps what it has found; `known(graph_id)` tells, at no cost,
    whether it has, and whether nothing has been written since.
    """

    done = Signal(int)
    _worked = Signal(object, int, int)

    def __init__(
        self, read: Callable[[int], object], known: Callable[[int], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._read, self._known = read, known
        self._recording: Recording | None = None
        self._threads: dict[int, threading.Thread] = {}
        self._ending: list[threading.Thread] = []  # for recordings that are no longer shown
        self._over: set[tuple[int, int]] = set()  # graphs that could not be read, and how many events there were
        self._worked.connect(self._take)

    @property
    def busy(self) -> bool:
        return bool(self._threads)

    def reset(self, recording: Recording | None) -> None:
        self._recording = recording
        self._ending = [thread for thread in (*self._ending, *self._threads.values()) if thread.is_alive()]
        self._threads.clear()
        self._over.clear()

    def needed(self, graph_id: int) -> bool:
        """Whether a graph is large, and what the window will ask about it was not worked out yet."""
        return self._is_large(graph_id) and self._is_open(graph_id)

    def useful(self, graph_id: int) -> bool:
        """The same of a small one: it need not be waited for, but may be read before it is asked for."""
        return not self._is_large(graph_id) and self._is_open(graph_id)

    def _is_large(self, graph_id: int) -> bool:
        recording = self._recording
        return recording is not None and len(recording.timeline.events_of_graph(graph_id)) > AT_ONCE

    def _is_open(self, graph_id: int) -> bool:
        recording = self._recording
        if recording is None or self._known(graph_id):
            return False
        return (graph_id, len(recording.timeline)) not in self._over

    def start(self, graph_id: int) -> None:
        if self._recording is not None and graph_id not in self._threads:
            recording, events = self._recording, len(self._recording.timeline)
            thread = threading.Thread(
                target=self._work, args=(recording, graph_id, events), name="reading", daemon=True
            )
            self._threads[graph_id] = thread
            thread.start()

    def finish(self) -> None:
        """Wait for what is running; nothing is reported any more."""
        self.reset(None)
        for thread in self._ending:
            thread.join()

    def _work(self, recording: Recording, graph_id: int, events: int) -> None:
        try:
            # Who asks for the graph is told why it cannot be read.
            with contextlib.suppress(ChainruleError), unless(lambda: recording is not self._recording):
                step = recording.graph(graph_id).step
                recording.norms(step)
                recording.sent_norms(step)
                if recording is self._recording:
                    self._read(graph_id)
        finally:
            with contextlib.suppress(RuntimeError):  # the window is gone
                self._worked.emit(recording, graph_id, events)

    def _take(self, recording: Recording, graph_id: int, events: int) -> None:
        if recording is self._recording:
            self._threads.pop(graph_id, None)
            if not self._known(graph_id):
                self._over.add((graph_id, events))  # it will not be tried again until there is more
            self.done.emit(graph_id)
