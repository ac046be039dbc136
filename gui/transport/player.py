"""Moves the playhead by itself, at a speed between one event and one training step a second."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from gui.session import Session

SHORTEST_TICK_MS = 16
SLIDER_STEPS = 100
HURRIED_FROM = 12.0  # events a second: faster, and what takes long to show is shown a few times a second only


def events_per_second(position: int, events_in_step: int) -> float:
    """Speed for a slider position from 0 (one event a second) to 100 (a training step a second), on a log scale."""
    return float(max(events_in_step, 2) ** (position / SLIDER_STEPS))


class Player(QObject):
    """`tick` moves by as many events as were due since the last one; at the recording's end `ran_out` asks for more."""

    playing_changed = Signal(bool)
    moved = Signal(int, int)  # from, to: for the canvas to animate
    ran_out = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._speed = 4.0
        self._due = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        session.recording_changed.connect(self.stop)

    @property
    def is_playing(self) -> bool:
        return self._timer.isActive()

    @property
    def speed(self) -> float:
        """Events a second."""
        return self._speed

    def set_speed(self, events_a_second: float) -> None:
        self._speed = events_a_second
        if self.is_playing:
            self._timer.setInterval(self._interval())

    def play(self) -> None:
        if self.is_playing or self._session.recording is None:
            return
        self._due = 0.0
        self._clock.start()
        self._timer.start(self._interval())
        self.playing_changed.emit(True)

    def stop(self) -> None:
        if self.is_playing:
            self._timer.stop()
            self._session.settle()
            self.playing_changed.emit(False)

    def tick(self) -> None:
        """Move on; called by the timer."""
        self.advance(self._clock.restart() / 1000)

    def advance(self, seconds: float) -> None:
        """Move by what is due after `seconds`; never more than a second's worth, whatever kept the window busy."""
        self._due += min(seconds, 1.0) * self._speed
        events = int(self._due + 1e-6)
        if events < 1:
            return
        self._due -= events
        start = self._session.playhead
        if start >= self._session.last:
            self.ran_out.emit()
            return
        self._session.seek(start + events, hurried=self._speed > HURRIED_FROM)
        self.moved.emit(start, self._session.playhead)

    def _interval(self) -> int:
        return max(SHORTEST_TICK_MS, round(1000 / self._speed))
