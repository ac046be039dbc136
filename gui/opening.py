"""Opens long recordings in a thread of its own: reading the order of a million events takes a while."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine.errors import RecordingError

if TYPE_CHECKING:
    from engine.recording.model import Graph
    from engine.recording.reader import Recording

AT_ONCE = 200  # events: what has fewer is read sooner than one would notice
WHOLE = 5_000  # events: of what has fewer, all that the first picture needs is read


def _read_first(recording: Recording, graph: Graph) -> None:
    """What is asked about a graph as soon as it is shown. Of a large one, nodes are read while the window says so."""
    recording.node_counts(graph.id)
    recording.lines(graph.id)
    if len(recording.timeline) <= WHOLE:
        recording.nodes(graph.id)
        recording.edges(graph.id)
        recording.norms(graph.step)
        recording.sent_norms(graph.step)


class Opening(QObject):
    """`done(recording)` or `failed(message)` follows the last `start`, in the window's thread."""

    done = Signal(object)
    failed = Signal(str)
    _worked = Signal(object, object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._worked.connect(self._take)

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def start(self, path: Path) -> None:
        """What is still being opened is no longer wanted."""
        self._thread = threading.Thread(target=self._work, args=(path,), name="opening", daemon=True)
        self._thread.start()

    def drop(self) -> None:
        """Report nothing any more."""
        self._thread = None

    def _work(self, path: Path) -> None:
        from engine.recording.reader import open_recording

        recording: Recording | None = None
        message = ""
        try:
            recording = open_recording(path)
            recording.timeline.warm_up()
            if recording.graphs:  # what is asked of it as soon as it is shown
                _read_first(recording, recording.graphs[0])
        except RecordingError as error:
            message = str(error)
        except Exception as error:  # a fault of the program: threading's hook tells it, and nobody waits for ever
            self._tell(None, repr(error))
            raise
        self._tell(recording, message)

    def _tell(self, recording: Recording | None, message: str) -> None:
        try:
            self._worked.emit(threading.current_thread(), recording, message)
        except RuntimeError:  # the window is gone
            if recording is not None:
                recording.close()

    def _take(self, thread: threading.Thread, recording: Recording | None, message: str) -> None:
        if thread is not self._thread:
            if recording is not None:
                recording.close()
            return
        self._thread = None
        if recording is None:
            self.failed.emit(message)
        else:
            self.done.emit(recording)
