"""Python in the colours of syntax."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot

from gui import theme
from gui.highlight import PythonHighlighter
from tests.recordings import BOW_SCRIPT


def _colors(text: str) -> dict[str, str]:
    """Each word of `text` and its colour."""
    document = QTextDocument(text)
    highlighter = PythonHighlighter(document)
    found: dict[str, str] = {}
    block = document.begin()
    while block.isValid():
        for part in block.layout().formats():
            piece = block.text()[part.start : part.start + part.length]
            found[piece] = part.format.foreground().color().name()
        block = block.next()
    del highlighter
    return found


def test_syntax_is_coloured(qtbot: QtBot) -> None:
    colors = _colors(
        '@wrap\ndef step(n):  # note\n    """Doc\n    more"""\n    return print(n * 1e-3, f"x{n}", "a#b")\n'
    )
    assert {"@wrap", "def", "step", "# note", "return", "print", "1e-3", 'f"x{n}"', '"a#b"'} <= colors.keys()
    assert colors['"""Doc'] == colors['    more"""'] == colors['"a#b"']
    assert colors["def"] != colors["1e-3"] != colors["print"]


@pytest.mark.parametrize("text", ["'unclosed", '"""never\nclosed', "\\", "x = '\\", "0x", "1__0", "é = ∂"])
def test_odd_code_is_coloured_without_harm(text: str, qtbot: QtBot) -> None:
    assert all(piece in text for piece in _colors(text))


def test_strong_colours_are_not_worn_by_code(qtbot: QtBot) -> None:
    colors = theme.current()
    meanings = {color.name() for color in (colors.forward, colors.backward, colors.update, colors.accent)}
    assert not meanings & set(_colors(BOW_SCRIPT).values())
