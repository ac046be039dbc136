"""What the window's thread has to do that may wait a moment: in turns, so that a click never waits for all of it.

When the playhead moves, half a dozen panels draw themselves anew. Each for itself is quick; one after the other, before
the window's loop looks at the mouse again, they would hold it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from types import GeneratorType

from PySide6.QtCore import QObject, QTimer

TURN_S = 0.008  # of work in a turn of the loop; then it looks at the mouse, and paints
PORTION_S = 0.012  # of what is done in pieces: mostly it is whole by then, and need not be held back
BREATH_MS = 1  # until it goes on
ONE_AFTER_THE_OTHER_S = 0.0005  # less than that between two jobs: the loop looked at nothing else

Pieces = Iterator[None]


class Turn(QTimer):
    """A timer that shoots once, and calls `job` when it is its turn: not in the same turn of the loop in which the jobs
    of others have taken long already.

    A job that returns an iterator goes on with it, a piece in each turn; `stop` ends that, too.
    """

    _began = _ended = 0.0  # of all jobs that were done one right after the other

    def __init__(self, job: Callable[[], Pieces | None], parent: QObject) -> None:
        super().__init__(parent)
        self.setSingleShot(True)
        self._job = job
        self._pieces: Pieces | None = None
        self.timeout.connect(self._take)

    def stop(self) -> None:
        super().stop()
        pieces, self._pieces = self._pieces, None
        if isinstance(pieces, GeneratorType) and not pieces.gi_running:
            pieces.close()

    def _take(self) -> None:
        now = perf_counter()
        if now - Turn._ended > ONE_AFTER_THE_OTHER_S:
            Turn._began = now
        elif now - Turn._began > TURN_S:
            super().start(BREATH_MS)
            return
        try:
            self._work()
        finally:
            Turn._ended = perf_counter()

    def _work(self) -> None:
        if self._pieces is None:
            self._pieces = self._job()
        pieces, more = self._pieces, False
        if pieces is None:
            return
        try:
            more = next(pieces, self) is not self
        finally:
            more = more and self._pieces is pieces  # it may have stopped itself
            if not more and self._pieces is pieces:
                self._pieces = None
        if more:
            super().start(BREATH_MS)


def in_portions(pieces: Iterable[object], seconds: float = PORTION_S) -> Pieces:
    """Does several pieces at a time, for about so many seconds; nothing is left to do when it does not pause."""
    start = perf_counter()
    for _ in pieces:
        if perf_counter() - start > seconds:
            yield
            start = perf_counter()
