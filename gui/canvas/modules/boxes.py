"""The frames of open modules: painted below everything, with a title that one can click."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPaintEngine, QPainter, QPen, QPixmap

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
SMALLEST = 7  # px of a title's font: from farther away only large boxes have one, over what they hold
FAR = 10  # px of its font then
FAR_LINES = 3.0  # and as many such lines is the box high, at least
LARGEST = 20
SHADES = (0.18, 0.36)  # of the fill, for boxes of even and odd depth
ROUND = 8.0
AROUND = 3  # px of a title's picture on each side
REACH = 8.0  # logical px: as far as a line or a title stands out of its box
SHARP = 1.5  # logical px: corners that are less round are painted as corners

Titles = tuple[tuple[QPointF, QPixmap], ...]

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
        rect, width = rect_of(box, camera), camera.ratio * (2 if marked else 1)
        if radius < SHARP * camera.ratio:
            p.setPen(QPen(theme.accent, width))
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawRoundedRect(rect, radius, radius)
        else:
            _frame(p, rect, radius, width, theme.accent if marked else line, fills[box.depth % 2])


def _frame(p: QPainter, rect: QRectF, radius: float, width: float, line: QColor, fill: QColor) -> None:
    """A rounded rectangle. On screen, with a thin line, it is put together: its corners are a picture made once, for to
    smooth the whole of a large one takes many times as long."""
    corner = math.ceil(radius) + 2
    left, top = math.floor(rect.left()), math.floor(rect.top())
    across, down = round(rect.width()) + 1, round(rect.height()) + 1
    if width != 1 or min(across, down) < 2 * corner or p.paintEngine().type() != QPaintEngine.Type.Raster:
        p.setPen(QPen(line, width))
        p.setBrush(fill)
        p.drawRoundedRect(rect, radius, radius)
        return
    picture = _corners(corner, radius, line.rgb(), fill.rgb())
    for x, from_x in ((left, 0), (left + across - corner, corner)):
        for y, from_y in ((top, 0), (top + down - corner, corner)):
            p.drawPixmap(x, y, picture, from_x, from_y, corner, corner)
    p.fillRect(left + corner, top + 1, across - 2 * corner, down - 2, fill)
    for x in (left + 1, left + across - corner):
        p.fillRect(x, top + corner, corner - 1, down - 2 * corner, fill)
    for y in (top, top + down - 1):
        p.fillRect(left + corner, y, across - 2 * corner, 1, line)
    for x in (left, left + across - 1):
        p.fillRect(x, top + corner, 1, down - 2 * corner, line)


@lru_cache(maxsize=32)
def _corners(corner: int, radius: float, line: int, fill: int) -> QPixmap:
    """The smallest frame that has all four of them."""
    picture = QPixmap(2 * corner, 2 * corner)
    picture.fill(Qt.GlobalColor.transparent)
    p = QPainter(picture)
    try:
        p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        p.setPen(QPen(QColor.fromRgb(line), 1))
        p.setBrush(QColor.fromRgb(fill))
        p.drawRoundedRect(QRectF(0.5, 0.5, 2 * corner - 1, 2 * corner - 1), radius, radius)
    finally:
        p.end()
    return picture


def _in_view(scene: Scene, camera: Camera) -> tuple[Floats, Ints]:
    """(4, k) left, top, right, bottom in device px of the boxes in view, and which they are."""
    x, y = camera.offset
    seen = np.flatnonzero(touching(scene.box_rects, *camera.bounds(REACH * camera.ratio)))
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
    """As words, above the edges: what enters a box from above passes below its title."""
    p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    size = _title_size(camera)
    for box, rect, color, fill in _titled(scene, camera, theme):
        _title(p, box.title, rect, camera.scale, size, color, fill)


def titles(scene: Scene, camera: Camera, theme: Theme) -> Titles:
    """The same as pictures made once, and where they stand: to set the words anew in each frame takes as long as many
    cards."""
    size = _title_size(camera)
    return tuple(
        (
            QPointF(rect.left() - 0.5 - AROUND, rect.top() - 0.5 - AROUND),
            _title_picture(box.title, rect.width(), camera.scale, size, color.rgb(), fill.rgb()),
        )
        for box, rect, color, fill in _titled(scene, camera, theme)
    )


def _titled(scene: Scene, camera: Camera, theme: Theme) -> Iterator[tuple[Box, QRectF, QColor, QColor]]:
    """Boxes in view whose titles can be read, where they are, and the colours of words and ground."""
    if not scene.boxes:
        return
    _, fills = _colors(theme)
    inks = [blend(theme.text, fill, 0.3) for fill in fills]
    rects, seen = _in_view(scene, camera)
    far, size = is_far(camera), _title_size(camera)
    if far:
        high = rects[3] - rects[1] >= FAR_LINES * size
        seen = seen[high & (scene.box_depth[seen] == _level(scene.box_depth))]
    for place in seen.tolist():
        box = scene.boxes[place]
        rect = rect_of(box, camera)
        if not far or _title_places(box.title, rect.width(), camera.scale, size)[2]:
            yield box, rect, inks[box.depth % 2], fills[box.depth % 2]


@lru_cache(maxsize=4)
def _colors(theme: Theme) -> tuple[QColor, tuple[QColor, ...]]:
    """Of borders, and of what is within them at even and odd depths."""
    ground = theme.raised if theme.is_dark else theme.line
    return blend(theme.bg, theme.dim, 0.4), tuple(blend(theme.bg, ground, shade) for shade in SHADES)


def _level(depth: Ints) -> int:
    """The outermost at which there are several boxes, for one around everything says little."""
    several = np.flatnonzero(np.bincount(depth) > 1)
    return int(several[0]) if len(several) else int(depth.max())


def is_far(camera: Camera) -> bool:
    """Whether there is no room for titles above what the boxes hold."""
    return _near_size(camera) < SMALLEST * camera.ratio


def _title_size(camera: Camera) -> int:
    """Of the font, in px."""
    return round(FAR * camera.ratio) if is_far(camera) else _near_size(camera)


def _near_size(camera: Camera) -> int:
    size = max(round(TEXT * camera.scale), min(round(9 * camera.ratio), round(ROOM * camera.scale)))
    return min(size, round(LARGEST * camera.ratio))


@lru_cache(maxsize=256)
def _title_picture(title: str, width: float, scale: float, size: int, color: int, fill: int) -> QPixmap:
    left, strip, text = _title_places(title, width, scale, size)
    across = left + size * 1.5 + QFontMetricsF(tokens.ui_font(size)).horizontalAdvance(text) + 6
    picture = QPixmap(math.ceil(across) + 2 * AROUND, math.ceil(strip) + 2 * AROUND)
    picture.fill(Qt.GlobalColor.transparent)
    p = QPainter(picture)
    try:
        p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        rect = QRectF(AROUND + 0.5, AROUND + 0.5, width, strip)
        _title(p, title, rect, scale, size, QColor.fromRgb(color), QColor.fromRgb(fill))
    finally:
        p.end()
    return picture


def _title_places(title: str, width: float, scale: float, size: int) -> tuple[float, float, str]:
    """How far right of the box's left the sign is, the height of the strip, and as long a part of the name as there is
    room for, the last part first."""
    metrics = QFontMetricsF(tokens.ui_font(size))
    left, strip = 7 * scale, max(STRIP * scale, size * 1.3)
    room = width - 6 * scale - left - size * 1.5
    return left, strip, next((each for each in _shorter(title) if metrics.horizontalAdvance(each) <= room), "")


def _title(p: QPainter, title: str, rect: QRectF, scale: float, size: int, color: QColor, fill: QColor) -> None:
    """The sign to close it, and its name."""
    from_left, strip, text = _title_places(title, rect.width(), scale, size)
    font, sign = tokens.ui_font(size), float(size)
    left, middle = rect.left() + from_left, rect.top() + strip / 2
    advance = QFontMetricsF(font).horizontalAdvance(text)
    p.fillRect(QRectF(left - 2, middle - strip * 0.36, sign * 1.5 + advance + 4, strip * 0.72), fill)
    upper_left = math.floor(left + 0.5), math.floor(middle - sign / 2 + 0.5)  # `round` would go to even numbers
    draw_sign(p, QRectF(*upper_left, sign, sign), color, plus=False)
    if text:
        p.setFont(font)
        p.setPen(color)
        place = QRectF(left + sign * 1.5, rect.top(), advance + 4, strip)
        p.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)


def _shorter(title: str) -> tuple[str, ...]:
    name, separator, type_ = title.partition(" · ")
    last = name.rpartition(".")[2]
    return title, f"{last}{separator}{type_}", name, last


def rect_of(box: Box, camera: Camera) -> QRectF:
    """In device px, on whole pixels."""
    left, top = camera.to_device(box.x, box.y)
    wide, high = round(box.width * camera.scale), round(box.height * camera.scale)
    return QRectF(round(left) + 0.5, round(top) + 0.5, wide, high)


def title_at(scene: Scene, x: float, y: float, slack: float = 0.0) -> Box | None:
    """The box whose title strip is at a scene point, the innermost if several are."""
    for box in reversed(scene.boxes):
        if box.x <= x <= box.x + box.width and box.y <= y <= box.y + max(STRIP, slack):
            return box
    return None
