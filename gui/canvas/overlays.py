"""What stands over the graph and does not move with it: breadcrumbs, legend, minimap, and words where there is nothing.

All of it is painted in logical pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap

from gui import theme as tokens
from gui.canvas.camera import Camera
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.scene import Scene

MAP_WIDTH, MAP_HEIGHT = 176.0, 120.0
MAP_FROM = 150  # nodes
SWATCH = 8.0
LEGEND_HEIGHT = 24.0
PLATE = 215  # opacity of the ground under words, of 255
CRUMB = "  \u203a  "


def category_label(name: str) -> str:
    """A category of `engine.graph.category` in words."""
    tr = QCoreApplication.translate
    return {
        "linear": tr("Canvas", "linear, convolution"),
        "normalization": tr("Canvas", "normalization"),
        "activation": tr("Canvas", "activation"),
        "shape": tr("Canvas", "shape"),
        "reduction": tr("Canvas", "reduction"),
        "loss": tr("Canvas", "loss"),
        "arithmetic": tr("Canvas", "arithmetic"),
        "attention": tr("Canvas", "attention"),
        "parameter": tr("Canvas", "parameter"),
        "data": tr("Canvas", "data"),
        "other": tr("Canvas", "other"),
        "proof_good": tr("Canvas", "proved"),
        "proof_quiet": tr("Canvas", "not differentiable"),
        "proof_wrong": tr("Canvas", "wrong"),
        "proof_unknown": tr("Canvas", "no rule"),
        "proof_none": tr("Canvas", "not looked at"),
    }.get(name, name)


def crumbs(painter: QPainter, parts: Sequence[str], width: float, theme: Theme) -> None:
    """Where one is, at the top left: step 3 of 10, backward pass 1, layer1.0.bn1. The last part stands out."""
    font = tokens.ui_font(tokens.TEXT_PX - 1)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    x, baseline = float(tokens.LARGE), tokens.LARGE + metrics.ascent()
    total = metrics.horizontalAdvance(CRUMB.join(parts))
    plate = QColor(theme.bg)
    plate.setAlpha(PLATE)
    painter.fillRect(QRectF(x - 6, tokens.LARGE - 4, min(total, width - 2 * x) + 12, metrics.height() + 8), plate)
    for index, part in enumerate(parts):
        if index:
            painter.setPen(theme.line if theme.is_dark else blend(theme.line, theme.dim, 0.5))
            painter.drawText(QPointF(x, baseline), CRUMB)
            x += metrics.horizontalAdvance(CRUMB)
        text = metrics.elidedText(part, Qt.TextElideMode.ElideMiddle, max(width - x - tokens.LARGE, 0.0))
        painter.setPen(theme.text if index == len(parts) - 1 else theme.dim)
        painter.drawText(QPointF(x, baseline), text)
        x += metrics.horizontalAdvance(text)


class Legend:
    """Phases, and the categories that occur, in one line at the foot; only the phases where it is narrow."""

    def __init__(self) -> None:
        self._made_of: tuple[object, ...] = ()
        self._picture: QPixmap | None = None

    def paint(self, painter: QPainter, scene: Scene, camera: Camera, theme: Theme) -> None:
        width, height = camera.width / camera.ratio, camera.height / camera.ratio
        made_of = (id(scene.pieces), scene.category.tobytes(), theme.name, width, camera.ratio)
        if self._picture is None or self._made_of != made_of:
            self._picture = _draw_legend(_legend_entries(scene, width, theme), camera.ratio, theme)
            self._made_of = made_of
        foot = height - tokens.MEDIUM - LEGEND_HEIGHT
        painter.drawPixmap(QPointF(tokens.LARGE - 6.0, foot), self._picture)


def _legend_entries(scene: Scene, width: float, theme: Theme) -> list[tuple[QColor, str, bool]]:
    """(colour, words, whether it is a category)."""
    tr = QCoreApplication.translate
    phases = [
        (theme.forward, tr("Canvas", "value"), False),
        (theme.backward, tr("Canvas", "gradient"), False),
        (theme.update, tr("Canvas", "update"), False),
    ]
    fills = (*tokens.CATEGORIES, *tokens.PROOFS)
    names = [fills[index] for index in np.unique(scene.category).tolist()]
    everything = phases + [(theme.category(name), category_label(name), True) for name in names]
    beside = MAP_WIDTH + tokens.LARGE if scene.node_count >= MAP_FROM else 0.0
    return everything if _legend_width(everything) <= width - beside - 2 * tokens.LARGE else phases


def _legend_width(entries: Sequence[tuple[QColor, str, bool]]) -> float:
    metrics = QFontMetricsF(tokens.caption_font())
    return 6 + sum(SWATCH + 5 + metrics.horizontalAdvance(entry[1]) + tokens.LARGE for entry in entries)


def _draw_legend(entries: Sequence[tuple[QColor, str, bool]], ratio: float, theme: Theme) -> QPixmap:
    picture = QPixmap(round(_legend_width(entries) * ratio), round(LEGEND_HEIGHT * ratio))
    picture.setDevicePixelRatio(ratio)
    plate = QColor(theme.bg)
    plate.setAlpha(PLATE)
    picture.fill(plate)
    font = tokens.caption_font()
    metrics = QFontMetricsF(font)
    middle, x = LEGEND_HEIGHT / 2, 6.0
    painter = QPainter(picture)
    try:
        painter.setFont(font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for color, text, is_category in entries:
            painter.setBrush(color)
            if is_category:
                painter.setPen(QPen(blend(color, theme.text, 0.25), 1.0))
                painter.drawRoundedRect(QRectF(x + 0.5, middle - SWATCH / 2 + 0.5, SWATCH - 1, SWATCH - 1), 2, 2)
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.drawEllipse(QRectF(x, middle - SWATCH / 2, SWATCH, SWATCH))
            painter.setPen(theme.dim)
            painter.drawText(QPointF(x + SWATCH + 5, middle + metrics.capHeight() / 2), text)
            x += SWATCH + 5 + metrics.horizontalAdvance(text) + tokens.LARGE
    finally:
        painter.end()
    return picture


def words(painter: QPainter, rect: QRectF, title: str, more: str, theme: Theme, *, failed: bool = False) -> None:
    """A title and a line in the middle of an empty canvas; a failure is marked by a sign as well as by colour."""
    painter.setPen(theme.error if failed else theme.text)
    painter.setFont(tokens.title_font())
    middle = rect.center().y()
    painter.drawText(
        QRectF(rect.left() + 24, middle - 44, rect.width() - 48, 40),
        int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom),
        f"⚠  {title}" if failed else title,
    )
    painter.setPen(theme.dim)
    painter.setFont(tokens.ui_font())
    painter.drawText(
        QRectF(rect.left() + 24, middle + 4, rect.width() - 48, 120),
        int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap),
        more,
    )


class Minimap:
    """The whole of a large graph in a corner, and what part of it is in view."""

    def __init__(self) -> None:
        self._made_of: tuple[object, ...] = ()
        self._picture: QPixmap | None = None
        self._camera = Camera()

    @staticmethod
    def rect(width: float, height: float) -> QRectF:
        return QRectF(width - MAP_WIDTH - tokens.LARGE, height - MAP_HEIGHT - tokens.LARGE, MAP_WIDTH, MAP_HEIGHT)

    @staticmethod
    def wanted(scene: Scene, camera: Camera) -> bool:
        """Only where the graph is large and not all of it is in view."""
        x0, y0, x1, y1 = camera.bounds()
        left, top, right, bottom = scene.bounds
        inside = x0 <= left and y0 <= top and x1 >= right and y1 >= bottom
        room = camera.width / camera.ratio > 2.5 * MAP_WIDTH and camera.height / camera.ratio > 2.5 * MAP_HEIGHT
        return scene.node_count >= MAP_FROM and not inside and room

    def paint(self, painter: QPainter, scene: Scene, camera: Camera, active: int, theme: Theme) -> None:
        width, height = camera.width / camera.ratio, camera.height / camera.ratio
        rect = self.rect(width, height)
        if self._made_of != (id(scene.pieces), scene.category.tobytes(), theme.name, camera.ratio):
            self._draw(scene, camera.ratio, theme)
        if self._picture is not None:
            painter.drawPixmap(rect.topLeft(), self._picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.line, 1))
        painter.drawRect(rect.adjusted(0, 0, -1, -1))
        x0, y0, x1, y1 = camera.bounds()
        start, end = self._camera.to_device(x0, y0), self._camera.to_device(x1, y1)
        view = QRectF(QPointF(*start) / camera.ratio, QPointF(*end) / camera.ratio).translated(rect.topLeft())
        painter.setPen(QPen(theme.text, 1))
        painter.drawRect(view.intersected(rect.adjusted(1, 1, -2, -2)))
        if active >= 0:
            x, y = self._camera.to_device(*scene.center(active))
            painter.fillRect(
                QRectF(rect.left() + x / camera.ratio - 2, rect.top() + y / camera.ratio - 2, 5, 5), theme.accent
            )

    def to_scene(self, x: float, y: float, camera: Camera) -> tuple[float, float]:
        """A logical point of the view that lies on the map → scene."""
        rect = self.rect(camera.width / camera.ratio, camera.height / camera.ratio)
        return self._camera.to_scene((x - rect.left()) * camera.ratio, (y - rect.top()) * camera.ratio)

    def _draw(self, scene: Scene, ratio: float, theme: Theme) -> None:
        size = round(MAP_WIDTH * ratio), round(MAP_HEIGHT * ratio)
        whole = Camera(width=size[0], height=size[1], ratio=ratio)
        x0, y0, x1, y1 = scene.bounds
        room = 8 * ratio
        scale = min((size[0] - room) / max(x1 - x0, 1), (size[1] - room) / max(y1 - y0, 1))
        self._camera = Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, *size, ratio)
        picture = QPixmap(whole.width, whole.height)
        picture.fill(theme.surface)
        painter = QPainter(picture)
        try:
            x, y = self._camera.offset
            fills = (*tokens.CATEGORIES, *tokens.PROOFS)
            colors = [blend(theme.category(name), theme.dim, 0.35) for name in fills]
            for item in range(len(scene.left)):
                painter.fillRect(
                    QRectF(
                        scene.left[item] * scale + x,
                        scene.top[item] * scale + y,
                        max((scene.right[item] - scene.left[item]) * scale, 1.0),
                        max((scene.bottom[item] - scene.top[item]) * scale, 1.0),
                    ),
                    colors[scene.category[item]],
                )
        finally:
            painter.end()
        picture.setDevicePixelRatio(ratio)
        self._picture = picture
        self._made_of = (id(scene.pieces), scene.category.tobytes(), theme.name, ratio)
