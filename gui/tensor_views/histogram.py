"""The recorded histogram of a tensor, as bars."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.recording.model import Phase, Tensor
from gui import numbers, theme
from gui.tensor_views.copying import copy_menu

translate = QCoreApplication.translate

BARS_HEIGHT = 96
LINE_HEIGHT = 16


class HistogramView(QWidget):
    """Bars from the smallest to the largest finite element, zero marked; hovering tells a bar's range and count."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tensor: Tensor | None = None
        self._phase: Phase = "forward"
        self._bin = -1
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(translate("histogram", "Histogram"))
        theme.switch.changed.connect(self.update)

    def set_tensor(self, tensor: Tensor | None, phase: Phase) -> None:
        self._tensor, self._phase = tensor, phase
        self._bin = -1
        self.setAccessibleDescription(f"{self.range_text()} {self.remark()}".strip())
        self.update()

    def range_text(self) -> str:
        """ "−0.1 … 0.2", or why there is none."""
        histogram = None if self._tensor is None else self._tensor.histogram
        if histogram is None:
            return translate("histogram", "No finite elements")
        return f"{numbers.number(histogram.low)} \u2026 {numbers.number(histogram.high)}"

    def remark(self) -> str:
        """Of how many elements, if not of all; and what a histogram cannot show."""
        tensor = self._tensor
        if tensor is None or tensor.histogram is None:
            return ""
        counted = int(tensor.histogram.counts.sum())
        missing = tensor.statistics.nans + tensor.statistics.infs
        texts = []
        if counted < tensor.numel - missing:
            texts.append(
                translate("histogram", "of {counted} of {all} elements").format(
                    counted=f"{counted:,}", all=f"{tensor.numel:,}"
                )
            )
        if missing:
            texts.append(translate("histogram", "without {count} NaN and Inf").format(count=f"{missing:,}"))
        return ", ".join(texts)

    def readout(self) -> str:
        """The hovered bar, or the remark."""
        histogram = None if self._tensor is None else self._tensor.histogram
        if histogram is None or self._bin < 0:
            return self.remark()
        edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
        low, high = (numbers.number(float(edge)) for edge in edges[self._bin : self._bin + 2])
        return translate("histogram", "{low} to {high}: {count}").format(
            low=low, high=high, count=f"{int(histogram.counts[self._bin]):,}"
        )

    def drawn_state(self) -> tuple[str, ...]:
        return (self.range_text(), self.remark())

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), BARS_HEIGHT + 2 * LINE_HEIGHT + theme.TIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(30), self.sizeHint().height())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        histogram = None if self._tensor is None else self._tensor.histogram
        place = -1
        if histogram is not None and 0 <= event.position().x() < self.width():
            place = int(event.position().x() / self.width() * len(histogram.counts))
        self._hover(place)

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def _hover(self, place: int) -> None:
        if place != self._bin:
            self._bin = place
            self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        copy_menu(self, event.globalPos(), [(translate("histogram", "Copy as CSV"), self.csv)])

    def csv(self) -> str:
        """Lines "low,high,count"."""
        histogram = None if self._tensor is None else self._tensor.histogram
        if histogram is None:
            return ""
        edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1).tolist()
        rows = zip(edges[:-1], edges[1:], histogram.counts.tolist(), strict=True)
        return "\n".join(["low,high,count", *(f"{low},{high},{count}" for low, high, count in rows)])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        look = theme.current()
        foot = QRect(0, BARS_HEIGHT + theme.TIGHT, self.width(), LINE_HEIGHT)
        painter.setFont(theme.caption_font())
        painter.setPen(look.dim)
        painter.drawText(foot.translated(0, LINE_HEIGHT), Qt.AlignmentFlag.AlignCenter, self.readout())
        histogram = None if self._tensor is None else self._tensor.histogram
        if histogram is None:
            painter.drawText(QRect(0, 0, self.width(), BARS_HEIGHT), Qt.AlignmentFlag.AlignCenter, self.range_text())
            return
        self._paint_bars(painter, histogram.counts / max(int(histogram.counts.max()), 1))
        painter.setPen(look.line)
        painter.drawLine(QPoint(0, BARS_HEIGHT), QPoint(self.width(), BARS_HEIGHT))
        painter.setFont(theme.mono_font(theme.CAPTION_PX))
        painter.setPen(look.dim)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, numbers.number(histogram.low))
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, numbers.number(histogram.high))
        if histogram.low < 0 < histogram.high:
            self._paint_zero(painter, foot, -histogram.low / (histogram.high - histogram.low) * self.width())

    def _paint_bars(self, painter: QPainter, heights: np.ndarray) -> None:
        color = theme.current().phase(self._phase)
        width = self.width() / len(heights)
        gap = 1 if width >= 4 else 0
        for place, height in enumerate(heights.tolist()):
            if height > 0:
                tall = max(height * (BARS_HEIGHT - theme.TIGHT), 1.0)
                bar = QRectF(place * width, BARS_HEIGHT - tall, width - gap, tall)
                painter.fillRect(bar, QColor(color).lighter(125) if place == self._bin else color)

    def _paint_zero(self, painter: QPainter, foot: QRect, x: float) -> None:
        """The zero line, with its figure where that does not run into the numbers at the ends."""
        painter.setPen(theme.current().text)
        painter.drawLine(QPoint(int(x), 0), QPoint(int(x), BARS_HEIGHT + theme.TIGHT // 2))
        metrics = QFontMetrics(painter.font())
        histogram = self._tensor.histogram if self._tensor else None
        if histogram is None:
            return
        ends = [metrics.horizontalAdvance(numbers.number(end)) + theme.SMALL for end in (histogram.low, histogram.high)]
        if ends[0] < x < self.width() - ends[1]:
            painter.drawText(QRect(int(x) - 8, foot.top(), 16, foot.height()), Qt.AlignmentFlag.AlignHCenter, "0")
