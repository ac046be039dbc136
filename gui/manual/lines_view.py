"""The lines of a training step, painted: formulas and the result by hand, a sign, the result of autograd."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QPushButton, QToolTip, QWidget

from gui import theme
from gui.manual import verdicts
from gui.manual.columns import Columns, measure
from gui.manual.row_painter import Head, paint_header, paint_remark, paint_row, paint_stage
from gui.manual.story import Story, all_text, as_text, verdict_of
from gui.proof.formula import SCALE
from gui.tensor_views.copying import copy_menu, to_clipboard

HEADER = 32
LOW, HIGH = 28, 36  # a row without fractions, and with them
FRACTION = 34.2  # px that a fraction is high as it is set
LEAST_SHARE = 0.76  # of their height that rows give up for the whole step to be seen at once
MOVES = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
KEYS = (*MOVES, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class LinesView(QAbstractScrollArea):
    """`activated(number)`: a line was clicked. `scrolled()`: other lines are in view."""

    activated = Signal(int)
    scrolled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.story = Story()
        self.head = Head()
        self.button = QPushButton(self.tr("Work out all"), self.viewport())
        self.button.setCursor(Qt.CursorShape.ArrowCursor)
        self.button.hide()
        self._columns: Columns | None = None
        self._scale = SCALE
        self._tops: list[int] = [0]
        self._current = self._anchor = self._hovered = -1
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.verticalScrollBar().setSingleStep(LOW)
        self.verticalScrollBar().valueChanged.connect(lambda _: self.scrolled.emit())
        theme.switch.changed.connect(self.viewport().update)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def set_story(self, story: Story, head: Head, *, follow: bool) -> None:
        """Draw another story; `follow` brings the playhead's line into view."""
        self.head = head
        same = len(story.rows) == len(self.story.rows) and all(
            mine.place == new.place for mine, new in zip(self.story.rows, story.rows, strict=True)
        )
        if not same:
            self._current = self._anchor = self._hovered = -1
            self.verticalScrollBar().setValue(0)
        self.story = story
        self._columns = None
        self._place_rows()
        if follow:
            self._follow()
        self._describe()
        self.viewport().update()

    def _place_rows(self) -> None:
        """Rows as high as they like to be; a little less where the whole step is seen then."""
        likes = [LOW if row.place.stage in ("forward", "loss") else HIGH for row in self.story.rows]
        room, wanted = self.viewport().height() - HEADER, max(sum(likes), 1)
        share = room / wanted if LEAST_SHARE <= room / wanted < 1 else 1.0
        self._tops = [0, *accumulate(int(height * share) for height in likes)]
        self._scale = min(SCALE, (int(HIGH * share) - 3) / FRACTION)
        bar = self.verticalScrollBar()
        bar.setPageStep(max(room, 1))
        bar.setRange(0, max(self._tops[-1] - room, 0))

    def _follow(self) -> None:
        now, bar = self.story.now, self.verticalScrollBar()
        if now < 0:
            bar.setValue(0)
            return
        room = self.viewport().height() - HEADER
        top, bottom = self._tops[now], self._tops[min(now + 1, len(self._tops) - 1)]
        if top < bar.value() or bottom > bar.value() + room:
            bar.setValue(top - room // 3)

    def _describe(self) -> None:
        self.setAccessibleName(f"{self.tr('The step by hand beside autograd')}: {self.head.text}")
        number = self._current if self._current >= 0 else self.story.now
        if 0 <= number < len(self.story.rows):
            self.setAccessibleDescription(as_text(self.story.rows[number], passed=number < self.story.passed))

    def visible_rows(self) -> range:
        """The numbers of the lines in view."""
        top = self.verticalScrollBar().value()
        first = max(bisect_right(self._tops, top) - 1, 0)
        last = bisect_right(self._tops, top + self.viewport().height() - HEADER)
        return range(first, min(last, len(self.story.rows)))

    def wanted_height(self) -> int:
        """The height at which the whole step is seen, at ease."""
        return HEADER + sum(LOW if row.place.stage in ("forward", "loss") else HIGH for row in self.story.rows)

    def sizeHint(self) -> QSize:
        return QSize(theme.space(200), min(self.wanted_height(), theme.space(100)))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(60), HEADER + HIGH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._columns = None
        self._place_rows()
        self._follow()
        self.scrolled.emit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().update()

    # --- painting ----------------------------------------------------------------------------------------------------

    def _row_rect(self, number: int) -> QRect:
        top = HEADER + self._tops[number] - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self._tops[number + 1] - self._tops[number])

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._columns is None:
            self._columns = measure(self.story, self.viewport().width())
        look, columns = theme.current(), self._columns
        chosen = self._chosen()
        painter = QPainter(self.viewport())
        try:
            painter.fillRect(self.viewport().rect(), look.surface)
            for number in self.visible_rows():
                row, place = self.story.rows[number], self._row_rect(number)
                if number == self._hovered:
                    painter.fillRect(place, look.hover)
                passed, now = number < self.story.passed, self.story.is_now(number)
                paint_row(painter, place, columns, row, verdict_of(row, passed=passed), scale=self._scale,
                          passed=passed, now=now)  # fmt: skip
                if number in chosen:
                    painter.setPen(QPen(look.accent if self.hasFocus() else look.line, theme.LINE))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRect(QRectF(place).adjusted(columns.gutter + 0.5, 0.5, -0.5, -0.5))
            for first, last in self._stages():
                top, bottom = self._row_rect(first).top(), self._row_rect(last).bottom()
                passed = first < self.story.passed
                paint_stage(painter, columns, self.story.rows[first].place.stage, top, bottom, HEADER, passed=passed)
            self._paint_head(painter, columns)
        finally:
            painter.end()

    def _paint_head(self, painter: QPainter, columns: Columns) -> None:
        place = QRect(0, 0, self.viewport().width(), HEADER)
        size, shown = self.button.sizeHint(), not self.button.isHidden()
        taken = size.width() + 2 * theme.MEDIUM if shown else 0
        left = paint_header(painter, place, columns, self.head, taken)
        if shown:
            self.button.setGeometry(left, (HEADER - size.height()) // 2, size.width(), size.height())
            left += size.width() + theme.MEDIUM
        paint_remark(painter, place, columns, self.head, left)

    def _stages(self) -> Iterator[tuple[int, int]]:
        """First and last line of each stage that is in view."""
        shown, rows = self.visible_rows(), self.story.rows
        if not shown:
            return
        first = shown.start
        while first > 0 and rows[first - 1].place.stage == rows[first].place.stage:
            first -= 1
        for number in range(first, len(rows)):
            if number + 1 == len(rows) or rows[number + 1].place.stage != rows[number].place.stage:
                yield first, number
                first = number + 1
                if first >= shown.stop:
                    return

    # --- what the user does ------------------------------------------------------------------------------------------

    def _chosen(self) -> range:
        if self._current < 0:
            return range(0)
        return range(min(self._current, self._anchor), max(self._current, self._anchor) + 1)

    def copied_text(self) -> str:
        """The chosen lines as text; all of them, in stages, if none is chosen."""
        rows, chosen = self.story.rows, self._chosen()
        if not chosen or len(chosen) == len(rows):
            return all_text(self.story)
        return "\n".join(as_text(rows[number], passed=number < self.story.passed) for number in chosen)

    def _row_at(self, y: float) -> int:
        inside = int(y) - HEADER + self.verticalScrollBar().value()
        number = bisect_right(self._tops, inside) - 1
        return number if y >= HEADER and 0 <= number < len(self.story.rows) else -1

    def _choose(self, number: int, *, extend: bool = False) -> None:
        self._current = number
        if not extend or self._anchor < 0:
            self._anchor = number
        self._describe()
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self._row_at(event.position().y())
        if hovered != self._hovered:
            self._hovered = hovered
            self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._row_at(event.position().y())
        if event.button() != Qt.MouseButton.LeftButton or number < 0:
            return
        extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._choose(number, extend=extend)
        if not extend:
            self.activated.emit(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if event.matches(QKeySequence.StandardKey.Copy):
            to_clipboard(self.copied_text())
        elif event.matches(QKeySequence.StandardKey.SelectAll) and self.story.rows:
            self._anchor = 0
            self._choose(len(self.story.rows) - 1, extend=True)
        elif key in MOVES and self.story.rows:
            start = self._current if self._current >= 0 else self.story.now
            number = max(0, min(start + MOVES[key], len(self.story.rows) - 1))
            self._choose(number, extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            self._show(number)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            self.activated.emit(self._current)
        else:
            super().keyPressEvent(event)

    def _show(self, number: int) -> None:
        bar, room = self.verticalScrollBar(), self.viewport().height() - HEADER
        if self._tops[number] < bar.value():
            bar.setValue(self._tops[number])
        elif self._tops[number + 1] > bar.value() + room:
            bar.setValue(self._tops[number + 1] - room)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        choices = [(self.tr("Copy the whole step"), lambda: all_text(self.story))]
        if self._chosen():
            choices.insert(0, (self.tr("Copy"), self.copied_text))
        copy_menu(self, event.globalPos(), choices)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in KEYS:
            event.accept()
            return True
        return super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(self._row_at(event.pos().y())), self)
            return True
        return super().viewportEvent(event)

    def _tip(self, number: int) -> str:
        if number < 0:
            return ""
        row, passed = self.story.rows[number], number < self.story.passed
        return f"{as_text(row, passed=passed)}\n{verdicts.meaning(verdict_of(row, passed=passed))}"
