"""Puts a frame together: the still graph, and over it what moves. Used by the window and by `film`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QPainter, QPixmap, QRegion

from gui.canvas import marks
from gui.canvas.flow.moment import eased, moment
from gui.canvas.flow.painter import SPACING, FlowPainter
from gui.canvas.flow.stream import flowing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gui.canvas.camera import Camera
    from gui.canvas.flow.moment import Ints
    from gui.canvas.flow.plan import Plan
    from gui.canvas.flow.stream import Batch
    from gui.canvas.painter import GraphPainter
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene

KEPT = 2  # still pictures: before and after
ROOM = 4  # device px round a card that belong to it


class Stage:
    """Keeps the still pictures over which something moves, each for as long as nothing in it changes."""

    def __init__(self) -> None:
        self._flow = FlowPainter()
        self._stills: dict[tuple[object, ...], tuple[QPixmap, Picture]] = {}

    def happening(
        self, p: QPainter, before: Picture, after: Picture, plan: Plan, time: float, camera: Camera,
        painter: GraphPainter, sprite_scale: float,
    ) -> None:  # fmt: skip
        """One event at `time`, 0 to 1, between the pictures without it and with it."""
        scene, theme = before.scene, painter.theme
        now = moment(scene, plan, time, _spacing(camera))
        still = self._still(before, camera, painter, sprite_scale)
        p.drawPixmap(0, 0, still)
        self._turn(p, before, after, plan, now.lit, now.progress, camera, painter, sprite_scale)
        state = before.state
        if state.active >= 0 and state.phase:
            marks.ring(p, scene, state.active, camera, theme.phase(state.phase), strength=1.0 - now.progress)
        if plan.rolling is not None and not plan.rolling.norm:
            painter.paint_rolling(p, before, plan.node, plan.rolling.at(eased(now.progress)), camera)
        self._flow.paint(p, scene, after.state, plan, now, camera, theme)

    def streaming(
        self, p: QPainter, picture: Picture, batches: Sequence[Batch], now: float, life: float, camera: Camera,
        painter: GraphPainter, sprite_scale: float,
    ) -> None:  # fmt: skip
        """Many events at the time `now` (seconds), over the picture in which they have happened."""
        p.drawPixmap(0, 0, self._still(picture, camera, painter, sprite_scale))
        moving = flowing(picture.scene, batches, now, life, _spacing(camera))
        self._flow.stream(p, picture.scene, moving, camera, painter.theme, picture.state.phase or "backward")

    def forget(self) -> None:
        self._stills.clear()

    def _still(self, picture: Picture, camera: Camera, painter: GraphPainter, sprite_scale: float) -> QPixmap:
        of = (
            id(picture.scene), picture.state.playhead, picture.selection, id(picture.emphasis), camera, painter,
            sprite_scale, id(picture.track), id(picture.proofs), id(picture.fills), id(picture.dimmed),
            id(picture.marked), id(picture.flow),
        )  # fmt: skip
        if of not in self._stills:
            pixmap = self._recycled(camera)
            canvas = QPainter(pixmap)
            try:
                painter.paint(canvas, picture, camera, sprite_scale=sprite_scale, active=False)
            finally:
                canvas.end()
            self._stills[of] = (pixmap, picture)  # with the picture, so that no id in `of` is given to another object
        return self._stills[of][0]

    def _recycled(self, camera: Camera) -> QPixmap:
        pixmap = None
        while len(self._stills) >= KEPT:
            pixmap = self._stills.pop(next(iter(self._stills)))[0]
        fits = pixmap is not None and pixmap.width() == camera.width and pixmap.height() == camera.height
        return pixmap if pixmap is not None and fits else QPixmap(camera.width, camera.height)

    def _turn(
        self, p: QPainter, before: Picture, after: Picture, plan: Plan, lit: float, progress: float, camera: Camera,
        painter: GraphPainter, sprite_scale: float,
    ) -> None:  # fmt: skip
        """The cards that the event changes turn into what they are after it: where it happens, at the end; leaves whose
        value sets out, at the beginning."""
        scene = before.scene
        leaving = scene.target[plan.edges] if plan.back else np.zeros(0, dtype=np.int64)
        for nodes, strength in ((np.array([plan.node]), lit), (leaving, min(progress / 0.2, 1.0))):
            if strength <= 0.0 or not len(nodes):
                continue
            p.save()
            p.setClipRegion(_cards(scene, nodes, camera))
            p.setOpacity(strength)
            p.drawPixmap(QPoint(0, 0), self._still(after, camera, painter, sprite_scale))
            p.restore()


def _cards(scene: Scene, nodes: Ints, camera: Camera) -> QRegion:
    region = QRegion()
    for item in np.flatnonzero(np.isin(scene.item_node, nodes)).tolist():
        box: QRect = marks.box_of(scene, item, camera).toAlignedRect()
        region += box.adjusted(-ROOM, -ROOM, ROOM, ROOM)
    return region


def _spacing(camera: Camera) -> float:
    """Scene px between two dots of a trail."""
    return SPACING * camera.ratio / max(camera.scale, 1e-9)
