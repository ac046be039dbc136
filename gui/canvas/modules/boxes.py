"""The frames of open modules: painted below everything, with a title that one can click."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import theme as tokens
from gui.canvas.arrays import Batch, touching
from gui.canvas.modules.card import draw_sign
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from engine.layout import Box
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STRIP = 24.0  # scene px: height of the title
TEXT = 12.0
ROOM = 27.0  # scene px over the first row: from afar, titles are larger than life
SMALLEST = 7  # px of a title's font: from farther away it is left out
LARGEST = 20
SHADES = (0.18, 0.36)  # of the fill, for boxes of even and odd depth
ROUND = 8.0
SHARP = 1.5  # logical px: corners that are less round are painted as corners

_batch = Batch(QRect)


def paint(p: QPainter, scene: Scene, camera: Camera, theme: Theme, current: str = "") -> None:
    """Frames in view, outer ones first; the one that is looked at is marked."""
    if not scene.boxes:
        return
    radius = min(ROUND * camera.scale, 10 * camera.ratio)
    rects, seen = _in_view(scene, camera)
    if radius < SHARP * camera.ratio:
        p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        _paint_far(p, rects, scene.box_depth[seen], max(1, round(camera.ratio)), theme)
        chosen = [place for place in seen.tolist() if scene.boxes[place].key == current] if current else []
    else:
        chosen = seen.tolist()
    p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    line, fills = _colors(theme)
    for place in chosen:
        box = scene.boxes[place]
        marked = box.key == current
        p.setPen(QPen(theme.accent if marked else line, camera.ratio * (2 if marked else 1)))
        p.setBrush(fills[box.depth % 2] if radius >= SHARP * camera.ratio else Qt.BrushStyle.NoBrush)
        p.drawRoundedRect(rect_of(box, camera), radius, radius)


def _in_view(scene: Scene, camera: Camera) -> tuple[Floats, Ints]:
    """(4, k) left, top, right, bottom in device px of the boxes in view, and which they are."""
    x, y = camera.offset
    seen = np.flatnonzero(touching(scene.box_rects, *camera.bounds(2.0)))
    rects: Floats = scene.box_rects.take(seen, axis=1) * camera.scale + np.array([[x], [y], [x], [y]])
    return rects, seen


def _paint_far(p: QPainter, rects: Floats, depth: Ints, width: int, theme: Theme) -> None:
    """Boxes whose corners are too small to be round, each depth at once: its borders, then what is within them."""
    line, fills = _colors(theme)
    rows = np.rint(rects.T).astype(np.int32)
    p.setPen(Qt.PenStyle.NoPen)
    for level in np.unique(depth).tolist():
        mine = rows[depth == level]
        for inset, color in ((0, line), (width, fills[level % 2])):
            placed = mine + np.array([inset, inset, -inset, -inset], dtype=np.int32)
            placed = placed[(placed[:, 2] >= placed[:, 0]) & (placed[:, 3] >= placed[:, 1])]
            if len(placed):
                _batch.rows(len(placed))[:] = placed
                p.setBrush(color)
                p.drawRects(*_batch.arguments())


def paint_titles(p: QPainter, scene: Scene, camera: Camera, theme: Theme) -> None:
    """Above the edges: what enters a box from above passes below its title."""
    size = _title_size(camera)
    if not scene.boxes or size < SMALLEST * camera.ratio:
        return
    p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _, fills = _colors(theme)
    for place in _in_view(scene, camera)[1].tolist():
        box = scene.boxes[place]
        fill = fills[box.depth % 2]
        _title(p, box, rect_of(box, camera), camera, size, blend(theme.text, fill, 0.3), fill)


@lru_cache(maxsize=4)
def _colors(theme: Theme) -> tuple[QColor, tuple[QColor, ...]]:
    """Of borders, and of what is within them at even and odd depths."""
    ground = theme.raised if theme.is_dark else theme.line
    return blend(theme.bg, theme.dim, 0.4), tuple(blend(theme.bg, ground, shade) for shade in SHADES)


def _title_size(camera: Camera) -> int:
    """Of the font, in px."""
    size = max(round(TEXT * camera.scale), min(round(9 * camera.ratio), round(ROOM * camera.scale)))
    return min(size, round(LARGEST * camera.ratio))


def _title(p: QPainter, box: Box, rect: QRectF, camera: Camera, size: int, color: QColor, fill: QColor) -> None:
    """The sign to close it, and its name: as long a part as there is room for, the last part first."""
    font = tokens.ui_font(size)
    metrics = QFontMetricsF(font)
    sign, strip = float(size), max(STRIP * camera.scale, size * 1.3)
    left = rect.left() + 7 * camera.scale
    middle = rect.top() + strip / 2
    room = rect.right() - 6 * camera.scale - (left + sign * 1.5)
    text = next((each for each in _shorter(box.title) if metrics.horizontalAdvance(each) <= room), "")
    plate = QRectF(left - 2, middle - strip * 0.36, sign * 1.5 + metrics.horizontalAdvance(text) + 4, strip * 0.72)
    p.fillRect(plate, fill)
    draw_sign(p, QRectF(round(left), round(middle - sign / 2), round(sign), round(sign)), color, plus=False)
    if text:
        p.setFont(font)
        p.setPen(color)
        p.drawText(QRectF(left + sign * 1.5, rect.top(), room + 2, strip), Qt.AlignmentFlag.AlignVCenter, text)


def _shorter(title: str) -> tuple[str, ...]:
    name, separator, type_ = title.partition(" · ")
    last = name.rpartition(".")[2]
    return title, f"{last}{separator}{type_}", name, last


def rect_of(box: Box, camera: Camera) -> QRectF:
    """In device px, on whole pixels."""
    left, top = camera.to_device(box.x, box.y)
    right, bottom = camera.to_device(box.x + box.width, box.y + box.height)
    return QRectF(round(left) + 0.5, round(top) + 0.5, round(right - left), round(bottom - top))


def title_at(scene: Scene, x: float, y: float, slack: float = 0.0) -> Box | None:
    """The box whose title strip is at a scene point, the innermost if several are."""
    for box in reversed(scene.boxes):
        if box.x <= x <= box.x + box.width and box.y <= y <= box.y + max(STRIP, slack):
            return box
    return None


def box_at(scene: Scene, x: float, y: float) -> Box | None:
    """The innermost box at a scene point."""
    for box in reversed(scene.boxes):
        if box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height:
            return box
    return None
