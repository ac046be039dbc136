"""When Python looks for objects that refer to each other and are of no use any more: while nobody waits for the window.

Left to itself, Python goes through all objects that there are whenever many new ones were made, and no thread runs
meanwhile: with a large recording that takes longer than one should wait for a click.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

LOOK_EVERY_MS = 500
FEW, MANY = 5_000, 20_000  # new objects; going through MANY takes some milliseconds
MOST = 5_000_000  # objects that were made since all were gone through


class Collecting(QObject):
    """Goes through few new objects at a time; through all of them when another window has the focus, or at MOST."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._unseen = 0
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        gc.disable()
        self._timer.start()
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.applicationStateChanged.connect(self._state_changed)

    def stop(self) -> None:
        """Python does it by itself again."""
        self._timer.stop()
        gc.enable()

    def _look(self) -> None:
        new = gc.get_count()[0]
        if new < FEW:
            return
        self._unseen += new
        if self._unseen > MOST:
            self._all()
        elif new > MANY:
            gc.freeze()  # and back: now they count as old, without anyone having gone through them
            gc.unfreeze()
        else:
            gc.collect(1)

    def _state_changed(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationInactive and self._unseen > MANY:
            self._all()

    def _all(self) -> None:
        self._unseen = 0
        gc.collect()
