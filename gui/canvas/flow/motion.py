"""The clock behind the flow: what is happening on the canvas now."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, QVariantAnimation, Signal

from gui import theme as tokens
from gui.canvas.flow.lanes import at_hand, busy, lanes_of
from gui.canvas.flow.plan import Plan, plan
from gui.canvas.flow.stream import LIFE, Batch, batch

if TYPE_CHECKING:
    from gui.canvas.frames import Frames
    from gui.canvas.scene import Scene

DEFAULT_MS = 420
BY_HAND_MS = 300  # a step by hand takes at least so long, however fast one plays
SHARE_MOVING = 0.9  # of the time that an event has, the rest is for looking at what it did
SHORTEST_MS = 110  # events that follow each other faster are on their way together
HALF_WAY = 0.5
LOOK_AGAIN_MS = 30


@dataclass(frozen=True)
class Happening:
    """`plan` is what is going on, of the event between two playheads of which `earlier` is the first."""

    plan: Plan
    earlier: int


class Motion(QObject):
    """`happening` is the one event that is going on, `time` how far it is, from 0 to 1; or `batches` of many that are
    on their way, at `now` (seconds), each for `life`. Neither: nothing moves."""

    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.happening: Happening | None = None
        self.time = 1.0
        self.batches: list[Batch] = []
        self.life = LIFE
        self.milliseconds = DEFAULT_MS  # for one event
        self.playing = False
        self._since = 0.0
        self._clock = QVariantAnimation(self)
        self._clock.setStartValue(0.0)
        self._clock.setEndValue(1.0)
        self._clock.valueChanged.connect(self._tick)
        self._clock.finished.connect(self.stop)
        self._again = QTimer(self, singleShot=True, interval=LOOK_AGAIN_MS)
        self._again.timeout.connect(self._look)

    def look_again(self) -> None:
        """Tell of `moved` once what is not at hand has been found out: for what of a large graph was not drawn."""
        self._again.start()

    @property
    def waits(self) -> bool:
        """Whether something is not drawn yet."""
        return self._again.isActive()

    def _look(self) -> None:
        if busy():
            self._again.start()
        else:
            self.moved.emit()

    @property
    def now(self) -> float:
        """Seconds, of no particular beginning."""
        return time.monotonic()

    def play(self, frames: Frames, scene: Scene, graph_id: int, before: int, after: int) -> None:
        """The way from one playhead to another: a neighbour's event (backwards if `after` is the earlier one), or,
        while playing, all that lie between."""
        if self.milliseconds <= 0 or tokens.reduced_motion() or min(before, after) < 0:
            self.stop()
        elif not at_hand(frames.recording, scene, graph_id):
            self.stop()  # of a large graph that was opened a moment ago: the step itself is not waited for
        elif after > before and (self._hurried(after - before) if not self.playing else self._fast(after - before)):
            self._stream(frames, scene, graph_id, before, after)
        elif abs(after - before) == 1:
            self._one(frames, scene, graph_id, before, after)
        else:
            self.stop()

    def stop(self) -> None:
        moving = self.happening is not None or bool(self.batches)
        self._clock.stop()
        self.happening, self.time = None, 1.0
        self.batches = []
        if moving:
            self.moved.emit()

    def _fast(self, events: int) -> bool:
        return events > 1 or self.milliseconds < SHORTEST_MS

    def _hurried(self, events: int) -> bool:
        """Whether a step comes by hand while the one before has hardly begun, as with a key that is held down."""
        going = bool(self.batches) or (self.happening is not None and not self.happening.plan.undone)
        return events == 1 and going and self.time < HALF_WAY

    def _one(self, frames: Frames, scene: Scene, graph_id: int, before: int, after: int) -> None:
        self.stop()
        lanes = lanes_of(frames.recording, scene, graph_id)
        earlier = min(before, after)
        what = plan(frames.recording, frames.readings, scene, lanes, earlier + 1, undone=after < before)
        if what.moves:
            self.happening, self.time = Happening(what, earlier), 0.0
            alone = self.milliseconds if self.playing else max(self.milliseconds, BY_HAND_MS) * what.length
            self._clock.setDuration(round(alone))
            self._clock.start()

    def _stream(self, frames: Frames, scene: Scene, graph_id: int, before: int, after: int) -> None:
        now = self.now
        self.happening = None
        self.batches = [each for each in self.batches if now - each.last < self.life]
        since = self._since if self.batches else now
        self._since = now
        lanes = lanes_of(frames.recording, scene, graph_id)
        self.batches.append(batch(scene, lanes, frames.recording.timeline.node, before, after, since, now))
        self._clock.stop()
        self._clock.setDuration(round(1000 * self.life))
        self._clock.start()

    def _tick(self, share: float) -> None:
        self.time = float(share)
        self.moved.emit()
