"""Marking with the mouse: Shift and a click add or take away, Shift and a drag mark what a rectangle holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from gui.explore.places import members

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene
    from gui.session import Session
    from gui.theme import Theme

DRAG_FROM = 4  # logical px: less is a click
HALF = 40  # opacity of the rectangle, of 255


class Rubber:
    """The rectangle that is drawn with Shift held down; all in logical pixels of the view."""

    def __init__(self) -> None:
        self._start: QPointF | None = None
        self._end = QPointF()

    @property
    def held(self) -> bool:
        return self._start is not None

    @property
    def rect(self) -> QRectF | None:
        """None before it is worth one: then it is a click."""
        if self._start is None or (self._end - self._start).manhattanLength() <= DRAG_FROM:
            return None
        return QRectF(self._start, self._end).normalized()

    def begin(self, point: QPointF) -> None:
        self._start = self._end = point

    def move(self, point: QPointF) -> None:
        self._end = point

    def end(self) -> QRectF | None:
        rect = self.rect
        self._start = None
        return rect

    def paint(self, painter: QPainter, theme: Theme) -> None:
        rect = self.rect
        if rect is not None:
            ground = QColor(theme.accent)
            ground.setAlpha(HALF)
            painter.setPen(QPen(theme.accent, 1))
            painter.setBrush(ground)
            painter.drawRect(rect)


def nodes_in(scene: Scene, rect: QRectF, camera: Camera) -> frozenset[int]:
    """The nodes whose middle lies in a rectangle of the view (logical px)."""
    ratio = camera.ratio
    x0, y0 = camera.to_scene(rect.left() * ratio, rect.top() * ratio)
    x1, y1 = camera.to_scene(rect.right() * ratio, rect.bottom() * ratio)
    x, y = (scene.left + scene.right) / 2, (scene.top + scene.bottom) / 2
    inside = np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))
    positions = np.unique(scene.item_node[inside]).tolist()
    return frozenset(node for position in positions for node in members(scene, position))


def toggled(session: Session, nodes: frozenset[int]) -> frozenset[int]:
    """What is marked after `nodes` were added, or taken away if all of them were. The selected node counts as the first
    of several."""
    marked = session.marked
    if not marked and session.selection is not None:
        marked = frozenset({session.selection})
    return marked - nodes if nodes <= marked else marked | nodes
