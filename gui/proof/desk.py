"""The window's side of the desk: asks for arithmetic, which a process of its own does, one thing after another.

The process is started by the first request, and ends with the window, however that ends. If it dies it is started again
and asked once more; if it dies of the same request again, that is the answer.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QTimer
from shiboken6 import isValid

from engine.errors import ChainruleError
from gui.processes import kill
from gui.proof.json_process import ROOT, TAIL

Done = Callable[[Any], None]
TRIES = 2
PATIENCE_S = 3.0  # for a request that nobody wants any more, while others wait
LOOK_EVERY_MS = 500


@dataclass
class Request:
    """What was asked for in a lane. `done` is None once nobody wants it any more."""

    number: int
    lane: str
    task: str
    arguments: tuple[Any, ...]
    done: Done | None
    tries: int = 0
    since: float = 0.0


class DeskProcess(QObject):
    """Of the requests of one lane only the newest counts."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path: Path | None = None
        self._opening = 0
        self._count = 0
        self._waiting: dict[str, Request] = {}
        self._current: Request | None = None
        self._process: QProcess | None = None
        self._rest = b""
        self._errors = ""
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether something that is wanted is not there yet."""
        return bool(self._waiting) or (self._current is not None and self._current.done is not None)

    def set_recording(self, path: Path | None) -> None:
        """What was asked of the one before is no longer wanted."""
        self._path = None if path is None else path.absolute()  # the process works in another folder
        self._opening += 1
        self._waiting.clear()
        if self._current is not None:
            self._current.done = None

    def ask(self, lane: str, task: str, arguments: tuple[Any, ...], done: Done) -> None:
        """Have a task of `engine.desk.serve` done, in place of what waits in this lane.

        `done` gets the result, or a ChainruleError that says why there is none.
        """
        if self._path is None:
            return
        self.drop(lane)
        self._count += 1
        self._waiting[lane] = Request(self._count, lane, task, arguments, done)
        self._next()

    def drop(self, lane: str) -> None:
        """What was asked for in this lane is no longer wanted."""
        self._waiting.pop(lane, None)
        if self._current is not None and self._current.lane == lane:
            self._current.done = None

    def settle(self) -> None:
        """Wait until everything that is wanted is there."""
        while self.busy and self._process is not None:
            self._process.waitForReadyRead(LOOK_EVERY_MS)

    def shut_down(self) -> None:
        """End the process; the next request starts another."""
        self._waiting.clear()
        self._current = None
        self._end(wait=True)

    # --- the process ---------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._current is None and self._waiting:
            self._current = self._waiting.pop(next(iter(self._waiting)))
            self._send(self._current)

    def _send(self, request: Request) -> None:
        from engine.desk.wire import dump  # here: the window's first picture does not wait for it

        request.tries += 1
        request.since = time.monotonic()
        question = (request.number, str(self._path), self._opening, request.task, request.arguments)
        if self._process is None:
            self._start()
        if self._process is not None:
            self._process.write(f"{dump(question)}\n".encode())
            self._timer.start()

    def _start(self) -> None:
        process = QProcess(self)
        process.setProgram(sys.executable)
        process.setArguments(["-m", "engine.desk"])
        process.setWorkingDirectory(str(ROOT))
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._failed)
        self._process, self._rest, self._errors = process, b"", ""
        process.start()
        # Meanwhile: what its first answer is made of takes longer to import than the window should wait.
        threading.Thread(target=warm_up, name="desk", daemon=True).start()

    def _end(self, *, wait: bool = False) -> None:
        process, self._process = self._process, None
        self._timer.stop()
        if process is None:
            return
        for news in (process.readyReadStandardOutput, process.readyReadStandardError, process.errorOccurred):
            news.disconnect()
        process.finished.disconnect()
        if process.state() == QProcess.ProcessState.NotRunning:
            process.deleteLater()
            return
        process.finished.connect(process.deleteLater)
        if wait:
            kill(process)
        else:
            process.kill()

    def _look(self) -> None:
        """Do not let others wait for what nobody wants."""
        current = self._current
        if current is None:
            self._timer.stop()
        elif current.done is None and self._waiting and time.monotonic() - current.since > PATIENCE_S:
            self._end()
            self._current = None
            self._next()

    def _finished(self, code: int) -> None:
        # A window that goes takes its processes along, and tells of their end when they are half gone.
        if self._process is not None and isValid(self._process):
            self._ended(self.tr("exit code {0}").format(code))

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._ended(self._process.errorString(), again=False)

    def _ended(self, how: str, *, again: bool = True) -> None:
        self._read_errors()
        self._end()
        request = self._current
        if request is None:
            return
        if request.done is not None and again and request.tries < TRIES:
            self._send(request)
            return
        last = self._errors.strip().splitlines()[-1:]
        text = self.tr("The process that does the arithmetic ended ({0}).").format(how)
        self._deliver(ChainruleError(" ".join([text, *last])))

    def _read_errors(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
            self._errors = (self._errors + text)[-TAIL:]

    def _read(self) -> None:
        if self._process is None:
            return
        *lines, self._rest = (self._rest + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            self._answered(line)

    def _answered(self, line: bytes) -> None:
        from engine.desk.typeset import keep
        from engine.desk.wire import load

        try:
            number, result, problem, formulas = load(line)
        except ValueError as error:
            self._deliver(ChainruleError(str(error)))
            return
        keep(formulas)
        if self._current is not None and number == self._current.number:
            self._deliver(ChainruleError(problem) if problem else result)

    def _deliver(self, result: Any) -> None:
        request, self._current = self._current, None
        if request is not None and request.done is not None:
            request.done(result)
        self._next()


def warm_up() -> None:
    """Import what questions and answers are made of, in whatever thread has time for it."""
    from engine.desk import typeset, wire  # noqa: F401

    wire.warm_up()
