"""The curve of what is kept: it rises in forward and falls in backward. Importing this imports pyqtgraph, slowly."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from gui import numbers, theme
from gui.chart_plots import Axis, Plot
from gui.memory.story import Story

translate = QCoreApplication.translate

TICK_GAP = 28  # px
MOST_SPANS = 64  # a step with more phases than that is drawn in one colour
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

    def __init__(self, parent: QWidget | None = None) -> None:
        name = translate("memory", "Memory kept for backward, over the events of the training step")
        super().__init__(name, Axis("bottom", "whole"), BytesAxis("left"), parent)
        self.getPlotItem().getViewBox().setLimits(yMin=0)
        self._story: Story | None = None
        self._playhead = -1
        self._curves: list[pg.PlotCurveItem] = []
        self._ahead = pg.LinearRegionItem(movable=False)
        self._marker = pg.InfiniteLine(angle=90, movable=False)
        self._dot = pg.ScatterPlotItem(size=theme.SMALL, symbol="d")
        self.peak = pg.TextItem(anchor=(0.5, 1.1))
        for item, height in ((self._ahead, 5), (self._dot, 8), (self._marker, 9), (self.peak, 10)):
            item.setZValue(height)
            self.addItem(item, ignoreBounds=True)
        self.restyle()

    def set_story(self, story: Story | None, playhead: int) -> None:
        """Another step is shown in full; otherwise only the playhead moves."""
        fresh = story is not self._story
        self._story, self._playhead = story, playhead
        if not fresh:
            self._move()
            return
        self.draw()
        if story is not None:
            top = max(int(story.held.max()), 1)
            self.setXRange(story.curve.first - 0.5, story.curve.last + 0.5, padding=0.01)
            self.setYRange(0, top * 1.22, padding=0)  # room for the words above the peak

    def draw(self) -> None:
        for curve in self._curves:
            self.removeItem(curve)
        self._curves.clear()
        story, look = self._story, theme.current()
        if story is None:
            return
        first, last = story.curve.first, story.curve.last
        spans = story.spans if len(story.spans) <= MOST_SPANS else (("forward", first, last),)
        for phase, start, end in spans:
            color = look.phase(phase)
            edges = np.arange(start, end + 2) - 0.5
            heights = story.held[start - first : end - first + 1].astype(np.float64)
            curve = pg.PlotCurveItem(edges, heights, stepMode="center", fillLevel=0, pen=pg.mkPen(color, width=1.5),
                                     brush=pg.mkBrush(_faint(color, FILL)))  # fmt: skip
            self._curves.append(curve)
            self.addItem(curve)
        peak = story.curve.peak
        self._dot.setData([peak], [story.curve.peak_bytes], brush=look.text, pen=pg.mkPen(None))
        self.peak.setText(
            translate("memory", "peak {size}").format(size=numbers.size(story.curve.peak_bytes)), look.text
        )
        self.peak.setFont(theme.caption_font())
        place = (peak - first) / max(last - first, 1)
        self.peak.setAnchor((0.0 if place < 0.1 else 1.0 if place > 0.9 else 0.5, 1.2))
        self.peak.setPos(peak, story.curve.peak_bytes)
        for line in self._ahead.lines:
            line.setPen(pg.mkPen(None))
        self._ahead.setBrush(_faint(look.surface, AHEAD))
        self._marker.setPen(pg.mkPen(look.text, style=Qt.PenStyle.DashLine))
        self._move()

    def _move(self) -> None:
        if self._story is not None:
            self._marker.setValue(self._playhead)
            self._ahead.setRegion((self._playhead + 0.5, max(self._story.curve.last, self._playhead) + 0.5))

    def csv(self) -> str:
        if self._story is None:
            return ""
        story = self._story
        columns = [story.curve.held(category).tolist() for category in ("activation", "parameter", "input", "unlisted")]
        rows = zip(range(story.curve.first, story.curve.last + 1), *columns, strict=True)
        head = "event,activation_bytes,parameter_bytes,input_bytes,unlisted_bytes"
        return "\n".join([head, *(",".join(map(str, row)) for row in rows)])


def _faint(color: QColor, alpha: int) -> QColor:
    faint = QColor(color)
    faint.setAlpha(alpha)
    return faint
