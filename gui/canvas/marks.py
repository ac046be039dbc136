"""What the playhead adds to a card: the magnitude bar, a chip's notches, rings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPaintEngine, QPainter, QPen, QPixmap

from gui import theme as tokens
from gui.canvas.arrays import Batch, Kept, Rows, moved
from gui.canvas.cards import BAR, MODULE, OPERATION, PARAMETER
from gui.canvas.lod import Detail
from gui.canvas.state import GRADIENT
from gui.theme import blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene
    from gui.theme import Theme

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

STRIPE_STEP = 6  # device px
STRIPED = 0.4  # how much of the colour of errors is in the ground of stripes
STRIPES = 4.0  # scene px: the height of what stands in a bar's place
RING = 2.0
RING_GAP = 3.0
CHIPS_APART = 4.0  # scene px between chips that stand one over the other: `CHIP_ROW_GAP` of the layout
SMALLEST_FRAME = 7.0  # device-independent px high: below, a marked node is filled
SMALLEST_RING = 10.0  # device-independent px: what is active is found from afar, too


class MarkPainter:
    """Bars along the foot of operations and modules whose gradient has arrived, as long as its magnitude; notches at
    the right of chips: above, that its gradient has arrived; below, that it was updated."""

    def __init__(self) -> None:
        self._rects = Batch(QRect)
        self._kept: Kept[tuple[tuple[Flags, ...], bool]] = Kept()
        self._placed = tuple(Rows(4) for _ in range(3))

    def paint(self, painter: QPainter, picture: Picture, items: Ints, camera: Camera, theme: Theme) -> None:
        of = (picture.scene.card, picture.state, picture.emphasis, picture.dimmed)
        flags, odd = self._kept.get(of, lambda: (marked(picture), bool(picture.state.odd.any())))
        for each, (has, color) in enumerate(zip(flags, (theme.backward, theme.backward, theme.update), strict=True)):
            if len(has) and len(mine := items[has[items]]):
                self._put(painter, each, picture, mine, camera, color)
            if each == 0 and odd:
                self.hatch(painter, picture, items, camera, theme)

    def _put(
        self, painter: QPainter, which: int, picture: Picture, items: Ints, camera: Camera, color: QColor
    ) -> None:  # fmt: skip
        """Bars (0) or notches (1: arrived, 2: updated) of `items`, all of which have one."""
        placed = self._placed[which]
        placed.keep((picture.scene.left, picture.state, camera.scale), len(picture.scene.left))
        fresh = placed.missing(items)
        if len(fresh):
            places = _bars(picture, fresh) if which == 0 else _notches(picture, fresh, below=which == 2)
            placed.put(fresh, _scaled(*places, camera.scale))
        rows = placed.take(items)
        corners = rows.view(np.complex128)
        corners[:, 0] = moved(corners[:, 0], camera.offset, rounded=True)
        corners[:, 1] += corners[:, 0]
        self._fill(painter, rows, color)

    def hatch(self, painter: QPainter, picture: Picture, items: Ints, camera: Camera, theme: Theme) -> None:
        """Stripes along the foot of what got a gradient with NaN or infinities in it; from afar, all over it."""
        scene, odd = picture.scene, picture.state.odd > 0
        if picture.lit is not None:
            odd &= picture.lit
        mine = items[odd[scene.item_node[items]]]
        whole = camera.detail == Detail.DOT
        inset = 0.0 if whole else float(tokens.RADIUS)
        height = STRIPES if camera.detail > Detail.NAME else BAR
        top = scene.top[mine] if whole else scene.bottom[mine] - height - 1
        width, down = scene.right[mine] - scene.left[mine] - 2 * inset, scene.bottom[mine] - top - (not whole)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        rows = _scaled(scene.left[mine] + inset, top, width, down, camera.scale)
        rows[:, :2] = np.rint(rows[:, :2] + camera.offset)
        rows[:, 2:] += rows[:, :2]
        self._fill(painter, rows, blend(theme.bg, theme.error, STRIPED))
        if painter.paintEngine().type() == QPaintEngine.Type.Raster:
            if camera.whole:  # stripes move with the card that they are on
                painter.setBrushOrigin(QPoint(*(math.floor(each) for each in camera.offset)))
            self._fill(painter, rows, QBrush(theme.error, Qt.BrushStyle.BDiagPattern))
            painter.setBrushOrigin(0, 0)
        else:  # not every program that shows such files knows patterns
            _stripe(painter, self._rects.rows(len(mine)), theme.error)

    def frames(self, painter: QPainter, scene: Scene, nodes: Flags, camera: Camera, color: QColor) -> None:
        """A frame round each picture of many nodes, all in one call; from afar, where there is no room, a patch."""
        items = scene.visible(*camera.bounds(RING_GAP * camera.ratio))
        items = items[nodes[scene.item_node[items]]]
        if not len(items):
            return
        (x, y), scale = camera.offset, camera.scale
        gap, width = frame_of(scale / camera.ratio)
        gap *= camera.ratio
        rows = np.empty((len(items), 4))
        rows[:, 0] = np.rint(scene.left[items] * scale + x - gap)
        rows[:, 1] = np.rint(scene.top[items] * scale + y - gap)
        rows[:, 2] = np.rint(scene.right[items] * scale + x + gap) - 1
        rows[:, 3] = np.rint(scene.bottom[items] * scale + y + gap) - 1
        small = rows[:, 3] - rows[:, 1] < SMALLEST_FRAME * camera.ratio
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._fill(painter, rows[small], color)
        if painter.paintEngine().type() == QPaintEngine.Type.Raster:
            self._fill(painter, _sides(rows[~small], round(width * camera.ratio)), color)
            return
        self._rects.rows(int(np.count_nonzero(~small)))[:] = rows[~small]
        painter.setPen(QPen(color, round(width * camera.ratio)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRects(*self._rects.arguments())

    def _fill(self, painter: QPainter, rows: Floats, color: QColor | QBrush) -> None:
        """(k, 4) left, top, right, bottom, in whole device px."""
        self._rects.rows(len(rows))[:] = rows
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRects(*self._rects.arguments())


def _sides(rows: Floats, width: int) -> Floats:
    """What a pen of that width draws of rectangles, filled at once: a pen's corners depend on what else is in view."""
    before, after = width // 2, width - width // 2
    x0, y0, x1, y1 = (rows + np.array([-before, -before, after, after])).T
    more = width - 1
    sides = (
        (x0, y0, x1, y0 + more), (x0, y1 - more, x1, y1), (x0, y0, x0 + more, y1), (x1 - more, y0, x1, y1)
    )  # fmt: skip
    return np.concatenate([np.stack(side, axis=1) for side in sides])


Places = tuple[Floats, Floats, Floats, Floats]  # left, top, width, height in scene px


def _bars(picture: Picture, items: Ints) -> Places:
    scene, inset = picture.scene, tokens.RADIUS
    left, width = scene.left[items] + inset, scene.right[items] - scene.left[items] - 2 * inset
    filled = np.maximum(width * picture.state.magnitude[scene.item_node[items]], 2.0)
    return left, scene.bottom[items] - BAR - 1, filled, np.full(len(items), BAR)


def _notches(picture: Picture, items: Ints, *, below: bool) -> Places:
    scene = picture.scene
    half = (scene.bottom[items] - scene.top[items]) / 2
    top = scene.top[items] + (half + 1 if below else 4.0)
    return scene.right[items] - BAR - 2, top, np.full(len(items), BAR), half - 5


def _scaled(left: Floats, top: Floats, width: Floats, height: Floats, scale: float) -> Floats:
    """(k, 4): left and top in device px from the scene's origin, and how far it is from there to the last pixel."""
    wide, high = (np.maximum(np.rint(each * scale), 1.0) - 1.0 for each in (width, height))
    return np.stack([left * scale, top * scale, wide, high], axis=1)


def _stripe(painter: QPainter, rects: npt.NDArray[np.int32], color: QColor) -> None:
    """Slanted lines within rectangles: left, top, right, bottom, on whole px."""
    painter.setPen(QPen(color, 1.0))
    for left, top, right, bottom in (rects + np.array([0, 0, 1, 1])).tolist():
        for start in range(left + top, right + bottom, STRIPE_STEP):  # x + y along a line
            low, high = max(left, start - bottom), min(right, start - top)
            painter.drawLine(QLineF(low, start - low, high, start - high))


def frame_of(scale: float) -> tuple[float, float]:
    """How far off a frame stands, and how wide its line is, in logical px: those of neighbouring chips do not meet."""
    width = RING if CHIPS_APART / 2 * scale >= RING else 1.0
    return min(RING_GAP, max(0.0, CHIPS_APART / 2 * scale - width)), width


def marked(picture: Picture) -> tuple[Flags, ...]:
    """Per item: whether it has a bar, a notch that says arrived, a notch that says updated. Empty where none has."""
    scene, state = picture.scene, picture.state
    lit = np.True_ if picture.lit is None else picture.lit
    wide = (scene.kind == OPERATION) | (scene.kind == MODULE)
    bar = lit & (state.status == GRADIENT) & wide & ~np.isnan(state.magnitude)
    chip = lit & (scene.kind == PARAMETER)
    found = (bar, chip & state.arrived, chip & state.updated)
    return tuple(flags[scene.item_node] if flags.any() else flags[:0] for flags in found)


def ring(painter: QPainter, scene: Scene, node: int, camera: Camera, color: QColor, step: int = 0,
         strength: float = 1.0) -> None:  # fmt: skip
    """A ring round each picture of a node; `step` 1 is outside of 0. `strength` below 1 while it fades in."""
    rings(painter, scene, ((node, strength),), camera, color, step)


def rings(painter: QPainter, scene: Scene, nodes: Iterable[tuple[int, float]], camera: Camera, color: QColor,
          step: int = 0) -> None:  # fmt: skip
    """Several at a time, each with its strength."""
    gap, short = (RING_GAP + step * (RING + 2)) * camera.ratio, SMALLEST_RING * camera.ratio
    radius = tokens.RADIUS * min(camera.scale, 2 * camera.ratio) + gap
    width = RING * camera.ratio
    seen = []
    for node, strength in nodes:
        for item in scene.pictures(node):
            rect = box_of(scene, item, camera)
            grow_x, grow_y = max(gap, (short - rect.width()) / 2), max(gap, (short - rect.height()) / 2)
            rect.adjust(-grow_x, -grow_y, grow_x, grow_y)
            room = _room_of(rect, width)
            if room[0] <= camera.width and room[1] <= camera.height and room[0] + room[2] >= 0 <= room[1] + room[3]:
                seen.append((rect, room, strength))
    if not seen:  # all that asks the painter takes its time
        return
    raster, opacity = painter.paintEngine().type() == QPaintEngine.Type.Raster, painter.opacity()
    for rect, room, strength in seen:
        painter.setOpacity(opacity * strength)
        _draw_ring(painter, rect, room, radius, width, color, raster=raster)
    painter.setOpacity(opacity)


def _room_of(rect: QRectF, width: float) -> tuple[int, int, int, int]:
    """Left, top, width and height of the whole pixels that a ring may reach."""
    around = math.ceil(2 * width) + 1
    left, top = math.floor(rect.left()) - around, math.floor(rect.top()) - around
    return left, top, math.ceil(rect.width()) + 2 * around + 1, math.ceil(rect.height()) + 2 * around + 1


def _draw_ring(painter: QPainter, rect: QRectF, room: tuple[int, int, int, int], radius: float, width: float,
               color: QColor, *, raster: bool) -> None:  # fmt: skip
    if not raster:
        _stroke_ring(painter, rect, radius, width, color)
    else:  # put down as a picture: to stroke it anew in each frame takes as long as fifty cards
        left, top, across, down = room
        inside = (rect.left() - left, rect.top() - top, rect.width(), rect.height())
        painter.drawPixmap(left, top, _ring_picture(across, down, inside, radius, width, color.rgb()))


@lru_cache(maxsize=64)  # a step that is played has a dozen at a time, in the colours of its phases
def _ring_picture(across: int, down: int, inside: tuple[float, float, float, float], radius: float, width: float,
                  rgb: int) -> QPixmap:  # fmt: skip
    picture = QPixmap(across, down)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    try:
        _stroke_ring(painter, QRectF(*inside), radius, width, QColor.fromRgb(rgb))
    finally:
        painter.end()
    return picture


def _stroke_ring(painter: QPainter, rect: QRectF, radius: float, width: float, color: QColor) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for times, alpha in ((4, 44), (1, 255)):
        shade = QColor(color)
        shade.setAlpha(alpha)
        painter.setPen(QPen(shade, width * times))
        painter.drawRoundedRect(rect, radius, radius)


def box_of(scene: Scene, item: int, camera: Camera) -> QRectF:
    """An item's rectangle in device px, as its sprite is placed."""
    x, y = camera.offset
    # Python's own numbers: arithmetic with NumPy's single ones is slow.
    scale = camera.scale
    left, top = scene.left.item(item) * scale, scene.top.item(item) * scale
    right, bottom = scene.right.item(item) * scale, scene.bottom.item(item) * scale
    return QRectF(round(left + x), round(top + y), round(right - left), round(bottom - top))
