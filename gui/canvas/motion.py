"""Plays one event: the clock behind `animate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QVariantAnimation, Signal

from gui import theme as tokens
from gui.canvas.animate import Transition, transition

if TYPE_CHECKING:
    from gui.canvas.frames import Frames
    from gui.canvas.scene import Scene

DEFAULT_MS = 420
SHORTEST_MS = 50  # faster than this, nothing is seen to move


class Motion(QObject):
    """`change` is what is happening (None: nothing), `time` how far it is, from 0 to 1."""

    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.change: Transition | None = None
        self.time = 1.0
        self.milliseconds = DEFAULT_MS
        self._clock = QVariantAnimation(self)
        self._clock.setStartValue(0.0)
        self._clock.setEndValue(1.0)
        self._clock.valueChanged.connect(self._tick)
        self._clock.finished.connect(self.stop)

    def play(self, frames: Frames, scene: Scene, graph_id: int, before: int, after: int) -> None:
        """The event between two neighbouring playheads; backwards if `after` is the earlier one."""
        self.stop()
        if abs(after - before) != 1 or min(before, after) < 0:
            return
        if self.milliseconds < SHORTEST_MS or tokens.reduced_motion():
            return
        earlier, later = (frames.state(scene, graph_id, each) for each in sorted((before, after)))
        change = transition(scene, frames.readings, earlier, later, undone=after < before)
        if change.moves:
            self.change, self.time = change, 0.0
            self._clock.setDuration(self.milliseconds)
            self._clock.start()

    def stop(self) -> None:
        self._clock.stop()
        self.change, self.time = None, 1.0
        self.moved.emit()

    def _tick(self, time: float) -> None:
        self.time = float(time)
        self.moved.emit()
