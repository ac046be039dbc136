"""Lines "label: value", painted in one go: cheap enough to change with every step of the playhead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import (
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.tensor_views.painting import draw_text, figures_in, metrics
from gui.wrapped import BREAK, breakable

LINE_HEIGHT = 20
NEXT_LINE = 16  # px, of a value that takes several
MOST_LINES = 4  # of one value; the last is elided in the middle
MAX_LABEL = 0.45  # of the width


@dataclass(frozen=True)
class Fact:
    """A line "label: value". `detail` is the full value, to hover and to copy; `key` names the line for programs."""

    key: str
    label: str
    value: str
    detail: str = ""
    pending: bool = False

    @property
    def text(self) -> str:
        """What is copied."""
        return self.detail or self.value


class FactList(QWidget):
    """Facts in two columns: labels dim, values in tabular figures, in several lines where they are long; on hover, all
    of a value.

    A click chooses a line (↑ and ↓ go on from there), and Copy takes the full value of the chosen line, or all lines.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: tuple[Fact, ...] = ()
        self._current = -1
        self._label_width = 0
        self._lines: tuple[tuple[str, ...], ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.switch.changed.connect(self.update)

    @property
    def facts(self) -> tuple[Fact, ...]:
        return self._facts

    def set_facts(self, facts: Sequence[Fact]) -> None:
        facts = tuple(facts)
        if facts == self._facts:
            return
        before = self.heightForWidth(self.width())
        self._facts = facts
        self._current = min(self._current, len(facts) - 1)
        self._measure()
        self._lines = self._lines_at(self.width())
        self.setAccessibleDescription(self.all_text())
        if self.heightForWidth(self.width()) != before:
            self.updateGeometry()
        self.update()

    def all_text(self) -> str:
        """Every line, for the clipboard and for screen readers."""
        return "\n".join(f"{fact.label}: {fact.text}" for fact in self._facts)

    def copy(self) -> None:
        """Put the chosen line's full value, or all lines, on the clipboard."""
        chosen = self._facts[self._current].text if self._current >= 0 else self.all_text()
        QGuiApplication.clipboard().setText(chosen)

    def heightForWidth(self, width: int) -> int:
        return sum(map(_height, self._lines_at(width)))

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(30), LINE_HEIGHT * len(self._facts))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lines = self._lines_at(self.width())

    def _label_at(self, width: int) -> int:
        return min(self._label_width, int(width * MAX_LABEL))

    def _lines_at(self, width: int) -> tuple[tuple[str, ...], ...]:
        """Each value in the lines that it takes."""
        columns = figures_in(width - self._label_at(width) - theme.MEDIUM, "number")
        return tuple(in_lines(fact.value, columns) for fact in self._facts)

    def _measure(self) -> None:
        widest = max((metrics("text").horizontalAdvance(fact.label) for fact in self._facts), default=0)
        self._label_width = widest

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        look = theme.current()
        label_width = self._label_at(self.width())
        left, top = label_width + theme.MEDIUM, 0
        for place, (fact, lines) in enumerate(zip(self._facts, self._lines, strict=True)):
            if place == self._current and self.hasFocus():
                painter.fillRect(QRect(-2, top, self.width() + 4, _height(lines)), look.selected)
            painter.setOpacity(theme.NOT_YET if fact.pending else 1.0)
            draw_text(painter, QRect(0, top, label_width, LINE_HEIGHT), fact.label, "text", look.dim)
            room = QRect(left, top, self.width() - left, LINE_HEIGHT)
            for number, line in enumerate(lines):
                at = room.translated(0, number * NEXT_LINE)
                draw_text(painter, at, line, "number", look.text, elide=Qt.TextElideMode.ElideMiddle)
            painter.setOpacity(1.0)
            top += _height(lines)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._line_at(event.pos())
            QToolTip.showText(event.globalPos(), self._facts[place].text if place >= 0 else "", self)
            return True
        return super().event(event)

    def _line_at(self, position: QPoint) -> int:
        bottom = 0
        for place, lines in enumerate(self._lines):
            bottom += _height(lines)
            if 0 <= position.y() < bottom:
                return place
        return -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._current = self._line_at(event.position().toPoint())
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._facts:
            move = 1 if event.key() == Qt.Key.Key_Down else -1
            self._current = max(0, min(self._current + move, len(self._facts) - 1))
            self.update()
        else:
            super().keyPressEvent(event)


def _height(lines: Sequence[str]) -> int:
    return LINE_HEIGHT + NEXT_LINE * (len(lines) - 1)


def in_lines(value: str, columns: int) -> tuple[str, ...]:
    """A value in lines of so many columns, broken at spaces and where the parts of names meet; the last of MOST_LINES
    has all that is left."""
    if len(value) <= columns:
        return (value,)
    lines = [""]
    for piece in re.split(f"{BREAK}|(?<= )", breakable(value)):
        if len(lines) == MOST_LINES or len((lines[-1] + piece).rstrip()) <= columns or not lines[-1]:
            lines[-1] += piece
        else:
            lines.append(piece)
    return tuple(line.rstrip() for line in lines)
