"""Python's syntax in quiet tints: the strong colours mean forward, backward and update, and code must not wear them."""

from __future__ import annotations

import builtins
import keyword
import re

from PySide6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from gui import theme

BUILTINS = "|".join(name for name in dir(builtins) if not name.startswith("_") and name not in keyword.kwlist)
TOKENS = re.compile(
    r"""(?P<comment>\#.*)
      | (?P<block>[rbfuRBFU]{0,2}(?:\"\"\"|'''))
      | (?P<string>[rbfuRBFU]{0,2}(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?))
      | (?P<decorator>^\s*@[\w.]+)
      | (?P<number>\b(?:0[xXbBoO][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)[jJ]?)
      | \b(?P<define>def|class)\s+(?P<name>\w+)
      | \b(?P<keyword>"""
    + "|".join(keyword.kwlist)
    + r""")\b
      | (?<![\w.])(?P<builtin>"""
    + BUILTINS
    + r""")\b
      | (?P<word>\w+)""",
    re.VERBOSE,
)
INSIDE = {1: '"""', 2: "'''"}


class PythonHighlighter(QSyntaxHighlighter):
    """Colours one document; `put_on_theme` after the theme has changed."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self.put_on_theme()

    def put_on_theme(self) -> None:
        colors = theme.current()

        def tint(category: str) -> QColor:
            return theme.blend(colors.category(category), colors.text, 0.6)

        string = _format(tint("reduction"))
        self._formats = {
            "comment": _format(colors.dim, italic=True),
            "block": string,
            "string": string,
            "decorator": _format(tint("activation")),
            "number": _format(tint("activation")),
            "define": _format(tint("attention")),
            "keyword": _format(tint("attention")),
            "name": _format(colors.text, bold=True),
            "builtin": _format(tint("linear")),
        }
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        self.setCurrentBlockState(0)
        position = 0
        if self.previousBlockState() in INSIDE:
            position = self._end_of_block(text, 0, 0, self.previousBlockState())
        while 0 <= position < len(text):
            match = TOKENS.search(text, position)
            if match is None:
                break
            position = self._color(text, match)

    def _color(self, text: str, match: re.Match[str]) -> int:
        """Colour one token; the position after it comes back."""
        if match["block"]:
            state = 1 if match["block"].endswith('"') else 2
            return self._end_of_block(text, match.start(), match.end(), state)
        for name, found in match.groupdict().items():
            if found and name in self._formats:
                start, end = match.span(name)
                self.setFormat(start, end - start, self._formats[name])
        return max(match.end(), match.start() + 1)

    def _end_of_block(self, text: str, start: int, inside: int, state: int) -> int:
        """Colour a string of three quotes up to its end or that of the line."""
        end = text.find(INSIDE[state], inside)
        stop = len(text) if end < 0 else end + 3
        self.setFormat(start, stop - start, self._formats["block"])
        if end < 0:
            self.setCurrentBlockState(state)
        return stop


def _format(color: QColor, *, bold: bool = False, italic: bool = False) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(color)
    made.setFontItalic(italic)
    if bold:
        made.setFontWeight(QFont.Weight.DemiBold)
    return made
