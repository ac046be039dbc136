"""Puts a frame together: the still graph, and over it what moves. Used by the window and by `film`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QRegion

from gui.canvas import marks
from gui.canvas.arrays import same
from gui.canvas.flow.moment import eased, moment
from gui.canvas.flow.painter import SPACING, FlowPainter
from gui.canvas.flow.stream import flowing
from gui.canvas.lod import Detail
from gui.canvas.still import Still, near, view_of

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
FEWEST = 40  # cards of a graph of which one is kept while nothing happens
ROOM = 4  # device px round a card that belong to it


class Stage:
    """Keeps the still pictures over which something moves, each for as long as nothing in it changes."""

    def __init__(self) -> None:
        self._flow = FlowPainter()
        self._stills: list[Still] = []  # the one that was used last at the end
        self._rested: tuple[tuple[object, ...], QRect] = ((), QRect())

    def resting(
        self, p: QPainter, picture: Picture, camera: Camera, painter: GraphPainter, sprite_scale: float
    ) -> None:  # fmt: skip
        """Nothing moves but, perhaps, the camera. What is seen twice, much the same, is kept; not close up, where few
        cards are in view and what is in them may come at any time, and not of a small graph: it is drawn as quickly."""
        of, view = _what(picture, camera, painter, sprite_scale), view_of(camera)
        (before, last), self._rested = self._rested, (of, view)
        large = camera.detail < Detail.CLOSE and len(picture.scene.left) >= FEWEST
        if camera.whole and large and same(of, before) and near(view, last):
            self._still(picture, camera, painter, sprite_scale).draw(p, camera)
            painter.paint_active(p, picture, camera)
        else:
            painter.paint(p, picture, camera, sprite_scale=sprite_scale)

    def happening(
        self, p: QPainter, before: Picture, after: Picture, plan: Plan, time: float, camera: Camera,
        painter: GraphPainter, sprite_scale: float,
    ) -> None:  # fmt: skip
        """One event at `time`, 0 to 1, between the pictures without it and with it."""
        scene, theme = before.scene, painter.theme
        now = moment(scene, plan, time, _spacing(camera))
        self._still(before, camera, painter, sprite_scale).draw(p, camera)
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
        self._still(picture, camera, painter, sprite_scale).draw(p, camera)
        moving = flowing(picture.scene, batches, now, life, _spacing(camera))
        self._flow.stream(p, picture.scene, moving, camera, painter.theme, picture.state.phase or "backward")

    def forget(self) -> None:
        """Of a recording that is closed nothing is to stay."""
        self._stills.clear()
        self._rested = ((), QRect())

    def _still(self, picture: Picture, camera: Camera, painter: GraphPainter, sprite_scale: float) -> Still:
        of = _what(picture, camera, painter, sprite_scale)
        known = next((still for still in self._stills if still.shows(of)), None)
        if known is None:
            known = self._stills[0] if len(self._stills) >= KEPT else Still()
        self._stills = [*(still for still in self._stills if still is not known), known]
        known.show(
            of, camera, lambda p, seen: painter.paint(p, picture, seen, sprite_scale=sprite_scale, active=False)
        )  # fmt: skip
        return known

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
            self._still(after, camera, painter, sprite_scale).draw(p, camera)
            p.restore()


def _what(picture: Picture, camera: Camera, painter: GraphPainter, sprite_scale: float) -> tuple[object, ...]:
    """All that a still picture depends on, but for the place of a camera that stands on whole pixels."""
    return (
        picture.scene, picture.state, picture.readings, picture.selection, picture.emphasis, picture.proofs,
        picture.fills, picture.dimmed, picture.module, picture.marked, picture.flow, painter, sprite_scale,
        camera.scale, camera.width, camera.height, camera.ratio, *(() if camera.whole else (camera.x, camera.y)),
    )  # fmt: skip


def _cards(scene: Scene, nodes: Ints, camera: Camera) -> QRegion:
    region = QRegion()
    for item in np.flatnonzero(np.isin(scene.item_node, nodes)).tolist():
        box: QRect = marks.box_of(scene, item, camera).toAlignedRect()
        region += box.adjusted(-ROOM, -ROOM, ROOM, ROOM)
    return region


def _spacing(camera: Camera) -> float:
    """Scene px between two dots of a trail."""
    return SPACING * camera.ratio / max(camera.scale, 1e-9)
