"""The signs of verdicts, of proofs and of lines of the two columns: each has a shape of its own besides its colour."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gui.theme import Theme, blend

PENDING = "pending"  # the playhead has not come there yet
WORKING = "working"  # it is being worked out
FAILED = "failed"  # it could not be worked out
GOOD = ("proved", "finite_differences", "equal", "within_rounding")
FILLED = ("proved", "equal", "wrong", "unequal")
BAD = ("wrong", "unequal")
DOTTED = ("no_data", "not_run", PENDING, WORKING, FAILED)
_BOLD = ("as_recorded",)

Line = tuple[tuple[float, float], ...]
_OCTAGON: Line = ((5, 1), (11, 1), (15, 5), (15, 11), (11, 15), (5, 15), (1, 11), (1, 5))
_EQUALS: tuple[Line, ...] = (((5.0, 6.4), (11.0, 6.4)), ((5.0, 9.6), (11.0, 9.6)))
_WAVES: tuple[Line, ...] = (
    ((4.6, 7.4), (5.8, 6.2), (7.2, 6.2), (8.8, 7.4), (10.2, 7.4), (11.4, 6.2)),
    ((4.6, 10.6), (5.8, 9.4), (7.2, 9.4), (8.8, 10.6), (10.2, 10.6), (11.4, 9.4)),
)
_STROKES: dict[str, tuple[Line, ...]] = {
    "proved": (((4.7, 8.3), (7.0, 10.7), (11.4, 5.6)),),
    "equal": _EQUALS,
    "finite_differences": _WAVES,
    "within_rounding": _WAVES,
    "not_differentiable": (((5.0, 11.0), (11.0, 5.0)),),
    "unknown": (
        ((6.0, 6.2), (6.6, 5.0), (8.0, 4.5), (9.5, 5.1), (9.9, 6.4), (9.0, 7.6), (8.0, 8.4), (8.0, 9.3)),
        ((8.0, 11.4), (8.0, 11.5)),
    ),
    "wrong": (((5.6, 5.6), (10.4, 10.4)), ((10.4, 5.6), (5.6, 10.4))),
    "unequal": (*_EQUALS, ((9.8, 4.2), (6.2, 11.8))),
    "as_recorded": (((8.0, 8.0), (8.0, 8.1)),),
    "no_data": (((5.4, 8.0), (10.6, 8.0)),),
    FAILED: (((8.0, 4.4), (8.0, 8.8)), ((8.0, 11.5), (8.0, 11.6))),
    WORKING: (((5.0, 8.0), (5.0, 8.1)), ((8.0, 8.0), (8.0, 8.1)), ((11.0, 8.0), (11.0, 8.1))),
}


def color(verdict: str, theme: Theme) -> QColor:
    """Never alone: `draw_sign` has a shape for each."""
    if verdict in GOOD:
        return theme.proved
    return theme.error if verdict in BAD else theme.dim


def draw_sign(painter: QPainter, rect: QRectF, verdict: str, theme: Theme) -> None:
    """The sign of a verdict in a square: a disc, ring or octagon, and in it a check, a cross, =, ≈, ≠ …"""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    shade, unit = color(verdict, theme), rect.width() / 16
    if verdict in FILLED:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
    else:
        pen = QPen(shade, 1.5 * unit)
        pen.setStyle(Qt.PenStyle.DotLine if verdict in DOTTED else Qt.PenStyle.SolidLine)
        painter.setPen(pen)
        painter.setBrush(blend(theme.surface, shade, 0.12))
    if verdict in BAD:
        painter.drawPolygon(_scaled(rect, _OCTAGON))
    else:
        painter.drawEllipse(rect.adjusted(unit, unit, -unit, -unit))
    ink = QPen(theme.surface if verdict in FILLED else shade, (3 if verdict in _BOLD else 2) * unit)
    ink.setCapStyle(Qt.PenCapStyle.RoundCap)
    ink.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(ink)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in _STROKES.get(verdict, ()):
        painter.drawPolyline(_scaled(rect, line))
    painter.restore()


def _scaled(rect: QRectF, points: Line) -> QPolygonF:
    unit = rect.width() / 16
    return QPolygonF([QPointF(rect.left() + x * unit, rect.top() + y * unit) for x, y in points])
