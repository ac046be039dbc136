"""Glowing dots: a few are placed between pixels, so that they glide; thousands are copied from a sheet of all sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap, QRadialGradient

from gui.canvas.arrays import Batch
from gui.theme import blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.flow.moment import Dots, Floats
    from gui.theme import Theme

FEW = 120  # dots that are placed between pixels
SPRITE = 32  # px
CELL, LARGEST, STEP, STRENGTHS = 50, 48, 2, 8  # of the sheet: px of a place, of the largest dot, between two sizes


class GlowPainter:
    """Keeps the memory that is handed to QPainter, and for each colour a sprite and a sheet."""

    def __init__(self) -> None:
        self._fragments = Batch(QPainter.PixmapFragment)
        self._made: dict[tuple[str, str, bool], QPixmap] = {}

    def draw(self, p: QPainter, dots: Dots, color: QColor, camera: Camera, theme: Theme) -> None:
        """Dots in the order given."""
        many = len(dots.at) > FEW
        x, y = camera.offset
        rows = self._fragments.rows(len(dots.at))
        rows[:, 0] = dots.at[:, 0] * camera.scale + x
        rows[:, 1] = dots.at[:, 1] * camera.scale + y
        rows[:, 8] = 0.0
        size = dots.size * camera.ratio * min(max(camera.scale / camera.ratio, 0.6), 1.4)
        if many:
            self._from_sheet(rows, size, dots.strength)
        else:
            rows[:, 2:4] = 0.0
            rows[:, 4:6] = SPRITE
            rows[:, 6] = rows[:, 7] = size / SPRITE
            rows[:, 9] = dots.strength
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not many)
        p.drawPixmapFragments(*self._fragments.arguments(), self._pixmap(color, theme, sheet=many))

    @staticmethod
    def _from_sheet(rows: Floats, size: Floats, strength: Floats) -> None:
        column = np.clip(np.rint(size / STEP), 1, LARGEST // STEP) - 1
        row = np.clip(np.rint(strength * STRENGTHS), 1, STRENGTHS) - 1
        drawn = (column + 1) * STEP
        rows[:, 0:2] = np.rint(rows[:, 0:2] - drawn[:, None] / 2) + drawn[:, None] / 2  # on whole pixels
        rows[:, 2], rows[:, 3] = column * CELL, row * CELL
        rows[:, 4] = rows[:, 5] = drawn
        rows[:, 6:8] = rows[:, 9:10] = 1.0

    def _pixmap(self, color: QColor, theme: Theme, *, sheet: bool) -> QPixmap:
        key = (color.name(), theme.name, sheet)
        if key not in self._made:
            self._made[key] = _sheet(color, theme) if sheet else _sprite(color, theme)
        return self._made[key]


def _sprite(color: QColor, theme: Theme) -> QPixmap:
    pixmap = QPixmap(SPRITE, SPRITE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    try:
        _glow(painter, QRectF(0, 0, SPRITE, SPRITE), color, theme)
    finally:
        painter.end()
    return pixmap


def _sheet(color: QColor, theme: Theme) -> QPixmap:
    """Sizes from left to right, strengths from top to bottom."""
    across = CELL * (LARGEST // STEP)
    full, pixmap = QPixmap(across, CELL), QPixmap(across, CELL * STRENGTHS)
    for each in (full, pixmap):
        each.fill(Qt.GlobalColor.transparent)
    painter = QPainter(full)
    try:
        for column in range(LARGEST // STEP):
            size = (column + 1) * STEP
            _glow(painter, QRectF(column * CELL, 0, size, size), color, theme)
    finally:
        painter.end()
    painter = QPainter(pixmap)
    try:
        for row in range(STRENGTHS):
            painter.setOpacity((row + 1) / STRENGTHS)
            painter.drawPixmap(0, row * CELL, full)
    finally:
        painter.end()
    return pixmap


def _glow(painter: QPainter, box: QRectF, color: QColor, theme: Theme) -> None:
    """A bright core in a soft disc."""
    core = blend(color, theme.text, 0.6) if theme.is_dark else color
    clear, half = QColor(color), QColor(color)
    clear.setAlpha(0)
    half.setAlpha(150)
    gradient = QRadialGradient(QPointF(box.center()), box.width() / 2)
    for place, stop in ((0.0, core), (0.28, core), (0.46, half), (1.0, clear)):
        gradient.setColorAt(place, stop)
    painter.fillRect(box, gradient)
