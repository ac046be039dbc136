"""One training step as a strip: phases in their colours, a tick for each event, the playhead. Drag to move it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.errors import RecordingError
from engine.recording.model import Phase
from gui import theme
from gui.session import Session
from gui.transport.words import describe, phase_name

if TYPE_CHECKING:
    from gui.transport.ticks import Floats

HEIGHT = 48
MARGIN = theme.MEDIUM
LABEL_HEIGHT = 16
GAP = 2
HANDLE = 5  # half the width of the playhead's
WHEEL_NOTCH = 120
LOOK_AGAIN_MS = 60

AboutStep = tuple[tuple[int, int] | None, tuple[tuple[Phase, int, int], ...]]


class Scrubber(QWidget):
    """Shows the training step that the playhead is in."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scrubber")
        self.setAccessibleName(self.tr("Events of this training step"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._session = session
        self._hover: int | None = None
        self._wheel = 0
        self._still: QPixmap | None = None
        self._still_key: object = None
        self._about: tuple[object, AboutStep] | None = None
        self.is_reading: Callable[[], bool] = lambda: False  # a large graph, in another thread: its norms come too
        self._again = QTimer(self, singleShot=True, interval=LOOK_AGAIN_MS)
        self._again.timeout.connect(self._forget)
        session.recording_changed.connect(self._forget)
        session.recording_grew.connect(self._forget)
        session.playhead_changed.connect(lambda _: self.update())
        theme.switch.changed.connect(self._forget)

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, HEIGHT)

    # --- the step that is shown --------------------------------------------------------------------------------------

    @property
    def step(self) -> int | None:
        recording, playhead = self._session.recording, self._session.playhead
        return int(recording.timeline.step[playhead]) if recording is not None and playhead >= 0 else None

    @property
    def bounds(self) -> tuple[int, int] | None:
        """First and last event of the step."""
        return self._about_step()[0]

    def spans(self) -> tuple[tuple[Phase, int, int], ...]:
        return self._about_step()[1]

    def _about_step(self) -> AboutStep:
        """Looked up once for a step: each place in the strip asks for it."""
        recording, step = self._session.recording, self.step
        if recording is None or step is None:
            return None, ()
        known = (recording, step, len(recording.timeline))
        if self._about is None or self._about[0] != known:
            self._about = (known, (recording.timeline.step_bounds(step), recording.timeline.phase_spans(step)))
        return self._about[1]

    def drawn_state(self) -> tuple[object, ...]:
        return (self.step, self.bounds, self.spans(), self._session.playhead)

    def x_of(self, event: float) -> float:
        """Where an event stands, in pixels: the middle of its cell."""
        first, last = self.bounds or (0, 0)
        return MARGIN + (event - first + 0.5) / (last - first + 1) * self._track_width()

    def event_at(self, x: float) -> int | None:
        """The event nearest to `x`; beyond the ends the first or last one."""
        bounds = self.bounds
        if bounds is None:
            return None
        first, last = bounds
        cell = int((x - MARGIN) / self._track_width() * (last - first + 1))
        return first + min(max(cell, 0), last - first)

    def _track_width(self) -> float:
        return max(1.0, float(self.width() - 2 * MARGIN))

    # --- drawing -----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            if self.bounds is None:
                self._paint_empty(painter)
                return
            painter.drawPixmap(0, 0, self._background())
            if self._hover is not None:
                painter.setPen(QPen(theme.current().dim, 1, Qt.PenStyle.DotLine))
                x = self.x_of(self._hover)
                painter.drawLine(QPointF(x, LABEL_HEIGHT), QPointF(x, HEIGHT - 1))
            self._paint_names(painter)
            self._paint_playhead(painter)
        finally:
            painter.end()

    def _paint_empty(self, painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.blend(theme.current().surface, theme.current().text, 0.05))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawRoundedRect(self._track(), theme.RADIUS_CHIP, theme.RADIUS_CHIP)

    def _track(self) -> QRectF:
        return QRectF(MARGIN, LABEL_HEIGHT, self._track_width(), HEIGHT - LABEL_HEIGHT - 2)

    def _background(self) -> QPixmap:
        """Everything but the names, the playhead and the mouse, drawn once for each step and size."""
        ratio = self.devicePixelRatioF()
        key = (self.step, self.bounds, self.size().toTuple(), ratio)
        if self._still is None or key != self._still_key:
            self._still_key = key
            self._still = QPixmap(self.size() * ratio)
            self._still.setDevicePixelRatio(ratio)
            self._still.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._still)
            try:
                for phase, first, last in self.spans():
                    self._paint_span(painter, phase, first, last)
            finally:
                painter.end()
        return self._still

    def _paint_span(self, painter: QPainter, phase: Phase, first: int, last: int) -> None:
        color = theme.current().phase(phase)
        track = self._track()
        left, right = self.x_of(first - 0.5), self.x_of(last + 0.5)
        gap = GAP if right - left > 2 * GAP else 0
        cell = QRectF(left, track.top(), right - left - gap, track.height())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.blend(theme.current().surface, color, 0.18))
        painter.drawRoundedRect(cell, theme.RADIUS_CHIP, theme.RADIUS_CHIP)
        self._paint_ticks(painter, color, first, last)

    def _paint_names(self, painter: QPainter) -> None:
        """Of the phases; beside the playhead's handle, not under it."""
        painter.setFont(theme.caption_font())
        handle = self.x_of(self._session.playhead)
        for phase, first, last in self.spans():
            name, left, right = phase_name(phase), self.x_of(first - 0.5) + 1, self.x_of(last + 0.5)
            width = painter.fontMetrics().horizontalAdvance(name)
            if left - HANDLE < handle < left + width + HANDLE:
                left = handle + HANDLE + 3
            if left + width < right:
                painter.setPen(theme.current().phase(phase))
                painter.drawText(QPointF(left, LABEL_HEIGHT - 4), name)

    def _paint_ticks(self, painter: QPainter, color: QColor, first: int, last: int) -> None:
        import numpy as np  # not at the top: the window's first picture must not wait for it

        from gui.transport import ticks

        recording, step, bounds = self._session.recording, self.step, self.bounds
        if recording is None or step is None or bounds is None:
            return
        if self.is_reading() and not recording.has_norms(step):
            self._again.start()
            return
        try:
            norms = recording.norms(step)
        except RecordingError:
            return  # the phases can still be walked
        height = ticks.heights(norms)[first - bounds[0] : last - bounds[0] + 1]
        left, right = self.x_of(first - 0.5), self.x_of(last + 0.5)
        room = max(1, int(right - left) - GAP)
        if len(height) > room:
            self._paint_columns(painter, color, left, ticks.columns(height, room))
            return
        xs = left + (np.arange(len(height)) + 0.5) / (last - first + 1) * (right - left)
        track = self._track()
        tops = track.bottom() - 2 - height * (track.height() - 4)
        width = 1.0 if len(height) * 4 > right - left else 2.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        bottom = track.bottom() - 2
        painter.drawLines([QLineF(x, bottom, x, top) for x, top in zip(xs.tolist(), tops.tolist(), strict=True)])

    def _paint_columns(self, painter: QPainter, color: QColor, left: float, heights: Floats) -> None:
        """A tick in each column of pixels. As one picture: more than a thousand lines take several milliseconds."""
        import numpy as np

        from gui.transport import ticks

        track = self._track().adjusted(0, 2, 0, -2)
        rows = max(round(track.height() * self.devicePixelRatioF()), 1)
        pixels = np.where(ticks.bars(heights, rows), np.uint32(color.rgba()), np.uint32(0))
        picture = QImage(pixels.data, len(heights), rows, QImage.Format.Format_ARGB32_Premultiplied)
        painter.drawImage(QRectF(round(left), track.top(), len(heights), track.height()), picture)

    def _paint_playhead(self, painter: QPainter) -> None:
        color = theme.current().text
        x = self.x_of(self._session.playhead)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(color, 2))
        painter.drawLine(QPointF(x, LABEL_HEIGHT - 2), QPointF(x, HEIGHT - 1))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        top = LABEL_HEIGHT - 7
        painter.drawPolygon(QPolygonF([QPointF(x - HANDLE, top), QPointF(x + HANDLE, top), QPointF(x, top + 7)]))

    def _forget(self) -> None:
        self._still = self._about = None
        self._hover = None
        self.update()

    # --- mouse -------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._seek_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek_to(event.position().x())
        self._point_at(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """One event for each notch: up is back, as in a text."""
        self._wheel += event.angleDelta().y() or -event.angleDelta().x()
        notches = int(self._wheel / WHEEL_NOTCH)
        if notches:
            self._wheel -= notches * WHEEL_NOTCH
            self._session.seek(self._session.playhead - notches)
        event.accept()

    def _seek_to(self, x: float) -> None:
        target = self.event_at(x)
        if target is not None:
            self._session.seek(target)

    def _point_at(self, event: QMouseEvent) -> None:
        hover = self.event_at(event.position().x())
        if hover == self._hover:
            return
        self._hover = hover
        self.update()
        recording = self._session.recording
        if hover is not None and recording is not None:
            phase = phase_name(recording.timeline.phase(hover))
            text = self.tr("event {0} · {1} · {2}").format(f"{hover:,}", phase, describe(recording, hover))
            QToolTip.showText(event.globalPosition().toPoint(), text, self)
