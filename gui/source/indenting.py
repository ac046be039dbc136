"""What Tab, Backspace and Enter do in a Python script: lines stay indented by spaces, four at a time.

A tab character among spaces is a `TabError` of Python's. Scripts that are indented by tabs are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument

WIDTH = 4  # columns


def uses_tabs(document: QTextDocument) -> bool:
    """Whether a line begins with one."""
    return any(block.text().startswith("\t") for block in _from(document.firstBlock()))


def indent(cursor: QTextCursor) -> None:
    """Spaces to the next stop, or all selected lines one stop further in."""
    if len(_blocks(cursor)) == 1:
        cursor.insertText(" " * (WIDTH - cursor.positionInBlock() % WIDTH))
        return
    cursor.beginEditBlock()
    for block in _blocks(cursor):
        if block.text().strip():
            QTextCursor(block).insertText(" " * WIDTH)
    cursor.endEditBlock()


def unindent(cursor: QTextCursor) -> None:
    """The cursor's line, or all selected ones, one stop further out, as far as they can be."""
    cursor.beginEditBlock()
    for block in _blocks(cursor):
        _take_away(block, min(WIDTH, _depth(block)))
    cursor.endEditBlock()


def break_line(cursor: QTextCursor) -> None:
    """A new line as deep as this one, or one stop deeper after a colon."""
    cursor.beginEditBlock()
    cursor.removeSelectedText()
    before = cursor.block().text()[: cursor.positionInBlock()]
    depth = len(before) - len(before.lstrip(" "))
    deeper = WIDTH if before.rstrip().endswith(":") else 0
    cursor.insertText("\n" + " " * (depth + deeper))
    cursor.endEditBlock()


def erase_indentation(cursor: QTextCursor) -> bool:
    """Back to the stop before, if there is nothing but spaces before the cursor; whether that is so."""
    column = cursor.positionInBlock()
    if cursor.hasSelection() or not column or cursor.block().text()[:column].strip(" "):
        return False
    back = (column - 1) % WIDTH + 1
    cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, back)
    cursor.removeSelectedText()
    return True


def _blocks(cursor: QTextCursor) -> list[QTextBlock]:
    """The cursor's lines; the last one not if the selection ends at its beginning."""
    first = cursor.document().findBlock(cursor.selectionStart())
    end = cursor.selectionEnd()
    return [block for block in _from(first) if block == first or block.position() < end]


def _from(block: QTextBlock) -> Iterator[QTextBlock]:
    while block.isValid():
        yield block
        block = block.next()


def _depth(block: QTextBlock) -> int:
    text = block.text()
    return len(text) - len(text.lstrip(" "))


def _take_away(block: QTextBlock, count: int) -> None:
    cursor = QTextCursor(block)
    cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor, count)
    cursor.removeSelectedText()
