"""How the states of a proof look and what they are called: each has a shape of its own besides its colour."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gui.proof.store import STATES
from gui.theme import Theme, blend

FILLED = ("proved", "wrong")
PENDING = "pending"  # the playhead has not come there yet
CHECKING = "checking"  # it is being worked out


def words(state: str) -> str:
    """A state in a few words."""
    tr = QCoreApplication.translate
    return {
        "proved": tr("proof", "proved"),
        "finite_differences": tr("proof", "by finite differences"),
        "not_differentiable": tr("proof", "not differentiable"),
        "unknown": tr("proof", "no rule"),
        "wrong": tr("proof", "wrong"),
        "no_data": tr("proof", "no data"),
        "not_run": tr("proof", "not run"),
        PENDING: tr("proof", "not yet"),
        CHECKING: tr("proof", "checking…"),
    }.get(state, state)


def meaning(state: str) -> str:
    """A state in a sentence."""
    tr = QCoreApplication.translate
    return {
        "proved": tr("proof", "Computed again by hand; every element agrees within what rounding explains."),
        "finite_differences": tr(
            "proof", "There is no rule, but the forward was run again on inputs moved a little, and that agrees."
        ),
        "not_differentiable": tr("proof", "This operation passes no gradient on, or zeros."),
        "unknown": tr("proof", "There is no rule for it: nothing is claimed."),
        "wrong": tr("proof", "What autograd recorded is not what the rule gives."),
        "no_data": tr("proof", "The tensors it takes were not recorded in full."),
        "not_run": tr("proof", "No gradient came here."),
        PENDING: tr("proof", "The playhead has not come to the backward of this node."),
        CHECKING: tr("proof", "Being computed by hand."),
    }.get(state, "")


def color(state: str, theme: Theme) -> QColor:
    """Never alone: `draw_sign` has a shape for each."""
    if state in ("proved", "finite_differences"):
        return theme.proved
    return theme.error if state == "wrong" else theme.dim


def draw_sign(painter: QPainter, rect: QRectF, state: str, theme: Theme) -> None:
    """The sign of a state in a square: a disc or ring, and in it a check, a cross, a wave, a question mark …"""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    shade = color(state, theme)
    unit = rect.width() / 16
    ring = rect.adjusted(unit, unit, -unit, -unit)
    if state in FILLED:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
    else:
        pen = QPen(shade, 1.5 * unit)
        if state in ("no_data", "not_run", PENDING, CHECKING):
            pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.setBrush(blend(theme.surface, shade, 0.12))
    if state == "wrong":
        painter.drawPolygon(_scaled(rect, ((5, 1), (11, 1), (15, 5), (15, 11), (11, 15), (5, 15), (1, 11), (1, 5))))
    else:
        painter.drawEllipse(ring)
    ink = QPen(theme.surface if state in FILLED else shade, 2 * unit)
    ink.setCapStyle(Qt.PenCapStyle.RoundCap)
    ink.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(ink)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in _STROKES.get(state, ()):
        painter.drawPolyline(_scaled(rect, line))
    painter.restore()


Line = tuple[tuple[float, float], ...]

_STROKES: dict[str, tuple[Line, ...]] = {
    "proved": (((4.7, 8.3), (7.0, 10.7), (11.4, 5.6)),),
    "finite_differences": (
        ((4.6, 7.4), (5.8, 6.2), (7.2, 6.2), (8.8, 7.4), (10.2, 7.4), (11.4, 6.2)),
        ((4.6, 10.6), (5.8, 9.4), (7.2, 9.4), (8.8, 10.6), (10.2, 10.6), (11.4, 9.4)),
    ),
    "not_differentiable": (((5.0, 11.0), (11.0, 5.0)),),
    "unknown": (
        ((6.0, 6.2), (6.6, 5.0), (8.0, 4.5), (9.5, 5.1), (9.9, 6.4), (9.0, 7.6), (8.0, 8.4), (8.0, 9.3)),
        ((8.0, 11.4), (8.0, 11.5)),
    ),
    "wrong": (((5.6, 5.6), (10.4, 10.4)), ((10.4, 5.6), (5.6, 10.4))),
    "no_data": (((5.4, 8.0), (10.6, 8.0)),),
    "not_run": (),
    CHECKING: (((5.0, 8.0), (5.0, 8.1)), ((8.0, 8.0), (8.0, 8.1)), ((11.0, 8.0), (11.0, 8.1))),
}


def _scaled(rect: QRectF, points: Line) -> QPolygonF:
    unit = rect.width() / 16
    return QPolygonF([QPointF(rect.left() + x * unit, rect.top() + y * unit) for x, y in points])


def summary(counts: dict[str, int]) -> str:
    """ "130 proved · 4 no rule", the worst first."""
    order = ("wrong", *(state for state in STATES if state != "wrong"))
    return " · ".join(f"{counts[state]:,} {words(state)}" for state in order if counts.get(state))
