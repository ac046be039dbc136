"""NumPy memory handed to QPainter without a Python object per line, rectangle or sprite."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shiboken6
from PySide6.QtCore import QByteArray, QDataStream, QLineF, QRectF
from PySide6.QtGui import QPainter, QPainterPath

Floats = npt.NDArray[np.float64]

_FIELDS: dict[type, int] = {QLineF: 4, QRectF: 4, QPainter.PixmapFragment: 10}
_MOVE, _CURVE, _CURVE_DATA = 0, 2, 3
_ELEMENT = np.dtype([("type", ">i4"), ("x", ">f8"), ("y", ">f8")])


class Batch:
    """A reusable C array of `kind` (QLineF, QRectF or PixmapFragment), filled through `rows`.

        rows = batch.rows(3)                      # (3, 4) float64: x1, y1, x2, y2
        rows[:] = ...
        painter.drawLines(*batch.arguments())

    Columns of a fragment: x, y (centre), sourceLeft, sourceTop, width, height, scaleX, scaleY, rotation, opacity.
    """

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._memory: Floats = np.zeros((64, _FIELDS[kind]))
        self._count = 0

    def rows(self, count: int) -> Floats:
        """Room for `count` items; what was in it is undefined."""
        if count > len(self._memory):
            self._memory = np.zeros((max(count, 2 * len(self._memory)), self._memory.shape[1]))
        self._count = count
        return self._memory[:count]

    def arguments(self) -> tuple[Any, int]:
        """(first item, count) as QPainter's array methods take them; valid until the next `rows`."""
        return shiboken6.wrapInstance(self._memory.ctypes.data, self._kind), self._count


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
