"""Icons: one family of SVG files in resources/icons, drawn on a grid of 16, in the colours of the theme."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui import theme

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "icons"
DISABLED_OPACITY = 0.35


def icon(name: str, color: QColor | None = None) -> QIcon:
    """The icon `name` in `color`, or in the theme's text colour; dimmed where it is disabled."""
    return _icon(name, (color or theme.current().text).name())


def pixmap(name: str, size: int, color: QColor | None = None, ratio: float = 1.0) -> QPixmap:
    """The icon as a picture of `size` logical pixels."""
    drawn = _draw(name, (color or theme.current().text).name(), round(size * ratio))
    drawn.setDevicePixelRatio(ratio)
    return drawn


@lru_cache(maxsize=512)
def _icon(name: str, color: str) -> QIcon:
    """In the two sizes that the window uses, for the sharpest of its screens."""
    app = QGuiApplication.instance()
    ratio = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    made = QIcon()
    for size in (theme.ICON, theme.ICON_TRANSPORT):
        drawn = _draw(name, color, round(size * ratio))
        made.addPixmap(drawn, QIcon.Mode.Normal)
        made.addPixmap(_faded(drawn), QIcon.Mode.Disabled)
    return made


@lru_cache(maxsize=128)
def _text(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def _faded(picture: QPixmap) -> QPixmap:
    faded = QPixmap(picture.size())
    faded.fill(Qt.GlobalColor.transparent)
    painter = QPainter(faded)
    try:
        painter.setOpacity(DISABLED_OPACITY)
        painter.drawPixmap(0, 0, picture)
    finally:
        painter.end()
    return faded


def _draw(name: str, color: str, size: int) -> QPixmap:
    drawn = QPixmap(size, size)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    try:
        svg = QByteArray(_text(name).replace("currentColor", color).encode())
        QSvgRenderer(svg).render(painter, QRectF(0, 0, size, size))
    finally:
        painter.end()
    return drawn
