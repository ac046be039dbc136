"""Opens long recordings in a thread of its own: reading the order of a million events takes a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engine.errors import RecordingError
from gui.joined import Joined

if TYPE_CHECKING:
    from engine.recording.reader import Recording

AT_ONCE = 200  # events: what has fewer is read sooner than one would notice
WHOLE = 5_000  # events: of what has fewer, all that the first picture needs is read


def _read_first(recording: Recording) -> Iterator[None]:
    """What is asked of it as soon as it is shown. Of a large graph, nodes are read while the window says so."""
    recording.timeline.warm_up()
    yield
    for graph in recording.graphs[:1]:
        recording.node_counts(graph.id)
        yield
        recording.lines(graph.id)
        yield
        if len(recording.timeline) <= WHOLE:
            recording.nodes(graph.id)
            recording.edges(graph.id)
            recording.norms(graph.step)
            recording.sent_norms(graph.step)
            yield
            from gui.canvas.loader import structure_of

            structure_of(recording, graph.id)


class Opening(Joined):
    """`done(recording)` or `failed(message)` follows the last `start`, in the window's thread."""

    done = Signal(object)
    failed = Signal(str)
    _worked = Signal(object, object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._worked.connect(self._take)

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def start(self, path: Path) -> None:
        """What is still being opened is no longer wanted."""
        self.stop()
        self._stop = threading.Event()
        self._thread = self.begin("opening", self._work, path, self._stop)

    def stop(self) -> None:
        self._stop.set()
        self._thread = None

    def _work(self, path: Path, stop: threading.Event) -> None:
        from engine.recording.reader import open_recording

        recording: Recording | None = None
        message = ""
        try:
            recording = open_recording(path)
            for _ in _read_first(recording):
                if stop.is_set():
                    break
        except RecordingError as error:
            message = str(error)
        except Exception as error:  # a fault of the program: threading's hook tells it, and nobody waits for ever
            self._tell(None, repr(error))
            raise
        if recording is not None and stop.is_set():
            recording.close()
        else:
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
