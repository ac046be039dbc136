"""What is exported: the graph as the window shows it at the moment at which one asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gui.canvas.camera import Camera
from gui.canvas.export_image import whole_camera
from gui.canvas.kept import Kept
from gui.canvas.lod import CLOSE_FROM
from gui.canvas.readings import Readings
from gui.export.legend import Key, key_of_whole, lines_for, under

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.graph_view import GraphView
    from gui.canvas.loader import Wish
    from gui.canvas.picture import Picture
    from gui.explore.coloring import Coloring, Legend
    from gui.export.options import Options
    from gui.theme import Theme

CORRECTIONS = 3


@dataclass(frozen=True, eq=False)
class Subject:
    """`picture` is what the canvas paints, `view` from where it looks; `wish` how the graph was laid out. `coloring`
    gives the nodes' colours by what they are coloured by, None for those of their kinds, in a theme. `legend` is that
    of the picture's colours, None for those of kinds."""

    recording: Recording
    wish: Wish
    picture: Picture
    view: Camera
    name: str
    coloring: Callable[[Theme], Coloring | None]
    legend: Legend | None = None

    @property
    def step(self) -> int:
        return self.recording.graph(self.wish.graph_id).step

    @property
    def events(self) -> tuple[int, int]:
        """The first and the last event of the graph's training step."""
        return self.recording.timeline.step_bounds(self.step)

    def size(self, options: Options) -> tuple[float, float]:
        """Width and height at scale 1."""
        if options.part == "view":
            return self.view.width / self.view.ratio, self.view.height / self.view.ratio
        whole = self._whole(options, 1.0, 1.0)
        return float(whole.width), float(whole.height)

    def camera(self, options: Options, scale: float | None = None) -> Camera:
        """From where a picture is drawn: as on screen, only finer; or so that the whole graph is in it."""
        scale = options.scale if scale is None else scale
        if options.part == "view":
            width, height = self.size(options)
            finer = scale / self.view.ratio
            return replace(
                self.view, scale=self.view.scale * finer, ratio=scale,
                width=max(round(width * scale), 1), height=max(round(height * scale), 1),
            )  # fmt: skip
        ratio = scale / CLOSE_FROM if options.close else max(scale, 1.0)
        return self._whole(options, scale, ratio)

    def scale_of(self, options: Options, length: int, axis: int) -> float:
        """At which a picture is so many px wide, or (`axis` 1) high."""
        scale = length / self.size(options)[axis]
        for _ in range(CORRECTIONS):  # sides are whole px, and a legend does not grow as the graph does
            camera = self.camera(options, scale)
            scale *= length / (camera.width, camera.height)[axis]
        return scale

    def _whole(self, options: Options, scale: float, ratio: float) -> Camera:
        camera, key = whole_camera(self.picture.scene, scale, ratio), self.key(options)
        return camera if key is None else under(camera, key)

    def key(self, options: Options) -> Key | None:
        """The legend, if one is wanted: of the colours that the picture has."""
        if not options.legend or options.form.group == "data":
            return None
        lines = lines_for(self.picture, self.legend)
        return Key(lines, 1.0, below=False) if options.part == "view" else key_of_whole(lines, self.picture)

    def drawn_in(self, theme: Theme) -> Subject:
        """With the colours of that theme, whichever the window's is."""
        made = self.coloring(theme)
        fills, legend = (None, None) if made is None else (made.fills, made.legend)
        return replace(self, picture=replace(self.picture, fills=fills), legend=legend)

    def own_readings(self) -> Picture:
        """The picture for another thread: what is read for it is kept apart from what the canvas keeps."""
        kept = partial(Kept(self.recording).now, self.wish.graph_id)
        return replace(self.picture, readings=Readings(self.recording), kept=kept)


def subject_of(canvas: GraphView, recording: Recording | None) -> Subject | None:
    """None while there is no graph to be seen."""
    picture, wish = canvas.picture(hover=False), canvas.wish
    if recording is None or picture is None or wish is None:
        return None
    name = Path(recording.info.script).stem if recording.info.script else "graph"

    def coloring(theme: Theme) -> Coloring | None:
        return canvas.explorer.colors.coloring_in(theme, recording, wish.graph_id, picture.scene)

    shown = canvas.explorer.colors.coloring(recording, wish.graph_id, picture.scene)
    return Subject(recording, wish, picture, canvas.camera, name, coloring, None if shown is None else shown.legend)
