"""Lines "label: value", painted in one go: cheap enough to change with every step of the playhead."""

from __future__ import annotations

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
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.tensor_views.painting import draw_text, metrics

LINE_HEIGHT = 20
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
    """Facts in two columns: labels dim, values in tabular figures, elided in the middle; the whole value on hover.

    A click chooses a line (↑ and ↓ go on from there), and Copy takes the full value of the chosen line, or all lines.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: tuple[Fact, ...] = ()
        self._current = -1
        self._label_width = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.switch.changed.connect(self.update)

    @property
    def facts(self) -> tuple[Fact, ...]:
        return self._facts

    def set_facts(self, facts: Sequence[Fact]) -> None:
        facts = tuple(facts)
        if facts == self._facts:
            return
        grown = len(facts) != len(self._facts)
        self._facts = facts
        self._current = min(self._current, len(facts) - 1)
        self._measure()
        self.setAccessibleDescription(self.all_text())
        if grown:
            self.updateGeometry()
        self.update()

    def all_text(self) -> str:
        """Every line, for the clipboard and for screen readers."""
        return "\n".join(f"{fact.label}: {fact.text}" for fact in self._facts)

    def copy(self) -> None:
        """Put the chosen line's full value, or all lines, on the clipboard."""
        chosen = self._facts[self._current].text if self._current >= 0 else self.all_text()
        QGuiApplication.clipboard().setText(chosen)

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), LINE_HEIGHT * len(self._facts))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(30), LINE_HEIGHT * len(self._facts))

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
        label_width = min(self._label_width, int(self.width() * MAX_LABEL))
        left = label_width + theme.MEDIUM
        for place, fact in enumerate(self._facts):
            line = QRect(0, place * LINE_HEIGHT, self.width(), LINE_HEIGHT)
            if place == self._current and self.hasFocus():
                painter.fillRect(line.adjusted(-2, 0, 2, 0), look.selected)
            painter.setOpacity(theme.NOT_YET if fact.pending else 1.0)
            draw_text(painter, QRect(0, line.top(), label_width, LINE_HEIGHT), fact.label, "text", look.dim)
            middle = Qt.TextElideMode.ElideMiddle
            draw_text(painter, line.adjusted(left, 0, 0, 0), fact.value, "number", look.text, elide=middle)
            painter.setOpacity(1.0)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._line_at(event.pos())
            QToolTip.showText(event.globalPos(), self._facts[place].text if place >= 0 else "", self)
            return True
        return super().event(event)

    def _line_at(self, position: QPoint) -> int:
        place = position.y() // LINE_HEIGHT
        return place if 0 <= place < len(self._facts) else -1

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
