"""The quantities of an update, one below the other: name, formula, number, bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.desk.anatomy import Part
from engine.rules.naming import plain_text
from gui import numbers, theme
from gui.manual.story import EQUALS
from gui.optimizer.choice import Number, figure
from gui.proof.inline import READABLE, draw_inline, width_of
from gui.tensor_views.copying import to_clipboard
from gui.tensor_views.painting import RIGHT, Kind, draw_text, metrics

HEADER, ROW, LINE = 26, 36, 16
BAR = 8
NAME_SHARE, NAME_MOST = 0.27, 230
NORM_WIDTH, LEAST_BAR, MOST_BAR = 92, 72, 260
DECADES = 1e3  # a spread beyond which a linear scale would show nothing of the small ones
DEPTH = 8  # decades that the logarithmic scale reaches down
GRADIENTS = ("g_t",)


class PartsView(QWidget):
    """Draws parts; without numbers where the update has not happened yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts: tuple[Part, ...] = ()
        self.passed = True
        self.log: bool | None = None  # None: as the numbers ask for
        self._wanted: tuple[int, int] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("The update, taken apart"))
        theme.switch.changed.connect(self.update)

    def set_parts(self, parts: Sequence[Part], *, passed: bool) -> None:
        self.parts, self.passed, self._wanted = tuple(parts), passed, None
        self.setFixedHeight(HEADER + ROW * len(self.parts) + theme.SMALL)
        self.setAccessibleDescription(self.all_text())
        self.update()

    def set_log(self, log: bool) -> None:
        """Bars by powers of ten, or in proportion."""
        self.log = log
        self.update()

    @property
    def is_log(self) -> bool:
        """Whether the bars' scale is logarithmic."""
        if self.log is not None:
            return self.log
        sizes = [size for size in map(_size, self.parts) if size]
        return bool(sizes) and max(sizes) > DECADES * min(sizes)

    def share(self, part: Part) -> float:
        """How long its bar is, −1 … 1."""
        size, largest = _size(part), max(map(_size, self.parts), default=0.0)
        if not size or not largest or not self.passed:
            return 0.0
        length = size / largest
        if self.is_log:
            length = max(1 + math.log10(length) / DEPTH, 0.02)
        return math.copysign(length, part.value.real if part.value is not None else 1.0)

    def all_text(self) -> str:
        """Every part as text, with every digit."""
        return "\n".join(self._text(part) for part in self.parts)

    def _text(self, part: Part) -> str:
        text = f"{part.name}: {plain_text(part.symbol)}"
        if part.formula and part.formula != part.symbol:
            text += f" = {plain_text(part.formula)}"
        if not self.passed:
            return text
        if part.value is not None:
            text += f" = {numbers.full(part.value)}"
        return text if part.norm is None else f"{text} ({self.tr('norm {0}').format(numbers.full(part.norm))})"

    def sizeHint(self) -> QSize:
        return QSize(theme.space(120), HEADER + ROW * len(self.parts) + theme.SMALL)

    # --- painting ----------------------------------------------------------------------------------------------------

    def _cells(self, place: QRect) -> tuple[QRect, QRect, QRect, QRect, QRect]:
        """Name, formula, number, bar, norm."""
        has_norm = any(part.norm is not None for part in self.parts)
        norm = NORM_WIDTH if has_norm else 0
        texts = [figure(part.value) for part in self.parts]
        number = max((metrics("number").horizontalAdvance(text) for text in texts), default=0) + theme.MEDIUM
        bar = max(min(round(place.width() * 0.2), MOST_BAR), LEAST_BAR)
        room = place.width() - norm - number - bar - theme.MEDIUM * 4
        wanted, formulas = self._widths()
        name = min(wanted, max(min(round(place.width() * NAME_SHARE), NAME_MOST), room - formulas))
        formula = max(room - name, theme.space(20))
        cells, left = [], place.left() + theme.MEDIUM
        for width, gap in ((name, theme.SMALL), (formula, theme.SMALL), (number, theme.MEDIUM), (bar, 0), (norm, 0)):
            cells.append(QRect(left, place.top(), width, place.height()))
            left += width + gap
        name_cell, formula_cell, number_cell, bar_cell, norm_cell = cells
        return name_cell, formula_cell, number_cell, bar_cell, norm_cell

    def _widths(self) -> tuple[int, int]:
        """What the names with their words, and what the formulas would take."""
        if self._wanted is None:
            names = [max(metrics(_kind(part, self.parts)).horizontalAdvance(part.name),
                         metrics("caption").horizontalAdvance(part.words)) for part in self.parts]  # fmt: skip
            formulas = [math.ceil(width_of(_whole(part))) for part in self.parts]
            self._wanted = max(names, default=0) + theme.SMALL, max(formulas, default=0) + theme.MEDIUM
        return self._wanted

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint_header(painter)
            for number, part in enumerate(self.parts):
                place = QRect(0, HEADER + number * ROW, self.width(), ROW)
                if event.rect().intersects(place):
                    self._paint_part(painter, place, part)
        finally:
            painter.end()

    def _paint_header(self, painter: QPainter) -> None:
        if not self.parts:
            return
        look, place = theme.current(), QRect(0, 0, self.width(), HEADER)
        _, _, number, bar, norm = self._cells(place)
        single = all(part.norm is None for part in self.parts)
        title = self.tr("value") if single else self.tr("at the element")
        draw_text(painter, number.adjusted(-theme.LARGE, 0, 0, 0), title, "caption", look.dim, RIGHT)
        scale = self.tr("− log +") if self.is_log else self.tr("− 0 +")
        draw_text(painter, bar, scale, "caption", look.dim, Qt.AlignmentFlag.AlignCenter)
        draw_text(painter, norm, "" if single else self.tr("norm of all"), "caption", look.dim, RIGHT)

    def _paint_part(self, painter: QPainter, place: QRect, part: Part) -> None:
        look = theme.current()
        name, formula, number, bar, norm = self._cells(place)
        painter.fillRect(QRect(theme.MEDIUM, place.top(), place.width() - 2 * theme.MEDIUM, theme.LINE),
                         theme.blend(look.surface, look.line, 0.6))  # fmt: skip
        painter.setOpacity(1.0 if self.passed else theme.NOT_YET)
        kind = _kind(part, self.parts)
        if part.words:
            top = place.center().y() - LINE
            draw_text(painter, QRect(name.left(), top, name.width(), LINE), part.name, kind, look.text)
            below = QRect(name.left(), top + LINE + 1, name.width(), LINE)
            draw_text(painter, below, part.words, "caption", look.dim)
        else:
            draw_text(painter, name, part.name, kind, look.text)
        _paint_formula(painter, formula, part)
        if self.passed:
            draw_text(painter, number, figure(part.value), "number", look.text, RIGHT)
            self._paint_bar(painter, bar, part, _shade(part))
            if part.norm is not None:
                draw_text(painter, norm, numbers.number(part.norm), "small_number", look.dim, RIGHT)
        painter.setOpacity(1.0)

    def _paint_bar(self, painter: QPainter, cell: QRect, part: Part, shade: QColor) -> None:
        """From the middle to the right if positive, to the left if negative."""
        look, middle = theme.current(), cell.center().x()
        if part.counts or part.value is None:
            return
        painter.fillRect(QRect(middle, cell.top() + 6, theme.LINE, cell.height() - 12), look.line)
        length = round(self.share(part) * (cell.width() // 2 - theme.TIGHT))
        top = cell.center().y() - BAR // 2
        if length > 0:
            painter.fillRect(QRect(middle + 1, top, length, BAR), shade)
        elif length < 0:
            painter.fillRect(QRect(middle + length, top, -length, BAR), shade)

    # --- what the user does ------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = (event.pos().y() - HEADER) // ROW
            inside = 0 <= number < len(self.parts)
            text = self._text(self.parts[number]) if inside else ""
            words = self.parts[number].words if inside else ""
            QToolTip.showText(event.globalPos(), f"{text}\n{words}".strip(), self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            to_clipboard(self.all_text())
        else:
            super().keyPressEvent(event)


def _paint_formula(painter: QPainter, cell: QRect, part: Part) -> None:
    """symbol = formula; where that could not be read, the formula alone, or as text."""
    look = theme.current()
    shown = _whole(part)
    for parts, inks in ((shown, [look.text, look.dim, look.text][: len(shown)]), (shown[-1:], [look.text])):
        if width_of(parts) * READABLE <= cell.width():
            draw_inline(painter, cell, parts, inks)
            return
    draw_text(painter, cell, plain_text(shown[-1]), "caption", look.text)


def _whole(part: Part) -> list[str]:
    has_formula = bool(part.formula) and part.formula != part.symbol
    return [part.symbol, EQUALS, part.formula] if has_formula else [part.symbol]


def _kind(part: Part, parts: Sequence[Part]) -> Kind:
    return "heading" if part is parts[-1] else "text"


def _size(part: Part) -> float:
    value: Number = part.value
    if value is None or part.counts or not math.isfinite(abs(value)):
        return 0.0
    return abs(value)


def _shade(part: Part) -> QColor:
    """Gradients in theirs, all that is made of them in that of updates."""
    look = theme.current()
    return look.backward if part.symbol in GRADIENTS else look.update
