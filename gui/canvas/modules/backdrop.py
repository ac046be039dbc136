"""The ground with the frames of open modules, and their titles: kept while neither they nor the camera move.

A seek, and each frame of what is played, paints them again as they were. ResNet-18 has fifteen open modules: their
frames are a hundred and seventy calls, a fourth of the still graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPixmap

from gui.canvas.modules import boxes

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.modules.boxes import Titles
    from gui.canvas.scene import Scene
    from gui.theme import Theme


class Backdrop:
    """Paints as `boxes` does. What is below the edges becomes a picture once it is painted twice at the same place:
    while the camera moves, it would be of no use."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] = ()
        self._picture: QPixmap | None = None
        self._is_made = False
        self._titles_of: tuple[object, ...] = ()
        self._titles: Titles = ()

    def paint(
        self, p: QPainter, scene: Scene, camera: Camera, theme: Theme, current: str, ground: QColor | None
    ) -> None:  # fmt: skip
        """`ground` None: what is not drawn on stays as it is."""
        if not scene.boxes:
            _paint(p, scene, camera, theme, current, ground)
            return
        of = (*_place(scene, camera, theme), current, ground)
        again, self._of = _same(of, self._of), of
        if not again or ground is None or not _on_screen(p):
            self._is_made = self._is_made and again
            _paint(p, scene, camera, theme, current, ground)
            return
        if self._picture is None or self._picture.width() != camera.width or self._picture.height() != camera.height:
            self._picture, self._is_made = QPixmap(camera.width, camera.height), False
        if not self._is_made:
            painter = QPainter(self._picture)
            try:
                _paint(painter, scene, camera, theme, current, ground)
            finally:
                painter.end()
            self._is_made = True
        p.drawPixmap(0, 0, self._picture)

    def paint_titles(self, p: QPainter, scene: Scene, camera: Camera, theme: Theme) -> None:
        """Above the edges."""
        if not scene.boxes:
            return
        if not _on_screen(p):
            boxes.paint_titles(p, scene, camera, theme)
            return
        of = _place(scene, camera, theme)
        if not _same(of, self._titles_of):
            self._titles_of, self._titles = of, boxes.titles(scene, camera, theme)
        for point, picture in self._titles:
            p.drawPixmap(point, picture)


def _place(scene: Scene, camera: Camera, theme: Theme) -> tuple[object, ...]:
    return scene.boxes, theme, camera


def _same(of: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """Boxes are the same if they are one and the same; the rest is compared."""
    return len(before) == len(of) and of[0] is before[0] and of[1:] == before[1:]


def _on_screen(p: QPainter) -> bool:
    return p.paintEngine().type() == QPaintEngine.Type.Raster


def _paint(p: QPainter, scene: Scene, camera: Camera, theme: Theme, current: str, ground: QColor | None) -> None:
    if ground is not None:
        p.fillRect(0, 0, camera.width, camera.height, ground)
    boxes.paint(p, scene, camera, theme, current)
