"""Work that the window must not wait for, of which only the newest result is wanted."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable

from PySide6.QtCore import QObject, Signal

from engine.errors import ChainruleError


class Latest(QObject):
    """`done(key, result)`, or `failed(key, words)`, follows the last `start`, in the window's thread.

    One thread at a time: what is asked for while it works replaces what waits.
    """

    done = Signal(object, object)
    failed = Signal(object, str)
    _worked = Signal(object, object, object, str)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._thread: threading.Thread | None = None
        self._key: Hashable = None
        self._waiting: Callable[[], object] | None = None
        self._working: Callable[[], object] | None = None  # kept until it is told: keys hold ids of what it refers to
        self._worked.connect(self._take)

    @property
    def key(self) -> Hashable:
        """What is being worked on, or waits for it; None for nothing."""
        return self._key

    def start(self, key: Hashable, work: Callable[[], object]) -> None:
        """Do `work` in a thread of its own; nothing if that is being done already."""
        if key == self._key:
            return
        self._key, self._waiting = key, work
        if self._thread is None:
            self._next()

    def forget(self) -> None:
        """Whatever is being worked on is no longer wanted."""
        self._key = self._waiting = None

    def finish(self) -> None:
        """Wait for what is running; nothing is told any more."""
        self.forget()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._working = None

    def _next(self) -> None:
        work, key = self._waiting, self._key
        self._waiting, self._working = None, work
        if work is not None:
            self._thread = threading.Thread(target=self._run, args=(key, work), name=self._name, daemon=True)
            self._thread.start()

    def _run(self, key: Hashable, work: Callable[[], object]) -> None:
        result, words = None, ""
        try:
            result = work()
        except ChainruleError as error:
            words = str(error)
        except Exception as error:  # a fault of the program: threading's hook tells it, and the next wish is served
            self._tell(key, None, repr(error))
            raise
        self._tell(key, result, words)

    def _tell(self, key: Hashable, result: object, words: str) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone
            self._worked.emit(threading.current_thread(), key, result, words)

    def _take(self, thread: threading.Thread, key: Hashable, result: object, words: str) -> None:
        if thread is not self._thread:
            return  # `finish` has waited for it
        self._thread = None
        if key == self._key and key is not None:
            self._key = None
            if words:
                self.failed.emit(key, words)
            else:
                self.done.emit(key, result)
        self._next()
