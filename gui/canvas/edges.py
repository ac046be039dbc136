"""Draws the links of the graph, grouped by how they look: one colour and two calls for each group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QRect, Qt
from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPen

from gui.canvas.arrays import Batch, Kept, Rows, curves_path, touching
from gui.canvas.lod import Detail
from gui.canvas.state import CARRIES_GRADIENT, CARRIES_VALUE, IDLE, WAITING
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.overlaps import Overlaps
    from gui.canvas.picture import Picture
    from gui.canvas.routes import Pieces
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Looks = tuple[tuple[QColor, int], ...]

LEVELS = 5  # of a gradient's magnitude
# How a link is told apart: gradients come to a node over it in the end, or go on from it; they come straight to it, or
# from it; ways between two nodes.
TO_NODE, FROM_NODE, INTO, OUT_OF, ON_PATH = range(1, 6)
FADED, LOOSE, QUIET, VALUE, PENDING, FIRST_GRADIENT = range(6)  # classes, in the order in which they are drawn
CLASSES = FIRST_GRADIENT + LEVELS + ON_PATH
THINNEST, THICKEST = 0.6, 1.5  # widths follow the scale between these
_LESS = 1e-6  # px: what ends at a pixel's border does not reach into it
BESIDE = 8.0  # logical px from a link's middle line: as far as the broadest one and its smooth borders reach
SHORTEST = 3.0  # device px; from afar, what is shorter is not seen between the patches that it links


_CLASS_OF_STATUS = np.zeros(4, dtype=np.uint8)
_CLASS_OF_STATUS[[IDLE, CARRIES_VALUE, WAITING, CARRIES_GRADIENT]] = (QUIET, VALUE, PENDING, FIRST_GRADIENT)


def edge_classes(
    scene: Scene, state: DrawState, edges: Ints, emphasis: Flags | None = None, flow: Bytes | None = None
) -> Bytes:
    """The look of `edges`: one of the constants above, or FIRST_GRADIENT + level. Not in `emphasis`: FADED; those that
    `flow` tells apart have the last classes."""
    status = state.edge[edges]
    classes = _CLASS_OF_STATUS[status]
    levels = np.minimum((state.edge_magnitude[edges] * LEVELS).astype(np.uint8), LEVELS - 1)
    classes += np.where(status == CARRIES_GRADIENT, levels, 0).astype(np.uint8)
    classes[(status == IDLE) & scene.loose[edges]] = LOOSE
    if emphasis is not None:
        classes[~emphasis[edges]] = FADED
    if flow is not None:
        told = flow[edges]
        classes[told > 0] = FIRST_GRADIENT + LEVELS - 1 + told[told > 0]
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
    looks += [(blend(theme.edge, color, 0.6), 1.5) for color in (theme.backward, theme.forward)]  # TO_NODE, FROM_NODE
    looks += [(color, 3.0) for color in (theme.backward, theme.forward, theme.accent)]  # INTO, OUT_OF, ON_PATH
    return tuple(looks)


@lru_cache(maxsize=32)
def _looks(theme: Theme, thick: float) -> Looks:
    """(colour, width in device px) of each class."""
    return tuple((color, max(1, round(width * thick))) for color, width in edge_looks(theme))


@dataclass(frozen=True, eq=False)
class Routes:
    """Pieces in the order in which they are drawn: `piece` (p), with `box` (4, p) and `length` of each.

    First come those that are upright or level, by class; class k's start at `first[k]`, and `span` (4, first[CLASSES])
    says from where to where each is drawn. Then the others: at `first[CLASSES + k]`.
    """

    piece: Ints
    box: Singles
    length: Singles
    first: Ints
    span: Floats


def routes_of(picture: Picture) -> Routes:
    scene = picture.scene
    pieces = scene.pieces
    classes = edge_classes(scene, picture.state, np.arange(len(scene.source)), picture.lit_edges, picture.flow)
    key = classes[pieces.edge] + np.where(pieces.aligned, 0, CLASSES).astype(np.uint8)
    if scene.overlaps is not None:
        return _merged(pieces, scene.overlaps, key)
    piece = pieces.downward[np.argsort(key[pieces.downward], kind="stable")]
    first = np.searchsorted(key[piece], np.arange(2 * CLASSES + 1))
    box = pieces.box.astype(np.float32).take(piece, axis=1)
    span = pieces.span.take(piece[: first[CLASSES]], axis=1)
    return Routes(piece, box, pieces.length.astype(np.float32)[piece], first, span)


def _merged(pieces: Pieces, overlaps: Overlaps, key: Bytes) -> Routes:
    """The same with what lies on each other drawn once. From afar, each is as long as the longest that is in it."""
    piece, low, high, whole = overlaps.merged(key.astype(np.int64))
    length = np.zeros(len(piece))
    np.maximum.at(length, whole, pieces.length)
    order = np.lexsort((pieces.box[1][piece], key[piece]))
    piece, low, high = piece[order], low[order], high[order]
    first = np.searchsorted(key[piece], np.arange(2 * CLASSES + 1))
    count = int(first[CLASSES])
    span = pieces.span.take(piece[:count], axis=1)
    upright = pieces.upright[piece[:count]]
    for end, reached in ((0, low), (2, high)):
        span[end] = np.where(upright, span[end], reached[:count])
        span[end + 1] = np.where(upright, reached[:count], span[end + 1])
    box = pieces.box.take(piece, axis=1)
    box[:, :count] = span
    return Routes(piece, box.astype(np.float32), length[order].astype(np.float32), first, span)


class EdgePainter:
    """Keeps what each class consists of while only the camera moves, and the memory that is handed to QPainter."""

    def __init__(self) -> None:
        self._lines = Batch(QLineF)
        self._rects = Batch(QRect)
        self._kept: Kept[Routes] = Kept()
        self._placed = Rows(4)

    def paint(self, painter: QPainter, picture: Picture, camera: Camera, theme: Theme) -> None:
        pieces = picture.scene.pieces
        of = (pieces, picture.state, picture.emphasis, picture.dimmed, picture.flow)
        routes = self._kept.get(of, lambda: routes_of(picture))
        # One comes near to what is drawn as shapes, and sees its gaps.
        far = camera.detail == Detail.DOT and painter.paintEngine().type() == QPaintEngine.Type.Raster
        which, first = _in_view(routes, camera, far=far)
        if not len(which):
            return
        thick = camera.ratio * min(max(camera.scale / camera.ratio, THINNEST), THICKEST)
        looks = _looks(theme, 0.0 if far else thick)
        self._place(pieces, routes, which[: first[CLASSES]], camera, looks)
        smooth = QPainter.RenderHint.Antialiasing
        for each, (color, width) in enumerate(looks):
            count = first[each + 1] - first[each]
            if count:
                painter.setRenderHint(smooth, False)  # they are whole pixels: not smoothed, they are filled at once
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawRects(*self._rects.arguments(first[each], count))
            start, end = first[CLASSES + each], first[CLASSES + each + 1]
            if end > start:
                painter.setRenderHint(smooth, not far)
                pen = QPen(color, width)
                pen.setCapStyle(Qt.PenCapStyle.FlatCap)
                painter.setPen(pen)
                self._draw(painter, pieces, routes.piece[which[start:end]], camera, far=far)

    def _place(self, pieces: Pieces, routes: Routes, which: Ints, camera: Camera, looks: Looks) -> None:
        """Rectangles on whole pixels for upright and level pieces: to fill them takes a third of a line's time."""
        self._placed.keep((routes, camera.scale, looks), int(routes.first[CLASSES]))
        fresh = self._placed.missing(which)
        if len(fresh):
            classes = np.searchsorted(routes.first[: CLASSES + 1], fresh, "right") - 1
            wide = np.array([width for _, width in looks], dtype=np.int64)[classes]
            upright = pieces.upright[routes.piece[fresh]]
            self._placed.put(fresh, _rectangles(routes.span.take(fresh, axis=1), upright, camera.scale, wide))
        rows = self._placed.take(which)
        corners = rows.view(np.complex128)
        corners += complex(*camera.offset)
        self._rects.rows(len(which))[:] = np.floor(rows, out=rows)

    def _draw(self, painter: QPainter, pieces: Pieces, which: Ints, camera: Camera, *, far: bool) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if far:
            rows = self._lines.rows(len(which))
            np.take(pieces.ends, which, axis=0, out=rows)
            _move(rows, camera)
            painter.drawLines(*self._lines.arguments())
        else:
            curves = pieces.curve[which]
            _move(curves, camera)
            painter.drawPath(curves_path(curves))


def _in_view(routes: Routes, camera: Camera, *, far: bool) -> tuple[Ints, list[int]]:
    """Places in `routes` of what can be seen, and where among them each group starts."""
    seen = touching(routes.box, *camera.bounds(BESIDE * camera.ratio))
    if far:
        seen &= routes.length > SHORTEST / camera.scale
    which = np.flatnonzero(seen)
    return which, np.searchsorted(which, routes.first).tolist()


def _rectangles(span: Floats, upright: Flags, scale: float, width: Ints) -> Floats:
    """(k, 4) left, top, right, bottom from the scene's origin in device px: moved to where that is and rounded down,
    they are the pixels of upright and level pieces. Their ends grow to whole pixels, so that no gap is seen where the
    route goes on.
    """
    low, high = np.split(span * scale, 2)
    across = np.where(upright, [[1], [0]], [[0], [1]])
    low -= width // 2 * across
    high = np.where(across, low + (width - 1), np.maximum(high - _LESS, low))
    rectangles: Floats = np.concatenate([low, high]).T
    return rectangles


def _move(points: Floats, camera: Camera) -> None:
    """Scene px → device px, in place, for rows of x, y, x, y, …"""
    points *= camera.scale
    x, y = camera.offset
    points[:, 0::2] += x
    points[:, 1::2] += y
