from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from gui.canvas.arrays import Batch, curves_path


def painted(draw: object) -> QImage:
    image = QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    try:
        painter.setPen(QColor("white"))
        painter.setBrush(QColor("white"))
        draw(painter)  # type: ignore[operator]
    finally:
        painter.end()
    return image


def test_lines_are_drawn_as_qt_draws_them(qapp: QApplication) -> None:
    batch = Batch(QLineF)
    batch.rows(100)[:] = 500.0  # grows; then fewer are used
    batch.rows(2)[:] = [[1, 5, 30, 5], [10, 1, 10, 18]]
    ours = painted(lambda p: p.drawLines(*batch.arguments()))
    assert ours == painted(lambda p: p.drawLines([QLineF(1, 5, 30, 5), QLineF(10, 1, 10, 18)]))
    assert ours != painted(lambda p: None)


def test_rectangles_are_drawn_as_qt_draws_them(qapp: QApplication) -> None:
    batch = Batch(QRectF)
    batch.rows(1)[:] = [3, 4, 20, 9]
    assert painted(lambda p: p.drawRects(*batch.arguments())) == painted(lambda p: p.drawRect(QRectF(3, 4, 20, 9)))


def test_curves_path_is_the_path_that_one_would_build(qapp: QApplication) -> None:
    curves = np.arange(16, dtype=np.float64).reshape(2, 8)
    path = curves_path(curves)
    assert path.elementCount() == 8
    ends = [(path.elementAt(i).x, path.elementAt(i).y) for i in (0, 3, 4, 7)]
    assert ends == [(0, 1), (6, 7), (8, 9), (14, 15)]
    assert path.elementAt(4).isMoveTo()
    assert path.elementAt(5).isCurveTo()
    assert curves_path(np.zeros((0, 8))).isEmpty()
