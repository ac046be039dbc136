"""The script's output. Places in tracebacks can be clicked; errors are marked and in the error colour."""

from __future__ import annotations

import re

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui import theme

MOST_LINES = 10_000
FLUSH_MS = 40
ERROR_SIGN = "\u2717 "
PLACE = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)')

# CSI sequences (colours, cursor movements), OSC sequences (titles, links) and the two-character ones.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_CUT_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*)?$")
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f]")


class LineBuffer:
    """What a terminal would show: escapes are left out, a carriage return starts to overwrite the line."""

    def __init__(self) -> None:
        self._held = ""
        self._line = ""
        self._column = 0

    @property
    def line(self) -> str:
        """The line that is being written."""
        return self._line

    def feed(self, text: str) -> list[str]:
        """Take in some output; the lines that it completes come back."""
        text = self._held + text
        cut = _CUT_ESCAPE.search(text)
        self._held = text[cut.start() :] if cut else ""
        text = _CONTROL.sub("", _ESCAPE.sub("", text[: cut.start()] if cut else text))
        complete = []
        *ended, rest = text.split("\n")
        for piece in ended:
            self._write(piece.removesuffix("\r"))
            complete.append(self._line)
            self._line, self._column = "", 0
        self._write(rest)
        return complete

    def _write(self, text: str) -> None:
        for piece in re.split("([\r\b])", text):
            if piece == "\r":
                self._column = 0
            elif piece == "\b":
                self._column = max(0, self._column - 1)
            else:
                self._line = self._line[: self._column] + piece + self._line[self._column + len(piece) :]
                self._column += len(piece)


class Console(QPlainTextEdit):
    """Read-only, at most ten thousand lines; what comes in faster than it can be read is shown in batches."""

    place_activated = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("console_text")
        self.setAccessibleName(self.tr("Output of the script"))
        self.setReadOnly(True)
        self.setMaximumBlockCount(MOST_LINES)
        self.setUndoRedoEnabled(False)
        self.setPlaceholderText(self.tr("What the script prints appears here."))
        self.viewport().setMouseTracking(True)
        self._buffer = LineBuffer()
        self._lines: list[str] = []
        self._open = False  # whether the last block is the line that is being written
        self._timer = QTimer(self, singleShot=True, interval=FLUSH_MS)
        self._timer.timeout.connect(self.flush)
        self._put_on_theme()
        theme.switch.changed.connect(self._put_on_theme)

    def write(self, text: str) -> None:
        """Output of the script."""
        self._lines += self._buffer.feed(text)
        del self._lines[:-MOST_LINES]
        if not self._timer.isActive():
            self._timer.start()

    def write_error(self, text: str) -> None:
        """An error, for instance a traceback, on lines of its own."""
        self._write_marked(ERROR_SIGN + text.rstrip("\n"), theme.current().error)

    def write_remark(self, text: str) -> None:
        """Something that we say, not the script."""
        self._write_marked(text, theme.current().dim)

    def clear_all(self) -> None:
        self._timer.stop()
        self._buffer, self._lines, self._open = LineBuffer(), [], False
        self.clear()

    def flush(self) -> None:
        """Show what has come in."""
        self._timer.stop()
        shown = [*self._lines, self._buffer.line]
        self._lines = []
        if shown != [""] or self._open:
            self._put("\n".join(shown), QTextCharFormat())
            self._open = True

    def drawn_state(self) -> tuple[str, ...]:
        return (self.toPlainText(),)

    # --- writing -----------------------------------------------------------------------------------------------------

    def _write_marked(self, text: str, color: QColor) -> None:
        """Below what is there; a line that was being written is ended."""
        if self._buffer.line:
            self._lines += self._buffer.feed("\n")
        self.flush()
        marked = QTextCharFormat()
        marked.setForeground(color)
        self._put(text + "\n", marked)
        self._open = True

    def _put(self, text: str, text_format: QTextCharFormat) -> None:
        """Write at the end: over the last line if it is still being written, else below it."""
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 1
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if self._open:
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        elif not self.document().isEmpty():
            cursor.insertBlock()
        cursor.insertText(text, text_format)
        if at_end:
            bar.setValue(bar.maximum())

    def _put_on_theme(self) -> None:
        self.setFont(theme.mono_font(theme.TEXT_PX - 1))

    # --- mouse -------------------------------------------------------------------------------------------------------

    def place_at(self, position: QPoint) -> tuple[str, int] | None:
        """File and line of the traceback entry at a point of the viewport."""
        found = PLACE.search(self.cursorForPosition(position).block().text())
        return (found["path"], int(found["line"])) if found else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        over = self.place_at(event.position().toPoint()) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.IBeamCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        place = self.place_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place and not self.textCursor().hasSelection():
            self.place_activated.emit(*place)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        menu.addSeparator()
        clear = QAction(self.tr("Clear"), menu)
        clear.triggered.connect(self.clear_all)
        menu.addAction(clear)
        menu.exec(event.globalPos())
        menu.deleteLater()
