"""What only the desktop's own service knows: whether it asks for reduced motion.

GNOME and others keep that where neither Qt nor a file tells of it; their settings portal does. It is asked by a process
of its own (`gdbus`, a part of GLib): the window does not wait for it, and a bus that is not there, or does not answer,
is none of its business.
"""

from __future__ import annotations

import os
import re
import shutil
import sys

from PySide6.QtCore import QObject, QProcess, Qt, QTimer
from PySide6.QtWidgets import QApplication

from gui import theme

ASK_AFTER_MS = 1500  # when the window is there
TIMEOUT_S = 3
ARGUMENTS = (
    "call", "--session", "--timeout", str(TIMEOUT_S), "--dest", "org.freedesktop.portal.Desktop",
    "--object-path", "/org/freedesktop/portal/desktop", "--method", "org.freedesktop.portal.Settings.ReadAll",
    "['org.freedesktop.appearance', 'org.gnome.desktop.interface']",
)  # fmt: skip
REDUCED = re.compile(r"'reduced-motion': <uint32 1>|'enable-animations': <false>")


def asks_for_less(answer: str) -> bool:
    """Whether one of the two settings that there are says so."""
    return REDUCED.search(answer) is not None


class DesktopMotion(QObject):
    """Asks a while after the start, and again each time that the user comes back to the program."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._process: QProcess | None = None
        self._program = shutil.which("gdbus") if has_bus() else None
        if self._program is not None:
            QTimer.singleShot(ASK_AFTER_MS, self, self.ask)
            app.applicationStateChanged.connect(self._on_state)
            app.aboutToQuit.connect(self.stop)

    def ask(self) -> None:
        if self._program is None or self._process is not None:
            return
        self._process = QProcess(self)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._process.start(self._program, list(ARGUMENTS))

    def stop(self) -> None:
        """Wait for no answer."""
        if self._process is not None:
            self._process.blockSignals(True)
            self._process.kill()
            self._process.waitForFinished(1000)
            self._forget()

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self.ask()

    def _on_finished(self, code: int) -> None:
        if self._process is not None and code == 0:
            answer = self._process.readAllStandardOutput().toStdString()
            theme.switch.desktop_reduces = asks_for_less(answer)
        self._forget()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:  # after other errors it is told that the process has ended
            self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
            self._process = None


def has_bus() -> bool:
    """Whether there may be somebody to ask; nothing is started for it."""
    if sys.platform in ("win32", "darwin"):
        return False
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS")) or (bool(folder) and os.path.exists(f"{folder}/bus"))
