"""The curve of what is kept: it rises in forward and falls in backward. Importing this imports pyqtgraph, slowly."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from engine.desk.memory import StepMemory
from engine.recording.model import Phase
from gui import numbers, theme
from gui.chart_plots import Axis, Plot

translate = QCoreApplication.translate

TICK_GAP = 28  # px
MOST_SPANS = 64  # a step with more phases than that is drawn in one colour
ABOVE = 1.2  # times their height: where the words of the peak end above it
FILL, AHEAD = 56, 150  # alpha


class BytesAxis(Axis):
    """Ticks at powers of two, so that KiB, MiB and GiB are round."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # type: ignore[override]
        return [numbers.size(round(value)) if value >= 0 else "" for value in values]

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        least = max((high - low) * TICK_GAP / max(size, 1.0), 1.0)
        unit = 1024.0 ** math.floor(math.log(least, 1024))
        return [(unit * 2.0 ** math.ceil(math.log2(least / unit)), 0.0)]


class MemoryPlot(Plot):
    """Bytes over events; a line at the playhead, what comes after it faint, the peak in words."""

    @staticmethod
    def axes() -> tuple[Axis, Axis]:
        return Axis("bottom", "whole"), BytesAxis("left")

    def __init__(self, parent: QWidget | None = None) -> None:
        name = translate("memory", "Memory kept for backward, over the events of the training step")
        super().__init__(name, self.make_item(), parent)
        self.getPlotItem().getViewBox().setLimits(yMin=0)
        self._memory: StepMemory | None = None
        self._spans: tuple[tuple[Phase, int, int], ...] = ()
        self._playhead = -1
        self._curves: list[pg.PlotCurveItem] = []
        self._ahead = pg.LinearRegionItem(movable=False)
        self._marker = pg.InfiniteLine(angle=90, movable=False)
        self._dot = pg.ScatterPlotItem(size=theme.SMALL, symbol="d")
        self.peak = pg.TextItem(anchor=(0.5, 1.1))
        for item, height in ((self._ahead, 5), (self._dot, 8), (self._marker, 9), (self.peak, 10)):
            item.setZValue(height)
            self.addItem(item, ignoreBounds=True)
        self.getPlotItem().getViewBox().sigResized.connect(self._show_bytes)
        self.restyle()

    def set_memory(self, memory: StepMemory, spans: tuple[tuple[Phase, int, int], ...], playhead: int) -> None:
        """Another step is shown in full; otherwise only the playhead moves. `spans` are the step's phases, each with
        its first and last event.
        """
        fresh = memory is not self._memory
        self._memory, self._spans, self._playhead = memory, spans, playhead
        if not fresh:
            self._move()
            return
        self.draw()
        self.setXRange(memory.first - 0.5, memory.last + 0.5, padding=0.01)
        self._show_bytes()

    def _show_bytes(self) -> None:
        """From nothing to the words above the peak, however low the plot is."""
        if self._memory is not None:
            height = max(self.getPlotItem().getViewBox().height(), 1.0)
            room = min(ABOVE * self.peak.boundingRect().height(), height / 2)
            self.setYRange(0, max(self._memory.peak_bytes, 1) * height / (height - room), padding=0)

    def draw(self) -> None:
        for curve in self._curves:
            self.removeItem(curve)
        self._curves.clear()
        memory, look = self._memory, theme.current()
        if memory is None:
            return
        first, last = memory.first, memory.last
        spans = self._spans if len(self._spans) <= MOST_SPANS else (("forward", first, last),)
        for phase, start, end in spans:
            color = look.phase(phase)
            edges = np.arange(start, end + 2) - 0.5
            heights = memory.held[0, start - first : end - first + 1].astype(np.float64)
            curve = pg.PlotCurveItem(edges, heights, stepMode="center", fillLevel=0, pen=pg.mkPen(color, width=1.5),
                                     brush=pg.mkBrush(_faint(color, FILL)))  # fmt: skip
            self._curves.append(curve)
            self.addItem(curve)
        peak = memory.peak
        self._dot.setData([peak], [memory.peak_bytes], brush=look.text, pen=pg.mkPen(None))
        self.peak.setText(translate("memory", "peak {size}").format(size=numbers.size(memory.peak_bytes)), look.text)
        self.peak.setFont(theme.caption_font())
        place = (peak - first) / max(last - first, 1)
        self.peak.setAnchor((0.0 if place < 0.1 else 1.0 if place > 0.9 else 0.5, ABOVE))
        self.peak.setPos(peak, memory.peak_bytes)
        for line in self._ahead.lines:
            line.setPen(pg.mkPen(None))
        self._ahead.setBrush(_faint(look.surface, AHEAD))
        self._marker.setPen(pg.mkPen(look.text, style=Qt.PenStyle.DashLine))
        self._move()

    def _move(self) -> None:
        if self._memory is not None:
            self._marker.setValue(self._playhead)
            self._ahead.setRegion((self._playhead + 0.5, max(self._memory.last, self._playhead) + 0.5))

    def csv(self) -> str:
        if self._memory is None:
            return ""
        head = "event,activation_bytes,parameter_bytes,input_bytes,unlisted_bytes"
        rows = enumerate(self._memory.held.T.tolist(), self._memory.first)
        return "\n".join([head, *(",".join(map(str, (event, *held))) for event, held in rows)])


def _faint(color: QColor, alpha: int) -> QColor:
    faint = QColor(color)
    faint.setAlpha(alpha)
    return faint
