"""A picture of the graph as a file: SVG and PDF (shapes and real text), or PNG. Works without a display.

`encoded` gives the bytes of a picture; it may be called in any thread.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QBuffer, QCoreApplication, QIODevice, QMarginsF, QRect, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QFontInfo,
    QGuiApplication,
    QImage,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
)

from engine.errors import UsageError
from engine.export.files import whole
from gui import theme as tokens
from gui.canvas.camera import Camera
from gui.canvas.kept import Kept
from gui.canvas.painter import GraphPainter, Picture, VectorPainter
from gui.canvas.readings import Readings
from gui.canvas.scene import build_scene, node_sizes
from gui.canvas.state import make_track, state_at
from gui.theme import Theme

if TYPE_CHECKING:
    import networkx as nx

    from engine.layout import Direction, Layout
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene
    from gui.export.legend import Key

Ground = Literal["theme", "white", "transparent"]
PICTURES = ("svg", "png", "pdf")

MARGIN = 32.0  # scene px
LARGEST_SIDE = 32_000  # px of a PNG: QPainter's limit is 32,767
LARGEST_AREA = 256_000_000  # px: 1 GB while it is drawn
UNITS = 96  # px of an SVG or PDF in an inch
PDF_DOTS = 1200  # of a PDF in an inch, to which it rounds
LARGEST_PAGE = 14_400.0  # points: 200 inches, as far as PDF goes
POINTS = 72
INCH = 0.0254  # metres


@dataclass(frozen=True)
class Look:
    """Colours, what is behind them, how fine a PNG is meant to be printed, and what is painted over the graph."""

    theme: Theme
    ground: Ground = "theme"
    dpi: int = UNITS
    key: Key | None = None

    def paint(self, painter: QPainter, picture: Picture, camera: Camera) -> None:
        """All that `camera` sees."""
        self.paint_with(self.painter(), painter, picture, camera)

    def paint_with(self, graph: GraphPainter, painter: QPainter, picture: Picture, camera: Camera) -> None:
        """The same with a painter of its theme and ground."""
        graph.paint(painter, picture, camera)
        if self.key is not None:
            self.key.paint(painter, camera, graph.theme, graph.ground)

    def painter(self) -> VectorPainter:
        """White paper is a theme of its own, since colours fade into their ground."""
        white = self.ground == "white"
        made = VectorPainter(replace(self.theme, bg=tokens.LIGHT.surface) if white else self.theme)
        if self.ground == "transparent":
            made.ground = None
        return made


def render_image(
    recording: Recording,
    graph: nx.MultiDiGraph,
    layout: Layout | str,
    event: int | None,
    path: Path,
    *,
    theme: Theme | str = "light",
    scale: float = 1.0,
    direction: Direction = "down",
    collapse: int | None = None,
    ground: Ground = "theme",
) -> None:
    """Draw `graph` (of `engine.graph.build`) as it is at `event` and write it to `path`, an .svg, .png or .pdf file.

    `layout` is the name of an algorithm, which leads to `direction`, or a layout that was made after `node_sizes`.
    `collapse` is the level down to which modules are open (None: all nodes in one layout). `event` None is the end of
    the graph's training step. `scale` is px for one scene px. Raises UsageError for another suffix, or if the file
    cannot be written; LayoutError if the layout cannot be made; RecordingError if nothing has happened in that step.
    """
    _kept = application()
    scene = scene_of(graph, layout, direction, collapse)
    if event is None:
        event = recording.step_bounds(int(graph.graph["step"]))[1]
    track = make_track(recording, scene, int(graph.graph["id"]))
    kept = partial(Kept(recording).now, int(graph.graph["id"]))
    picture = Picture(scene, state_at(recording, scene, track, event), track, Readings(recording), kept=kept)
    look = Look(named_theme(theme) if isinstance(theme, str) else theme, ground)
    camera = whole_camera(scene, scale)
    if path.suffix.lower() == ".png":
        while (more := largest_scale(camera)) < 1.0:
            scale *= more * 0.999  # sides are rounded up
            camera = whole_camera(scene, scale)
    write_picture(picture, camera, Path(path), look)
    del _kept


def scene_of(
    graph: nx.MultiDiGraph, layout: Layout | str, direction: Direction = "down", collapse: int | None = None
) -> Scene:
    """A graph with its places, which are worked out where only an algorithm is named."""
    if isinstance(layout, str) and collapse is not None:
        from gui.canvas.modules.arrange import at_level

        return at_level(graph, collapse, layout, direction)
    if isinstance(layout, str):
        from engine.layout import layout as lay_out

        node_sizes(graph)
        layout = lay_out(graph, algorithm=layout, direction=direction)
    return build_scene(graph, layout)


def named_theme(name: str) -> Theme:
    return {"dark": tokens.DARK, "light": tokens.LIGHT}[name]


def application() -> QCoreApplication:
    """The running application, or one that needs no display."""
    running = QGuiApplication.instance()
    if running is not None:
        return running
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return QGuiApplication([])


def whole_camera(scene: Scene, scale: float, ratio: float = 1.0) -> Camera:
    """The whole graph, with a margin."""
    x0, y0, x1, y1 = scene.bounds
    width = max(math.ceil((x1 - x0 + 2 * MARGIN) * scale), 1)
    height = max(math.ceil((y1 - y0 + 2 * MARGIN) * scale), 1)
    return Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, width, height, ratio)


def largest_scale(camera: Camera) -> float:
    """By how much an image may be larger than `camera`; below 1, that is too large."""
    by_side = LARGEST_SIDE / max(camera.width, camera.height)
    return min(by_side, math.sqrt(LARGEST_AREA / (camera.width * camera.height)))


def write_picture(picture: Picture, camera: Camera, path: Path, look: Look) -> None:
    """Write what `camera` sees to a file, by its ending. Raises UsageError."""
    form = path.suffix.lower().removeprefix(".")
    if form not in PICTURES:
        endings = ", ".join(f".{each}" for each in PICTURES[:-1])
        raise UsageError(f"{path}: pictures are written as {endings} or .{PICTURES[-1]}; use one of these endings.")
    with whole(path) as part:
        part.write_bytes(encoded(picture, camera, form, look, title=path.stem))


def encoded(picture: Picture, camera: Camera, form: str, look: Look, *, title: str = "") -> bytes:
    """The picture as the content of a file of that kind. Raises UsageError if it is too large."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if form == "png":
        image = draw_image(picture, camera, look)
        dots = round(look.dpi / INCH)
        image.setDotsPerMeterX(dots)
        image.setDotsPerMeterY(dots)
        if not image.save(buffer, "PNG"):  # type: ignore[call-overload]  # it takes a device as well
            raise UsageError("The picture cannot be made into a PNG: there is not enough memory.")
    elif form == "svg":
        _draw_svg(picture, camera, buffer, look, title)
        return _with_fonts(buffer.data().toStdString()).encode()
    else:
        _draw_pdf(picture, camera, buffer, look, title)
    return bytes(buffer.data().data())


def draw_image(picture: Picture, camera: Camera, look: Look) -> QImage:
    """What `camera` sees. Raises UsageError if it is too large."""
    kind = QImage.Format.Format_RGB32 if look.ground != "transparent" else QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(camera.width, camera.height, kind) if largest_scale(camera) >= 1.0 else QImage()
    if image.isNull():
        raise UsageError(f"{camera.width} × {camera.height} px are too many for an image; make it smaller.")
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    try:
        look.paint(painter, picture, camera)
    finally:
        painter.end()
    return image


def _draw_svg(picture: Picture, camera: Camera, device: QIODevice, look: Look, title: str) -> None:
    from PySide6.QtSvg import QSvgGenerator  # a library of its own: loaded only by those who export

    generator = QSvgGenerator()
    generator.setOutputDevice(device)
    generator.setSize(QSize(camera.width, camera.height))
    generator.setViewBox(QRect(0, 0, camera.width, camera.height))
    generator.setResolution(UNITS)
    generator.setTitle(title)
    painter = QPainter(generator)
    try:
        look.paint(painter, picture, camera)
    finally:
        painter.end()


def _with_fonts(svg: str) -> str:
    """Qt writes the family that was asked for; a viewer elsewhere needs one to fall back on."""
    mono, plain = tokens.mono_font().family(), tokens.ui_font()
    for family, instead in (
        (mono, f"{mono}, DejaVu Sans Mono, monospace"),
        (plain.family(), f"{QFontInfo(plain).family()}, DejaVu Sans, sans-serif"),
    ):
        svg = svg.replace(f'font-family="{family}"', f'font-family="{instead}"')
    return svg


def _draw_pdf(picture: Picture, camera: Camera, device: QIODevice, look: Look, title: str) -> None:
    """One page that fits the picture; what is larger than PDF allows is made smaller, which costs nothing."""
    width, height = camera.width * POINTS / UNITS, camera.height * POINTS / UNITS
    shrunk = min(LARGEST_PAGE / max(width, height), 1.0)
    page = QSizeF(width * shrunk, height * shrunk)
    writer = QPdfWriter(device)
    writer.setResolution(PDF_DOTS)
    writer.setTitle(title)
    writer.setCreator("chainrule")
    size = QPageSize(page, QPageSize.Unit.Point, "graph", QPageSize.SizeMatchPolicy.ExactMatch)
    writer.setPageLayout(QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF()))
    painter = QPainter(writer)
    try:
        painter.scale(shrunk * PDF_DOTS / UNITS, shrunk * PDF_DOTS / UNITS)
        look.paint(painter, picture, camera)
    finally:
        painter.end()
