"""What a data leaf is, as a small sign before its name and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from gui.theme import blend

if TYPE_CHECKING:
    from gui.theme import Theme

SIZE = 9.0  # scene px
ROOM = 14.0  # with the space after it


def words(role: str) -> str:
    """A role of `engine.graph.leaves`."""
    tr = QCoreApplication.translate
    return {
        "input": tr("Canvas", "an input: no gradient runs to it"),
        "target": tr("Canvas", "a target: what the loss compares with"),
        "buffer": tr("Canvas", "a buffer of its module: kept, not trained"),
        "constant": tr("Canvas", "a constant"),
    }.get(role, tr("Canvas", "data: no gradient runs to it"))


def draw(p: QPainter, role: str, x: float, middle: float, scale: float, theme: Theme) -> None:
    """An arrow (input), a bull's-eye (target), a drawer (buffer) or a diamond (constant), its left end at `x`."""
    size = SIZE * scale
    box = QRectF(x, middle - size / 2, size, size)
    color = blend(theme.dim, theme.forward, 0.6)
    p.save()
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(color)
    pen = QPen(color, max(1.0, 1.2 * scale))
    if role == "target":
        p.drawEllipse(box.center(), size * 0.17, size * 0.17)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(pen)
        p.drawEllipse(box.adjusted(0.5, 0.5, -0.5, -0.5))
    elif role == "buffer":
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(pen)
        drawer = box.adjusted(0.5, size * 0.1, -0.5, -size * 0.1)
        p.drawRect(drawer)
        p.drawLine(QPointF(drawer.left(), drawer.center().y()), QPointF(drawer.right(), drawer.center().y()))
    elif role == "constant":
        middle_x, middle_y, half = box.center().x(), box.center().y(), size * 0.46
        corners = ((0, -half), (half, 0), (0, half), (-half, 0))
        p.drawPolygon(QPolygonF([QPointF(middle_x + dx, middle_y + dy) for dx, dy in corners]))
    else:
        inset = size * 0.1
        tip = QPointF(box.right() - inset, box.center().y())
        p.drawPolygon(
            QPolygonF([QPointF(box.left() + inset, box.top()), tip, QPointF(box.left() + inset, box.bottom())])
        )
    p.restore()
