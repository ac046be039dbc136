"""A list of addends, each with where it came from; a click or Enter goes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import numbers, theme
from gui.tensor_views.painting import RIGHT, Kind, draw_text, metrics

ROW_HEIGHT = 20
SECOND_LINE = 14
LEAST_LEFT = 84  # px for where an addend comes from; else how it comes about is left to the tooltip
KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter)


@dataclass(frozen=True)
class Row:
    """`left` says where from, `middle` how it comes about, `value` the number. `share` (0..1) draws a bar.

    `quiet` rows lead nowhere: the rest, the sum. `index` writes `left` in figures. A `label` says what kind of addend
    it is, in a second line.
    """

    left: str
    middle: str
    value: str
    tip: str = ""
    share: float = 0.0
    quiet: bool = False
    strong: bool = False
    index: bool = False
    label: str = ""


class RowList(QWidget):
    """`activated(place)` tells which row was chosen."""

    activated = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self._current = -1
        self._value_width = self._middle_width = 0
        self._row_height = ROW_HEIGHT
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.switch.changed.connect(self.update)

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def set_rows(self, rows: Sequence[Row]) -> None:
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        self._current = -1
        number = metrics("small_number")
        self._value_width = max((number.horizontalAdvance(row.value) for row in rows), default=0)
        self._middle_width = max((number.horizontalAdvance(row.middle) for row in rows), default=0)
        self.setAccessibleDescription("\n".join(f"{row.left} {row.middle} {row.value}" for row in rows))
        self._row_height = ROW_HEIGHT + (SECOND_LINE if any(row.label for row in rows) else 0)
        self.setFixedHeight(len(self._rows) * self._row_height)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), len(self._rows) * self._row_height)

    # --- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            for place, row in enumerate(self._rows):
                self._paint_row(painter, QRect(0, place * self._row_height, self.width(), self._row_height), place, row)
        finally:
            painter.end()

    def _paint_row(self, painter: QPainter, line: QRect, place: int, row: Row) -> None:
        look = theme.current()
        if place == self._current and not row.quiet:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(look.accent, 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(look.hover)
            painter.drawRoundedRect(line.adjusted(0, 0, -1, -1), theme.RADIUS_CHIP, theme.RADIUS_CHIP)
        if row.strong:
            painter.fillRect(QRect(line.left(), line.top(), line.width(), theme.LINE), look.line)
        inner = line.adjusted(theme.TIGHT, 0, -theme.TIGHT, 0)
        if self._row_height > ROW_HEIGHT:
            if row.label:
                second = QRect(inner.left(), inner.top() + ROW_HEIGHT - 3, inner.width(), SECOND_LINE)
                draw_text(painter, second, row.label, "caption", look.dim)
            inner.setHeight(ROW_HEIGHT)
        if row.share > 0:
            width = max(round(row.share * self._value_width), 1)
            bar = QRect(inner.right() - width + 1, inner.bottom() - 2, width, 2)
            painter.fillRect(bar, theme.blend(look.surface, look.backward, 0.6))
        draw_text(painter, inner, row.value, "small_number", _ink(row, look.backward), RIGHT)
        inner.setRight(inner.right() - self._value_width - theme.SMALL)
        kind: Kind = "caption" if row.quiet else "small_number" if row.index else "text"
        if row.middle and inner.width() - self._middle_width >= LEAST_LEFT:
            draw_text(painter, inner, row.middle, "small_number", look.dim, RIGHT)
            inner.setRight(inner.right() - self._middle_width - theme.SMALL)
        ink = look.dim if row.quiet and not row.strong else look.text
        draw_text(painter, inner, row.left, kind, ink, elide=Qt.TextElideMode.ElideMiddle)

    # --- what the user does ------------------------------------------------------------------------------------------

    def _row_at(self, y: float) -> int:
        place = int(y) // self._row_height
        return place if 0 <= place < len(self._rows) else -1

    def _set_current(self, place: int) -> None:
        if place != self._current:
            self._current = place
            goes = place >= 0 and not self._rows[place].quiet
            self.setCursor(Qt.CursorShape.PointingHandCursor if goes else Qt.CursorShape.ArrowCursor)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._set_current(self._row_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self._set_current(-1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._activate(self._row_at(event.position().y()))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in KEYS:
            event.accept()
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._row_at(event.pos().y())
            QToolTip.showText(event.globalPos(), self._rows[place].tip if place >= 0 else "", self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._rows:
            move = 1 if event.key() == Qt.Key.Key_Down else -1
            self._set_current(max(0, min(self._current + move, len(self._rows) - 1)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._activate(self._current)
        else:
            super().keyPressEvent(event)

    def _activate(self, place: int) -> None:
        if 0 <= place < len(self._rows) and not self._rows[place].quiet:
            self.activated.emit(place)


def _ink(row: Row, color: QColor) -> QColor:
    return theme.current().dim if row.quiet and not row.strong else color


def share_of(value: complex, largest: float) -> float:
    """How long the bar of a number is beside that of the largest."""
    return min(abs(value) / largest, 1.0) if largest > 0 and abs(value) < float("inf") else 0.0


def element_name(index: Sequence[int]) -> str:
    """ "[3, 1]", nothing for a scalar."""
    return numbers.index(index) if index else ""
