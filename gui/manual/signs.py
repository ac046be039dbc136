"""How the verdicts on the lines of the two columns look and what they are called: shape and colour for each."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gui.theme import Theme, blend

PENDING = "pending"  # the playhead has not come there yet
WORKING = "working"  # it is being worked out
VERDICTS: tuple[str, ...] = ("wrong", "equal", "within_rounding", "as_recorded", "no_data")  # the worst first

Line = tuple[tuple[float, float], ...]
_FILLED = ("equal", "wrong")
_DOTTED = ("no_data", PENDING, WORKING)
_OCTAGON: Line = ((5, 1), (11, 1), (15, 5), (15, 11), (11, 15), (5, 15), (1, 11), (1, 5))
_STROKES: dict[str, tuple[Line, ...]] = {
    "equal": (((5.0, 6.4), (11.0, 6.4)), ((5.0, 9.6), (11.0, 9.6))),
    "within_rounding": (
        ((4.6, 7.2), (5.8, 6.0), (7.2, 6.0), (8.8, 7.2), (10.2, 7.2), (11.4, 6.0)),
        ((4.6, 10.2), (5.8, 9.0), (7.2, 9.0), (8.8, 10.2), (10.2, 10.2), (11.4, 9.0)),
    ),
    "wrong": (((5.0, 6.4), (11.0, 6.4)), ((5.0, 9.6), (11.0, 9.6)), ((9.8, 4.2), (6.2, 11.8))),
    "as_recorded": (((8.0, 8.0), (8.0, 8.1)),),
    "no_data": (((5.4, 8.0), (10.6, 8.0)),),
    WORKING: (((5.0, 8.0), (5.0, 8.1)), ((8.0, 8.0), (8.0, 8.1)), ((11.0, 8.0), (11.0, 8.1))),
}


def words(verdict: str) -> str:
    """A verdict in a few words."""
    tr = QCoreApplication.translate
    return {
        "equal": tr("manual", "equal in every digit"),
        "within_rounding": tr("manual", "within rounding"),
        "wrong": tr("manual", "wrong"),
        "as_recorded": tr("manual", "as recorded"),
        "no_data": tr("manual", "no data"),
        PENDING: tr("manual", "not yet"),
        WORKING: tr("manual", "being worked out…"),
    }.get(verdict, verdict)


def meaning(verdict: str) -> str:
    """A verdict in a sentence."""
    tr = QCoreApplication.translate
    return {
        "equal": tr("manual", "Both calculations give the same number, to the last digit."),
        "within_rounding": tr(
            "manual", "The difference is no larger than what rounding explains: sums were added up in another order."
        ),
        "wrong": tr("manual", "The two differ by more than rounding explains."),
        "as_recorded": tr("manual", "Not done by hand; the recorded result is what the next lines start from."),
        "no_data": tr("manual", "What it takes was not recorded in full."),
        PENDING: tr("manual", "The playhead has not come there yet."),
        WORKING: tr("manual", "Being worked out by hand."),
    }.get(verdict, "")


def color(verdict: str, theme: Theme) -> QColor:
    """Never alone: `draw_sign` has a shape for each."""
    if verdict in ("equal", "within_rounding"):
        return theme.proved
    return theme.error if verdict == "wrong" else theme.dim


def draw_sign(painter: QPainter, rect: QRectF, verdict: str, theme: Theme) -> None:
    """A disc, ring or octagon, and in it =, ≈, ≠ …"""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    shade, unit = color(verdict, theme), rect.width() / 16
    if verdict in _FILLED:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
    else:
        pen = QPen(shade, 1.5 * unit)
        pen.setStyle(Qt.PenStyle.DotLine if verdict in _DOTTED else Qt.PenStyle.SolidLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush if verdict == PENDING else blend(theme.surface, shade, 0.12))
    if verdict == "wrong":
        painter.drawPolygon(_scaled(rect, _OCTAGON))
    else:
        painter.drawEllipse(rect.adjusted(unit, unit, -unit, -unit))
    ink = QPen(theme.surface if verdict in _FILLED else shade, (3 if verdict == "as_recorded" else 1.8) * unit)
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
