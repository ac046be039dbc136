"""Frames of open modules: what is put together from kept pictures looks like what is drawn."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication

from engine.layout import Box
from gui.canvas.camera import Camera
from gui.canvas.modules import boxes


def test_a_frame_put_together_looks_like_one_drawn(qapp: QApplication) -> None:
    line, fill = QColor(200, 10, 10), QColor(20, 30, 120)
    for radius, width, height in ((2.0, 60, 40), (3.7, 33, 90), (8.0, 300, 200), (8.0, 22, 22), (10.0, 23, 400)):
        pictures = []
        for whole in (True, False):
            image = QImage(420, 420, QImage.Format.Format_RGB32)
            image.fill(QColor(90, 90, 90))
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            rect = QRectF(7.5, 9.5, width, height)
            if whole:
                painter.setPen(QPen(line, 1))
                painter.setBrush(fill)
                painter.drawRoundedRect(rect, radius, radius)
            else:
                boxes._frame(painter, rect, radius, 1, line, fill)
            painter.end()
            pictures.append(np.frombuffer(image.constBits(), np.uint8).astype(int))
        assert np.abs(pictures[0] - pictures[1]).max() <= 2, (radius, width, height)
        assert len(np.unique(pictures[0])) > 8


def test_a_title_kept_as_a_picture_looks_like_one_written(qapp: QApplication) -> None:
    box = Box("layer1", "layer1.0 · BasicBlock", 10.0, 20.0, 300.0, 200.0, 1)
    color, fill = QColor(220, 220, 220), QColor(20, 30, 60)
    for scale, size in ((0.5, 9), (1.0, 12), (1.41, 17)):
        camera = Camera(160.0, 120.0, scale, 500, 400)
        pictures = []
        for whole in (True, False):
            image = QImage(500, 400, QImage.Format.Format_RGB32)
            image.fill(fill)
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            rect = boxes.rect_of(box, camera)
            if whole:
                boxes._title(painter, box.title, rect, scale, size, color, fill)
            else:
                boxes._put_title(painter, box, rect, camera, size, color, fill)
            painter.end()
            pictures.append(np.frombuffer(image.constBits(), np.uint8).astype(int))
        assert np.abs(pictures[0] - pictures[1]).max() <= 2, scale
        assert len(np.unique(pictures[0])) > 8
