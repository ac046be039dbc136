"""Draws what moves over the still picture: pulses with their trails, numbers, sums, rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gui.canvas import marks
from gui.canvas.edges import THICKEST, THINNEST, edge_classes, edge_looks
from gui.canvas.flow import tags
from gui.canvas.flow.glow import GlowPainter
from gui.canvas.flow.lanes import at_hand, lanes_of
from gui.canvas.flow.moment import moment
from gui.canvas.flow.plan import plan as plan_of
from gui.canvas.lod import Detail

if TYPE_CHECKING:
    from collections.abc import Callable

    from gui.canvas.arrays import Kept
    from gui.canvas.camera import Camera
    from gui.canvas.flow.moment import Dots, Moment, Tag
    from gui.canvas.flow.plan import Plan
    from gui.canvas.flow.stream import Now
    from gui.canvas.readings import Readings
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState
    from gui.theme import Theme

SPACING = 4.0  # logical px between the dots of a trail
READABLE_FROM = 0.45  # scale from which numbers travel along
MOST_TAGS = 6
CLEAR = 9.0  # logical px between a pulse and its number
POINTS = 24  # of the line that a pulse leaves behind


class FlowPainter:
    """Draws over a picture that has been painted already."""

    def __init__(self) -> None:
        self._glow = GlowPainter()

    def paint(
        self, p: QPainter, scene: Scene, after: DrawState, plan: Plan, now: Moment, camera: Camera, theme: Theme
    ) -> None:  # fmt: skip
        """One event, as it is at a moment, on the way to the state `after` it."""
        if not plan.phase:
            return
        color = theme.phase(plan.phase)
        _travelled(p, scene, after, plan, now, camera, theme)
        self.dots(p, now.dots, color, camera, theme)
        marks.ring(p, scene, plan.node, camera, color, strength=now.progress)
        numbers(p, scene, plan, now, camera, theme)

    def stream(self, p: QPainter, scene: Scene, now: Now, camera: Camera, theme: Theme, phase: str) -> None:
        """Many events on their way."""
        lit = [(node, 0.7 * strength) for node, strength in now.nodes]
        marks.rings(p, scene, lit, camera, theme.phase(phase))
        self.dots(p, now.forward, theme.forward, camera, theme)
        self.dots(p, now.backward, theme.backward, camera, theme)

    def dots(self, p: QPainter, dots: Dots, color: QColor, camera: Camera, theme: Theme) -> None:
        """Pulses with their trails."""
        if len(dots.at):
            self._glow.draw(p, dots, color, camera, theme)


def at_rest(
    p: QPainter, readings: Readings, scene: Scene, state: DrawState, camera: Camera, theme: Theme,
    kept: Kept[tuple[Plan, Moment]], later: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    """What stays of the playhead's event once everything has arrived: the numbers that met, and their sum. `kept` has
    what was worked out while only the camera moves. With `later`, that is called, and nothing drawn, where a thread has
    to find out about a large graph first."""
    if state.active < 0 or state.phase in ("", "forward") or camera.scale < READABLE_FROM * camera.ratio:
        return
    if later is not None and not at_hand(readings.recording, scene, _graph_of(readings, state)):
        later()
        return
    over, now = kept.get((readings, scene, state), lambda: _resting(readings, scene, state))
    numbers(p, scene, over, now, camera, theme)


def _resting(readings: Readings, scene: Scene, state: DrawState) -> tuple[Plan, Moment]:
    recording = readings.recording
    lanes = lanes_of(recording, scene, _graph_of(readings, state))
    over = plan_of(recording, readings, scene, lanes, state.playhead, undone=False)
    return over, moment(scene, over, 1.0)


def _graph_of(readings: Readings, state: DrawState) -> int:
    recording = readings.recording
    return recording.node(int(recording.timeline.node[state.playhead])).graph


def _travelled(
    p: QPainter, scene: Scene, after: DrawState, plan: Plan, now: Moment, camera: Camera, theme: Theme
) -> None:  # fmt: skip
    """The part of each edge that its pulse has passed, as it looks `after` the event."""
    classes = edge_classes(scene, after, plan.edges).tolist()
    thick = camera.ratio * min(max(camera.scale / camera.ratio, THINNEST), THICKEST)
    looks = edge_looks(theme)
    x, y = camera.offset
    p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    p.setBrush(Qt.BrushStyle.NoBrush)
    for leg in np.flatnonzero(now.travelled > 0.0).tolist():
        color, width = looks[classes[leg]]
        along = np.linspace(0.0, float(now.travelled[leg]), POINTS)
        points = scene.pieces.points(np.full(POINTS, plan.edges[leg]), 1.0 - along if plan.back else along)
        pen = QPen(color, max(1, round(width * thick)))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        p.setPen(pen)
        line = (points * camera.scale + (x, y)).tolist()
        p.drawPolyline(QPolygonF([QPointF(*point) for point in line]))


def numbers(p: QPainter, scene: Scene, plan: Plan, now: Moment, camera: Camera, theme: Theme) -> None:
    """The numbers that travel along, the sums that form and the norm that rolls, where they can be read."""
    if camera.scale < READABLE_FROM * camera.ratio or not plan.phase:
        return
    color = theme.phase(plan.phase)
    meeting = any(plan.place) and len(plan.edges) <= MOST_TAGS
    rests = tags.resting(scene, plan.edges, plan.node, camera) if meeting else [(0.0, 0.0)] * len(plan.edges)
    if len(plan.edges) <= MOST_TAGS:
        for each in now.tags:
            edge = int(plan.edges[each.leg])
            roomy = tags.is_long(scene, edge, camera)
            if not each.place and not roomy:
                continue  # it would hide more than it says: the number stands on a card a moment later
            x, y = _at(each, plan, rests[each.leg], camera) if roomy else rests[each.leg]
            tags.tag(p, x, y, each.text, color, theme, camera.ratio, place=each.place, strength=each.strength)
    _sums(p, scene, plan, now, camera, theme, rests if meeting else [])
    if plan.rolling is not None and (plan.rolling.norm or camera.detail < Detail.TEXT):
        ends = plan.rolling.text(0.0), plan.rolling.text(1.0)
        width, height = max(tags.plate_size(f"{ends[0]} → {end}", camera.ratio) for end in ends)
        spot = tags.beside(scene, plan.node, width, height, camera)
        strength = min(now.progress / 0.15, 1.0)
        text = f"{ends[0]} → {now.number}"
        tags.tag(p, spot.x, spot.y, text, color, theme, camera.ratio, strength=strength, strong=True)


def _at(tag: Tag, plan: Plan, rest: tuple[float, float], camera: Camera) -> tuple[float, float]:
    """Beside its pulse; on its way it leans over to where it will rest."""
    x, y = camera.to_device(tag.x, tag.y)
    width = tags.plate_size(tag.text, camera.ratio, disc=bool(tag.place))[0]
    x += width / 2 + CLEAR * camera.ratio
    lean = tag.share**2 if tag.place else 0.0
    return x + (rest[0] - x) * lean, y + (rest[1] - y) * lean


def _sums(
    p: QPainter, scene: Scene, plan: Plan, now: Moment, camera: Camera, theme: Theme, rests: list[tuple[float, float]]
) -> None:  # fmt: skip
    ratio = camera.ratio
    widths = [
        max(tags.plate_size(text, ratio)[0] for text in (*formed.stages, formed.total)) for formed, _ in plan.sums
    ]
    if not widths:
        return
    step = (tags.HEIGHT + 3) * ratio
    taken = [tags.plate_rect(x, y, plan.text[leg], ratio) for leg, (x, y) in enumerate(rests) if plan.place[leg]]
    spot = tags.beside(scene, plan.node, max(widths), step * len(widths), camera, taken)
    top = spot.y - step * (len(widths) - 1) / 2
    for row, text, strength, total in now.sums:
        x, y = spot.middle(tags.plate_size(text, ratio)[0]), top + row * step
        tags.tag(p, x, y, text, theme.backward, theme, ratio, strength=strength, strong=total)
