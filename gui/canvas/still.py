"""A picture of the graph that is kept: where only the camera moves, by whole pixels, it is moved along.

What comes into view is painted then, a little more than is needed, so that not each frame has to paint something.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QPainter, QPixmap

from gui.canvas.arrays import same
from gui.canvas.camera import Camera

AHEAD = 256  # device px
ROOM = 2 * AHEAD  # device px that are kept besides what is seen: who drags to and fro, sees what is painted already
EDGE = 64  # device px round what is shown: where thin lines cross the border of a pixmap, Qt cuts and rounds them anew

Span = tuple[int, int]  # the first and the last pixel
Paint = Callable[[QPainter, Camera], object]  # all of what a camera sees


class Still:
    """What all of `of` look like together, as far as it is painted. Places are counted in device px from the scene's
    origin."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._pixmap = QPixmap()
        self._at = QPoint()  # its upper left corner
        self._painted = QRect()

    def shows(self, of: tuple[object, ...]) -> bool:
        return same(of, self._of)

    def show(self, of: tuple[object, ...], camera: Camera, paint: Paint) -> None:
        """Have all in it that `camera` sees. `of` is all that the picture depends on, but for the place of a camera
        that stands on whole pixels: objects, which are the same if they are one and the same, and numbers."""
        view = view_of(camera)
        known = self.shows(of) and near(view, self._painted)
        if known and self._painted.contains(view):
            return
        self._of = ()  # until it is painted, which may fail
        if known:
            self._extend(view, camera, paint)
        else:
            self._begin(view, camera, paint)
        self._of = of

    def draw(self, p: QPainter, camera: Camera) -> None:
        """What `camera` sees, at the upper left corner."""
        p.drawPixmap(QPoint(0, 0), self._pixmap, view_of(camera).translated(-self._at))

    def _begin(self, view: QRect, camera: Camera, paint: Paint) -> None:
        around = ROOM // 2 + EDGE
        size = QSize(view.width() + 2 * around, view.height() + 2 * around)
        if self._pixmap.size() != size:
            self._pixmap = QPixmap(size)
        self._at, self._painted = view.topLeft() - QPoint(around, around), view
        self._paint(view, camera, paint)

    def _extend(self, view: QRect, camera: Camera, paint: Paint) -> None:
        before, room = self._painted, self._pixmap.size()
        left, right = _reached((before.left(), before.right()), (view.left(), view.right()), room.width() - 2 * EDGE)
        top, bottom = _reached((before.top(), before.bottom()), (view.top(), view.bottom()), room.height() - 2 * EDGE)
        now = QRect(QPoint(left, top), QPoint(right, bottom))
        at = QPoint(
            _begun(self._at.x(), (left, right), room.width()), _begun(self._at.y(), (top, bottom), room.height())
        )
        if at != self._at:
            moved = self._at - at
            stays = (before & now).translated(-self._at)
            self._pixmap.scroll(moved.x(), moved.y(), stays.united(stays.translated(moved)))
        self._at, self._painted = at, now
        for part in _round(before & now, now):
            x, y = part.left() - view.left(), part.top() - view.top()
            self._paint(part, camera.part(x, y, part.width(), part.height()), paint)

    def _paint(self, part: QRect, camera: Camera, paint: Paint) -> None:
        p = QPainter(self._pixmap)
        try:
            p.translate(part.topLeft() - self._at)
            p.setClipRect(0, 0, part.width(), part.height())
            paint(p, camera)
        finally:
            p.end()


def view_of(camera: Camera) -> QRect:
    """What a camera sees, in device px from the scene's origin."""
    x, y = camera.offset
    return QRect(-math.floor(x), -math.floor(y), camera.width, camera.height)


def near(one: QRect, other: QRect) -> bool:
    """Whether at least half of one is in the other: less is not worth to be moved."""
    shared = one & other
    return 2 * shared.width() * shared.height() >= one.width() * one.height()


def _reached(painted: Span, seen: Span, room: int) -> Span:
    """From where to where it is painted along one axis once it holds what is seen; the far end makes room for that."""
    (first, last), (low, high) = painted, seen
    if low < first:
        return low - AHEAD, min(last, low - AHEAD + room - 1)
    return (max(first, high + AHEAD - room + 1), high + AHEAD) if high > last else painted


def _begun(at: int, painted: Span, size: int) -> int:
    """Where along one axis a pixmap begins that began at `at`: elsewhere only if what is painted were not in it."""
    first, last = painted
    return max(min(at, first - EDGE), last + EDGE + 1 - size)


def _round(inner: QRect, outer: QRect) -> Iterator[QRect]:
    """The strips of `outer` that are not in `inner`, which is within it."""
    over, under = inner.top() - outer.top(), outer.bottom() - inner.bottom()
    for strip in (
        QRect(outer.left(), outer.top(), inner.left() - outer.left(), outer.height()),
        QRect(inner.right() + 1, outer.top(), outer.right() - inner.right(), outer.height()),
        QRect(inner.left(), outer.top(), inner.width(), over),
        QRect(inner.left(), inner.bottom() + 1, inner.width(), under),
    ):
        if strip.isValid():
            yield strip
