"""The loss of every training step so far, as a small line."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.session import Session

WIDTH, HEIGHT = 96, 28
PADDING = 4


class LossSparkline(QWidget):
    """A dot marks the training step that the playhead is in."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("loss_sparkline")
        self.setAccessibleName(self.tr("Loss over training steps"))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._session = session
        self._losses: list[float] = []
        self._index: dict[int, int] = {}  # of a training step in the list of losses
        session.recording_changed.connect(self._read)
        session.recording_grew.connect(self._read)
        session.playhead_changed.connect(lambda _: self._tell())
        theme.switch.changed.connect(self.update)
        self._read()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """It is hidden where there is no room for it."""
        return QSize(0, HEIGHT)

    def drawn_state(self) -> tuple[object, ...]:
        return (tuple(self._losses), self.position)

    @property
    def says_something(self) -> bool:
        """One loss makes no curve."""
        return len(self._losses) > 1

    @property
    def position(self) -> int | None:
        """Index of the training step in the list of steps that have a loss."""
        recording, playhead = self._session.recording, self._session.playhead
        if recording is None or playhead < 0:
            return None
        return self._index.get(int(recording.timeline.step[playhead]))

    def _read(self) -> None:
        recording = self._session.recording
        steps = recording.steps if recording is not None else ()
        known = [(step.index, step.loss) for step in steps if step.loss is not None and math.isfinite(step.loss)]
        self._losses = [loss for _, loss in known]
        self._index = {step: index for index, (step, _) in enumerate(known)}
        self._tell()

    def _tell(self) -> None:
        position = self.position
        loss = "" if position is None else str(self._losses[position])
        self.setToolTip(self.tr("Loss of this training step: {0}").format(loss) if loss else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.says_something:
            return
        low, high = min(self._losses), max(self._losses)
        span = high - low or 1.0
        wide, tall = self.width() - 2 * PADDING, self.height() - 2 * PADDING
        points = [
            QPointF(PADDING + index / (len(self._losses) - 1) * wide, PADDING + (high - loss) / span * tall)
            for index, loss in enumerate(self._losses)
        ]
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().dim, 1.5))
            painter.drawPolyline(QPolygonF(points))
            position = self.position
            if position is not None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.current().text)
                painter.drawEllipse(points[position], 3, 3)
        finally:
            painter.end()
