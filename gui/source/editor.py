"""A plain text editor with line numbers, and marks on lines."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QMimeData, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QTextBlock,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from gui import theme
from gui.highlight import PythonHighlighter
from gui.source import indenting

DOT = 5  # px, diameter of the dot beside a line that made nodes
BAR = 3  # px, width of the bar beside a marked line
WALKING = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class Editor(QPlainTextEdit):
    """Lines are counted from 1. `marks` gives lines a colour, `set_counts` says how many nodes each line made.

    Whoever came with the Tab key goes on with it; once something was typed or clicked, it indents.
    """

    line_clicked = Signal(int)  # in the text
    gutter_clicked = Signal(int, QPoint)  # beside it; the point is global

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("source_text")
        self.setAccessibleName(self.tr("Source of the script"))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._marks: dict[int, QColor] = {}
        self._are_drawn = False
        self.textChanged.connect(self._forget_drawn)
        self._counts: dict[int, int] = {}
        self._pressed = QPoint()
        self._place: int | None = None  # the line that one was led to, until the cursor leaves it
        self.cursorPositionChanged.connect(self._leave_place)
        self._gutter = Gutter(self)
        self._highlighter = PythonHighlighter(self.document())
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(self._follow)
        self.put_on_theme()

    def put_on_theme(self) -> None:
        font = theme.mono_font(theme.TEXT_PX - 1)
        self.setFont(font)
        self.setTabStopDistance(QFontMetrics(font).horizontalAdvance(" ") * indenting.WIDTH)
        self._highlighter.put_on_theme()
        self._are_drawn = False
        self._make_room()

    def _forget_drawn(self) -> None:
        self._are_drawn = False
        self.setTabChangesFocus(False)

    @property
    def marks(self) -> Mapping[int, QColor]:
        return self._marks

    def set_marks(self, marks: Mapping[int, QColor]) -> None:
        """Give lines a coloured ground and a bar beside them."""
        if marks == self._marks and self._are_drawn:  # as at most events that are played: the text need not be painted
            return
        before, all_of_it = self._marks, not self._are_drawn
        self._marks, self._are_drawn = dict(marks), True
        self._colour_grounds()
        if all_of_it:
            self._gutter.update()
            return
        for line in before.keys() | marks.keys():
            if before.get(line) != marks.get(line):
                self._update_gutter(line)

    def set_counts(self, counts: Mapping[int, int]) -> None:
        """How many nodes each line made."""
        self._counts = dict(counts)
        self._gutter.update()

    def show_line(self, line: int) -> None:
        """Scroll, no more than needed, so that the line can be seen; the cursor stays."""
        block = self.document().findBlockByNumber(line - 1)
        if not block.isValid():
            return
        first = self.firstVisibleBlock().blockNumber()
        visible = max(1, self.viewport().height() // max(1, self.fontMetrics().lineSpacing()))
        if not first + 1 <= block.blockNumber() <= first + visible - 2:
            self.verticalScrollBar().setValue(max(0, block.blockNumber() - visible // 3))

    def go_to_line(self, line: int) -> None:
        """Put the cursor there, and mark the line until the cursor leaves it."""
        block = self.document().findBlockByNumber(line - 1)
        if block.isValid():
            self.setTextCursor(QTextCursor(block))
            self._lead_to(line)
            self.show_line(line)

    def _lead_to(self, line: int | None) -> None:
        before, self._place = self._place, line
        self._colour_grounds()
        for each in (before, line):
            if each is not None:
                self._update_gutter(each)

    def _leave_place(self) -> None:
        if self._place is not None and self.textCursor().blockNumber() != self._place - 1:
            self._lead_to(None)

    def color_of(self, line: int) -> QColor | None:
        """A marked line's colour; that of text where one was led to."""
        return self._marks.get(line, theme.current().text if line == self._place else None)

    def _colour_grounds(self) -> None:
        led = {} if self._place is None else {self._place: theme.current().text}
        self.setExtraSelections([self._selection(line, color) for line, color in {**led, **self._marks}.items()])

    def _selection(self, line: int, color: QColor) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        ground = theme.blend(theme.current().field, color, 0.16)
        selection.format.setBackground(ground)
        selection.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        selection.cursor = QTextCursor(self.document().findBlockByNumber(line - 1))
        return selection

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text may be dropped here; files are for the window to open."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    # --- keys --------------------------------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in WALKING:
            self.setTabChangesFocus(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.isReadOnly() or indenting.uses_tabs(self.document()) or not self._indents(event):
            super().keyPressEvent(event)
            return
        event.accept()
        self.ensureCursorVisible()

    def _indents(self, event: QKeyEvent) -> bool:
        """Whether the key had to do with the lines' indentation; then that is done."""
        key, cursor = Qt.Key(event.key()), self.textCursor()
        if key == Qt.Key.Key_Tab:
            indenting.indent(cursor)
        elif key == Qt.Key.Key_Backtab:
            indenting.unindent(cursor)
        elif (
            key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        ):
            indenting.break_line(cursor)
        elif key != Qt.Key.Key_Backspace or event.modifiers() or not indenting.erase_indentation(cursor):
            return False
        self.setTextCursor(cursor)
        return True

    # --- mouse -------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setTabChangesFocus(False)
        self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        clicked = (event.position().toPoint() - self._pressed).manhattanLength() < 4
        if clicked and event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            self.line_clicked.emit(self.line_at(event.position().toPoint().y()))

    def line_at(self, y: int) -> int:
        return self.cursorForPosition(QPoint(0, y)).blockNumber() + 1

    # --- gutter ------------------------------------------------------------------------------------------------------

    def gutter_width(self) -> int:
        digits = max(2, len(str(self.blockCount())))
        return self.fontMetrics().horizontalAdvance("0") * digits + DOT + theme.SMALL * 2 + theme.TIGHT

    def _make_room(self) -> None:
        self.setViewportMargins(self.gutter_width(), 0, 0, 0)

    def _follow(self, rectangle: QRect, dy: int) -> None:
        if dy:
            self._gutter.scroll(0, dy)
        else:
            self._gutter.update(0, rectangle.y(), self._gutter.width(), rectangle.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._gutter.setGeometry(QRect(inside.left(), inside.top(), self.gutter_width(), inside.height()))

    def paint_gutter(self, painter: QPainter, region: QRegion) -> None:
        all_of_it = region.boundingRect()
        painter.fillRect(all_of_it, theme.current().field)
        painter.setFont(self.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        while block.isValid() and top <= all_of_it.bottom():
            height = self.blockBoundingRect(block).height()
            if block.isVisible() and region.intersects(QRect(0, int(top), self._gutter.width(), int(height) + 1)):
                self._paint_line(painter, block, top, height)
            block = block.next()
            top += height

    def _update_gutter(self, line: int) -> None:
        """Paint one line's part anew: while a recording is played, each event marks another one."""
        block = self.document().findBlockByNumber(line - 1)
        if block.isValid():
            place = self.blockBoundingGeometry(block).translated(self.contentOffset())
            self._gutter.update(0, int(place.top()) - 1, self._gutter.width(), int(place.height()) + 2)

    def _paint_line(self, painter: QPainter, block: QTextBlock, top: float, height: float) -> None:
        colors, line = theme.current(), block.blockNumber() + 1
        mark = self.color_of(line)
        if mark is not None:
            ground = theme.blend(colors.field, mark, 0.16)
            painter.fillRect(0, int(top), self._gutter.width(), int(height), ground)
            painter.fillRect(0, int(top), BAR, int(height), mark)
        right = self._gutter.width() - DOT - theme.SMALL - theme.TIGHT
        painter.setPen(colors.text if mark is not None else colors.dim)
        painter.drawText(0, int(top), right, int(height), Qt.AlignmentFlag.AlignRight, str(line))
        if self._counts.get(line):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(mark or colors.dim)
            painter.drawEllipse(right + theme.TIGHT, int(top + (height - DOT) / 2), DOT, DOT)


class Gutter(QWidget):
    """Line numbers, and a dot beside each line that made nodes."""

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self._editor = editor
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setToolTip(self.tr("A dot marks a line that made nodes of the graph; click it to select them"))

    def sizeHint(self) -> QSize:
        return QSize(self._editor.gutter_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._editor.paint_gutter(painter, event.region())
        finally:
            painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        line = self._editor.line_at(event.position().toPoint().y())
        self._editor.gutter_clicked.emit(line, event.globalPosition().toPoint())
