"""Draws the links of the graph, grouped by how they look: one pen and two calls for each group."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gui.canvas.arrays import Batch, curves_path
from gui.canvas.lod import Detail
from gui.canvas.state import CARRIES_GRADIENT, CARRIES_VALUE, IDLE, WAITING
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

LEVELS = 5  # of a gradient's magnitude
FADED, LOOSE, QUIET, VALUE, PENDING, FIRST_GRADIENT = range(6)  # classes, in the order in which they are drawn
THINNEST, THICKEST = 0.6, 1.5  # widths follow the scale between these
SHORTEST = 3.0  # device px; from afar, what is shorter is not seen between the patches that it links


_CLASS_OF_STATUS = np.zeros(4, dtype=np.uint8)
_CLASS_OF_STATUS[[IDLE, CARRIES_VALUE, WAITING, CARRIES_GRADIENT]] = (QUIET, VALUE, PENDING, FIRST_GRADIENT)


def edge_classes(scene: Scene, state: DrawState, edges: Ints, emphasis: Flags | None = None) -> Bytes:
    """The look of `edges`: one of the constants above, or FIRST_GRADIENT + level. Not in `emphasis`: FADED."""
    status = state.edge[edges]
    classes = _CLASS_OF_STATUS[status]
    levels = np.minimum((state.edge_magnitude[edges] * LEVELS).astype(np.uint8), LEVELS - 1)
    classes += np.where(status == CARRIES_GRADIENT, levels, 0).astype(np.uint8)
    classes[(status == IDLE) & scene.loose[edges]] = LOOSE
    if emphasis is not None:
        classes[~emphasis[edges]] = FADED
    return classes


@lru_cache(maxsize=4)
def edge_looks(theme: Theme) -> tuple[tuple[QColor, float], ...]:
    """(colour, width in logical px) of each class."""
    faint = blend(theme.bg, theme.edge, 0.45)
    looks = [
        (faint, 1.25),
        (faint, 1.25),
        (theme.edge, 1.25),
        (blend(theme.edge, theme.forward, 0.75), 1.5),
        (blend(theme.edge, theme.backward, 0.4), 1.5),
    ]
    for level in range(LEVELS):
        share = level / (LEVELS - 1)
        looks.append((blend(theme.edge, theme.backward, 0.5 + 0.5 * share), 1.5 + 1.25 * share))
    return tuple(looks)


class EdgePainter:
    """Keeps the memory that is handed to QPainter."""

    def __init__(self) -> None:
        self._lines = Batch(QLineF)

    def paint(self, painter: QPainter, scene: Scene, state: DrawState, emphasis: Flags | None, camera: Camera,
              theme: Theme) -> None:  # fmt: skip
        pieces = scene.pieces
        found = pieces.visible(*camera.bounds(4.0))
        far = camera.detail == Detail.DOT
        thick = camera.ratio * min(max(camera.scale / camera.ratio, THINNEST), THICKEST)
        if far:
            found = found[pieces.length[found] * camera.scale > SHORTEST]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, not far)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        of_piece = edge_classes(scene, state, pieces.edge[found], emphasis)
        for each in np.flatnonzero(np.bincount(of_piece)).tolist():
            color, width = edge_looks(theme)[each]
            pen_width = 1 if far else max(1, round(width * thick))
            pen = QPen(color, pen_width)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            mine = found[of_piece == each]
            if far:
                self._draw_lines(painter, pieces.ends, mine, camera)
                continue
            straight = pieces.straight[mine]
            self._draw_lines(painter, pieces.ends, mine[straight], camera, snap=pen_width)
            curved = mine[~straight]
            if len(curved):
                curves = pieces.curve[curved]
                _move(curves, camera)
                painter.drawPath(curves_path(curves))

    def _draw_lines(self, painter: QPainter, ends: Floats, which: Ints, camera: Camera, snap: int = 0) -> None:
        """`snap`: the pen's width, to put upright and level lines on whole pixels."""
        if not len(which):
            return
        rows = self._lines.rows(len(which))
        # In place: fresh memory for thousands of lines in each frame costs more than the arithmetic.
        np.take(ends, which, axis=0, out=rows)
        _move(rows, camera)
        if snap:
            shift = 0.5 if snap % 2 else 0.0
            for axis in (0, 1):
                flat = np.abs(rows[:, axis] - rows[:, axis + 2]) < 1.0
                on_grid = np.floor(rows[flat, axis]) + shift
                rows[flat, axis] = on_grid
                rows[flat, axis + 2] = on_grid
        painter.drawLines(*self._lines.arguments())


def _move(points: Floats, camera: Camera) -> None:
    """Scene px → device px, in place, for rows of x, y, x, y, …"""
    points *= camera.scale
    x, y = camera.offset
    points[:, 0::2] += x
    points[:, 1::2] += y
