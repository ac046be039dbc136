"""What stands over the graph and does not move with it: breadcrumbs, legend, and words where there is nothing.

All of it is painted in logical pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap

from gui import theme as tokens
from gui.canvas import minimap
from gui.canvas.arrays import Kept
from gui.canvas.camera import Camera
from gui.canvas.marks import STRIPED
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene

SWATCH = 8.0
LEGEND_HEIGHT = 24.0
LEGEND_LINE = 16.0  # from one line to the next
LEGEND_FOOT = 4.0  # below it: two lines are within `camera.FIT_MARGIN_Y`, where no fitted graph is
MOST_LINES = 2
LOW = 400.0  # logical px of height below which a second line of the legend would stand on the graph
PLATE = 215  # opacity of the ground under words, of 255
CRUMB = "  \u203a  "
ELLIPSIS = "\u2026"

Entry = tuple[QColor, str, Literal["phase", "category", "odd"]]  # colour, words, how it is drawn


def category_label(name: str) -> str:
    """A category of `engine.graph.category` in words."""
    tr = QCoreApplication.translate
    return {
        "linear": tr("Canvas", "linear, convolution"),
        "normalization": tr("Canvas", "normalization"),
        "activation": tr("Canvas", "activation"),
        "shape": tr("Canvas", "shape"),
        "reduction": tr("Canvas", "reduction"),
        "loss": tr("Canvas", "loss"),
        "arithmetic": tr("Canvas", "arithmetic"),
        "attention": tr("Canvas", "attention"),
        "parameter": tr("Canvas", "parameter"),
        "data": tr("Canvas", "data"),
        "other": tr("Canvas", "other"),
        "proof_good": tr("Canvas", "proved"),
        "proof_quiet": tr("Canvas", "not differentiable"),
        "proof_wrong": tr("Canvas", "wrong"),
        "proof_unknown": tr("Canvas", "no rule"),
        "proof_none": tr("Canvas", "not looked at"),
    }.get(name, name)


def crumb_places(parts: Sequence[str], width: float) -> list[QRectF]:
    """Where each part stands, in logical px; what is left out has no width, but for the first of that, whose place an
    ellipsis has."""
    return [QRectF(place) for _, place in _line(tuple(parts), width)]


@lru_cache(maxsize=8)  # every frame has it, and seldom another one
def _line(parts: tuple[str, ...], width: float) -> tuple[tuple[str, QRectF], ...]:
    """As much of each part as there is room for, and where."""
    metrics = QFontMetricsF(tokens.ui_font(tokens.TEXT_PX - 1))
    between = metrics.horizontalAdvance(CRUMB)
    line: list[tuple[str, QRectF]] = []
    x = float(tokens.LARGE)
    for text, advance in _fitted(parts, width, metrics):
        line.append((text, QRectF(x, tokens.LARGE - 4.0, advance, metrics.height() + 8)))
        x += advance + between if advance else 0.0
    return tuple(line)


def _fitted(parts: Sequence[str], width: float, metrics: QFontMetricsF) -> list[tuple[str, float]]:
    """(text, width) of each part. Where there is no room, those in the middle go first, then the first; the last says
    where one is: it is only cut."""
    room, last = width - 2 * tokens.LARGE, len(parts) - 1
    shown = [(part, metrics.horizontalAdvance(part)) for part in parts]
    dots, nothing = (ELLIPSIS, metrics.horizontalAdvance(ELLIPSIS)), ("", 0.0)

    def over() -> float:
        count = sum(advance > 0 for _, advance in shown)
        return sum(advance for _, advance in shown) + metrics.horizontalAdvance(CRUMB) * (count - 1) - room

    for index in [*range(1, last), 0][: max(last, 0)]:
        if over() <= 0:
            break
        if index == 0:
            shown[:last] = [dots, *[nothing] * (last - 1)]
        else:
            shown[index] = dots if index == 1 else nothing
    if parts and over() > 0:
        text, advance = shown[last]
        advance = max(advance - over(), 0.0)
        shown[last] = (metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, advance), advance)
    return shown


def crumbs(painter: QPainter, parts: Sequence[str], width: float, theme: Theme) -> None:
    """Where one is, at the top left: step 3 of 10, backward pass 1, layer1.0.bn1. The last part stands out."""
    if not parts:
        return
    font = tokens.ui_font(tokens.TEXT_PX - 1)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    baseline = tokens.LARGE + metrics.ascent()
    line = _line(tuple(parts), width)
    places = [place for _, place in line]
    painter.fillRect(places[0].united(places[-1]).adjusted(-6, 0, 6, 0), plate_of(theme))
    for index, (text, place) in enumerate(line):
        if place.width() <= 0:
            continue
        if index and place.left() > places[0].left():
            painter.setPen(theme.line if theme.is_dark else blend(theme.line, theme.dim, 0.5))
            painter.drawText(QPointF(place.left() - metrics.horizontalAdvance(CRUMB), baseline), CRUMB)
        painter.setPen(theme.text if index == len(parts) - 1 else theme.dim)
        painter.drawText(QPointF(place.left(), baseline), text)


class Legend:
    """Phases, what gradients with NaN or infinities look like where there are any, and the categories that occur, in a
    line or two at the foot; where it is narrow or low, without the categories."""

    def __init__(self) -> None:
        self._made_of: tuple[object, ...] = ()
        self._picture: QPixmap | None = None
        self._fills: Kept[tuple[int, ...]] = Kept()

    def paint(self, painter: QPainter, picture: Picture, camera: Camera, theme: Theme) -> None:
        scene, odd = picture.scene, bool(picture.state.odd.any())
        width, height = camera.width / camera.ratio, camera.height / camera.ratio
        fills = self._fills.get((scene.category,), lambda: fills_of(scene))
        beside = minimap.WIDTH + tokens.LARGE if scene.node_count >= minimap.SHOWN_FROM else 0.0
        most = MOST_LINES if height >= LOW else 1
        made_of = (fills, odd, theme.name, width - beside, camera.ratio, most)
        if self._picture is None or self._made_of != made_of:
            lines = legend_lines(fills, width - beside, theme, odd=odd, most=most)
            self._picture = _draw_legend(lines, camera.ratio, theme)
            self._made_of = made_of
        foot = height - LEGEND_FOOT - self._picture.height() / camera.ratio
        painter.drawPixmap(QPointF(tokens.LARGE - 6.0, foot), self._picture)


def fills_of(scene: Scene) -> tuple[int, ...]:
    """The categories that occur, then the states of proofs."""
    return tuple(np.unique(scene.category).tolist())


def legend_lines(
    fills: Sequence[int], width: float, theme: Theme, *, odd: bool = False, most: int = MOST_LINES
) -> list[list[Entry]]:
    """Phases and categories in lines that fit beside the margins; only phases, if that takes more than `most`."""
    tr = QCoreApplication.translate
    phases: list[Entry] = [
        (theme.forward, tr("Canvas", "value"), "phase"),
        (theme.backward, tr("Canvas", "gradient"), "phase"),
        (theme.update, tr("Canvas", "update"), "phase"),
    ]
    if odd:
        phases.append((blend(theme.bg, theme.error, STRIPED), tr("Canvas", "NaN or infinite"), "odd"))
    names = [(*tokens.CATEGORIES, *tokens.PROOFS)[index] for index in fills]
    lines: list[list[Entry]] = [phases]
    for name in names:
        entry: Entry = (theme.category(name), category_label(name), "category")
        if legend_width([*lines[-1], entry]) <= width - 2 * tokens.LARGE:
            lines[-1] = [*lines[-1], entry]
        else:
            lines.append([entry])
    return lines if len(lines) <= most else [phases]


def legend_width(entries: Sequence[Entry]) -> float:
    metrics = QFontMetricsF(tokens.caption_font())
    return 6 + sum(SWATCH + 5 + metrics.horizontalAdvance(entry[1]) + tokens.LARGE for entry in entries)


def _draw_legend(lines: Sequence[Sequence[Entry]], ratio: float, theme: Theme) -> QPixmap:
    return on_plate(legend_size(lines), ratio, theme, partial(paint_legend, lines=lines, theme=theme))


def on_plate(size: QSizeF, ratio: float, theme: Theme, paint: Callable[[QPainter], None]) -> QPixmap:
    """A picture of so many logical px, on a ground that lets the graph through only faintly."""
    picture = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(plate_of(theme))
    painter = QPainter(picture)
    try:
        paint(painter)
    finally:
        painter.end()
    return picture


def plate_of(theme: Theme) -> QColor:
    plate = QColor(theme.bg)
    plate.setAlpha(PLATE)
    return plate


def legend_size(lines: Sequence[Sequence[Entry]]) -> QSizeF:
    """In logical px."""
    wide = max(legend_width(line) for line in lines)
    return QSizeF(wide, LEGEND_LINE * len(lines) + LEGEND_HEIGHT - LEGEND_LINE)


def paint_legend(painter: QPainter, lines: Sequence[Sequence[Entry]], theme: Theme) -> None:
    """From the painter's origin, without a ground."""
    painter.setFont(tokens.caption_font())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for number, line in enumerate(lines):
        _draw_legend_line(painter, line, LEGEND_HEIGHT / 2 + LEGEND_LINE * number, theme)


def _draw_legend_line(painter: QPainter, entries: Sequence[Entry], middle: float, theme: Theme) -> None:
    metrics, x = QFontMetricsF(tokens.caption_font()), 6.0
    for color, text, kind in entries:
        painter.setBrush(color)
        if kind != "phase":
            place = QRectF(x + 0.5, middle - SWATCH / 2 + 0.5, SWATCH - 1, SWATCH - 1)
            painter.setPen(QPen(blend(color, theme.text, 0.25), 1.0))
            painter.drawRoundedRect(place, 2, 2)
            if kind == "odd":
                stripes(painter, place, theme)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QRectF(x, middle - SWATCH / 2, SWATCH, SWATCH))
        painter.setPen(theme.dim)
        painter.drawText(QPointF(x + SWATCH + 5, middle + metrics.capHeight() / 2), text)
        x += SWATCH + 5 + metrics.horizontalAdvance(text) + tokens.LARGE


def stripes(painter: QPainter, place: QRectF, theme: Theme) -> None:
    """Over a small square, what stands on nodes whose gradient holds NaN or infinities."""
    painter.setPen(QPen(theme.error, 1.5))
    corners = place.adjusted(1, 1, -1, -1)
    middle = corners.center()
    for start, end in (
        (QPointF(corners.left(), middle.y()), QPointF(middle.x(), corners.top())),
        (corners.bottomLeft(), corners.topRight()),
        (QPointF(middle.x(), corners.bottom()), QPointF(corners.right(), middle.y())),
    ):
        painter.drawLine(start, end)


def words(painter: QPainter, rect: QRectF, title: str, more: str, theme: Theme, *, failed: bool = False) -> None:
    """A title and a line in the middle of an empty canvas; a failure is marked by a sign as well as by colour."""
    painter.setPen(theme.error if failed else theme.text)
    painter.setFont(tokens.title_font())
    middle = rect.center().y()
    painter.drawText(
        QRectF(rect.left() + 24, middle - 44, rect.width() - 48, 40),
        int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom),
        f"⚠  {title}" if failed else title,
    )
    painter.setPen(theme.dim)
    painter.setFont(tokens.ui_font())
    painter.drawText(
        QRectF(rect.left() + 24, middle + 4, rect.width() - 48, 120),
        int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap),
        more,
    )
