"""The window's side of the process that runs the user's script: commands go out, messages come in as Qt signals.

Nothing here waits: starting, stopping and reading are answered by signals. The script may do what it likes, up to dying
of signal 9; `ended` tells, exactly once for each start.
"""

from __future__ import annotations

import codecs
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from engine.host import protocol
from engine.recording.model import DEFAULT_BUDGET
from gui.files import RUN_BYTES
from gui.processes import kill
from gui.waiting_host import WaitingHost

ROOT = Path(__file__).resolve().parent.parent
GRACE_MS = 2000
LONGEST_LINE = 1 << 20

State = Literal["idle", "starting", "running", "paused", "stopping"]


@dataclass(frozen=True)
class RunOptions:
    """What to run, and how much of it to record: it stands still after `pause_after` training steps (0: never)."""

    script: Path
    output: Path
    tensors: str = "full"
    pause_after: int = 0
    arguments: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """Arguments for the Python interpreter."""
        command = ["-u", "-m", "engine.host", str(self.script), "--output", str(self.output), "--tensors", self.tensors]
        command += ["--limit", str(RUN_BYTES)]
        if self.pause_after:
            command += ["--pause-after", str(self.pause_after)]
        command += ["--cwd", str(self.script.parent)]
        return [*command, "--", *self.arguments] if self.arguments else command

    def request(self) -> protocol.Run:
        """The same for a host that waits."""
        return protocol.Run(
            script=str(self.script),
            arguments=self.arguments,
            output=str(self.output),
            tensors=self.tensors,
            budget=DEFAULT_BUDGET,
            limit=RUN_BYTES,
            pause_after=self.pause_after or None,
            cwd=str(self.script.parent),
        )


@dataclass(frozen=True)
class RunEnd:
    """How a run ended. `signal` is set if the process was killed, `finished` if it said goodbye."""

    exit_code: int
    signal: int | None
    finished: protocol.Finished | None
    asked_to_stop: bool
    error: str = ""


def python_command() -> str:
    """The interpreter that runs scripts: the one that runs this."""
    return sys.executable


def process_environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("PYTHONUNBUFFERED", "1")
    environment.insert("PYTHONIOENCODING", "utf-8")
    return environment


class HostClient(QObject):
    """At most one host at a time."""

    state_changed = Signal(str)
    started = Signal(object)  # protocol.Started
    committed = Signal(int, int)  # events, steps
    paused = Signal(int)  # training step
    notice = Signal(str)
    failed = Signal(object)  # protocol.Failed
    output = Signal(str)  # what the script wrote
    remark = Signal(str)  # what we have to say about the host itself
    ended = Signal(object)  # RunEnd

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._waiting = WaitingHost(self._new_process)
        self._state: State = "idle"
        self._lines = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._finished: protocol.Finished | None = None
        self._failure: protocol.Failed | None = None  # not told yet
        self._stop_timer = QTimer(self, singleShot=True, interval=GRACE_MS)
        self._stop_timer.timeout.connect(self._insist)
        self._insisted = 0

    @property
    def state(self) -> State:
        return self._state

    @property
    def is_active(self) -> bool:
        return self._state != "idle"

    @property
    def pid(self) -> int:
        """Process id of the host, 0 if there is none."""
        return int(self._process.processId()) if self._process is not None else 0

    # --- commands ----------------------------------------------------------------------------------------------------

    def start(self, options: RunOptions) -> None:
        """Run a script. A host that still runs must be stopped first."""
        if self.is_active:
            return
        waiting = self._waiting.take()
        process = waiting or self._new_process(options.command())
        process.readyReadStandardOutput.connect(self._read_messages)
        process.readyReadStandardError.connect(self._read_output)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process, self._finished, self._lines, self._insisted = process, None, b"", 0
        self._failure = None
        self._decoder.reset()
        self._set_state("starting")
        if waiting is None:
            process.start()
        else:
            process.write(protocol.encode(options.request()))
            self._read_output()

    def make_ready(self, script: str = "") -> None:
        """Have a host wait for the next run, with what `script` (its text) needs imported already."""
        if not self.is_active:
            self._waiting.start(script)

    def _new_process(self, arguments: list[str]) -> QProcess:
        process = QProcess(self)
        process.setProgram(python_command())
        process.setArguments(arguments)
        process.setWorkingDirectory(str(ROOT))
        process.setProcessEnvironment(process_environment())
        return process

    def pause(self) -> None:
        self._send(protocol.Pause())

    def resume(self) -> None:
        self._send(protocol.Resume())

    def step(self) -> None:
        """Let the script run one more training step."""
        self._send(protocol.StepOnce())

    def stop(self) -> None:
        """Ask the host to end; after two seconds it is told to, after two more it is killed."""
        if self._process is None or self._state == "stopping":
            return
        self._set_state("stopping")
        self._send(protocol.Stop())
        self._stop_timer.start()

    def shut_down(self, patience_ms: int = 1000) -> None:
        """End the host now, for when the window closes: the only call that waits."""
        self._waiting.end()
        process = self._process
        if process is None:
            return
        self._stop_timer.stop()
        self._set_state("stopping")
        self._send(protocol.Stop())
        process.closeWriteChannel()
        if not process.waitForFinished(patience_ms):
            kill(process)

    def _send(self, command: protocol.Command) -> None:
        if self._process is not None and self._process.state() == QProcess.ProcessState.Running:
            self._process.write(protocol.encode(command))

    def _insist(self) -> None:
        if self._process is None:
            return
        if self._insisted == 0:
            self._process.terminate()
            self._stop_timer.start()
        else:
            self._process.kill()
        self._insisted += 1

    # --- what the host says ------------------------------------------------------------------------------------------

    def _read_output(self) -> None:
        if self._process is not None:
            text = self._decoder.decode(self._process.readAllStandardError().data())
            if text:
                self.output.emit(text)

    def _read_messages(self) -> None:
        if self._process is None:
            return
        *lines, self._lines = (self._lines + self._process.readAllStandardOutput().data()).split(b"\n")
        if len(self._lines) > LONGEST_LINE:
            self._lines = b""
        for line in lines:
            if line.strip():
                self._read_message(line)

    def _read_message(self, line: bytes) -> None:
        try:
            message = protocol.decode(line)
        except ValueError as error:
            self.remark.emit(self.tr("A message of the host could not be read and was ignored: {0}").format(error))
            return
        if isinstance(message, protocol.Started):
            self._enter("running")
            self.started.emit(message)
        elif isinstance(message, protocol.Committed):
            self.committed.emit(message.events, message.steps)
        elif isinstance(message, protocol.Paused):
            self._enter("paused")
            self.paused.emit(message.step)
        elif isinstance(message, protocol.Resumed):
            self._enter("running")
        elif isinstance(message, protocol.Notice):
            self.notice.emit(message.text)
        elif isinstance(message, protocol.Failed):
            self._failure = message
            QTimer.singleShot(0, self, self._tell_failure)
        elif isinstance(message, protocol.Finished):
            self._finished = message

    def _tell_failure(self) -> None:
        """After what the script printed before it failed. That comes through another pipe, which is read in the same
        turn of the event loop, but maybe after the messages."""
        failure, self._failure = self._failure, None
        if failure is not None:
            self._read_output()
            self.failed.emit(failure)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            problem = f"{self._process.program()} ({self._process.errorString()})"
            self._end(RunEnd(-1, None, None, asked_to_stop=False, error=problem))

    def _on_finished(self, exit_code: int, status: QProcess.ExitStatus) -> None:
        self._read_messages()
        self._read_output()
        self._tell_failure()
        crashed = status == QProcess.ExitStatus.CrashExit
        killed_by = exit_code if crashed and os.name == "posix" else None
        self._end(RunEnd(exit_code, killed_by, self._finished, asked_to_stop=self._state == "stopping"))

    def _end(self, end: RunEnd) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        self._stop_timer.stop()
        process.deleteLater()
        self._set_state("idle")
        self.ended.emit(end)

    def _enter(self, state: State) -> None:
        """Once the user has asked to stop, only the end of the process changes the state."""
        if self._state != "stopping":
            self._set_state(state)

    def _set_state(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
