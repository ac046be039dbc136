"""What a collapsed module looks like: a card with a plus, its name and type, what it holds, and its gradient flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from gui import theme as tokens
from gui.canvas import cards
from gui.canvas.lod import Detail
from gui.numbers import size
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.cards import Card, Place

HEIGHT = 60.0
SIGN = 13.0  # the plus
SIGN_GAP = 8.0
STRIPE = 4.0
QUIET = 0.3  # how far all but the name stands back
LIFT = 3.0  # between the sheets of a stack
MOST_SHEETS = 3
LINES = (0.24, 0.515, 0.78)


def card_of_group(attributes: Mapping[str, Any]) -> Card:
    """The card of a group of `engine.graph.modules.collapse`."""
    count = int(attributes.get("count") or 0)
    title = str(attributes.get("title") or "")
    return _card(
        title,
        count,
        str(attributes.get("category") or "other"),
        int(attributes.get("nodes") or 0),
        int(attributes.get("parameters") or 0),
        int(attributes.get("bytes") or 0),
    )


def _card(title: str, count: int, category: str, nodes: int, parameters: int, held: int) -> Card:
    tr = QCoreApplication.translate
    several = f"× {count} · " if count else ""
    what = tr("Canvas", "{0} nodes").format(f"{nodes:,}")
    if parameters:
        what += " · " + tr("Canvas", "{0} parameters").format(f"{parameters:,}")
    detail = size(held) if held else ""
    words = max(
        cards.text_width(title, cards.TITLE) + SIGN + SIGN_GAP, cards.text_width(several + what, cards.SUBTITLE)
    )
    below = cards.mono_width(detail + cards.KEPT + cards.NORM, cards.DETAIL)
    width = 2 * cards.PADDING + STRIPE + max(words * cards.SLACK, below)
    stack = min(count, MOST_SHEETS) if count else 0
    return cards.Card(
        title, several + what, detail, category, cards.MODULE, False, 2.0 * -(-width // 2), HEIGHT, stack=stack
    )


def kept_place(card: Card, signs: int) -> Place:
    """Where the bytes that it keeps for backward are written, in so many signs: after those of its parameters."""
    words = card.detail + cards.BETWEEN if card.detail else ""
    right = cards.PADDING + STRIPE + cards.mono_width(words + "0" * signs, cards.DETAIL)
    return cards.Place(right, card.height * LINES[2], cards.DETAIL)


def norm_place(card: Card) -> Place:
    """Where the gradient flow is written."""
    return cards.Place(card.width - cards.PADDING, card.height * LINES[2], cards.DETAIL)


def draw_module(p: QPainter, card: Card, scale: float, detail: Detail, theme: Theme, ratio: float = 1.0) -> None:
    """As `cards.draw_card`."""
    width, height = cards.sprite_size(card, scale)
    lift = LIFT * scale * max(card.stack - 1, 0)
    outline = cards.outline_of(card, theme)
    p.setPen(QPen(outline, 1.0))
    coloured = card.fill is not None or card.category in tokens.PROOFS
    ground = cards.fill_of(card, theme) if coloured else theme.raised
    ink = cards.ink_of(card, theme)
    p.setBrush(ground)
    radius = card.radius * min(scale, 2.0)
    sheet = QRectF(0.5, 0.5 + lift, width - 1 - lift, height - 1 - lift)
    for behind in range(max(card.stack - 1, 0), 0, -1):
        shift = LIFT * scale * behind
        p.drawRoundedRect(sheet.translated(shift, -shift), radius, radius)
    p.drawRoundedRect(sheet, radius, radius)
    _draw_stripe(p, sheet, radius, STRIPE * scale, cards.fill_of(card, theme), theme)
    p.setPen(QPen(outline, 1.0))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRoundedRect(sheet, radius, radius)
    if detail == Detail.NAME:
        cards.draw_name(p, card, width, height, scale, theme, ratio)
        return
    quiet = cards.quiet_on(ground, ink, QUIET)
    left = (cards.PADDING + STRIPE) * scale
    right = width - cards.PADDING * scale - lift
    first, second, third = (lift + (height - lift) * line for line in LINES)
    plus = QRectF(round(left), round(first - SIGN * scale / 2), round(SIGN * scale), round(SIGN * scale))
    draw_sign(p, plus, quiet, plus=True)
    name = left + (SIGN + SIGN_GAP) * scale
    before, separator, rest = card.title.partition(cards.SEPARATOR)
    font = tokens.ui_font(cards.px(cards.TITLE * scale))
    used = cards.draw_text(p, font, ink, name, first, before, right - name)
    if rest and right - name - used > 0:
        cards.draw_text(p, font, quiet, name + used, first, separator + rest, right - name - used)
    cards.draw_text(p, tokens.ui_font(cards.px(cards.SUBTITLE * scale)), quiet, left, second, card.subtitle,
                    right - left)  # fmt: skip
    if card.detail:
        cards.draw_text(p, tokens.mono_font(cards.px(cards.DETAIL * scale)), quiet, left, third, card.detail,
                        (right - left) * 0.5)  # fmt: skip


def _draw_stripe(p: QPainter, sheet: QRectF, radius: float, width: float, color: QColor, theme: Theme) -> None:
    """The colour of what most of its operations are, along the left side."""
    whole, left = QPainterPath(), QPainterPath()
    whole.addRoundedRect(sheet, radius, radius)
    left.addRect(QRectF(sheet.left(), sheet.top(), width, sheet.height()))
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(blend(color, theme.text, 0.25))
    p.drawPath(whole.intersected(left))  # an SVG has no clip: it would be all of the card


def draw_sign(p: QPainter, box: QRectF, color: QColor, *, plus: bool) -> None:
    """A plus or a minus in a small frame."""
    p.setPen(QPen(color, 1.0))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
    middle, reach = box.center(), box.width() * 0.22
    p.drawLine(QPointF(middle.x() - reach, middle.y()), QPointF(middle.x() + reach, middle.y()))
    if plus:
        p.drawLine(QPointF(middle.x(), middle.y() - reach), QPointF(middle.x(), middle.y() + reach))
