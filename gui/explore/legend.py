"""The legend of colours by measure: a bar with numbers, or words beside their colours. Painted in logical pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen, QPixmap

from gui import theme as tokens
from gui.canvas import minimap
from gui.canvas.overlays import LEGEND_FOOT, on_plate, stripes
from gui.explore.coloring import Legend, Swatch
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene

BAR_WIDTH, BAR_HEIGHT = 120.0, 9.0
SWATCH = 9.0
GAP = 5.0
LINE = 18.0
EDGE = 6.0  # room round the words
MOST_LINES = 2


class ScaleLegend:
    """Drawn once for as long as it says the same."""

    def __init__(self) -> None:
        self._made_of: tuple[object, ...] = ()
        self._picture: QPixmap | None = None

    def paint(self, painter: QPainter, legend: Legend, scene: Scene, camera: Camera, theme: Theme) -> None:
        height = camera.height / camera.ratio
        beside = minimap.WIDTH + tokens.LARGE if scene.node_count >= minimap.SHOWN_FROM else 0.0
        width = camera.width / camera.ratio - beside - 2 * tokens.LARGE
        made_of = (legend, theme.name, width, camera.ratio)
        if self._picture is None or self._made_of != made_of:
            self._picture = draw(legend, width, camera.ratio, theme)
            self._made_of = made_of
        foot = height - LEGEND_FOOT - self._picture.height() / camera.ratio
        painter.drawPixmap(QPointF(tokens.LARGE - 6.0, foot), self._picture)


def draw(legend: Legend, width: float, ratio: float, theme: Theme) -> QPixmap:
    """The title, the bar between its numbers, and swatches, in as few lines as `width` allows; the rest is counted."""
    lines = lines_of(legend, width)
    return on_plate(size_of(lines), ratio, theme, partial(paint_lines, lines=lines, theme=theme))


def lines_of(legend: Legend, width: float, most: int = MOST_LINES) -> list[list[_Part]]:
    """What is drawn, in at most so many lines; what does not fit into them is counted."""
    return _lines(_parts(legend), width - 2 * EDGE, most)


def size_of(lines: Sequence[Sequence[_Part]]) -> QSizeF:
    """In logical px."""
    return QSizeF(max(_width_of(line) for line in lines) + 2 * EDGE, LINE * len(lines) + 4)


def paint_lines(painter: QPainter, lines: Sequence[Sequence[_Part]], theme: Theme) -> None:
    """From the painter's origin, without a ground."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for number, line in enumerate(lines):
        x = EDGE
        for part in line:
            part.paint(painter, x, 2 + LINE * (number + 0.5), theme)
            x += part.width + tokens.MEDIUM


@dataclass(frozen=True)
class _Words:
    text: str
    strong: bool = False

    @property
    def font(self) -> QFont:
        return tokens.ui_font(tokens.CAPTION_PX, semibold=self.strong)

    @property
    def width(self) -> float:
        return QFontMetricsF(self.font).horizontalAdvance(self.text)

    def paint(self, painter: QPainter, x: float, middle: float, theme: Theme) -> None:
        painter.setFont(self.font)
        painter.setPen(theme.text if self.strong else theme.dim)
        painter.drawText(QPointF(x, middle + QFontMetricsF(self.font).capHeight() / 2), self.text)


@dataclass(frozen=True)
class _Entry:
    swatch: Swatch

    @property
    def words(self) -> _Words:
        return _Words(f"{self.swatch.text}  {self.swatch.count:,}")

    @property
    def width(self) -> float:
        return SWATCH + GAP + self.words.width

    def paint(self, painter: QPainter, x: float, middle: float, theme: Theme) -> None:
        painter.setBrush(self.swatch.color)
        painter.setPen(QPen(blend(self.swatch.color, theme.text, 0.3), 1.0))
        place = QRectF(x + 0.5, middle - SWATCH / 2 + 0.5, SWATCH - 1, SWATCH - 1)
        painter.drawRoundedRect(place, 2, 2)
        if self.swatch.striped:
            stripes(painter, place, theme)
        self.words.paint(painter, x + SWATCH + GAP, middle, theme)


@dataclass(frozen=True)
class _Bar:
    legend: Legend

    @property
    def width(self) -> float:
        metrics = QFontMetricsF(tokens.mono_font(tokens.CAPTION_PX))
        return BAR_WIDTH + 2 * GAP + sum(metrics.horizontalAdvance(t) for t in (self.legend.low, self.legend.high))

    def paint(self, painter: QPainter, x: float, middle: float, theme: Theme) -> None:
        font = tokens.mono_font(tokens.CAPTION_PX)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(theme.text)
        baseline = middle + metrics.capHeight() / 2
        painter.drawText(QPointF(x, baseline), self.legend.low)
        x += metrics.horizontalAdvance(self.legend.low) + GAP
        painter.drawText(QPointF(x + BAR_WIDTH + GAP, baseline), self.legend.high)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        step, top = BAR_WIDTH / len(self.legend.ramp), round(middle - BAR_HEIGHT / 2)
        for place, color in enumerate(self.legend.ramp):
            painter.fillRect(QRectF(x + place * step, top, step + 0.5, BAR_HEIGHT), color)
        painter.setPen(QPen(blend(theme.line, theme.dim, 0.5), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(x, top, BAR_WIDTH, BAR_HEIGHT))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


_Part = _Words | _Entry | _Bar


def _parts(legend: Legend) -> list[_Part]:
    parts: list[_Part] = [_Words(legend.title, strong=True)] if legend.title else []
    if legend.ramp:
        parts.append(_Bar(legend))
    return parts + [_Entry(swatch) for swatch in legend.swatches]


def _lines(parts: Sequence[_Part], width: float, most: int) -> list[list[_Part]]:
    """Parts in at most `most` lines; where they do not fit, the last one tells how many more there are."""
    lines: list[list[_Part]] = [[]]
    for place, part in enumerate(parts):
        if not lines[-1] or _width_of([*lines[-1], part]) <= width:
            lines[-1].append(part)
        elif len(lines) < most:
            lines.append([part])
        else:
            left = len(parts) - place
            while len(lines[-1]) > 1 and _width_of([*lines[-1], _more(left)]) > width:
                lines[-1].pop()
                left += 1
            lines[-1].append(_more(left))
            break
    return lines


def _more(count: int) -> _Words:
    return _Words(QCoreApplication.translate("explore", "and {count} more").format(count=f"{count:,}"))


def _width_of(line: Sequence[_Part]) -> float:
    return sum(part.width for part in line) + tokens.MEDIUM * (len(line) - 1)
