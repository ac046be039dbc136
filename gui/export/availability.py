"""Which of the formats can be written here: asking ffmpeg what it can do takes a moment, so a thread asks."""

from __future__ import annotations

import threading
from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from engine.errors import UsageError
from engine.export.video import ENCODERS, find_encoder


class Availability(QObject):
    """`found` comes once after `ask`."""

    found = Signal()
    _answered = Signal(dict)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._missing: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self._answered.connect(self._take)

    def ask(self) -> None:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def missing(self, suffix: str) -> str:
        """Why a format cannot be written, and what to do; nothing if it can, or as long as that is not known."""
        return self._missing.get(suffix, "")

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _look(self) -> None:
        missing = {}
        for form in ENCODERS:
            try:
                find_encoder(form)
            except UsageError as error:
                missing[form] = str(error)
        with suppress(RuntimeError):  # the dialog is gone
            self._answered.emit(missing)

    def _take(self, missing: dict[str, str]) -> None:
        self._missing = missing
        self.found.emit()
