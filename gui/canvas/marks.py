"""What the playhead adds to a card: the magnitude bar, a chip's notches, rings, and numbers beside edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gui import theme as tokens
from gui.canvas.arrays import Batch
from gui.canvas.cards import BAR, OPERATION, PARAMETER
from gui.canvas.state import GRADIENT

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState
    from gui.theme import Theme

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RING = 2.0
RING_GAP = 3.0
NEAR_TARGET = 0.7  # of the way along an edge: where its contribution is written
SHORT_EDGE = 44.0  # logical px
PILL_ROOM, PILL_ABOVE, MOST_PILLS = 62.0, 20.0, 6
SMALLEST_RING = 10.0  # device-independent px: what is active is found from afar, too


def bars(painter: QPainter, batch: Batch, scene: Scene, state: DrawState, items: Ints, camera: Camera,
         theme: Theme) -> None:  # fmt: skip
    """A bar along the foot of every operation whose gradient has arrived, as long as its magnitude."""
    nodes = scene.item_node[items]
    lit = (state.status[nodes] == GRADIENT) & (scene.kind[nodes] == OPERATION) & ~np.isnan(state.magnitude[nodes])
    items, nodes = items[lit], nodes[lit]
    inset = tokens.RADIUS
    left, width = scene.left[items] + inset, scene.right[items] - scene.left[items] - 2 * inset
    filled = np.maximum(width * state.magnitude[nodes], 2.0)
    _rects(painter, batch, left, scene.bottom[items] - BAR - 1, filled, BAR, camera, theme.backward)


def notches(painter: QPainter, batch: Batch, scene: Scene, state: DrawState, items: Ints, camera: Camera,
            theme: Theme) -> None:  # fmt: skip
    """At the right of a chip: above, that its gradient has arrived; below, that it was updated."""
    nodes = scene.item_node[items]
    chips = scene.kind[nodes] == PARAMETER
    for flag, below, color in ((state.arrived, False, theme.backward), (state.updated, True, theme.update)):
        mine = items[chips & flag[nodes]]
        half = (scene.bottom[mine] - scene.top[mine]) / 2
        top = scene.top[mine] + (half + 1 if below else np.full(len(mine), 4.0))
        _rects(painter, batch, scene.right[mine] - BAR - 2, top, np.full(len(mine), BAR), half - 5, camera, color)


def _rects(painter: QPainter, batch: Batch, left: Floats, top: Floats, width: Floats, height: Floats | float,
           camera: Camera, color: QColor) -> None:  # fmt: skip
    """Rectangles in scene px, put on whole device px."""
    if not len(left):
        return
    x, y = camera.offset
    rows = batch.rows(len(left))
    rows[:, 0] = np.rint(left * camera.scale + x)
    rows[:, 1] = np.rint(top * camera.scale + y)
    rows[:, 2] = np.maximum(np.rint(width * camera.scale), 1)
    rows[:, 3] = np.maximum(np.rint(np.asarray(height) * camera.scale), 1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRects(*batch.arguments())


def ring(painter: QPainter, scene: Scene, node: int, camera: Camera, color: QColor, step: int = 0,
         strength: float = 1.0) -> None:  # fmt: skip
    """A ring round each picture of a node; `step` 1 is outside of 0. `strength` below 1 while it fades in."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    gap = (RING_GAP + step * (RING + 2)) * camera.ratio
    for item in np.flatnonzero(scene.item_node == node).tolist():
        rect = box_of(scene, item, camera)
        short = SMALLEST_RING * camera.ratio
        grow_x, grow_y = max(gap, (short - rect.width()) / 2), max(gap, (short - rect.height()) / 2)
        rect.adjust(-grow_x, -grow_y, grow_x, grow_y)
        radius = tokens.RADIUS * min(camera.scale, 2 * camera.ratio) + gap
        for width, alpha in ((RING * 4, 44), (RING, 255)):
            shade = QColor(color)
            shade.setAlpha(round(alpha * strength))
            painter.setPen(QPen(shade, width * camera.ratio))
            painter.drawRoundedRect(rect, radius, radius)


def box_of(scene: Scene, item: int, camera: Camera) -> QRectF:
    """An item's rectangle in device px, as its sprite is placed."""
    x, y = camera.offset
    left, top = scene.left[item] * camera.scale + x, scene.top[item] * camera.scale + y
    width = (scene.right[item] - scene.left[item]) * camera.scale
    height = (scene.bottom[item] - scene.top[item]) * camera.scale
    return QRectF(float(round(left)), float(round(top)), float(round(width)), float(round(height)))


def beside_edges(
    painter: QPainter, scene: Scene, node: int, brought: Sequence[tuple[int, str]], camera: Camera, theme: Theme
) -> None:
    """What each of several edges brought to a node: on the edge, or above the node where edges are too short."""
    above = 0
    box = box_of(scene, node, camera)
    for edge, text in brought[:MOST_PILLS]:
        first, last = scene.pieces.first[edge], scene.pieces.first[edge + 1]
        if scene.pieces.length[first:last].sum() * camera.scale >= SHORT_EDGE * camera.ratio:
            x, y = scene.pieces.points(np.array([edge]), np.array([NEAR_TARGET]))[0].tolist()
            x, y = camera.to_device(x, y)
        else:
            x = box.left() + (PILL_ROOM / 2 + above * PILL_ROOM) * camera.ratio
            y = box.top() - PILL_ABOVE * camera.ratio
            above += 1
        pill(painter, x, y, text, theme.backward, theme, camera.ratio)
    if len(brought) > MOST_PILLS:
        x = box.left() + (PILL_ROOM / 2 + above * PILL_ROOM) * camera.ratio
        more = f"+{len(brought) - MOST_PILLS}"
        pill(painter, x, box.top() - PILL_ABOVE * camera.ratio, more, theme.backward, theme, camera.ratio)


def pill(painter: QPainter, x: float, y: float, text: str, color: QColor, theme: Theme, ratio: float = 1.0) -> None:
    """A number on a small plate, its middle at (x, y) device px."""
    font = tokens.mono_font(round(11 * ratio))
    metrics = QFontMetricsF(font)
    width, height = metrics.horizontalAdvance(text) + 10 * ratio, 17 * ratio
    rect = QRectF(round(x - width / 2) + 0.5, round(y - height / 2) + 0.5, round(width), round(height))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(color, 1.0))
    painter.setBrush(tokens.blend(theme.bg, color, 0.12))
    painter.drawRoundedRect(rect, tokens.RADIUS_CHIP * ratio, tokens.RADIUS_CHIP * ratio)
    painter.setPen(color)
    painter.setFont(font)
    baseline = rect.center().y() + metrics.capHeight() / 2
    painter.drawText(QPointF(round(rect.left() + 5 * ratio), round(baseline)), text)
