"""A run, from the window's point of view: the host, the recording that grows, and what is to be said about both."""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QKeySequence

from engine.host import protocol
from gui.actions import ACTIONS
from gui.files import clean_up_runs, drop_unused, new_run_file, size_of
from gui.host_client import HostClient, RunEnd, RunOptions
from gui.messages import Level, Place
from gui.session import Session

REFRESH_MS = 100
LARGE = 1 << 30  # bytes from which on one may want to know what a recording takes on the disk
QUIET_MS = 10_000  # a script that has said nothing for so long may hang
NO_INPUT = "EOFError: EOF when reading a line"  # what `input()` raises where nobody can type
TAIL = 2000  # characters of output that are kept as an explanation of an unexpected end


@dataclass(frozen=True)
class Report:
    """A message for the message bar."""

    level: Level
    text: str
    details: str = ""
    place: Place | None = None


class RunControl(QObject):
    """At most one run. While it lasts, the session shows its recording and grows with it."""

    changed = Signal()  # running, paused or not
    status_changed = Signal(str)
    reported = Signal(object)  # Report
    script_failed = Signal(object)  # protocol.Failed

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.host = HostClient(self)
        self._script: Path | None = None
        self._output: Path | None = None
        self._status = ""
        self._tail = ""
        self._said = False  # whether the run's end needs no further words
        self._wanted: int | None = None  # the event to go to as soon as it is there
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._quiet.timeout.connect(self._say_how_to_stop)
        self.host.state_changed.connect(self._on_state)
        self.host.started.connect(self._on_started)
        self.host.committed.connect(self._on_committed)
        self.host.failed.connect(self._on_failed)
        self.host.notice.connect(self._on_notice)
        self.host.output.connect(self._on_output)
        self.host.ended.connect(self._on_ended)

    @property
    def is_active(self) -> bool:
        return self.host.is_active

    @property
    def is_paused(self) -> bool:
        return self.host.state == "paused"

    @property
    def status(self) -> str:
        """How far the run has come, in a few words."""
        return self._status

    @property
    def script(self) -> Path | None:
        """What runs, or ran last."""
        return self._script

    @property
    def output(self) -> Path | None:
        """The recording of this run, or of the last."""
        return self._output

    def start(self, script: Path, tensors: str, pause_after: int, arguments: tuple[str, ...] = ()) -> None:
        """Run a script; what was open before is closed."""
        if self.is_active:
            return
        self._session.close()
        clean_up_runs()
        self._script, self._output, self._said, self._wanted = script, new_run_file(script), False, None
        self._tail = ""
        self._say(self.tr("importing torch…"))
        self.host.start(RunOptions(script, self._output, tensors, pause_after, arguments))

    def step(self) -> None:
        """Let a paused script run one more training step, and go to its first event."""
        if self.is_paused and self._wanted is None:
            self._wanted = self._session.event_count
            self.host.step()

    def shut_down(self) -> None:
        """End everything; the window is closing."""
        self._timer.stop()
        self.host.shut_down()
        self._timer.stop()
        self._quiet.stop()

    # --- what the host says ------------------------------------------------------------------------------------------

    def _on_state(self, state: str) -> None:
        if state == "running":
            self._quiet.start()
        else:
            self._quiet.stop()
        if state == "stopping":
            self._say(self.tr("stopping…"))
        elif state == "paused":
            self._refresh()
        elif state == "running" and self._session.event_count:
            self._say(self._progress())
        self.changed.emit()

    def _on_started(self, message: protocol.Started) -> None:
        self._say(self.tr("the script runs, nothing recorded yet"))
        self._session.open(Path(message.recording))

    def _on_committed(self, events: int, steps: int) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_output(self, text: str) -> None:
        self._tail = (self._tail + text)[-TAIL:]
        if self._quiet.isActive():
            self._quiet.start()

    def _on_notice(self, text: str) -> None:
        self.reported.emit(Report("warning", text))

    def _on_failed(self, message: protocol.Failed) -> None:
        self._said = True
        place = Place(message.file, message.line) if message.file and message.line else None
        where = self.tr(" ({0}, line {1})").format(Path(message.file).name, message.line) if place else ""
        hint = f". {self._no_keyboard()}" if message.error.startswith(NO_INPUT) else ""
        self.reported.emit(Report("error", f"{message.error}{where}{hint}", message.traceback, place))
        self.script_failed.emit(message)

    def _on_ended(self, end: RunEnd) -> None:
        self._refresh()
        self._wanted = None
        if self._output is not None:
            drop_unused(self._output)
        report = self._report(end)
        if report is not None:
            self.reported.emit(report)
        ending = self._ending(end)
        self._say(self._progress(ending) if self._session.event_count else ending)
        self.changed.emit()

    def _refresh(self) -> None:
        self._timer.stop()
        self._session.refresh()
        if self._wanted is not None and self._session.last >= self._wanted:
            wanted, self._wanted = self._wanted, None
            self._session.seek(wanted)
        if self.host.state in ("running", "paused") and self._session.event_count:
            self._say(self._progress(self.tr("paused") if self.is_paused else ""))
            if self.host.state == "running":
                self._quiet.start()

    # --- words -------------------------------------------------------------------------------------------------------

    def _no_keyboard(self) -> str:
        return self.tr(
            "Nobody can type into a script that is run here; give it what it asks for as arguments, "
            "as in: main.py SCRIPT ARGS…"
        )

    def _say(self, status: str) -> None:
        self._status = status
        self.status_changed.emit(status)

    def _say_how_to_stop(self) -> None:
        keys = next(QKeySequence(spec.shortcuts) for spec in ACTIONS if spec.id == "stop")
        words = self.tr("{0} stops it").format(keys.toString(QKeySequence.SequenceFormat.NativeText))
        self._say(f"{self._status} · {words}")

    def _progress(self, state: str = "") -> str:
        recording = self._session.recording
        steps = len(recording.steps) if recording is not None else 0
        text = self.tr("step {0} · {1} events").format(f"{steps:,}", f"{self._session.event_count:,}")
        taken = 0 if self._output is None else size_of(self._output)
        if taken >= LARGE:
            from gui import numbers  # which needs NumPy: too slow for a start

            text += f" · {numbers.size(taken)}"
        return f"{state} · {text}" if state else text

    def _ending(self, end: RunEnd) -> str:
        if end.asked_to_stop:
            return self.tr("stopped")
        if end.signal is not None or end.finished is None:
            return self.tr("killed") if end.signal is not None else self.tr("ended")
        words = {
            "completed": self.tr("finished"),
            "exit": self.tr("exit code {0}").format(end.exit_code),
            "error": self.tr("failed"),
            "stopped": self.tr("stopped"),
        }
        return words[end.finished.reason]

    def _report(self, end: RunEnd) -> Report | None:
        """What the user should hear of the end, beyond the status; None if there is nothing."""
        if end.error:
            return Report("error", self.tr("Python could not be started: {0}").format(end.error))
        if end.asked_to_stop:
            return None
        if end.signal is not None:
            text = self.tr("The script's process was killed (signal {0}). {1}").format(end.signal, self._kept())
            return Report("error", text, _signal_name(end.signal))
        if end.finished is None:
            text = self.tr("The script's process ended unexpectedly (exit code {0}). {1}")
            return Report("error", text.format(end.exit_code, self._kept()), self._tail.strip())
        if not self._session.event_count and end.finished.reason == "completed":
            text = self.tr("The script finished and never called backward(): there is no graph to show.")
            if end.finished.events:
                text = self.tr("The script finished, but its recording is gone: {0}").format(self._output)
            return Report("warning", text)
        if self._said:
            return None
        if end.finished.reason == "exit" and end.exit_code:
            text = self.tr("The script ended with exit code {0}. {1}").format(end.exit_code, self._kept())
            return Report("warning", text, self._tail.strip())
        return None

    def _kept(self) -> str:
        if self._session.last < 0:
            return self.tr("It had recorded nothing yet.")
        return self.tr("The recording of {0} events is kept.").format(f"{self._session.event_count:,}")


def _signal_name(number: int) -> str:
    try:
        return f"{signals.Signals(number).name}: {signals.strsignal(number)}"
    except ValueError:
        return ""
