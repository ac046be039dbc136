"""What the file will look like, small."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme as tokens
from gui.canvas.painter import GraphPainter
from gui.theme import blend

if TYPE_CHECKING:
    from gui.export.orders import Order

FINEST = 1400  # px that are painted at most, to be made smaller
CHECK = 8  # px of the pattern behind what is transparent


class Preview(QWidget):
    """Painted by the painter of the screen, from where the picture is drawn."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("export_preview")
        self.setAccessibleName(self.tr("Preview"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(96)
        self._image: QImage | None = None
        self._picture: QPixmap | None = None
        self._clear = False

    @property
    def picture(self) -> QPixmap | None:
        return self._picture

    def sizeHint(self) -> QSize:
        return QSize(480, 240)

    def show_nothing(self) -> None:
        self._image = self._picture = None
        self.update()

    def show_order(self, order: Order) -> None:
        """Raises ChainruleError."""
        if order.camera is None or order.look is None:
            self.show_nothing()
            return
        self._image = self._of_film(order) if order.reel is not None else self._of_picture(order)
        self._clear = order.look.ground == "transparent"
        self._fit()

    def _fit(self) -> None:
        """As large as there is room, and no larger than it is."""
        if self._image is None:
            return
        ratio, image = self.devicePixelRatioF(), self._image
        room = QSize(math.floor(self.width() * ratio), math.floor(self.height() * ratio))
        if image.width() > room.width() or image.height() > room.height():
            image = image.scaled(room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        self._picture = QPixmap.fromImage(image)
        self._picture.setDevicePixelRatio(ratio)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def _of_picture(self, order: Order) -> QImage:
        assert order.camera is not None
        assert order.look is not None
        camera = order.camera
        smaller = min(FINEST / max(camera.width, camera.height), 1.0)
        camera = replace(
            camera, scale=camera.scale * smaller, ratio=camera.ratio * smaller,
            width=max(round(camera.width * smaller), 1), height=max(round(camera.height * smaller), 1),
        )  # fmt: skip
        vector = order.look.painter()
        painter = GraphPainter(vector.theme)
        painter.ground = vector.ground
        image = QImage(camera.width, camera.height, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        canvas = QPainter(image)
        try:
            order.look.paint_with(painter, canvas, order.subject.picture, camera)
        finally:
            canvas.end()
        return image

    def _of_film(self, order: Order) -> QImage:
        """Half way."""
        assert order.reel is not None
        camera = order.reel.camera
        smaller = min(FINEST / max(camera.width, camera.height), 1.0)
        camera = replace(
            camera, scale=camera.scale * smaller, ratio=camera.ratio * smaller,
            width=round(camera.width * smaller), height=round(camera.height * smaller),
        )  # fmt: skip
        reel = replace(order.reel, camera=camera)
        return reel.frame(reel.film(), reel.count // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens.current()
        painter = QPainter(self)
        try:
            if self._picture is None:
                painter.setPen(theme.dim)
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.tr("No preview"))
                return
            size = self._picture.deviceIndependentSize()
            left, top = ((room - length) // 2 for room, length in (
                (self.width(), size.width()), (self.height(), size.height())
            ))  # fmt: skip
            place = QRectF(left, top, size.width(), size.height())
            if self._clear:
                self._paint_checks(painter, place)
            painter.drawPixmap(place.topLeft(), self._picture)
            painter.setPen(theme.line)
            painter.drawRect(place.adjusted(0, 0, -1, -1))
        finally:
            painter.end()

    @staticmethod
    def _paint_checks(painter: QPainter, place: QRectF) -> None:
        theme = tokens.current()
        painter.fillRect(place, theme.surface)
        shade = blend(theme.surface, theme.dim, 0.16)
        for row in range(math.ceil(place.height() / CHECK)):
            for column in range(row % 2, math.ceil(place.width() / CHECK), 2):
                check = QRectF(place.left() + column * CHECK, place.top() + row * CHECK, CHECK, CHECK)
                painter.fillRect(check.intersected(place), shade)
