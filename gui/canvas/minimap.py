"""The whole of a large graph in a corner of the canvas, and what part of it is in view. Logical pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap

from gui import theme as tokens
from gui.canvas.camera import Camera
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene

Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint32]

WIDTH, HEIGHT = 176.0, 120.0
SHOWN_FROM = 150  # nodes
ROOM = 8.0
VEIL = 110  # opacity, of 255, of what is not in view
ACTIVE = 5.0
LEAST_FRAME = 6.0  # of the frame round what is in view: close up, that is less than a pixel


class Minimap:
    """Painted once for as long as the same nodes have the same colours. `shown`: whether it is wanted at all."""

    def __init__(self) -> None:
        self.shown = True
        self._made_of: tuple[object, ...] = ()
        self._picture: QPixmap | None = None
        self._camera = Camera()

    @staticmethod
    def rect(width: float, height: float) -> QRectF:
        return QRectF(width - WIDTH - tokens.LARGE, height - HEIGHT - tokens.LARGE, WIDTH, HEIGHT)

    def wanted(self, scene: Scene, camera: Camera) -> bool:
        """Only where the graph is large and not all of it is in view."""
        x0, y0, x1, y1 = camera.bounds()
        left, top, right, bottom = scene.bounds
        inside = x0 <= left and y0 <= top and x1 >= right and y1 >= bottom
        room = camera.width / camera.ratio > 2.5 * WIDTH and camera.height / camera.ratio > 2.5 * HEIGHT
        return self.shown and scene.node_count >= SHOWN_FROM and not inside and room

    def paint(self, painter: QPainter, picture: Picture, camera: Camera, theme: Theme) -> None:
        """The graph, a frame round what is in view, and the node of the playhead's event."""
        rect = self.rect(camera.width / camera.ratio, camera.height / camera.ratio)
        # Arrays are compared by what they are, not by what is in them: whoever changes them makes new ones.
        made_of = (picture.scene.pieces, picture.scene.category, picture.fills, picture.dimmed, picture.marked)
        odd = picture.state.odd.tobytes() if picture.track.odd.any() else b""
        about = (odd, theme.name, camera.ratio)
        if (
            self._picture is None
            or self._made_of[-3:] != about
            or any(a is not b for a, b in zip(self._made_of, made_of, strict=False))
        ):
            self._draw(picture, camera.ratio, theme)
            self._made_of = (*made_of, *about)
        if self._picture is not None:
            painter.drawPixmap(rect.topLeft(), self._picture)
        self._paint_view(painter, rect, camera, theme)
        if picture.state.active >= 0:
            x, y = self._camera.to_device(*picture.scene.center(picture.state.active))
            at = rect.topLeft() + QPointF(x, y) / camera.ratio - QPointF(ACTIVE, ACTIVE) / 2
            painter.fillRect(QRectF(at.x() - 1, at.y() - 1, ACTIVE + 2, ACTIVE + 2), theme.surface)
            color = theme.phase(picture.state.phase) if picture.state.phase else theme.text
            painter.fillRect(QRectF(at.x(), at.y(), ACTIVE, ACTIVE), color)

    def _paint_view(self, painter: QPainter, rect: QRectF, camera: Camera, theme: Theme) -> None:
        x0, y0, x1, y1 = camera.bounds()
        start, end = self._camera.to_device(x0, y0), self._camera.to_device(x1, y1)
        view = QRectF(QPointF(*start) / camera.ratio, QPointF(*end) / camera.ratio).translated(rect.topLeft())
        inside = rect.adjusted(1, 1, -2, -2)
        seen = QRectF(_held(view.topLeft(), inside), _held(view.bottomRight(), inside))
        veil = QColor(theme.bg)
        veil.setAlpha(VEIL)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for part in (
            QRectF(rect.left(), rect.top(), rect.width(), seen.top() - rect.top()),
            QRectF(rect.left(), seen.bottom(), rect.width(), rect.bottom() - seen.bottom()),
            QRectF(rect.left(), seen.top(), seen.left() - rect.left(), seen.height()),
            QRectF(seen.right(), seen.top(), rect.right() - seen.right(), seen.height()),
        ):
            if part.width() > 0 and part.height() > 0:
                painter.fillRect(part, veil)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(blend(theme.line, theme.dim, 0.3), 1))
        painter.drawRect(rect.adjusted(0, 0, -1, -1))
        painter.setPen(QPen(theme.text, 1))
        short = max(LEAST_FRAME - seen.width(), 0.0) / 2, max(LEAST_FRAME - seen.height(), 0.0) / 2
        painter.drawRect(seen.adjusted(-short[0], -short[1], *short))

    def to_scene(self, x: float, y: float, camera: Camera) -> tuple[float, float]:
        """A logical point of the view that lies on the map → scene."""
        rect = self.rect(camera.width / camera.ratio, camera.height / camera.ratio)
        return self._camera.to_scene((x - rect.left()) * camera.ratio, (y - rect.top()) * camera.ratio)

    def _draw(self, picture: Picture, ratio: float, theme: Theme) -> None:
        scene = picture.scene
        width, height = round(WIDTH * ratio), round(HEIGHT * ratio)
        x0, y0, x1, y1 = scene.bounds
        scale = min((width - ROOM * ratio) / max(x1 - x0, 1), (height - ROOM * ratio) / max(y1 - y0, 1))
        self._camera = camera = Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, width, height, ratio)
        x, y = camera.offset
        left = np.floor(scene.left * scale + x).astype(np.int64)
        top = np.floor(scene.top * scale + y).astype(np.int64)
        wide = np.maximum(np.rint((scene.right - scene.left) * scale), 1).astype(np.int64)
        high = np.maximum(np.rint((scene.bottom - scene.top) * scale), 1).astype(np.int64)
        pixels = np.full((height, width), theme.surface.rgb(), dtype=np.uint32)
        fill_boxes(pixels, left, top, wide, high, _colors(picture, theme))
        image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGB32).copy()
        self._picture = QPixmap.fromImage(image)
        self._picture.setDevicePixelRatio(ratio)


def _held(point: QPointF, rect: QRectF) -> QPointF:
    """The point of `rect` that is nearest."""
    x, y = min(max(point.x(), rect.left()), rect.right()), min(max(point.y(), rect.top()), rect.bottom())
    return QPointF(x, y)


def fill_boxes(pixels: Colors, left: Ints, top: Ints, wide: Ints, high: Ints, colors: Colors) -> None:
    """Fill many rectangles of an image, later ones over earlier ones; nearly all of them are a pixel or two large."""
    height, width = pixels.shape
    for dy in range(int(high.max(initial=0))):
        for dx in range(int(wide.max(initial=0))):
            column, row = left + dx, top + dy
            mine = (dx < wide) & (dy < high) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
            pixels[row[mine], column[mine]] = colors[mine]


def _colors(picture: Picture, theme: Theme) -> Colors:
    """Of each item: its fill, that of errors if its gradient holds NaN or infinities, paler if it stands back, the
    accent if it is marked."""
    scene = picture.scene
    if picture.fills is None:
        names = (*tokens.CATEGORIES, *tokens.PROOFS)
        fills = [blend(theme.category(name), theme.dim, 0.35).rgb() for name in names]
        colors = np.array(fills, dtype=np.uint32)[scene.category]
    else:
        colors = picture.fills[scene.item_node]
    colors = np.where(picture.state.odd[scene.item_node] > 0, np.uint32(theme.error.rgb()), colors)
    if picture.dimmed is not None:
        # What was found is to be seen from afar: among thousands of nodes one pixel of a quiet colour is not.
        back = picture.dimmed[scene.item_node]
        colors = np.where(back, np.uint32(blend(theme.surface, theme.dim, 0.2).rgb()), np.uint32(theme.text.rgb()))
    if picture.marked is not None:
        colors = np.where(picture.marked[scene.item_node], np.uint32(theme.accent.rgb()), colors)
    return colors.astype(np.uint32)
