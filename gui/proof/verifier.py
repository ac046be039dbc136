"""Proves a whole recording, or a training step, in a process of its own; and checks nodes by finite differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gui.proof.json_process import JsonProcess
from gui.proof.store import STATES, Verdict
from gui.session import Session

TELL_MS = 100  # lines come by the hundred: whoever shows them is told some times a second
SAID = 2  # the exit code with which the command line says, in its last line, what is wrong
AGREES = ("proved", "agrees", "finite_differences")


def verify_command(path: Path, step: int | None) -> list[str]:
    """Arguments for Python: the command line's own verify, a line a proof."""
    command = ["-u", "main.py", "verify", str(path.absolute()), "--progress"]
    return command if step is None else [*command, "--step", str(step)]


def differences_command(path: Path, nodes: Sequence[int]) -> list[str]:
    """Arguments for Python: run the recorded script again, and these nodes' forwards on inputs moved a little.

    No nodes: all that have no rule.
    """
    command = ["-u", "-m", "engine.host", "--finite-differences", str(path.absolute())]
    return [*command, "--nodes", ",".join(map(str, nodes))] if nodes else command


def verdict_of(message: Mapping[str, Any]) -> Verdict | None:
    """A line about a node; None for others."""
    node = message.get("node")
    if not isinstance(node, int):
        return None
    state = str(message.get("state", "")).removeprefix("unproved_")
    return Verdict(
        node,
        state if state in STATES else "unknown",
        _number(message.get("max_abs")),
        _number(message.get("max_rel")),
        str(message.get("reason", "")),
        int(message.get("step") or 0),
        str(message.get("type", "")),
        str(message.get("name", "")),
    )


def _number(value: Any) -> float:
    """Errors that are not finite come as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


class Verifier(QObject):
    """`changed` tells of progress, some times a second; `failed` of a process that broke off. What it finds goes to the
    session's proofs."""

    changed = Signal()
    failed = Signal(str, str)  # what happened, details

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._process = JsonProcess(self)
        self._process.said.connect(self._said)
        self._process.ended.connect(self._ended)
        self._differences = JsonProcess(self)
        self._differences.said.connect(self._measured)
        self._differences.ended.connect(self._measured_all)
        self.total = self.done = 0
        self._states: dict[int, str] = {}
        self.updates: Counter[str] = Counter()
        self.wrong_updates: dict[int, str] = {}
        """The reasons, by event."""
        self.complete = False
        self._soon = QTimer(self, singleShot=True, interval=TELL_MS)
        self._soon.timeout.connect(self._tell)
        session.recording_changed.connect(self._forget)

    @property
    def nodes(self) -> Counter[str]:
        """How many of the nodes that were looked at are in each state."""
        return Counter(self._states.values())

    @property
    def active(self) -> bool:
        return self._process.active

    @property
    def measuring(self) -> bool:
        """Whether finite differences are being taken."""
        return self._differences.active

    def start(self, step: int | None = None) -> None:
        """Prove everything that is recorded so far, or one training step of it."""
        recording = self._session.recording
        if recording is not None:
            self._reset()
            self._process.start(verify_command(recording.path, step))
            self.changed.emit()

    def check_by_differences(self, nodes: Sequence[int] = ()) -> None:
        """Run the script again, and take finite differences of these nodes' forwards; of all without a rule."""
        recording = self._session.recording
        if recording is not None and not self.measuring:
            self._differences.start(differences_command(recording.path, nodes))
            self.changed.emit()

    def cancel(self) -> None:
        """What was found until now stays."""
        self._process.stop()
        self._differences.stop()

    def shut_down(self) -> None:
        self.cancel()

    def _forget(self) -> None:
        self.cancel()
        self._reset()
        self._tell()

    def _tell(self) -> None:
        self._soon.stop()
        self.changed.emit()

    def _reset(self) -> None:
        self.total = self.done = 0
        self._states.clear()
        self.updates.clear()
        self.wrong_updates.clear()
        self.complete = False

    def _said(self, message: dict[str, Any]) -> None:
        if "total" in message:
            self.total = int(message["total"])
            self.changed.emit()
            return
        self.done += 1
        verdict = verdict_of(message)
        if verdict is not None:
            self._states[verdict.node] = verdict.state
            self._session.proofs.add([verdict])
        else:
            self.updates[str(message.get("state", "")).removeprefix("unproved_")] += 1
            if message.get("state") == "wrong" and isinstance(message.get("event"), int):
                self.wrong_updates[message["event"]] = str(message.get("reason", ""))
        if not self._soon.isActive():
            self._soon.start()

    def _ended(self, code: int, errors: str) -> None:
        self.complete = code in (0, 1) and self.done == self.total > 0
        self._session.proofs.tell()
        if code >= 0 and not self.complete:
            said = errors.strip().rpartition("\n")[2].removeprefix("chainrule: ")
            text = self.tr("Verifying broke off: {0}").format(said) if code == SAID and said else ""
            self.failed.emit(text or self.tr("Verifying broke off (exit code {0}).").format(code), errors)
        self._tell()

    def _measured(self, message: dict[str, Any]) -> None:
        verdict = verdict_of(message)
        if message.get("message") == "failed":
            self.failed.emit(str(message.get("error", "")), str(message.get("traceback", "")))
        if verdict is None:
            return
        said = str(message.get("state", ""))
        state = "finite_differences" if said in AGREES else verdict.state
        if verdict.node in self._states:
            self._states[verdict.node] = state
        self._session.proofs.add([replace(verdict, state=state)])

    def _measured_all(self, code: int, errors: str) -> None:
        self._session.proofs.tell()
        if code > 1 and errors:
            text = self.tr("The check by finite differences broke off (exit code {0}).").format(code)
            self.failed.emit(text, errors)
        self.changed.emit()
