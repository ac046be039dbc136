"""Lets the window hold the script: pause, resume, one step more, stop."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import BinaryIO

from engine.host.protocol import Message, Paused, Resume, Resumed, StepOnce, Stop, decode
from engine.host.protocol import Pause as PauseCommand
from engine.host.script import EndOfRecording


class Control:
    """Commands come in on a thread of their own; the script's thread asks between two training steps.

    `pause_after` is the number of training steps after which the script stands still, or None. When the window goes
    away (the end of its pipe), the script is stopped: nobody could see it any more.
    """

    def __init__(self, commands: BinaryIO, send: Callable[[Message], None], pause_after: int | None = None) -> None:
        self._commands = commands
        self._send = send
        self._pause_at = None if pause_after is None else pause_after - 1
        self._condition = threading.Condition()
        self._stopping = False

    def is_stopping(self) -> bool:
        """Whether the window wants the script to end."""
        return self._stopping

    def start(self) -> None:
        threading.Thread(target=self._listen, name="chainrule-commands", daemon=True).start()

    def between_steps(self, finished: int) -> None:
        """Called in the script's thread after step number `finished`: waits while the script is held."""
        with self._condition:
            if self._is_held(finished) and not self._stopping:
                self._pause_at = finished  # one step more is one more than this
                self._send(Paused(finished))
                while self._is_held(finished) and not self._stopping:
                    self._condition.wait()
                self._send(Resumed())
            if self._stopping:
                raise EndOfRecording

    def _is_held(self, finished: int) -> bool:
        return self._pause_at is not None and finished >= self._pause_at

    def _listen(self) -> None:
        for line in self._commands:
            try:
                command = decode(line)
            except ValueError:
                continue  # not for us; the window has its own log of what it sent
            self._obey(command)
        self._obey(Stop())

    def _obey(self, command: object) -> None:
        with self._condition:
            if isinstance(command, PauseCommand):
                self._pause_at = 0
            elif isinstance(command, Resume):
                self._pause_at = None
            elif isinstance(command, StepOnce):
                self._pause_at = None if self._pause_at is None else self._pause_at + 1
            elif isinstance(command, Stop) and not self._stopping:
                self._stopping = True
                _thread.interrupt_main()
            self._condition.notify_all()
