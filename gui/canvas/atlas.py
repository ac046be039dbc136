"""Pictures that are drawn many times: cards with their words, and the digits of numbers, packed on a few pixmaps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPixmap

from gui import theme as tokens
from gui.canvas.cards import Card, draw_card, sprite_size
from gui.canvas.lod import Detail

if TYPE_CHECKING:
    from gui.theme import Theme

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PAGE = 1024  # device px
MOST_PAGES = 24  # of one sheet: 96 MiB; then it starts anew
KEPT_SHEETS = 3


class Sheet:
    """Cards drawn at one scale, each when it is first seen. `slots` (k, 5): page, left, top, width, height.

    `turn` counts how often it was full and started anew: slots from before then hold no more.
    """

    def __init__(self, scale: float, detail: Detail, theme: Theme, ratio: float = 1.0) -> None:
        self._ratio = ratio
        self.scale = scale
        self.detail = detail
        self.turn = 0
        self.pages: list[QPixmap] = []
        self.slots: Floats = np.zeros((0, 5))
        self._theme = theme
        self._known: dict[Card, int] = {}
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._cursor = (0, 0, 0)  # left, top, height of the row that is being filled
        self._cards: tuple[Card, ...] = ()
        self._slot_of_card: Ints = np.zeros(0, dtype=np.int64)

    def slots_of(self, cards: tuple[Card, ...], needed: Ints) -> Floats:
        """Where the cards with the indices `needed` are drawn: (len(needed), 5)."""
        if cards is not self._cards:
            same = len(self._cards) if cards[: len(self._cards)] == self._cards else 0
            more = [self._known.get(card, -1) for card in cards[same:]]
            self._slot_of_card = np.append(self._slot_of_card[:same], np.array(more, dtype=np.int64))
            self._cards = cards
        slots = self._slot_of_card[needed]
        if len(slots) and slots.min() < 0:
            missing = np.unique(needed[slots < 0])
            if len(self.pages) >= MOST_PAGES:
                self._start_anew()
                missing = np.unique(needed)
            self._draw([cards[index] for index in missing])
            self._slot_of_card[missing] = [self._known[cards[index]] for index in missing]
            slots = self._slot_of_card[needed]
        return self.slots[slots]

    def _start_anew(self) -> None:
        self.turn += 1
        self.pages, self._rows, self._known, self._cursor = [], [], {}, (0, 0, 0)
        self._slot_of_card[:] = -1

    def _draw(self, cards: Iterable[Card]) -> None:
        painter = QPainter()
        on = -1
        try:
            for card in cards:
                width, height = sprite_size(card, self.scale)
                page, left, top = self._place(width, height)
                if page != on:
                    if painter.isActive():
                        painter.end()
                    painter.begin(self.pages[page])
                    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                    on = page
                painter.resetTransform()
                painter.translate(left, top)
                draw_card(painter, card, self.scale, self.detail, self._theme, self._ratio)
                self._known[card] = len(self._rows)
                self._rows.append((page, left, top, width, height))
        finally:
            if painter.isActive():
                painter.end()
        self.slots = np.array(self._rows, dtype=np.float64)

    def _place(self, width: int, height: int) -> tuple[int, int, int]:
        """Fill rows from the left; one transparent pixel between pictures."""
        left, top, row = self._cursor
        size = self.pages[-1].size() if self.pages else QSize(0, 0)
        if self.pages and left + width > size.width():
            left, top, row = 0, top + row + 1, 0
        if not self.pages or top + height > size.height() or width > size.width():
            page = QPixmap(max(PAGE, width), max(PAGE, height))
            page.fill(Qt.GlobalColor.transparent)
            self.pages.append(page)
            left, top, row = 0, 0, 0
        self._cursor = (left + width + 1, top, max(row, height))
        return len(self.pages) - 1, left, top


class Sprites:
    """The sheets that were used last, one for each scale and level of detail."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._sheets: dict[tuple[float, Detail, float], Sheet] = {}

    def sheet(self, scale: float, detail: Detail, ratio: float = 1.0) -> Sheet:
        key = (round(scale, 6), detail, ratio)
        found = self._sheets.pop(key, None) or Sheet(scale, detail, self._theme, ratio)
        self._sheets[key] = found
        while len(self._sheets) > KEPT_SHEETS:
            del self._sheets[next(iter(self._sheets))]
        return found


class Glyphs:
    """Single signs of the monospace font in one size and some colours; texts are put together from them."""

    def __init__(self, px: int, colors: Sequence[QColor]) -> None:
        font = tokens.mono_font(px)
        metrics = QFontMetricsF(font)
        self._font = font
        self._colors = tuple(colors)
        self._ascent = math.ceil(metrics.ascent())
        self._lift = metrics.capHeight() / 2
        self.advance = metrics.horizontalAdvance("0")
        self.cell = (math.ceil(self.advance) + 4, math.ceil(metrics.height()) + 2)
        self.page = QPixmap(1, 1)
        self._columns: dict[str, int] = {}

    def run(self, text: str, right: float, middle: float, color: int) -> Floats:
        """(len, 4) for a text that ends at `right` and has its capitals' centre at `middle` (device px): centre of the
        cell, and its left and top on `page`. Places are whole pixels apart from a half where a cell's size is odd."""
        for sign in text:
            if sign not in self._columns:
                self._add(sign)
        width, height = self.cell
        rows = np.empty((len(text), 4))
        start = right - len(text) * self.advance
        rows[:, 0] = np.rint(start + np.arange(len(text)) * self.advance) - 2 + width / 2
        rows[:, 1] = round(middle + self._lift) - self._ascent - 1 + height / 2
        rows[:, 2] = [self._columns[sign] * width for sign in text]
        rows[:, 3] = color * height
        return rows

    def _add(self, sign: str) -> None:
        width, height = self.cell
        column = len(self._columns)
        self._columns[sign] = column
        if (column + 1) * width > self.page.width():
            wider = QPixmap(max(16, 2 * column) * width, height * len(self._colors))
            wider.fill(Qt.GlobalColor.transparent)
            painter = QPainter(wider)
            try:
                if column:
                    painter.drawPixmap(0, 0, self.page)
            finally:
                painter.end()
            self.page = wider
        painter = QPainter(self.page)
        try:
            painter.setFont(self._font)
            for row, color in enumerate(self._colors):
                painter.setPen(color)
                painter.drawText(QPointF(column * width + 2, row * height + 1 + self._ascent), sign)
        finally:
            painter.end()
