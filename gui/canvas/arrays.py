"""NumPy memory handed to QPainter without a Python object per line, rectangle or sprite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import shiboken6
from PySide6.QtCore import QByteArray, QDataStream, QLineF, QRect
from PySide6.QtGui import QPainter, QPainterPath

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
T = TypeVar("T")

_FIELDS: dict[type, tuple[int, type]] = {
    QLineF: (4, np.float64),
    QRect: (4, np.int32),
    QPainter.PixmapFragment: (10, np.float64),
}
_MOVE, _CURVE, _CURVE_DATA = 0, 2, 3
_ELEMENT = np.dtype([("type", ">i4"), ("x", ">f8"), ("y", ">f8")])


class Batch:
    """A reusable C array of `kind` (QLineF, QRect or PixmapFragment), filled through `rows`.

        rows = batch.rows(3)                      # (3, 4) float64: x1, y1, x2, y2
        rows[:] = ...
        painter.drawLines(*batch.arguments())

    A QRect is int32: left, top, right and bottom, and the pixels at right and bottom belong to it. Columns of a
    fragment: x, y (centre), sourceLeft, sourceTop, width, height, scaleX, scaleY, rotation, opacity.
    """

    def __init__(self, kind: type) -> None:
        self._kind = kind
        fields, dtype = _FIELDS[kind]
        self._memory: npt.NDArray[Any] = np.zeros((64, fields), dtype=dtype)
        self._address = self._memory.ctypes.data  # looked up once: it takes longer than drawing ten rectangles
        self._size = self._memory.strides[0]
        self._count = 0

    def rows(self, count: int) -> npt.NDArray[Any]:
        """Room for `count` items; what was in it is undefined."""
        if count > len(self._memory):
            shape = (max(count, 2 * len(self._memory)), self._memory.shape[1])
            self._memory = np.zeros(shape, dtype=self._memory.dtype)
            self._address = self._memory.ctypes.data
        self._count = count
        return self._memory[:count]

    def arguments(self, first: int = 0, count: int | None = None) -> tuple[Any, int]:
        """(first item, count) as QPainter's array methods take them, of all or some; valid until the next `rows`."""
        at = shiboken6.wrapInstance(self._address + first * self._size, self._kind)
        return at, self._count - first if count is None else count


class Kept(Generic[T]):
    """What was made of the last few combinations of objects, so that it is not made anew for every frame.

    Objects are the same if they are one and the same, arrays that are never written to again; or equal numbers.
    """

    def __init__(self, most: int = 3) -> None:
        self._most = most
        self._known: list[tuple[tuple[object, ...], T]] = []

    def get(self, of: tuple[object, ...], make: Callable[[], T]) -> T:
        for before, known in self._known:
            if same(of, before):
                return known
        made = make()
        self._known = [*self._known, (of, made)][-self._most :]
        return made


class Rows:
    """Numbers for each of many things, worked out when one first comes into view and kept for as long as `of` stays the
    same: of what is drawn, most depends on the scale and little on where the camera stands."""

    def __init__(self, columns: int) -> None:
        self._of: tuple[object, ...] = ()
        self._rows: Floats = np.empty((0, columns))
        self._known: npt.NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    def keep(self, of: tuple[object, ...], count: int) -> None:
        """There are `count` things; their rows hold as long as all in `of` are the same objects, or equal numbers."""
        if count != len(self._known):
            self._rows, self._known = np.empty((count, self._rows.shape[1])), np.zeros(count, dtype=np.bool_)
        elif not same(of, self._of):
            self._known[:] = False
        self._of = of

    def missing(self, which: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of `which` that are not known yet: to be given to `put`."""
        return which[~self._known[which]]

    def put(self, which: npt.NDArray[np.int64], rows: Floats) -> None:
        self._rows[which] = rows
        self._known[which] = True

    def take(self, which: npt.NDArray[np.int64], out: Floats | None = None) -> Floats:
        """(len(which), columns), a copy."""
        return self._rows.take(which, axis=0, out=out, mode="clip")  # "clip": quicker into `out`


def same(of: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """Whether all are the same objects, or equal numbers; arrays are never compared."""
    if len(of) != len(before):
        return False
    for a, b in zip(of, before, strict=True):  # `all` would call a generator for each of them
        if a is not b and not (isinstance(a, int | float) and a == b):
            return False
    return True


def moved(pairs: Complexes, offset: tuple[float, float], *, rounded: bool = False) -> Complexes:
    """(n) x + i·y, each `offset` further, maybe at the nearest whole numbers. One operation of NumPy does it for both:
    to begin one takes as long as some hundred numbers."""
    at: Complexes = pairs + complex(*offset)
    if rounded:
        parts = at.view(np.float64)
        np.rint(parts, out=parts)
    return at


def touching(box: npt.NDArray[Any], x0: float, y0: float, x1: float, y1: float) -> npt.NDArray[np.bool_]:
    """Which of (4, n) boxes (left, top, right, bottom) touch a rectangle."""
    x0, y0, x1, y1 = float(x0), float(y0), float(x1), float(y1)  # NumPy's own would make float32 boxes float64
    seen: npt.NDArray[np.bool_] = box[2] >= x0
    seen &= box[0] <= x1
    seen &= box[3] >= y0
    seen &= box[1] <= y1
    return seen


def curves_path(curves: Floats) -> QPainterPath:
    """A path of separate cubic curves; `curves` is (n, 8): start, two control points, end."""
    path = QPainterPath()
    count = len(curves)
    if count == 0:
        return path
    elements = np.empty((count, 4), dtype=_ELEMENT)
    elements["type"] = (_MOVE, _CURVE, _CURVE_DATA, _CURVE_DATA)
    elements["x"] = curves[:, 0::2]
    elements["y"] = curves[:, 1::2]
    # QPainterPath's stream format: number of elements, the elements, where the last subpath starts, the fill rule.
    header = np.array([4 * count], dtype=">i4").tobytes()
    footer = np.array([4 * (count - 1), 0], dtype=">i4").tobytes()
    stream = QDataStream(QByteArray(header + elements.tobytes() + footer))
    stream >> path
    return path
