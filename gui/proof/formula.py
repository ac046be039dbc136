"""Shows formulas: parts set by `engine.desk.typeset`, broken into lines where the width asks for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QByteArray, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.desk.typeset import SIZE, Formula, set_formula
from gui import theme
from gui.tensor_views.painting import draw_text, metrics

SCALE = 15.0 / SIZE  # of formulas beside text
SMALLEST = 0.6  # a part that is wider than the view is shrunk so far
GAP = 1.5  # px between parts, which begin with an operator that has space of its own
LINE_GAP = 4.0
LEAST_ASCENT, LEAST_DESCENT = 11.0, 4.0


@dataclass(frozen=True)
class Placed:
    """A part in its place: `baseline` px from the top."""

    latex: str
    formula: Formula | None
    x: float
    baseline: float
    scale: float


def arrange(parts: Sequence[Sequence[str]], width: float) -> tuple[tuple[Placed, ...], float]:
    """Places of all parts, and the height. Each of `parts` begins a new line; lines that go on are indented."""
    placed: list[Placed] = []
    top = 0.0
    for row in parts:
        for line in _lines(row, width):
            sizes = [_size(latex, width - x) for latex, x in line]
            ascent = max([LEAST_ASCENT, *(f.ascent * scale for f, scale in sizes if f is not None)])
            descent = max([LEAST_DESCENT, *(f.descent * scale for f, scale in sizes if f is not None)])
            for (latex, x), (formula, scale) in zip(line, sizes, strict=True):
                placed.append(Placed(latex, formula, x, top + ascent, scale))
            top += ascent + descent + LINE_GAP
    return tuple(placed), max(top - LINE_GAP, 0.0)


def _size(latex: str, room: float) -> tuple[Formula | None, float]:
    formula = set_formula(latex)
    if formula is None or formula.width * SCALE <= room:
        return formula, SCALE
    return formula, max(SCALE * SMALLEST, room / formula.width)


def _lines(row: Sequence[str], width: float) -> list[list[tuple[str, float]]]:
    """Parts with their x, line by line."""
    lines: list[list[tuple[str, float]]] = [[]]
    indent, x = 0.0, 0.0
    for place, latex in enumerate(row):
        formula = set_formula(latex)
        wide = formula.width * SCALE if formula is not None else float(metrics("number").horizontalAdvance(latex))
        if lines[-1] and x + wide > width:
            lines.append([])
            x = indent
        lines[-1].append((latex, x))
        x += wide + GAP
        if place == 0:
            indent = min(x, width * 0.2)
    return lines


@lru_cache(maxsize=512)
def _picture(svg: str, color: str, width: int, height: int) -> QPixmap:
    """The formula in device px."""
    drawn = QPixmap(width, height)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    try:
        data = QByteArray(svg.replace("currentColor", color).encode())
        QSvgRenderer(data).render(painter, QRectF(0, 0, width, height))
    finally:
        painter.end()
    return drawn


def draw_formula(painter: QPainter, placed: Placed, color: QColor, ratio: float) -> None:
    """One part at its place; as text, if it could not be set."""
    if placed.formula is None:
        rect = QRectF(placed.x, placed.baseline - LEAST_ASCENT, 4000, LEAST_ASCENT + LEAST_DESCENT)
        draw_text(painter, rect.toRect(), placed.latex, "number", color)
        return
    formula, scale = placed.formula, placed.scale
    width, height = formula.width * scale, (formula.ascent + formula.descent) * scale
    picture = _picture(formula.svg, color.name(), max(round(width * ratio), 1), max(round(height * ratio), 1))
    picture.setDevicePixelRatio(ratio)
    top = placed.baseline - formula.ascent * scale
    painter.drawPixmap(QPointF(round(placed.x * ratio) / ratio, round(top * ratio) / ratio), picture)


class FormulaView(QWidget):
    """Rows of formulas, in the colour of text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[tuple[str, ...], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.switch.changed.connect(self.update)

    def set_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """`rows`: the parts of each formula; a line may be broken between them."""
        wanted = tuple(tuple(parts) for parts in rows if parts)
        if wanted != self._rows:
            self._rows = wanted
            self.setAccessibleDescription("\n".join(self.texts()))
            self._fit()
            self.update()

    def texts(self) -> tuple[str, ...]:
        """The LaTeX of each row."""
        return tuple(" ".join(parts) for parts in self._rows)

    def heightForWidth(self, width: int) -> int:
        return math.ceil(arrange(self._rows, float(width))[1])

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), self.heightForWidth(self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        height = self.heightForWidth(self.width())
        if height != self.minimumHeight():
            self.setFixedHeight(height)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        try:
            for placed in arrange(self._rows, float(self.width()))[0]:
                draw_formula(painter, placed, look.text, self.devicePixelRatioF())
        finally:
            painter.end()
