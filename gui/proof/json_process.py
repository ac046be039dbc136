"""A process of ours that writes one JSON object a line; what it says comes as signals."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from gui.processes import kill

ROOT = Path(__file__).resolve().parents[2]
LONGEST_LINE = 1 << 20
NICENESS = 5
TAIL = 2000  # characters of its error output that are kept


def _step_back(process: int) -> None:
    """Let a process, and those that it will start, wait for the window where both want the processor."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process, max(NICENESS, os.getpriority(os.PRIO_PROCESS, process)))


class JsonProcess(QObject):
    """At most one process at a time, with less priority than the window. `ended(exit code, what it wrote to stderr)`
    follows each start once.

    The exit code is -1 for one that was stopped, or that could not be started.
    """

    said = Signal(dict)
    ended = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._lines = b""
        self._tail = ""

    @property
    def active(self) -> bool:
        return self._process is not None

    def start(self, arguments: Sequence[str]) -> None:
        """Run Python with these arguments, in place of what runs."""
        self.stop()
        process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(list(arguments))
        process.setWorkingDirectory(str(ROOT))
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._process, self._lines, self._tail = process, b"", ""
        process.started.connect(lambda: _step_back(process.processId()))
        process.start()

    def stop(self) -> None:
        """End it at once: it only reads."""
        process, self._process = self._process, None
        if process is None:
            return
        process.blockSignals(True)
        kill(process)
        process.deleteLater()
        self.ended.emit(-1, "")

    def _read(self) -> None:
        if self._process is None:
            return
        *lines, self._lines = (self._lines + self._process.readAllStandardOutput().data()).split(b"\n")
        if len(self._lines) > LONGEST_LINE:
            self._lines = b""
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:  # something that the user's script printed
                continue
            if isinstance(message, dict) and self._process is not None:
                self.said.emit(message)

    def _read_errors(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
            self._tail = (self._tail + text)[-TAIL:]

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._read_errors()
        self._end(code if status == QProcess.ExitStatus.NormalExit else -1)

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._tail = self._process.errorString()
            self._end(-1)

    def _end(self, code: int) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
            self.ended.emit(code, self._tail.strip())
