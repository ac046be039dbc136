"""What the optimizer remembers: each entry before and after, where it came from, and its way over the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.tensor_views.copying import to_clipboard
from gui.tensor_views.painting import draw_text

ROW, LINE = 60, 17
SPARK_SHARE, SPARK_MOST = 0.24, 150
DOT = 2.6
ARROW = "→"


@dataclass(frozen=True)
class Entry:
    """One thing that is remembered. `series` are its numbers over the updates, of which `now` is the shown one.

    `before` is None for what has no before, `role` the theme's colour: "update", "backward".
    """

    name: str
    words: str
    before: str | None
    after: str
    detail: str = ""
    origin: str = ""
    series: tuple[float, ...] = ()
    now: int = -1
    role: str = "update"

    @property
    def text(self) -> str:
        """For the clipboard and the tooltip."""
        return "\n".join(line for line in (f"{self.name}: {self.detail}", self.words, self.origin) if line)


class MemoryView(QWidget):
    """Draws entries, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: tuple[Entry, ...] = ()
        self.passed = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("What the optimizer remembers"))
        theme.switch.changed.connect(self.update)

    def set_entries(self, entries: Sequence[Entry], *, passed: bool) -> None:
        self.entries, self.passed = tuple(entries), passed
        self.setFixedHeight(self.sizeHint().height())
        self.setAccessibleDescription(self.all_text())
        self.update()

    def all_text(self) -> str:
        """Every entry, with every digit."""
        return "\n".join(entry.text for entry in self.entries)

    def sizeHint(self) -> QSize:
        return QSize(theme.space(80), ROW * len(self.entries))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            for number, entry in enumerate(self.entries):
                self._paint_entry(painter, QRect(0, number * ROW, self.width(), ROW), entry)
        finally:
            painter.end()

    def _paint_entry(self, painter: QPainter, place: QRect, entry: Entry) -> None:
        look = theme.current()
        shade = look.backward if entry.role == "backward" else look.update
        inner = place.adjusted(0, theme.TIGHT, -theme.TIGHT, 0)
        if any(math.isfinite(number) for number in entry.series) and len(entry.series) > 1:
            spark = QRect(inner)
            spark.setLeft(inner.right() - min(round(inner.width() * SPARK_SHARE), SPARK_MOST))
            paint_series(painter, spark.adjusted(0, theme.TIGHT, 0, -theme.SMALL), entry.series, entry.now, shade)
            inner.setRight(spark.left() - theme.MEDIUM)
        line = QRect(inner.left(), inner.top(), inner.width(), LINE)
        used = draw_text(painter, line, entry.name, "number", look.text)
        draw_text(painter, line.adjusted(used + theme.SMALL, 0, 0, 0), entry.words, "caption", look.dim)
        self._paint_numbers(painter, line.translated(0, LINE + 1), entry, shade)
        draw_text(painter, line.translated(0, 2 * LINE + 1), entry.origin, "caption", look.dim)

    def _paint_numbers(self, painter: QPainter, line: QRect, entry: Entry, shade: QColor) -> None:
        look = theme.current()
        if entry.before is not None:
            line = line.adjusted(draw_text(painter, line, entry.before, "number", look.dim) + theme.SMALL, 0, 0, 0)
            line = line.adjusted(draw_text(painter, line, ARROW, "number", look.dim) + theme.SMALL, 0, 0, 0)
        if self.passed:
            draw_text(painter, line, entry.after, "number", shade)
        else:
            draw_text(painter, line, self.tr("not yet"), "caption", look.dim)

    def _at(self, y: int) -> Entry | None:
        number = y // ROW
        return self.entries[number] if 0 <= number < len(self.entries) else None

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            entry = self._at(event.pos().y())
            QToolTip.showText(event.globalPos(), "" if entry is None else entry.text, self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            to_clipboard(self.all_text())
        else:
            super().keyPressEvent(event)


def paint_series(painter: QPainter, place: QRect, series: Sequence[float], now: int, shade: QColor) -> None:
    """A small line over the updates: strong up to the shown one, which has a dot, pale beyond; zero is a thin line."""
    known = [number for number in series if math.isfinite(number)]
    low, high = min(*known, 0.0) if known else 0.0, max(*known, 0.0) if known else 0.0
    if low == high:
        high = low + 1.0
    look = theme.current()
    step = place.width() / max(len(series) - 1, 1)

    def y(number: float) -> float:
        return place.bottom() - (number - low) / (high - low) * place.height()

    painter.save()
    painter.setPen(QPen(look.line, theme.LINE))
    painter.drawLine(QPointF(place.left(), y(0.0)), QPointF(place.right(), y(0.0)))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    points = [QPointF(place.left() + i * step, y(v)) for i, v in enumerate(series) if math.isfinite(v)]
    passed = sum(math.isfinite(number) for number in series[: now + 1])
    pen = QPen(shade, 1.5)
    for part, opacity in ((points[max(passed - 1, 0) :], theme.NOT_YET * 0.7), (points[:passed], 1.0)):
        painter.setOpacity(opacity)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(part))
    if 0 <= now < len(series) and math.isfinite(series[now]):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawEllipse(QPointF(place.left() + now * step, y(series[now])), DOT, DOT)
    painter.restore()
