"""Nodes from afar: a patch of the category's colour, or of the gradient's, once that has passed; or a colour given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from gui import theme as tokens
from gui.canvas import fills, marks, proof_marks
from gui.canvas.arrays import Batch
from gui.canvas.picture import FADED
from gui.canvas.state import GRADIENT, NOT_YET
from gui.theme import NOT_YET as FAINT
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.picture import Picture

Ints = npt.NDArray[np.int64]

LEVELS = 6
_FADED, _NOT_YET, _VALUE, _GRADIENT = range(4)


class DotPainter:
    """Keeps the palettes, and the memory that is handed to QPainter."""

    def __init__(self, theme: Theme, given: fills.Fills) -> None:
        self.theme = theme
        self._given = given
        self._fragments = Batch(QPainter.PixmapFragment)
        self._palette: QPixmap | None = None

    def paint(self, painter: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        if not len(items):
            return
        rows = self._fragments.rows(len(items))
        np.take(picture.scene.dots, items, axis=0, out=rows)
        x, y = camera.offset
        rows[:, 0] = rows[:, 0] * camera.scale + x
        rows[:, 1] = rows[:, 1] * camera.scale + y
        palette, rows[:, 2], rows[:, 3] = self._places(picture, items)
        rows[:, 6:8] = np.maximum(rows[:, 6:8] * camera.scale, 1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawPixmapFragments(*self._fragments.arguments(), palette)

    def paint_shapes(self, painter: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        """The same as rectangles, for an exported picture."""
        painter.setPen(Qt.PenStyle.NoPen)
        pixmap, columns, rows = self._places(picture, items)
        palette = pixmap.toImage()
        for item, column, row in zip(items.tolist(), columns.tolist(), rows.tolist(), strict=True):
            painter.fillRect(marks.box_of(picture.scene, item, camera), palette.pixelColor(column, row))

    def _places(self, picture: Picture, items: Ints) -> tuple[QPixmap, Ints, Ints]:
        """A palette, and the column and row of each item in it."""
        if picture.fills is not None:
            given = self._given.filled(picture.scene, picture.fills)
            columns, rows = fills.places(given.color[items], dot_looks(picture, items))
            return self._given.palette(given), columns, rows
        if self._palette is None:
            self._palette = dot_colors(self.theme)
        return self._palette, picture.scene.category[items], dot_rows(picture, items)


def dot_rows(picture: Picture, items: Ints) -> Ints:
    """Row in `dot_colors` of each item."""
    nodes = picture.scene.item_node[items]
    state = picture.state
    magnitude = np.nan_to_num(state.magnitude[nodes], nan=0.0)
    level = np.minimum((magnitude * LEVELS).astype(np.int64), LEVELS - 1)
    rows: Ints = np.where(
        state.status[nodes] == GRADIENT, _GRADIENT + level, np.where(state.status[nodes] == NOT_YET, _NOT_YET, _VALUE)
    )
    lit = picture.lit
    return rows if lit is None else np.where(lit[nodes], rows, _FADED)


def dot_looks(picture: Picture, items: Ints) -> Ints:
    """Row in a palette of given colours of each item."""
    nodes = picture.scene.item_node[items]
    looks: Ints = np.where(picture.state.status[nodes] == NOT_YET, fills.LOOK_NOT_YET, fills.LOOK_FULL)
    lit = picture.lit
    return looks if lit is None else np.where(lit[nodes], looks, fills.LOOK_FADED)


def dot_colors(theme: Theme) -> QPixmap:
    """One pixel for each category (column) and look (row)."""
    names = (*tokens.CATEGORIES, *tokens.PROOFS)
    image = QImage(len(names), _GRADIENT + LEVELS, QImage.Format.Format_RGB32)
    for column, name in enumerate(names):
        fill = theme.category(name)
        full = blend(fill, theme.text if theme.is_dark else theme.dim, 0.24)
        looks = [blend(theme.bg, full, FADED), blend(theme.bg, full, FAINT + 0.1), full]
        looks += [blend(theme.bg, _shining(name, theme), 0.35 + 0.65 * level / (LEVELS - 1)) for level in range(LEVELS)]
        for row, color in enumerate(looks):
            image.setPixelColor(column, row, color)
    return QPixmap.fromImage(image)


def _shining(name: str, theme: Theme) -> QColor:
    return proof_marks.seen_from_afar(name, theme)
