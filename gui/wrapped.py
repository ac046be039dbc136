"""Labels that never make their panel wider: long names are broken where their parts meet, or anywhere."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QWidget

from gui import theme

BREAK = "\u200b"  # a space of no width: a line may end there
LONGEST = 16  # characters that are kept together
_JOINT = re.compile(r"(?<=[\w\])][._/\\:])(?=[^\W\d])")  # not within "0.25"
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
HUGE = 40  # characters: as long is no name that anybody gave by hand
ENDLESS, BEGINNING = 120, 40  # characters: a path as long is shown by its beginning and its end
_HUGE = re.compile(rf"[^\s/\\-]{{{HUGE + 1},}}")
_ENDLESS = re.compile(rf"\S{{{ENDLESS + 1},}}")
_LONG = re.compile(rf"[^\s{BREAK}]{{{LONGEST + 1},}}")


def breakable(text: str) -> str:
    """The same to look at; a line may end after a dot, an underscore, a slash or a colon within a word. Parts that are
    longer than LONGEST are broken where a capital begins, and what is still too long, after so many characters."""
    text = _JOINT.sub(BREAK, text)
    text = _LONG.sub(lambda found: _HUMP.sub(BREAK, found[0]), text)
    return _LONG.sub(lambda found: BREAK.join(re.findall(rf".{{1,{LONGEST}}}", found[0])), text)


def hardly_broken(text: str) -> str:
    """The same where only what no line has room for is broken: what is selected with the mouse is copied as it is."""
    return _HUGE.sub(lambda found: BREAK.join(re.findall(rf".{{1,{HUGE}}}", found[0])), text)


def without_middles(text: str) -> str:
    """Words of more than ENDLESS characters, as paths can be, without their middle."""
    return _ENDLESS.sub(lambda found: f"{found[0][:BEGINNING]}…{found[0][BEGINNING - ENDLESS :]}", text)


class WrappedLabel(QLabel):
    """Plain text in as many lines as it takes; `text` is what was given to `setText`."""

    def __init__(self, parent: QWidget | None = None, broken: Callable[[str], str] = breakable) -> None:
        super().__init__(parent)
        self._words, self._broken = "", broken
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def setText(self, text: str) -> None:
        if text != self._words:
            self._words = text
            super().setText(self._broken(text))
            self.setAccessibleName(text)

    def text(self) -> str:
        return self._words

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), theme.space(10)), hint.height())


class WrappedLink(WrappedLabel):
    """Words, a link, and words after it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)

    def set_words(self, words: str, link: str = "", address: str = "", after: str = "") -> None:
        """`link` is what is underlaid with `address`; without it, all is plain words."""
        color = theme.current().forward.name()
        target = f'<a style="color: {color}; text-decoration: none" href="{address}">{_shown(link)}</a>' if link else ""
        self._words = " ".join(filter(None, (words, link, after)))
        markup = " ".join(filter(None, (_shown(words), target, _shown(after))))
        if QLabel.text(self) != markup:
            QLabel.setText(self, markup)
            self.setAccessibleName(self._words)


def _shown(text: str) -> str:
    return html.escape(breakable(text))
