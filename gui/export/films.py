"""A training step as a film: its frames, and the file that takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtGui import QPainter

from engine.errors import UsageError
from gui import theme as tokens
from gui.canvas.camera import Camera
from gui.canvas.export_image import application, named_theme, scene_of, whole_camera
from gui.canvas.flow.film import Film, Take

if TYPE_CHECKING:
    import networkx as nx
    from PySide6.QtGui import QImage

    from engine.layout import Direction, Layout
    from engine.recording.reader import Recording
    from gui.canvas.export_image import Ground
    from gui.canvas.fills import Colors
    from gui.canvas.scene import Scene
    from gui.export.legend import Key
    from gui.theme import Theme

HOLD = 1.0  # seconds that the last picture stands
SLOWEST, FASTEST = 1.5, 16.0  # events a second, where nobody says how long
SUITABLE = 16.0  # seconds that a film takes, if that is neither too slow nor too fast
MOST_FRAMES = 36_000
SAMPLES = 6  # frames of which a palette is made
SIDES = {"gif": 960, "mp4": 1280, "webm": 1280}  # px of the longer side
LARGEST_SIDE = 8192  # px, as far as encoders go
LARGEST_GIF_FPS = 50


class FilmFile(Protocol):
    """Takes frames of four bytes a pixel: blue, green, red and one that is not read."""

    def add(self, frame: bytes) -> None: ...

    def finish(self) -> None:
        """The file is there, whole."""

    def abort(self) -> None:
        """Nothing is left."""


@dataclass(frozen=True, eq=False)
class Reel:
    """What is filmed: events `first` to `last` in `seconds`, at `fps` frames a second, as `camera` sees them. `fills`:
    as in `Picture`; `key` is painted over each."""

    recording: Recording
    scene: Scene
    graph_id: int
    camera: Camera
    theme: Theme
    first: int
    last: int
    seconds: float
    fps: float
    fills: Colors | None = None
    key: Key | None = None

    @property
    def speed(self) -> float:
        """Events a second."""
        return (self.last - self.first + 1) / self.seconds

    @property
    def count(self) -> int:
        return max(math.ceil((self.seconds + HOLD) * self.fps), 2)

    def film(self) -> Film:
        """Raises ChainruleError."""
        if self.last < self.first:
            raise UsageError("A film needs at least one event.")
        if self.count > MOST_FRAMES:
            raise UsageError(
                f"{self.count:,} frames are too many for a film; make it shorter (at most {MOST_FRAMES:,})."
            )
        take = Take(
            fps=self.fps, events_per_second=self.speed, width=self.camera.width, height=self.camera.height,
            theme=self.theme, camera=self.camera, first=self.first, last=self.last, fills=self.fills,
        )  # fmt: skip
        return Film(self.recording, self.scene, self.graph_id, take)

    def frame(self, film: Film, number: int) -> QImage:
        image = film.image(self.first - 1 + number / self.fps * self.speed)
        if self.key is not None:
            painter = QPainter(image)
            try:
                self.key.paint(painter, self.camera, self.theme, self.theme.bg)
            finally:
                painter.end()
        return image

    def samples(self) -> list[int]:
        """Numbers of frames that differ as much as any."""
        return sorted({int(number) for number in np.linspace(0, self.count - 1, SAMPLES)})


def suitable_seconds(events: int) -> float:
    """How long a film of so many events is, if nobody says."""
    return round(min(max(SUITABLE, events / FASTEST), events / SLOWEST), 1)


def film_camera(whole: Camera, side: int) -> Camera:
    """What `whole` sees, at a size of which the longer side is about `side` px; both are even, as videos need it."""
    factor = side / max(whole.width, whole.height)
    width, height = even(whole.width * factor), even(whole.height * factor)
    return replace(whole, scale=whole.scale * factor, width=width, height=height, ratio=max(whole.ratio * factor, 1.0))


def even(length: float) -> int:
    return max(2 * round(length / 2), 2)


def theme_of(theme: Theme, ground: Ground) -> Theme:
    """A film has no transparent ground."""
    return replace(theme, bg=tokens.LIGHT.surface) if ground == "white" else theme


def content(image: QImage) -> bytes:
    """What a `FilmFile` takes."""
    return bytes(image.constBits())


def open_film(path: Path, reel: Reel, samples: Sequence[bytes], *, loop: bool = True) -> FilmFile:
    """By the name's ending. `samples` are frames; only a GIF wants them. Raises UsageError."""
    width, height = reel.camera.width, reel.camera.height
    form = path.suffix.lower().removeprefix(".")
    if form == "gif":
        from engine.export.gif import GifFile

        return GifFile(path, width, height, reel.fps, samples, loop=loop)
    from engine.export.video import VideoFile, find_encoder

    return VideoFile(path, width, height, reel.fps, find_encoder(form))


def write_film(reel: Reel, path: Path, *, loop: bool = True) -> None:
    """All of it at once, for those who can wait. Raises ChainruleError."""
    film = reel.film()
    wanted = reel.samples() if path.suffix.lower() == ".gif" else []
    file = open_film(path, reel, [content(reel.frame(film, number)) for number in wanted], loop=loop)
    try:
        for number in range(reel.count):
            file.add(content(reel.frame(film, number)))
        file.finish()
    except BaseException:
        file.abort()
        raise


def render_film(
    recording: Recording,
    graph: nx.MultiDiGraph,
    layout: Layout | str,
    event: int | None,
    path: Path,
    *,
    theme: str = "light",
    scale: float = 1.0,
    direction: Direction = "down",
    collapse: int | None = None,
    ground: Ground = "theme",
    fps: int = 25,
    seconds: float | None = None,
) -> None:
    """Film the training step of `graph`, up to `event` (None: all of it), to a .gif, .mp4 or .webm file.

    `layout` and `collapse` as for `gui.canvas.export_image.render_image`; `scale` 1 is SIDES of the format.
    Raises ChainruleError.
    """
    form = path.suffix.lower().removeprefix(".")
    if ground == "transparent":
        raise UsageError("A film cannot be transparent; choose another background.")
    if form == "gif" and fps > LARGEST_GIF_FPS:
        raise UsageError(f"A GIF has at most {LARGEST_GIF_FPS} frames a second: players show faster ones slowly.")
    _kept = application()
    scene = scene_of(graph, layout, direction, collapse)
    first, last = recording.step_bounds(int(graph.graph["step"]))
    last = last if event is None else event
    camera = film_camera(whole_camera(scene, 1.0), round(SIDES[form] * scale))
    if max(camera.width, camera.height) > LARGEST_SIDE:
        raise UsageError(f"{camera.width} × {camera.height} px are too many for a film: at most {LARGEST_SIDE} a side.")
    reel = Reel(
        recording, scene, int(graph.graph["id"]), camera, theme_of(named_theme(theme), ground), first, last,
        seconds or suitable_seconds(last - first + 1), fps,
    )  # fmt: skip
    write_film(reel, path)
    del _kept
