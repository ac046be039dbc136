"""Icons: one family of SVG files in resources/icons, drawn on a grid of 16, in the colours of the theme."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui import theme

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "icons"
SIZES = (16, 20, 32, 40)
DISABLED_OPACITY = 0.35


def icon(name: str, color: QColor | None = None) -> QIcon:
    """The icon `name` in `color`, or in the theme's text colour; dimmed where it is disabled."""
    return _icon(name, (color or theme.current().text).name())


def pixmap(name: str, size: int, color: QColor | None = None, ratio: float = 1.0) -> QPixmap:
    """The icon as a picture of `size` logical pixels."""
    drawn = _draw(name, (color or theme.current().text).name(), round(size * ratio), 1.0)
    drawn.setDevicePixelRatio(ratio)
    return drawn


@lru_cache(maxsize=512)
def _icon(name: str, color: str) -> QIcon:
    made = QIcon()
    for size in SIZES:
        made.addPixmap(_draw(name, color, size, 1.0), QIcon.Mode.Normal)
        made.addPixmap(_draw(name, color, size, DISABLED_OPACITY), QIcon.Mode.Disabled)
    return made


@lru_cache(maxsize=128)
def _text(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def _draw(name: str, color: str, size: int, opacity: float) -> QPixmap:
    drawn = QPixmap(size, size)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    try:
        painter.setOpacity(opacity)
        svg = QByteArray(_text(name).replace("currentColor", color).encode())
        QSvgRenderer(svg).render(painter, QRectF(0, 0, size, size))
    finally:
        painter.end()
    return drawn
