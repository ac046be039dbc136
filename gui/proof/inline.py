"""Formulas in the cells of painted lists: set on one line, and scaled to the room there is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter

from engine.desk.typeset import SIZE, set_formula
from engine.rules.naming import plain_text
from gui.proof.formula import SCALE, Placed, draw_formula
from gui.tensor_views.painting import LEFT, RIGHT, draw_text, metrics

GAP = 8.0  # px between parts
AXIS = 0.26 * SIZE  # of a fraction's bar above the line on which letters stand
LEAST_SCALE = 0.55
READABLE = 0.75  # of their size, in a list: what does not fit so is written as text, and cut


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
    painter: QPainter,
    cell: QRect,
    parts: Sequence[str],
    inks: Sequence[QColor],
    *,
    right: bool = False,
    largest: float = SCALE,
) -> float:
    """Draw the parts one after the other, in the middle of the cell's height; tells the width that they took.

    They are scaled by `largest`; what is too wide or too high so is drawn smaller, and clipped if that is not enough.
    """
    shown = [(latex, ink) for latex, ink in zip(parts, inks, strict=True) if latex]
    if not shown or cell.width() <= 0:
        return 0.0
    formulas = [found for found in (set_formula(latex) for latex, _ in shown) if found is not None]
    if len(formulas) < len(shown):
        text = " ".join(plain_text(latex) for latex, _ in shown)
        return float(draw_text(painter, cell, text, "number", shown[0][1], RIGHT if right else LEFT))
    ascent, descent = max(formula.ascent for formula in formulas), max(formula.descent for formula in formulas)
    natural = sum(formula.width for formula in formulas) + GAP * (len(formulas) - 1) / SCALE
    scale = min(largest, (cell.height() - 2) / (ascent + descent), cell.width() / natural)
    scale = max(scale, SCALE * LEAST_SCALE)
    x = float(cell.right() + 1 - natural * scale) if right else float(cell.left())
    baseline = cell.top() + cell.height() / 2 + AXIS * scale
    baseline = min(max(baseline, cell.top() + 1 + ascent * scale), cell.bottom() - descent * scale)
    ratio = painter.device().devicePixelRatioF()
    painter.save()
    painter.setClipRect(cell, Qt.ClipOperation.IntersectClip)
    for (latex, ink), formula in zip(shown, formulas, strict=True):
        draw_formula(painter, Placed(latex, formula, x, baseline, scale), ink, ratio)
        x += (formula.width + GAP / SCALE) * scale
    painter.restore()
    return natural * scale
