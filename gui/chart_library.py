"""Imports what draws the charts in a thread: pyqtgraph takes longer than one should wait for a click."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, QTimer, Signal

MODULE = "gui.chart_plots"
LOOK_AGAIN_MS = 100


class ChartLibrary(QObject):
    """`loaded` follows the first `load`, in the window's thread, also if the import failed: who imports it then is
    told why."""

    loaded = Signal()
    _worked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._thread: threading.Thread | None = None
        self._tried = False
        self._worked.connect(self._take)

    @property
    def is_loaded(self) -> bool:
        """Whether an import would not be waited for."""
        busy = self._thread is not None and self._thread.is_alive()
        return not busy and (self._tried or MODULE in sys.modules)

    def load(self) -> None:
        if self._thread is None and not self.is_loaded:
            # Not a daemon: Python aborts where it ends while one of those makes Qt's classes.
            self._thread = threading.Thread(target=self._work, name="charts")
            self._thread.start()

    def load_between(self, idle: Callable[[], bool], window: QObject) -> None:
        """Load once `window` waits for nothing that the import would hold up."""
        if idle():
            self.load()
        else:
            QTimer.singleShot(LOOK_AGAIN_MS, window, lambda: self.load_between(idle, window))

    def _work(self) -> None:
        with suppress(Exception):
            import gui.chart_plots  # noqa: F401
        with suppress(RuntimeError):  # the application is gone
            self._worked.emit()

    def _take(self) -> None:
        self._tried = True
        self.loaded.emit()


library = ChartLibrary()
