"""Formulas in the cells of painted lists: set on one line, and scaled to the room there is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter

from engine.rules.naming import plain_text
from gui.proof.formula import GAP, SCALE, Placed, draw_formula
from gui.proof.typeset import SIZE, set_formula
from gui.tensor_views.painting import LEFT, RIGHT, draw_text, metrics

AXIS = 0.26 * SIZE  # of a fraction's bar above the line on which letters stand
LEAST_SCALE = 0.55


def width_of(parts: Sequence[str]) -> float:
    """How wide the parts are side by side, in px, if nothing has to be scaled."""
    widths = [_width(latex) for latex in parts if latex]
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def _width(latex: str) -> float:
    formula = set_formula(latex)
    if formula is None:
        return float(metrics("number").horizontalAdvance(plain_text(latex)))
    return formula.width * SCALE


def draw_inline(
    painter: QPainter, cell: QRect, parts: Sequence[str], inks: Sequence[QColor], *, right: bool = False
) -> float:
    """Draw the parts one after the other, centred on the cell's middle; tells the width that they took.

    What is too wide or too high is drawn smaller; what would still not fit is left to the tooltip, after dots.
    """
    shown = [(latex, ink) for latex, ink in zip(parts, inks, strict=True) if latex]
    if not shown or cell.width() <= 0:
        return 0.0
    formulas = [set_formula(latex) for latex, _ in shown]
    if any(formula is None for formula in formulas):
        text = " ".join(plain_text(latex) for latex, _ in shown)
        return float(draw_text(painter, cell, text, "number", shown[0][1], RIGHT if right else LEFT))
    above = max(formula.ascent - AXIS for formula in formulas if formula is not None)
    below = max(formula.descent + AXIS for formula in formulas if formula is not None)
    natural = width_of([latex for latex, _ in shown])
    scale = min(SCALE, (cell.height() - 4) / (2 * max(above, below)), SCALE * cell.width() / natural)
    scale = max(scale, SCALE * LEAST_SCALE)
    width = natural * scale / SCALE
    x = float(cell.right() + 1 - width) if right else float(cell.left())
    baseline = cell.top() + cell.height() / 2 + AXIS * scale
    painter.save()
    painter.setClipRect(cell, Qt.ClipOperation.IntersectClip)
    for (latex, ink), formula in zip(shown, formulas, strict=True):
        if formula is not None:
            ratio = painter.device().devicePixelRatio() if painter.device() is not None else 1.0
            draw_formula(painter, Placed(latex, formula, x, baseline, scale), ink, float(ratio))
            x += (formula.width * SCALE + GAP) * scale / SCALE
    painter.restore()
    return width
