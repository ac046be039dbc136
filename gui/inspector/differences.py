"""What updates changed, worked out in a thread where it is large: a million subtractions and their histogram take
longer than the window should wait."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from engine.errors import RecordingError
from engine.recording.reader import Recording
from gui.inspector.content import TensorItem
from gui.joined import Joined
from gui.tensor_views.loaded import Loaded, difference

AT_ONCE = 1 << 16  # elements

Found = Mapping[TensorItem, Loaded | RecordingError | None]


def takes_long(recording: Recording, item: TensorItem | None) -> bool:
    """Whether it is a difference that the window should not work out. Raises RecordingError."""
    if item is None or item.tensor is None or item.minus is None:
        return False
    return recording.tensor(item.tensor).numel > AT_ONCE


class Differences(Joined):
    """`found(which, mapping)` follows `start(recording, items)`, which gives `which`, in the window's thread, unless it
    was asked again or told to stop before."""

    found = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = 0

    def start(self, recording: Recording, items: Sequence[TensorItem]) -> None:
        self.stop()
        self.begin("differences", self._work, recording, items, self.wanted)

    def stop(self) -> None:
        self.wanted += 1

    def _work(self, recording: Recording, items: Sequence[TensorItem], which: int) -> None:
        found: dict[TensorItem, Loaded | RecordingError | None] = {}
        for item in items:
            if which != self.wanted:
                return
            if item.tensor is not None and item.minus is not None:
                try:
                    found[item] = difference(recording, item.tensor, item.minus)
                except RecordingError as error:
                    found[item] = error
                except Exception as error:  # a fault of the program: threading's hook tells it
                    found[item] = RecordingError(repr(error))
                    self._tell(which, found)
                    raise
        self._tell(which, found)

    def _tell(self, which: int, found: Found) -> None:
        with contextlib.suppress(RuntimeError):  # the window is gone
            self.found.emit(which, found)
