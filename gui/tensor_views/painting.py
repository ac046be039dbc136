"""Text for painted widgets: fonts are made once, and a line is elided only where it does not fit."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QFontMetricsF, QPainter
from PySide6.QtWidgets import QWidget

from gui import theme

Kind = Literal["text", "heading", "caption", "number", "small_number", "value"]
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@lru_cache(maxsize=8)
def font(kind: Kind) -> QFont:
    """The theme's fonts by what they are for; numbers are tabular."""
    if kind == "text":
        return theme.ui_font()
    if kind == "heading":
        return theme.ui_font(semibold=True)
    if kind == "caption":
        return theme.caption_font()
    return theme.mono_font({"value": theme.TEXT_PX, "number": theme.TEXT_PX - 1}.get(kind, theme.CAPTION_PX))


@lru_cache(maxsize=8)
def metrics(kind: Kind) -> QFontMetrics:
    return QFontMetrics(font(kind))


def figures_in(width: int, kind: Kind) -> int:
    """How many characters of a tabular font stand in `width` px: each takes a fraction of a pixel more or less."""
    return int(width / _figure(kind))


@lru_cache(maxsize=8)
def _figure(kind: Kind) -> float:
    return QFontMetricsF(font(kind)).horizontalAdvance("0")


def draw_text(
    painter: QPainter,
    place: QRect,
    text: str,
    kind: Kind,
    color: QColor,
    align: Qt.AlignmentFlag = LEFT,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> int:
    """Draw one line, elided where it does not fit; returns the width that it took."""
    if not text:
        return 0
    width = metrics(kind).horizontalAdvance(text)
    if width > place.width():
        text = metrics(kind).elidedText(text, elide, max(place.width(), 0))
        width = metrics(kind).horizontalAdvance(text)
    painter.setFont(font(kind))
    painter.setPen(color)
    painter.drawText(place, align, text)
    return width


def set_visible(widget: QWidget, on: bool) -> None:
    """Show or hide, if that is a change: the call alone is not cheap."""
    if widget.isHidden() == on:
        widget.setVisible(on)
