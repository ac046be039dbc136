"""The frames of a training step as images, one after the other: without a window, a timer or a display.

    for image in render_step(recording, scene, graph_id, fps=30, events_per_second=4):
        encoder.add(image)

The same stage as on screen draws them, so a film shows what the window shows while it plays at that speed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage, QPainter

from engine.errors import UsageError
from gui import theme as tokens
from gui.canvas.camera import Camera
from gui.canvas.export_image import application
from gui.canvas.flow.lanes import lanes_of
from gui.canvas.flow.motion import SHARE_MOVING, SHORTEST_MS
from gui.canvas.flow.plan import plan
from gui.canvas.flow.stage import Stage
from gui.canvas.flow.stream import LIFE, batch
from gui.canvas.frames import Frames
from gui.canvas.painter import GraphPainter

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.fills import Colors
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene
    from gui.theme import Theme

HOLD = 0.6  # seconds that the last picture stands


@dataclass(frozen=True)
class Take:
    """What is filmed: events `first` to `last` of the graph's training step (None: all of it), `events_per_second`, at
    `fps` frames a second. `camera` None: the whole graph, in `width` x `height` px. `fills`: as in `Picture`."""

    fps: float = 30.0
    events_per_second: float = 4.0
    width: int = 1280
    height: int = 720
    theme: Theme | None = None
    camera: Camera | None = None
    first: int | None = None
    last: int | None = None
    fills: Colors | None = None


def render_step(recording: Recording, scene: Scene, graph_id: int, take: Take | None = None) -> Iterator[QImage]:
    """The frames in order, as RGB32 images, each when it is asked for; `frame_count` says how many.

    The first shows the graph before the take's first event. Raises UsageError for a take that shows nothing,
    RecordingError if the recording cannot be read.
    """
    take = take or Take()
    count = frame_count(recording, graph_id, take)
    film = Film(recording, scene, graph_id, take)
    first = _bounds(recording, graph_id, take)[0]
    for number in range(count):
        yield film.image(first - 1 + number / take.fps * take.events_per_second)


def frame_count(recording: Recording, graph_id: int, take: Take | None = None) -> int:
    """How many frames `render_step` gives."""
    take = take or Take()
    first, last = _bounds(recording, graph_id, take)
    seconds = (last - first + 1) / take.events_per_second + HOLD
    return max(math.ceil(seconds * take.fps), 1)


def _bounds(recording: Recording, graph_id: int, take: Take) -> tuple[int, int]:
    if take.fps <= 0 or take.events_per_second <= 0 or take.width < 1 or take.height < 1:
        raise UsageError("A film needs frames, a speed and a size larger than zero.")
    low, high = recording.timeline.step_bounds(recording.graph(graph_id).step)
    first = low if take.first is None else max(take.first, 0)
    last = high if take.last is None else min(take.last, len(recording.timeline) - 1)
    if last < first:
        raise UsageError("A film needs at least one event.")
    return first, last


class Film:
    """Any moment of one graph as an image. Positions are playheads and, after the point, a share of the next event."""

    def __init__(self, recording: Recording, scene: Scene, graph_id: int, take: Take) -> None:
        self._application = application()
        self._take, self._scene, self._graph = take, scene, graph_id
        self._recording = recording
        self._bounds = _bounds(recording, graph_id, take)
        self._frames = Frames(recording)
        self._lanes = lanes_of(recording, scene, graph_id)
        self._painter = GraphPainter(take.theme or tokens.current())
        self._stage = Stage()
        self._camera = take.camera or Camera(width=take.width, height=take.height).fitted(scene.bounds)

    def image(self, position: float) -> QImage:
        """The graph at `position`; before the take's first event and after its last one nothing moves."""
        image = QImage(self._camera.width, self._camera.height, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        try:
            if 1000 / self._take.events_per_second < SHORTEST_MS:
                self._many(painter, position)
            else:
                self._one(painter, position)
        finally:
            painter.end()
        return image

    def _one(self, p: QPainter, position: float) -> None:
        first, last = self._bounds
        playhead = min(math.floor(position), last)
        time = (position - playhead) / SHARE_MOVING
        if playhead < last and 0.0 < time < 1.0 and playhead >= first - 1:
            going = plan(
                self._recording, self._frames.readings, self._scene, self._lanes, playhead + 1, undone=False
            )  # fmt: skip
            if going.moves:
                before, after = self._picture(playhead), self._picture(playhead + 1)
                camera, painter = self._camera, self._painter
                self._stage.happening(p, before, after, going, time, camera, painter, camera.scale)
                return
        shown = playhead + 1 if time >= 1.0 and playhead < last else playhead
        self._painter.paint(p, self._picture(shown), self._camera)

    def _many(self, p: QPainter, position: float) -> None:
        first, last = self._bounds
        speed = self._take.events_per_second
        playhead = min(math.floor(position), last)
        earliest = max(first - 1, playhead - math.ceil(LIFE * speed) - 1)
        batches = []
        if playhead > earliest:
            timeline = self._recording.timeline
            born = earliest / speed, playhead / speed
            batches.append(batch(self._scene, self._lanes, timeline.node, earliest, playhead, *born))
        camera, painter = self._camera, self._painter
        self._stage.streaming(
            p, self._picture(playhead), batches, position / speed, LIFE, camera, painter, camera.scale
        )  # fmt: skip

    def _picture(self, playhead: int) -> Picture:
        frames, graph = self._frames, self._graph
        plain = frames.picture(self._scene, graph, playhead, None, None)
        return replace(plain, kept=partial(frames.kept.now, graph), fills=self._take.fills)
