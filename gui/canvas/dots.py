"""Nodes from afar: a patch of the category's colour, or of the gradient's, once that has passed; or a colour given.

Patches of one colour are filled in one call. Which have which colour is worked out when the playhead moves, not when
the camera does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPixmap

from gui import theme as tokens
from gui.canvas import marks, proof_marks
from gui.canvas.arrays import Batch, Kept, touching
from gui.canvas.picture import FADED
from gui.canvas.state import GRADIENT, NOT_YET
from gui.theme import NOT_YET as FAINT
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.picture import Picture

Ints = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]
Colors = npt.NDArray[np.uint32]
Complexes = npt.NDArray[np.complex64]

LEVELS = 6
_FADED, _NOT_YET, _VALUE, _GRADIENT = range(4)
MOST_COLORS = 96  # given ones, from afar: what is nearly alike is then drawn alike
_COARSE = np.uint32(0xFFF0F0F0)
TILE = 256  # device px
TILED_BELOW = 4.5  # device px: patches that are less high, on average, are filled by tiles


@dataclass(frozen=True, eq=False)
class Patches:
    """Items in the order in which they are painted: `item` (m), `box` (4, m) their left, top, right, bottom in scene
    px, and the same as `corners` (2, m, 2): x and y of the upper left ones, then of the lower right ones. From
    `first[k]` to `first[k + 1]` they have `colors[k]`. `smallest` is their least width or height, `height` the mean."""

    item: Ints
    box: Singles
    corners: Singles
    first: Ints
    colors: tuple[QColor, ...]
    smallest: float
    height: float


class DotPainter:
    """Keeps the patches of the last pictures, and the memory that is handed to QPainter."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._rects = Batch(QRect)
        self._kept: Kept[Patches] = Kept()

    def patches(self, picture: Picture) -> Patches:
        of = (picture.scene.card, picture.state, picture.emphasis, picture.dimmed, picture.fills)
        return self._kept.get(of, lambda: patches_of(picture, self.theme))

    def paint(self, painter: QPainter, picture: Picture, camera: Camera) -> None:
        found = self.patches(picture)
        corners, first = found.corners, found.first
        if not camera.covers(picture.scene.bounds):
            which = np.flatnonzero(touching(found.box, *camera.bounds(2.0)))
            corners, first = corners.take(which, axis=1), np.searchsorted(which, first)
        self._place(corners, camera, found.smallest)
        tiled = found.height * camera.scale < TILED_BELOW
        painter.setPen(Qt.PenStyle.NoPen)
        for color, start, end in zip(found.colors, first.tolist(), first[1:].tolist(), strict=False):
            if end > start:
                painter.setBrush(_tile(color.rgb()) if tiled else color)
                painter.drawRects(*self._rects.arguments(start, end - start))

    def _place(self, corners: Singles, camera: Camera, smallest: float) -> None:
        """Whole device pixels, the last ones included. x and y of all are added to at once, as complex numbers."""
        x, y = camera.offset
        left, top = math.floor(x), math.floor(y)
        first, last = placed = corners * np.float32(camera.scale)
        both: Complexes = placed.view(np.complex64)
        both += complex(x - left, y - top)
        np.rint(placed, out=placed)
        both += complex(left, top)  # after rounding: so far off, single precision has whole numbers only
        last -= 1  # the last pixel, not the one after it
        if smallest * camera.scale < 2.0:
            np.maximum(last, first, out=last)
        rows = self._rects.rows(len(first)).view(np.int64)
        rows[:] = placed.astype(np.int32).view(np.int64)[:, :, 0].T

    def paint_shapes(self, painter: QPainter, picture: Picture, camera: Camera) -> None:
        """The same for an exported picture, which is not made of whole pixels."""
        found = self.patches(picture)
        for color, start, end in zip(found.colors, found.first.tolist(), found.first[1:].tolist(), strict=False):
            for item in found.item[start:end].tolist():
                painter.fillRect(marks.box_of(picture.scene, item, camera), color)


def patches_of(picture: Picture, theme: Theme) -> Patches:
    scene = picture.scene
    if picture.fills is None:
        colors = [color for column in dot_colors(theme) for color in column]
        looks = _GRADIENT + LEVELS
        color = scene.category * looks + dot_rows(picture)
    else:
        argb, color = np.unique(_mixed(picture, picture.fills, theme), return_inverse=True)
        colors = [QColor.fromRgb(value) for value in argb.tolist()]
    # Within a colour from the top down: the memory of the picture is then written in its own order.
    item = scene.downward[np.argsort(color[scene.downward].astype(np.uint16), kind="stable")]
    first = np.searchsorted(color[item], np.arange(len(colors) + 1))
    some = np.flatnonzero(np.diff(first))
    box = scene.box.take(item, axis=1)
    corners = np.ascontiguousarray(box.reshape(2, 2, -1).swapaxes(1, 2))
    sizes = box[2:] - box[:2]
    height = float(sizes[1].mean()) if len(item) else 0.0
    return Patches(
        item, box, corners, np.append(first[some], len(item)), tuple(colors[index] for index in some.tolist()),
        float(sizes.min(initial=math.inf)), height,
    )  # fmt: skip


@lru_cache(maxsize=512)  # of all looks in both themes, and of given colours
def _tile(rgb: int) -> QBrush:
    """What fills small rectangles like the colour itself, in two thirds to half of the time. For each that is to be in
    one colour, Qt changes to wide vectors and back, for which some processors take longer than for its pixels."""
    pixmap = QPixmap(TILE, 1)
    pixmap.fill(QColor.fromRgb(rgb))
    return QBrush(pixmap)


def dot_rows(picture: Picture) -> Ints:
    """Row in `dot_colors` of each item."""
    state = picture.state
    magnitude = np.nan_to_num(state.magnitude, nan=0.0)
    level = np.minimum((magnitude * LEVELS).astype(np.int64), LEVELS - 1)
    rows: Ints = np.where(
        state.status == GRADIENT, _GRADIENT + level, np.where(state.status == NOT_YET, _NOT_YET, _VALUE)
    )
    if picture.lit is not None:
        rows = np.where(picture.lit, rows, _FADED)
    return rows[picture.scene.item_node]


def _mixed(picture: Picture, fills: Colors, theme: Theme) -> Colors:
    """(m) ARGB: each node's given colour, let down towards the ground where it stands back."""
    share = np.where(picture.state.status == NOT_YET, FAINT + 0.1, 1.0)
    if picture.lit is not None:
        share = np.where(picture.lit, share, FADED)
    ground = (theme.bg.red(), theme.bg.green(), theme.bg.blue())
    mixed = np.full(len(fills), 0xFF000000, dtype=np.uint32)
    for under, shift in zip(ground, (16, 8, 0), strict=True):
        over = (fills >> np.uint32(shift)) & np.uint32(0xFF)
        mixed |= np.rint(under + (over.astype(np.float64) - under) * share).astype(np.uint32) << np.uint32(shift)
    if len(np.unique(mixed)) > MOST_COLORS:
        mixed &= _COARSE
    return mixed[picture.scene.item_node]


@lru_cache(maxsize=4)
def dot_colors(theme: Theme) -> tuple[tuple[QColor, ...], ...]:
    """For each category and then each state of a proof: a colour for each look."""
    columns = []
    for name in (*tokens.CATEGORIES, *tokens.PROOFS):
        full = blend(theme.category(name), theme.text if theme.is_dark else theme.dim, 0.24)
        looks = [blend(theme.bg, full, FADED), blend(theme.bg, full, FAINT + 0.1), full]
        shining = proof_marks.seen_from_afar(name, theme)
        looks += [blend(theme.bg, shining, 0.35 + 0.65 * level / (LEVELS - 1)) for level in range(LEVELS)]
        columns.append(tuple(looks))
    return tuple(columns)
