"""Threads that a window waits for as it closes: Python may abort where it ends while one of them works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from PySide6.QtCore import QObject

PATIENCE_S = 5.0  # reading one tensor from a slow disk may take longer; daemons do not keep the program from ending


class Joined(QObject):
    """Works in threads of its own, which `finish_all` ends and waits for. What takes long asks now and then whether it
    is still wanted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: list[threading.Thread] = []

    def begin(self, name: str, work: Callable[..., object], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()
        return thread

    def stop(self) -> None:
        """Nothing is told any more, and what is in work ends as soon as it asks."""
        raise NotImplementedError

    def finish(self, patience: float = PATIENCE_S) -> bool:
        """Stop, and wait for what is in work, at most so many seconds. Whether nothing is any more."""
        self.stop()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0.0))
        self._threads = [each for each in self._threads if each.is_alive()]
        return not self._threads


def finish_all(window: QObject) -> None:
    """End what works for a window and all that is in it."""
    workers = window.findChildren(Joined)
    for worker in workers:
        worker.stop()
    end = time.monotonic() + PATIENCE_S
    for worker in workers:
        worker.finish(max(end - time.monotonic(), 0.0))
