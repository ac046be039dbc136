"""The plots of the chart panel, in pyqtgraph. Importing this is slow: it is done when a chart is first seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QGuiApplication
from PySide6.QtWidgets import QWidget

from engine.recording.model import PHASES
from gui import numbers, theme
from gui.chart_names import names_below
from gui.tensor_views.copying import to_clipboard

translate = QCoreApplication.translate

Floats = npt.NDArray[np.float64]
TICK_GAP = 32  # px between the ticks of a logarithmic axis, at least
WHOLE_GAP = 56  # px between the ticks of steps, at least: "100,000" has room
FEWEST_BARS = 16  # so wide is the axis at least, lest a few bars fill it
MARKED = 80  # up to so many steps each has a dot
CUT_FROM, CUT_TO = 3.0, 1.5  # times the longest of the others: from there on bars are cut, and to what
OTHERS = 0.9  # of the steps, at least, are not cut; one may be, in any case
NOTCH_AT, NOTCH = 0.84, 0.03  # of a bar that is cut: where it is broken, and how far
HEAD = 0.3  # of a bar that is cut: the room above it for its time
WRITTEN = 8  # that many of them have it, where there is room
LOWEST = -46.0  # log10 of what float32 can hold, about


class Axis(pg.AxisItem):  # type: ignore[misc]
    """Tick labels: plain numbers, `powers` of ten, `whole` numbers, or milliseconds (`time`).

    Of whole numbers those in `numbered` have a label: the axis may go on where there is nothing.
    """

    def __init__(self, orientation: str, kind: Literal["plain", "powers", "whole", "time"] = "plain") -> None:
        super().__init__(orientation)
        self._kind = kind
        self.numbered = (0.0, math.inf)
        self.enableAutoSIPrefix(False)

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if self._kind == "powers":
            return [
                f"{10.0**value:g}" if abs(value) < 5 else f"1e{int(value)}".replace("-", numbers.MINUS)
                for value in values
            ]
        if self._kind == "whole":
            first, last = self.numbered
            return [f"{int(value):,}" if first <= value <= last else "" for value in values]
        if self._kind == "time":
            return [numbers.duration(value / 1e3) if value else "0" for value in values]
        return [f"{value:.6g}".replace("-", numbers.MINUS) for value in values]

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        if self._kind == "powers":
            return [(max(math.ceil((high - low) * TICK_GAP / max(size, 1.0)), 1), 0.0)]
        if self._kind == "whole":  # no tick between two steps
            least = max(WHOLE_GAP * (high - low) / max(size, 1.0), 1.0)
            power = 10 ** math.floor(math.log10(least))
            return [(next(times * power for times in (1, 2, 5, 10) if times * power >= least), 0.0)]
        spacings: list[tuple[float, float]] = super().tickSpacing(low, high, size)
        return spacings


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """Axes in the theme's colours; a click gives the x position, a double click shows all again.

    `item` is what `make_item` has made: half of the work, which may be done in an earlier turn of the window's loop.
    """

    picked = Signal(float)
    hovered = Signal(object)

    def __init__(self, name: str, item: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent, plotItem=item)
        self.setAccessibleName(name)
        item.hideButtons()
        item.getViewBox().setMouseEnabled(x=True, y=False)
        item.getViewBox().setDefaultPadding(0.04)
        self.scene().sigMouseClicked.connect(self._clicked)
        self.scene().sigMouseMoved.connect(self._moved)
        theme.switch.changed.connect(self.restyle)

    @staticmethod
    def axes() -> tuple[Axis, Axis]:
        """The one at the bottom, and the one on the left."""
        raise NotImplementedError

    @classmethod
    def make_item(cls) -> Any:
        bottom, left = cls.axes()
        return pg.PlotItem(axisItems={"bottom": bottom, "left": left}, enableMenu=False)

    def restyle(self) -> None:
        """Take over the theme; subclasses draw their curves anew."""
        look = theme.current()
        self.setBackground(look.surface)
        for side in ("bottom", "left"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(look.line))
            axis.setTextPen(pg.mkPen(look.dim))
            axis.setTickFont(theme.mono_font(theme.CAPTION_PX))
            axis.setStyle(tickLength=-theme.TIGHT)
            axis.setZValue(-1)  # the grid lies behind the bars
        self.getPlotItem().showGrid(x=False, y=True, alpha=0.25)
        self.draw()

    def draw(self) -> None:
        """Put the data into the curves."""
        raise NotImplementedError

    def csv(self) -> str:
        raise NotImplementedError

    def view_x(self, position: QPointF) -> float:
        return float(self.getPlotItem().getViewBox().mapSceneToView(position).x())

    def _clicked(self, event: Any) -> None:
        if event.double():
            self.getPlotItem().autoRange()
        elif event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(self.view_x(event.scenePos()))

    def _moved(self, position: QPointF) -> None:
        inside = self.getPlotItem().sceneBoundingRect().contains(position)
        self.hovered.emit(self.view_x(position) if inside else None)

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self.hovered.emit(None)

    def copy_picture(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.grab())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        from PySide6.QtWidgets import QMenu

        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(translate("charts", "Copy as CSV")).triggered.connect(lambda: to_clipboard(self.csv()))
        menu.addAction(translate("charts", "Copy picture")).triggered.connect(self.copy_picture)
        menu.popup(event.globalPos())


def _pen(color: Any, width: float = 1.0, *, dashed: bool = False) -> Any:
    return pg.mkPen(color, width=width, style=Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)


def _same(one: Floats, other: Floats) -> bool:
    return np.array_equal(one, other, equal_nan=True)


class LossPlot(Plot):
    """The loss of each training step, strong up to the playhead's; a line marks that step.

    Where it is NaN or infinite, there is a full line in the error colour.
    """

    @staticmethod
    def axes() -> tuple[Axis, Axis]:
        return Axis("bottom", "whole"), Axis("left")

    def __init__(self, parent: QWidget | None = None, item: Any = None) -> None:
        super().__init__(translate("charts", "Loss over training steps"), item or self.make_item(), parent)
        self._steps: Floats = np.zeros(0)
        self._losses: Floats = np.zeros(0)
        self._current = 0
        self._ahead = self.plot([], [], connect="finite")
        self._passed = pg.PlotDataItem([], [], connect="finite")
        self._drawn: tuple[Floats, Floats] | None = None
        self.addItem(self._passed, ignoreBounds=True)  # it is a part of the other: the axes stay as they are
        self._spoiled: Floats = np.zeros(0)
        self._framed = False
        self._ticks = pg.VTickGroup(yrange=[0, 1])
        self.addItem(self._ticks, ignoreBounds=True)
        self._marker = pg.InfiniteLine(angle=90, movable=False)
        self.addItem(self._marker, ignoreBounds=True)
        self.restyle()

    def set_data(self, steps: Floats, losses: Floats, current: int, spoiled: npt.NDArray[np.bool_]) -> None:
        """`spoiled`: whether a step has a loss that is no finite number; others that have none have no loss at all."""
        self._steps, self._losses, self._current, self._spoiled = steps, losses, current, steps[spoiled]
        self.getPlotItem().getAxis("bottom").numbered = (1.0, steps.max(initial=1.0))
        self.draw()

    def restyle(self) -> None:
        self._drawn = None
        super().restyle()

    def draw(self) -> None:
        look = theme.current()
        passed = self._steps <= self._current
        finite = np.where(np.isfinite(self._losses), self._losses, np.nan)
        if self._drawn is None or not all(map(_same, self._drawn, (self._steps, finite))):
            self._drawn = (self._steps, finite)
            pale = theme.blend(look.surface, look.forward, theme.NOT_YET)
            self._draw_curve(self._ahead, np.ones(len(passed), np.bool_), finite, pale, 1.0)
            self._frame(finite[np.isfinite(finite)])
        self._draw_curve(self._passed, passed, finite, look.forward, 2.0)
        self._ticks.setPen(_pen(look.error))
        self._ticks.setXVals(self._spoiled.tolist())
        self._marker.setPen(_pen(look.text, dashed=True))
        self._marker.setValue(self._current)

    def _frame(self, losses: Floats) -> None:
        """One number alone has no height of its own: pyqtgraph would keep that of what was shown before."""
        alone = losses.size > 0 and losses.min() == losses.max()
        if alone:
            half = abs(losses[0]) / 2 or 1.0
            self.setYRange(losses[0] - half, losses[0] + half)
        elif self._framed:
            self.enableAutoRange(axis="y")
        self._framed = alone

    def _draw_curve(self, curve: Any, shown: npt.NDArray[np.bool_], losses: Floats, color: Any, width: float) -> None:
        kept = shown & np.isfinite(losses).any(where=shown)  # nothing but NaN has no bounds, and pyqtgraph warns
        symbol = "o" if len(self._steps) <= MARKED else None
        curve.setData(
            self._steps[kept], losses[kept], pen=_pen(color, width), symbol=symbol, symbolSize=5, symbolBrush=color,
            symbolPen=None,
        )  # all in one call: each would draw the curve anew  # fmt: skip

    def csv(self) -> str:
        pairs = zip(self._steps.tolist(), self._losses.tolist(), strict=True)
        return "\n".join(["step,loss", *(f"{int(step)},{loss}" for step, loss in pairs)])


class GradientPlot(Plot):
    """The gradient norm of each parameter in the order of the model, on a logarithmic axis.

    The axis spans the whole step, so that bars do not jump while gradients arrive. A gradient of exactly zero has a
    mark at the foot, one with NaN or infinity a full bar in the error colour.
    """

    @staticmethod
    def axes() -> tuple[Axis, Axis]:
        return Axis("bottom"), Axis("left", "powers")

    def __init__(self, parent: QWidget | None = None, item: Any = None) -> None:
        super().__init__(translate("charts", "Gradient norm of each parameter"), item or self.make_item(), parent)
        self._norms: Floats = np.zeros(0)
        self._known: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._names: tuple[str, ...] = ()
        self._span = (-1.0, 1.0)
        self._selected = -1
        self._bars = pg.BarGraphItem(x=[], height=[], width=0.8)
        self.addItem(self._bars)
        for moved in (self.getPlotItem().getViewBox().sigXRangeChanged, self.getPlotItem().getViewBox().sigResized):
            moved.connect(self._name)
        self.getPlotItem().getViewBox().sigResized.connect(self._show_span)
        self.restyle()

    def set_data(
        self,
        names: tuple[str, ...],
        norms: Floats,
        known: npt.NDArray[np.bool_],
        span: tuple[float, float],
        selected: int,
    ) -> None:
        """`span`: the smallest and largest log10 of the step; `selected`: a parameter's place, −1 for none."""
        others, elsewhere = names != self._names, span != self._span
        self._names, self._norms, self._known, self._span, self._selected = names, norms, known, span, selected
        if others or elsewhere:
            middle, half = (len(names) - 1) / 2, max(len(names), FEWEST_BARS) / 2
            self.setXRange(middle - half, middle + half)
            self._show_span()
        self.draw()
        if others:
            self._name()

    def draw(self) -> None:
        low, high = self._span
        finite = self._known & np.isfinite(self._norms)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(finite, np.maximum(np.log10(np.where(finite, self._norms, 1.0)), LOWEST), high)
        heights = np.where(finite & (self._norms == 0), (high - low) * 0.01, logs - low)
        places = np.flatnonzero(self._known)
        look = theme.current()
        brushes = [self._color(int(place), bool(finite[place]), look) for place in places]
        self._bars.setOpts(
            x=places,
            y0=np.full(len(places), low),
            height=heights[places],
            width=0.8,
            brushes=brushes,
            pen=pg.mkPen(None),
        )

    def _show_span(self) -> None:
        """With room for half a line above and below: labels that reach beyond the axis are left out."""
        line = QFontMetricsF(theme.mono_font(theme.CAPTION_PX)).height()
        height = max(self.getPlotItem().getViewBox().height() - line, line)
        self.setYRange(*self._span, padding=(line / 2 + 1) / height)

    def _name(self) -> None:
        """Below the bars, as far as there is room."""
        box, metrics = self.getPlotItem().getViewBox(), QFontMetricsF(theme.mono_font(theme.CAPTION_PX))
        low, high = box.viewRange()[0]
        names = names_below(self._names, box.width() / max(high - low, 1e-9), metrics.horizontalAdvance)
        self.getPlotItem().getAxis("bottom").setTicks([names])

    def _color(self, place: int, finite: bool, look: theme.Theme) -> Any:
        if not finite:
            return look.error
        return look.accent if place == self._selected else look.backward

    def csv(self) -> str:
        rows = zip(self._names, self._norms.tolist(), self._known.tolist(), strict=True)
        return "\n".join(
            ["parameter,gradient_norm", *(f"{name},{norm if known else ''}" for name, norm, known in rows)]
        )


def cut_at(totals: Floats) -> float:
    """Where bars end that are so much longer than the others that those could not be read; infinity if none is."""
    if len(totals) < 3:
        return math.inf
    ordered = np.sort(totals)
    most = max(round(len(totals) * (1.0 - OTHERS)), 1)
    jumps = np.flatnonzero(ordered[-most:] > CUT_FROM * ordered[-most - 1 : -1])
    longest = float(ordered[len(totals) - most + jumps[0] - 1]) if len(jumps) else 0.0
    return CUT_TO * longest if longest > 0.0 else math.inf


class TimePlot(Plot):
    """How long forward, backward and update took in each training step, stacked, in milliseconds.

    The first step of a run warms up, and takes many times as long as others: bars that would press down the rest are
    cut, and have a notch and their time at the top.
    """

    @staticmethod
    def axes() -> tuple[Axis, Axis]:
        return Axis("bottom", "whole"), Axis("left", "time")

    def __init__(self, parent: QWidget | None = None, item: Any = None) -> None:
        super().__init__(translate("charts", "Time of each training step"), item or self.make_item(), parent)
        self.getPlotItem().getViewBox().setLimits(xMin=0, minXRange=FEWEST_BARS)
        self._steps: Floats = np.zeros(0)
        self._times: Floats = np.zeros((0, len(PHASES)))
        self._current = 0
        self._bars = [pg.BarGraphItem(x=[], height=[], width=0.8) for _ in PHASES]
        self._notches = pg.BarGraphItem(x=[], height=[], width=1.0)
        self._heads = pg.BarGraphItem(x=[], height=[], width=0.8)
        for bars in (*self._bars, self._notches, self._heads):
            self.addItem(bars)
        self._words: list[tuple[float, Any]] = []  # of those that are cut: the step, and how long it took
        for moved in (self.getPlotItem().getViewBox().sigXRangeChanged, self.getPlotItem().getViewBox().sigResized):
            moved.connect(self._place_words)
        self._marker = pg.InfiniteLine(angle=90, movable=False)
        self.addItem(self._marker, ignoreBounds=True)
        self.restyle()

    def set_data(self, steps: Floats, times: Floats, current: int) -> None:
        """`times`: (steps, phases) seconds, NaN where unknown."""
        self._steps, self._times, self._current = steps, times, current
        self.getPlotItem().getAxis("bottom").numbered = (1.0, steps.max(initial=1.0))
        self.draw()

    def draw(self) -> None:
        look = theme.current()
        taken = np.nan_to_num(self._times) * 1e3
        totals = taken.sum(axis=1)
        most = cut_at(totals)
        tops = np.minimum(np.cumsum(taken, axis=1), most)
        heights = np.diff(tops, axis=1, prepend=0.0)
        feet = tops - heights
        self._mark_cuts(np.flatnonzero(totals > most), totals, most)
        for place, (phase, bars) in enumerate(zip(PHASES, self._bars, strict=True)):
            bars.setOpts(
                x=self._steps,
                y0=feet[:, place],
                height=heights[:, place],
                width=0.8,
                brush=look.phase(phase),
                pen=pg.mkPen(None),
            )
        self._marker.setPen(_pen(look.text, dashed=True))
        self._marker.setValue(self._current)

    def _mark_cuts(self, places: npt.NDArray[np.intp], totals: Floats, most: float) -> None:
        look, steps = theme.current(), self._steps[places]
        for bars, foot, height, width, brush in (
            (self._notches, NOTCH_AT, NOTCH, 1.0, look.surface),
            (self._heads, 1.0, HEAD, 0.8, None),
        ):
            y0, heights = (np.full(len(places), most * share) for share in (foot, height))
            bars.setOpts(x=steps, y0=y0, height=heights, width=width, brush=brush, pen=pg.mkPen(None))
        for _, words in self._words:
            self.removeItem(words)
        self._words = []
        for place in places[:WRITTEN].tolist():
            words = pg.TextItem(numbers.duration(totals[place] / 1e3), color=look.dim)
            words.setFont(theme.mono_font(theme.CAPTION_PX))
            words.setY(most)
            self.addItem(words, ignoreBounds=True)
            self._words.append((float(self._steps[place]), words))
        self._place_words()

    def _place_words(self) -> None:
        """From the left of its bar on, or up to its right at the end; those that would stand on another one are left
        out."""
        box = self.getPlotItem().getViewBox()
        low, high = box.viewRange()[0]
        step_px, end = box.width() / max(high - low, 1e-9), -math.inf
        for step, words in self._words:
            width, left = words.boundingRect().width(), (step - 0.4 - low) * step_px
            backward = left + width > box.width()
            if backward:
                left = (step + 0.4 - low) * step_px - width
            words.setAnchor((1.0 if backward else 0.0, 1.0))
            words.setX(step + 0.4 if backward else step - 0.4)
            words.setVisible(left >= end)
            end = left + width if left >= end else end

    def csv(self) -> str:
        lines = [",".join(["step", *(f"{phase}_seconds" for phase in PHASES)])]
        for step, times in zip(self._steps.tolist(), self._times.tolist(), strict=True):
            lines.append(",".join([str(int(step)), *(str(time) for time in times)]))
        return "\n".join(lines)
