"""Numbers on small plates: beside the edges that brought them, and a sum beside the node at which it forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from gui import theme as tokens
from gui.canvas import marks

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.flow.moment import Ints
    from gui.canvas.scene import Scene
    from gui.theme import Theme

NEAR_TARGET = 0.7  # of the way along an edge: where its number comes to rest
SHORT_EDGE = 52.0  # logical px: beside shorter ones there is no room for it
HEIGHT, ROOM, TEXT = 17.0, 5.0, 11  # logical px: of a plate, on either side of its text, of the text
DISC = 13.0
ASIDE = 10.0  # between a node and its sum
SPREAD = 66.0  # between numbers that stand in a row above a node
ABOVE = 22.0


def resting(scene: Scene, edges: Ints, node: int, camera: Camera) -> list[tuple[float, float]]:
    """Device px at which the number of each edge into `node` comes to rest: near it, or above it where edges are
    short. A parameter has several pictures: it is the one at which the edge ends."""
    found: list[tuple[float, float]] = []
    above: dict[int, int] = {}
    for edge in edges.tolist():
        if is_long(scene, edge, camera):
            x, y = scene.pieces.points(np.array([edge]), np.array([NEAR_TARGET]))[0].tolist()
            found.append(camera.to_device(x, y))
        else:
            item = _picture_at(scene, edge, node)
            box, count = marks.box_of(scene, item, camera), above.get(item, 0)
            x, y = box.left() + (SPREAD / 2 + count * SPREAD) * camera.ratio, box.top() - ABOVE * camera.ratio
            found.append((x, y))
            above[item] = count + 1
    return _apart(found, camera.ratio)


def is_long(scene: Scene, edge: int, camera: Camera) -> bool:
    """Whether there is room beside an edge for a number."""
    first, last = scene.pieces.first[edge], scene.pieces.first[edge + 1]
    return bool(scene.pieces.length[first:last].sum() * camera.scale >= SHORT_EDGE * camera.ratio)


def _picture_at(scene: Scene, edge: int, node: int) -> int:
    """The item, of those that show a node, at which an edge ends."""
    items = np.flatnonzero(scene.item_node == node)
    if len(items) == 1:
        return int(items[0])
    x, y = scene.pieces.points(np.array([edge]), np.array([1.0]))[0]
    aside = np.maximum(np.maximum(scene.left[items] - x, x - scene.right[items]), 0.0)
    over = np.maximum(np.maximum(scene.top[items] - y, y - scene.bottom[items]), 0.0)
    return int(items[np.argmin(aside + over)])


def _apart(places: list[tuple[float, float]], ratio: float) -> list[tuple[float, float]]:
    """Plates that would lie on each other are put one over the other."""
    step = (HEIGHT + 3) * ratio
    found: list[tuple[float, float]] = []
    for x, y in places:
        while any(abs(x - a) < SPREAD * ratio and abs(y - b) < step - 0.5 for a, b in found):
            y -= step
        found.append((x, y))
    return found


def tag(
    painter: QPainter, x: float, y: float, text: str, color: QColor, theme: Theme, ratio: float, *,
    place: int = 0, strength: float = 1.0, strong: bool = False,
) -> None:  # fmt: skip
    """A plate with its middle at (x, y) device px. `place`: a number on a disc before it. `strong`: filled."""
    font = plate_font(ratio)
    size = plate_size(text, ratio, disc=bool(place))
    rect = QRectF(round(x - size[0] / 2) + 0.5, round(y - size[1] / 2) + 0.5, size[0], size[1])
    ground = tokens.blend(theme.bg, color, 0.30 if strong else 0.12)
    painter.save()
    painter.setOpacity(strength)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(color, ratio * (1.5 if strong else 1.0)))
    painter.setBrush(ground)
    painter.drawRoundedRect(rect, tokens.RADIUS_CHIP * ratio, tokens.RADIUS_CHIP * ratio)
    left = rect.left() + ROOM * ratio
    if place:
        _disc(painter, left + DISC / 2 * ratio - 2 * ratio, rect.center().y(), place, color, theme, ratio)
        left += (DISC + 2) * ratio
    painter.setFont(font)
    painter.setPen(theme.text if strong else color)
    painter.drawText(QPointF(round(left), round(rect.center().y() + QFontMetricsF(font).capHeight() / 2)), text)
    painter.restore()


def _disc(p: QPainter, x: float, y: float, place: int, color: QColor, theme: Theme, ratio: float) -> None:
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(color)
    rect = QRectF(x - DISC / 2 * ratio, y - DISC / 2 * ratio, DISC * ratio, DISC * ratio)
    p.drawEllipse(rect)
    font = tokens.ui_font(max(1, round(9 * ratio)), semibold=True)
    p.setFont(font)
    p.setPen(theme.bg)
    p.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), str(place))


def plate_font(ratio: float) -> QFont:
    return tokens.mono_font(round(TEXT * ratio))


def plate_size(text: str, ratio: float, *, disc: bool = False) -> tuple[float, float]:
    """Device px."""
    width = QFontMetricsF(plate_font(ratio)).horizontalAdvance(text) + (2 * ROOM + (DISC + 2 if disc else 0)) * ratio
    return float(round(width)), float(round(HEIGHT * ratio))


def plate_rect(x: float, y: float, text: str, ratio: float) -> QRectF:
    """Where the plate of a number with a disc lies."""
    width, height = plate_size(text, ratio, disc=True)
    return QRectF(x - width / 2, y - height / 2, width, height)


@dataclass(frozen=True)
class Spot:
    """Where plates of different widths stand in turn: the middle of the widest, and which of its ends is fixed (-1 the
    left one, 0 the middle, 1 the right one). Device px."""

    x: float
    y: float
    fixed: int
    width: float

    def middle(self, width: float) -> float:
        return self.x + self.fixed * (self.width - width) / 2


def beside(
    scene: Scene, node: int, width: float, height: float, camera: Camera, taken: Sequence[QRectF] = ()
) -> Spot:  # fmt: skip
    """Room for plates of at most this size (device px) beside a node: where they hide least of other nodes and of what
    is `taken`, and stay in view."""
    box = marks.box_of(scene, node, camera)
    gap = ASIDE * camera.ratio
    x, y = box.center().x(), box.center().y()
    right, left = box.right() + gap + width / 2, box.left() - gap - width / 2
    low, high = box.bottom() + gap + height / 2, box.top() - gap - height / 2
    sides = ((right, y, -1), (left, y, 1), (x, low, 0), (x, high, 0))
    corners = ((right, low, -1), (left, low, 1), (right, high, -1), (left, high, 1))
    view = QRectF(0, 0, camera.width, camera.height)

    def hidden(spot: tuple[float, float, int]) -> int:
        rect = QRectF(spot[0] - width / 2, spot[1] - height / 2, width, height)
        inside = rect.adjusted(-2, -2, 2, 2)
        start = camera.to_scene(inside.left(), inside.top())
        end = camera.to_scene(inside.right(), inside.bottom())
        over = len(scene.visible(*start, *end)) + 2 * sum(rect.intersects(other) for other in taken)
        return over + (0 if view.contains(rect) else 100)

    at_x, at_y, fixed = min((*sides, *corners), key=hidden)
    return Spot(at_x, at_y, fixed, width)
