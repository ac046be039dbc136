"""Exporting while the window stays free: what only computes has a thread, films are painted by and by."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from engine.errors import ChainruleError

if TYPE_CHECKING:
    from gui.export.films import Reel

SLICE = 0.012  # seconds that are painted in one go
PAUSE_MS = 2  # between two of them
AHEAD = 3  # frames that wait to be compressed


class Job(QObject):
    """`ended(message)` comes once: empty if the file is there, `CANCELLED`, or why it is not."""

    CANCELLED = "cancelled"
    progressed = Signal(int, int)  # frames, of how many
    ended = Signal(str)
    _reported = Signal(str)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._over = False
        self._reported.connect(self._end)

    @property
    def active(self) -> bool:
        """Whether its thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Until its thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def _start(self, work: Callable[[], bool]) -> None:
        """`work` returns whether the file is there."""
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], bool]) -> None:
        try:
            message = "" if work() else self.CANCELLED
        except ChainruleError as error:
            message = str(error)
        except MemoryError:
            message = self.tr("There is not enough memory for this; make it smaller.")
        except Exception as error:  # whatever it is, the dialog must not wait for ever
            message = f"{type(error).__name__}: {error}"
        with suppress(RuntimeError):  # the window is gone
            self._reported.emit(message)

    def _end(self, message: str) -> None:
        if not self._over:
            self._over = True
            self.ended.emit(message)


class WritingJob(Job):
    """Something that writes a file all by itself, soon, and cannot be cut short."""

    def __init__(self, path: Path, write: Callable[[Path], None], parent: QObject | None = None) -> None:
        super().__init__(path, parent)
        self._write = write

    def start(self) -> None:
        self._start(self._work)

    def _work(self) -> bool:
        self._write(self.path)
        return True


class FilmJob(Job):
    """Paints a film in this thread, a few frames at a time, and compresses it in another."""

    def __init__(self, reel: Reel, path: Path, *, loop: bool, parent: QObject | None = None) -> None:
        super().__init__(path, parent)
        self._reel, self._loop = reel, loop
        self._ready: queue.Queue[bytes | None] = queue.Queue(AHEAD)  # None: that was the last one
        self._painting = self._paint()
        self._timer = QTimer(self)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._go_on)

    def start(self) -> None:
        self._timer.start()

    def cancel(self) -> None:
        """Give up; `ended` follows as soon as nothing is left of it."""
        self._timer.stop()
        self._cancelled.set()
        with suppress(queue.Full):  # else there is something that wakes the thread
            self._ready.put_nowait(None)
        if self._thread is None:
            self._end(self.CANCELLED)

    def _go_on(self) -> None:
        until = time.monotonic() + SLICE
        try:
            while next(self._painting) and time.monotonic() < until:
                pass
        except StopIteration:
            self._timer.stop()
        except ChainruleError as error:
            self._over = True  # what the thread has to say matters no more
            self.cancel()
            self.ended.emit(str(error))

    def _paint(self) -> Iterator[bool]:
        """Paint one frame after the other; False where it has to wait."""
        from gui.export.films import content

        reel, film = self._reel, self._reel.film()
        samples = []
        for number in reel.samples() if self.path.suffix.lower() == ".gif" else []:
            samples.append(content(reel.frame(film, number)))
            yield True
        self._start(lambda: self._compress(samples))
        for number in range(reel.count):
            frame = content(reel.frame(film, number))
            while self._ready.full():
                if not self.active:
                    return  # it has failed, and said so
                yield False
            self._ready.put_nowait(frame)
            self.progressed.emit(number + 1, reel.count)
            yield True
        while self._ready.full() and self.active:
            yield False
        with suppress(queue.Full):
            self._ready.put_nowait(None)

    def _compress(self, samples: list[bytes]) -> bool:
        from gui.export.films import open_film

        file = open_film(self.path, self._reel, samples, loop=self._loop)
        try:
            while (frame := self._ready.get()) is not None and not self._cancelled.is_set():
                file.add(frame)
            if not self._cancelled.is_set():
                file.finish()
                return True
        except BaseException:
            file.abort()
            raise
        file.abort()
        return False
