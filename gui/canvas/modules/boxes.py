"""The frames of open modules: painted below everything, with a title that one can click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import theme as tokens
from gui.canvas.modules.card import draw_sign
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from engine.layout import Box
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene

STRIP = 24.0  # scene px: height of the title
TEXT = 12.0
ROOM = 27.0  # scene px over the first row: from afar, titles are larger than life
SMALLEST = 7  # px of a title's font: from farther away it is left out
LARGEST = 20
SHADES = (0.18, 0.36)  # of the fill, for boxes of even and odd depth
ROUND = 8.0


def paint(p: QPainter, scene: Scene, camera: Camera, theme: Theme, current: str = "") -> None:
    """Frames in view, outer ones first; the one that is looked at is marked."""
    if not scene.boxes:
        return
    view = QRectF(0, 0, camera.width, camera.height)
    p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for box in scene.boxes:
        rect = rect_of(box, camera)
        if not rect.intersects(view):
            continue
        chosen = box.key == current
        p.setPen(QPen(theme.accent if chosen else blend(theme.bg, theme.dim, 0.4), camera.ratio * (2 if chosen else 1)))
        p.setBrush(_fill(box, theme))
        radius = min(ROUND * camera.scale, 10 * camera.ratio)
        p.drawRoundedRect(rect, radius, radius)


def paint_titles(p: QPainter, scene: Scene, camera: Camera, theme: Theme) -> None:
    """Above the edges: what enters a box from above passes below its title."""
    view = QRectF(0, 0, camera.width, camera.height)
    p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for box in scene.boxes:
        rect = rect_of(box, camera)
        if rect.intersects(view):
            fill = _fill(box, theme)
            _title(p, box, rect, camera, blend(theme.text, fill, 0.3), fill)


def _fill(box: Box, theme: Theme) -> QColor:
    return blend(theme.bg, theme.raised if theme.is_dark else theme.line, SHADES[box.depth % 2])


def _title(p: QPainter, box: Box, rect: QRectF, camera: Camera, color: QColor, fill: QColor) -> None:
    """The sign to close it, and its name: as long a part as there is room for, the last part first."""
    size = max(round(TEXT * camera.scale), min(round(9 * camera.ratio), round(ROOM * camera.scale)))
    size = min(size, round(LARGEST * camera.ratio))
    if size < SMALLEST * camera.ratio:
        return
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
