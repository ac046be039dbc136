"""What one node looks like: its words, its size, and how it is drawn. Shared by the sprites on screen and by export.

A card has two lines: the operation in the user's words and, dim, its `grad_fn`; to the right of them, for scalars, the
value and the gradient. Close up a third line holds shape, bytes kept for backward and gradient norm of a tensor.
Parameters and data are chips: one line with name and shape, or a card's two lines where the value is one number.

Texts that change with the playhead are not part of a sprite: `number_places` says where they go.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from gui import theme as tokens
from gui.canvas import leaf_sign
from gui.canvas.lod import Detail
from gui.numbers import TIMES
from gui.theme import Theme, blend

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

OPERATION, PARAMETER, DATA, MODULE = 0, 1, 2, 3
KINDS: Mapping[str, int] = {"operation": OPERATION, "parameter": PARAMETER, "data": DATA, "module": MODULE}

CARD_HEIGHT = 44.0
CHIP_HEIGHT = 28.0
PADDING = 12.0
CHIP_PADDING = 8.0
READABLE = 7  # px of the screen: smaller words are left out
TITLE, SUBTITLE, DETAIL, NUMBER = 13.0, 11.0, 10.0, 12.0  # font sizes in scene px
NUMBER_WIDTH = 72.0  # room for "−0.0001234"
GAP = 12.0
BAR = 3.0
NOTCH = 4.0  # room at the right of a chip
MIN_WIDTH = 64.0
SLACK = 1.04  # hinted text does not scale evenly
SMALLER = 0.84  # words of a card with three lines
QUIET = 0.25  # how far the words of a second rank stand back
LEAST_CONTRAST = 4.5  # of words with their ground: WCAG 2.1, 1.4.3
BETWEEN = "  "  # what stands on one line
NORM = BETWEEN + "‖1.234e−5‖"
KEPT = BETWEEN + "999 KiB"
GRAD = "grad"  # before the gradient of a parameter that is one number
SEPARATOR = " · "


@dataclass(frozen=True)
class Card:
    """What is drawn of a node whatever the playhead; equal cards share a sprite. `width`, `height` are scene px."""

    title: str
    subtitle: str
    detail: str
    category: str
    kind: int
    scalar: bool
    width: float
    height: float
    fill: int | None = None  # 0xAARRGGBB instead of the category's
    stack: int = 0  # sheets of a module that stands for several

    @property
    def two_lines(self) -> bool:
        return self.height >= CARD_HEIGHT

    @property
    def padding(self) -> float:
        return CHIP_PADDING if self.kind in (PARAMETER, DATA) else PADDING

    @property
    def radius(self) -> float:
        return float(tokens.RADIUS_CHIP if self.kind in (PARAMETER, DATA) else tokens.RADIUS)


def card_of(attributes: Mapping[str, Any]) -> Card:
    """The card of a node of `engine.graph.build` or `modules.collapse`, with the size that its words need."""
    if attributes.get("kind") == "module":
        from gui.canvas.modules.card import card_of_group

        return card_of_group(attributes)
    shape = attributes.get("shape")
    return _card(
        KINDS.get(str(attributes.get("kind", "operation")), OPERATION),
        str(attributes.get("title") or attributes.get("type") or ""),
        str(attributes.get("role") or attributes.get("subtitle") or ""),
        str(attributes.get("category") or "other"),
        None if shape is None else tuple(shape),
        keeps=bool(attributes.get("saved_bytes")),
    )


@lru_cache(maxsize=16384)
def _card(
    kind: int, title: str, subtitle: str, category: str, shape: tuple[int, ...] | None, *, keeps: bool = False
) -> Card:
    scalar = shape is not None and math.prod(shape) == 1
    detail = "" if shape is None or scalar else TIMES.join(str(length) for length in shape)
    if kind != OPERATION:
        title, subtitle = _last_part(title), subtitle if kind == DATA else ""
    if kind == OPERATION:
        room = NUMBER_WIDTH + GAP if scalar else 0.0
        beside = mono_width(KEPT, DETAIL) if scalar and keeps else 0.0  # what has no shape has two lines only
        words = max(text_width(title, TITLE), text_width(subtitle, SUBTITLE) + beside) * SLACK + room
        below = 0.0 if scalar else mono_width(detail + (KEPT if keeps else "") + NORM, DETAIL) * SMALLER
        width = 2 * PADDING + max(words, below)
        return Card(title, subtitle, detail, category, kind, scalar, _even(max(width, MIN_WIDTH)), CARD_HEIGHT)
    beside = NUMBER_WIDTH if scalar else mono_width(detail, DETAIL)
    height = CARD_HEIGHT if scalar and kind == PARAMETER else CHIP_HEIGHT
    words = max(text_width(title, TITLE - 1), text_width(GRAD, SUBTITLE) if height == CARD_HEIGHT else 0.0) * SLACK
    width = 2 * CHIP_PADDING + words + (SUBTITLE + beside if beside else 0.0) + NOTCH
    width += leaf_sign.ROOM if kind == DATA else 0.0
    return Card(title, subtitle, detail, category, kind, scalar, _even(max(width, MIN_WIDTH / 2)), height)


_DOTS = re.compile(r"\.(?![^\[]*\])")


def _even(width: float) -> float:
    """Whole, even widths: centres and borders then fall on whole pixels at scale 1."""
    return 2.0 * math.ceil(width / 2)


def _last_part(title: str) -> str:
    """ "layer1.0.bn1.weight" is "weight" beside its module. What is only numbered keeps two parts: "downsample.0"; what
    is in brackets is one: "weights['0.bias']"."""
    parts = _DOTS.split(title)
    return ".".join(parts[-2:]) if parts[-1].isdigit() and len(parts) > 1 else parts[-1]


def px(size: float) -> int:
    """A font size in whole pixels, rather too small than too large for its card."""
    return max(1, int(size + 0.25))


@lru_cache(maxsize=16384)
def text_width(text: str, size: float) -> float:
    return QFontMetricsF(tokens.ui_font(round(size))).horizontalAdvance(text)


def mono_width(text: str, size: float) -> float:
    """All signs of the monospace font are equally wide."""
    return len(text) * mono_advance(round(size))


@lru_cache(maxsize=64)
def mono_advance(px: int) -> float:
    return QFontMetricsF(tokens.mono_font(px)).horizontalAdvance("0")


# --- drawing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a number goes: right end and centre line, in scene px from the card's top left; font size in scene px."""

    right: float
    middle: float
    size: float


def number_places(card: Card, detail: Detail) -> tuple[Place | None, Place | None]:
    """Places of the value and of the gradient (or its norm); None where this level of detail has no room."""
    if detail < Detail.TEXT:
        return None, None
    if card.kind == MODULE:
        from gui.canvas.modules.card import norm_place

        return None, norm_place(card)
    right = card.width - card.padding - (NOTCH if card.kind == PARAMETER else 0.0)
    if card.scalar:
        if not card.two_lines:
            return Place(right, card.height / 2, NUMBER), None
        first, second = _lines(card, detail)[:2]
        return Place(right, first, NUMBER), Place(right, second, NUMBER)
    if detail >= Detail.CLOSE and card.kind == OPERATION:
        return None, Place(right, _lines(card, detail)[2], DETAIL * _shrink(card, detail))
    return None, None


def _lines(card: Card, detail: Detail) -> tuple[float, float, float]:
    """Centres of the lines, in scene px from the top."""
    if _three(card, detail):
        return card.height * 0.25, card.height * 0.515, card.height * 0.76
    return card.height * 0.335, card.height * 0.66, card.height


def third_line(card: Card) -> float:
    """Where the last line of an operation's card is, close up."""
    return _lines(card, Detail.CLOSE)[2]


def _three(card: Card, detail: Detail) -> bool:
    return detail >= Detail.CLOSE and card.kind == OPERATION and not card.scalar


def _shrink(card: Card, detail: Detail) -> float:
    return SMALLER if _three(card, detail) else 1.0


def fill_name(card: Card) -> str:
    """What the fill says: the category, or, of a card that is coloured by its proof, one of `theme.PROOFS`."""
    if card.category in tokens.PROOFS or card.kind in (OPERATION, MODULE):
        return card.category
    return "parameter" if card.kind == PARAMETER else "data"


@lru_cache(maxsize=1)
def _fills() -> Mapping[str, int]:
    return {name: number for number, name in enumerate((*tokens.CATEGORIES, *tokens.PROOFS))}


@dataclass(frozen=True, eq=False)
class Deck:
    """Many cards: the `kind` of each, whether it is `scalar`, and its `fill` as an index in `theme.CATEGORIES` and,
    after these, `theme.PROOFS`."""

    cards: tuple[Card, ...]
    kind: Ints
    scalar: Flags
    fill: Ints

    @staticmethod
    def of(cards: tuple[Card, ...], known: Deck | None = None) -> Deck:
        """`known` is what was made of the first of them."""
        more = cards if known is None else cards[len(known.cards) :]
        fills = _fills()
        kind = np.array([card.kind for card in more], dtype=np.int64)
        scalar = np.array([card.scalar for card in more], dtype=np.bool_)
        fill = np.array([fills[fill_name(card)] for card in more], dtype=np.int64)
        if known is None:
            return Deck(cards, kind, scalar, fill)
        return Deck(cards, np.append(known.kind, kind), np.append(known.scalar, scalar), np.append(known.fill, fill))


def fill_of(card: Card, theme: Theme) -> QColor:
    return theme.category(fill_name(card)) if card.fill is None else QColor.fromRgb(card.fill)


def inks(theme: Theme) -> tuple[QColor, ...]:
    """The theme's text and its opposite, and for fills on which neither can be read, black and white."""
    return theme.text, theme.bg if theme.is_dark else theme.surface, *tokens.PLAIN_INKS


def ink_on(fill: QColor, theme: Theme) -> QColor:
    text, opposite, *plain = inks(theme)
    ink = max(text, opposite, key=lambda ink: contrast(ink, fill))
    return ink if contrast(ink, fill) >= LEAST_CONTRAST else max(plain, key=lambda ink: contrast(ink, fill))


def ink_of(card: Card, theme: Theme) -> QColor:
    """Categories' fills were chosen for the theme's text."""
    return theme.text if card.fill is None else ink_on(fill_of(card, theme), theme)


def quiet_on(fill: QColor, ink: QColor, share: float = QUIET) -> QColor:
    """`ink` drawn back towards `fill` for words that say less; `ink` itself where these could not be read then."""
    quiet = blend(ink, fill, share)
    return quiet if contrast(quiet, fill) >= LEAST_CONTRAST else ink


def _quiet(card: Card, theme: Theme) -> QColor:
    ink, fill = ink_of(card, theme), fill_of(card, theme)
    return blend(ink, fill, QUIET) if card.fill is None else quiet_on(fill, ink)


def contrast(a: QColor, b: QColor) -> float:
    """WCAG 2.1, 1.4.3."""
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: QColor) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (color.redF(), color.greenF(), color.blueF())
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def outline_of(card: Card, theme: Theme) -> QColor:
    """A hair stronger than the fill, so that a card also stands out from a ground of nearly its own colour."""
    if card.kind != OPERATION and card.fill is None:
        return blend(theme.line, theme.dim, 0.45)
    return blend(fill_of(card, theme), theme.text, 0.22 if theme.is_dark else 0.24)


def draw_card(painter: QPainter, card: Card, scale: float, detail: Detail, theme: Theme, ratio: float = 1.0) -> None:
    """Draw `card` with its top left at the origin, `scale` device px for one scene px, `ratio` device px for one px of
    the screen. Antialiasing is the caller's."""
    if card.kind == MODULE:
        from gui.canvas.modules.card import draw_module

        draw_module(painter, card, scale, detail, theme, ratio)
        return
    width, height = sprite_size(card, scale)
    pen = QPen(outline_of(card, theme), 1.0)
    if card.kind == DATA:
        pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    painter.setBrush(fill_of(card, theme))
    radius = card.radius * min(scale, 2.0)
    painter.drawRoundedRect(QRectF(0.5, 0.5, width - 1, height - 1), radius, radius)
    if detail == Detail.NAME:
        draw_name(painter, card, width, height, scale, theme, ratio)
    elif card.kind == OPERATION:
        _draw_lines(painter, card, width, scale, detail, theme)
    else:
        _draw_chip(painter, card, width, scale, detail, theme)


def sprite_size(card: Card, scale: float) -> tuple[int, int]:
    """Whole device pixels."""
    return max(2, round(card.width * scale)), max(2, round(card.height * scale))


def _draw_lines(p: QPainter, card: Card, width: float, scale: float, detail: Detail, theme: Theme) -> None:
    first, second, third = (line * scale for line in _lines(card, detail))
    shrink = _shrink(card, detail) * scale
    left, ink, quiet = card.padding * scale, ink_of(card, theme), _quiet(card, theme)
    room = width - 2 * left - ((NUMBER_WIDTH + GAP) * scale if card.scalar else 0.0)
    name, separator, rest = card.title.partition(SEPARATOR)
    font = tokens.ui_font(px(TITLE * shrink))
    used = draw_text(p, font, ink, left, first, name, room)
    if rest and room - used > 0:
        draw_text(p, font, quiet, left + used, first, separator + rest, room - used)
    draw_text(p, tokens.ui_font(px(SUBTITLE * shrink)), quiet, left, second, card.subtitle, room)
    if _three(card, detail) and card.detail:
        draw_text(p, tokens.mono_font(px(DETAIL * shrink)), quiet, left, third, card.detail, room * 0.55)


def _draw_chip(p: QPainter, card: Card, width: float, scale: float, detail: Detail, theme: Theme) -> None:
    left, right = card.padding * scale, width - (card.padding + NOTCH) * scale
    middle = (_lines(card, detail)[0] if card.two_lines else card.height / 2) * scale
    if card.kind == DATA:
        leaf_sign.draw(p, card.subtitle, left, middle, scale, theme)
        left += leaf_sign.ROOM * scale
    font = tokens.ui_font(px((TITLE - 1) * scale))
    used = draw_text(p, font, ink_of(card, theme), left, middle, card.title, right - left)
    quiet = theme.dim if card.fill is None else _quiet(card, theme)
    if card.detail:
        mono = tokens.mono_font(px(DETAIL * scale))
        start = right - QFontMetricsF(mono).horizontalAdvance(card.detail)
        if start >= left + used + 2:
            draw_text(p, mono, quiet, start, middle, card.detail, right - start + 1)
    if card.two_lines:
        small = tokens.ui_font(px(SUBTITLE * scale))
        draw_text(p, small, quiet, left, _lines(card, detail)[1] * scale, GRAD, right - left)


def draw_name(
    p: QPainter, card: Card, width: float, height: float, scale: float, theme: Theme, ratio: float = 1.0
) -> None:
    """One line, larger than life: the longest form of the title that fits; nothing where it could not be read."""
    left = right = max(2.0, 5.0 * scale)
    if card.kind == PARAMETER:  # words end before its notch
        right = max(right, NOTCH * scale + 2.0)
    room = width - left - right
    middle = left + room / 2
    least = round(READABLE * ratio)
    large = min(max(least + 1, round(TITLE * scale * 1.35)), int(height * 0.8))
    if large < least:
        return
    for size in (large, max(large - 1, least)):
        font = tokens.ui_font(size)
        metrics = QFontMetricsF(font)
        for text in _shorter(card.title):
            advance = metrics.horizontalAdvance(text)
            if advance <= room + 1:
                draw_text(p, font, ink_of(card, theme), middle - advance / 2, height / 2, text, room + 1)
                return
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    if len(text) >= 4:
        advance = metrics.horizontalAdvance(text)
        draw_text(p, font, ink_of(card, theme), middle - advance / 2, height / 2, text, room + 1)


def _shorter(title: str) -> tuple[str, ...]:
    name = title.partition(SEPARATOR)[0]
    return title, name, _last_part(name)


def draw_text(p: QPainter, font: QFont, color: QColor, x: float, middle: float, text: str, room: float) -> float:
    """Draw with the capitals' centre at `middle`, elided to `room`; returns the width used."""
    metrics = QFontMetricsF(font)
    advance = metrics.horizontalAdvance(text)
    if advance > room + 1:
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room, 0.0))
        advance = metrics.horizontalAdvance(text)
    p.setFont(font)
    p.setPen(color)
    # Whole pixels: hinted glyphs between two of them are blurred.
    p.drawText(QPointF(round(x), round(middle + metrics.capHeight() / 2)), text)
    return advance
