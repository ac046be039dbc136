"""Reads a training step's numbers in a thread: of large parameters a single one takes longer than the window should
wait."""

from __future__ import annotations

import contextlib
import threading
import time

from PySide6.QtCore import QObject, Signal

from engine.errors import RecordingError
from gui.joined import Joined
from gui.parameter_values import StepValues

AT_ONCE = (0.004, 0.001)  # s of reading at a time, and between two of them
GENTLY = (0.001, 0.003)  # the same while the window draws motion: each keeps the interpreter from the other
TELL_S = 0.06


class StepReading(Joined):
    """`read(values)` follows some times a second, in the window's thread, and once more at the end; `failed(values,
    message)` in its place where the step cannot be read."""

    read = Signal(object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.gently = False

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, values: StepValues) -> None:
        """What is still being read is no longer wanted."""
        self.stop()
        self._stop = threading.Event()
        self._thread = self.begin("step", self._work, values, self._stop)

    def stop(self) -> None:
        self._stop.set()

    def _work(self, values: StepValues, stop: threading.Event) -> None:
        message, told = "", time.perf_counter()
        try:
            while not stop.is_set():
                portion, pause = GENTLY if self.gently else AT_ONCE
                if values.load(portion):
                    break
                if time.perf_counter() - told > TELL_S:
                    self._tell(values, stop)
                    told = time.perf_counter()
                time.sleep(pause)
        except RecordingError as error:
            message = str(error)
        except Exception as error:  # a fault of the program: threading's hook tells it
            self._tell(values, stop, repr(error))
            raise
        self._tell(values, stop, message)

    def _tell(self, values: StepValues, stop: threading.Event, message: str = "") -> None:
        if stop.is_set():
            return
        with contextlib.suppress(RuntimeError):  # the window is gone
            if message:
                self.failed.emit(values, message)
            else:
                self.read.emit(values)
