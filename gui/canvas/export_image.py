"""A picture of the whole graph, as SVG (shapes and real text) or PNG. Works without a display."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QRect, QSize
from PySide6.QtGui import QFontInfo, QGuiApplication, QImage, QPainter

from engine.errors import UsageError
from gui import theme as tokens
from gui.canvas.camera import Camera
from gui.canvas.painter import Picture, VectorPainter
from gui.canvas.readings import Readings
from gui.canvas.scene import build_scene, node_sizes
from gui.canvas.state import make_track, state_at
from gui.theme import Theme

if TYPE_CHECKING:
    import networkx as nx

    from engine.layout import Direction, Layout
    from engine.recording.reader import Recording

MARGIN = 32.0  # scene px
LARGEST_SIDE = 16_000  # px of a PNG: beyond it, it is made smaller


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
) -> None:
    """Draw `graph` (of `engine.graph.build`) as it is at `event` and write it to `path`, an .svg or .png file.

    `layout` is the name of an algorithm, which leads to `direction`, or a layout that was made after `node_sizes`.
    `event` None is the end of the graph's training step. `scale` is px for one scene px. Raises UsageError for another
    suffix, or if the file cannot be written; LayoutError if the layout cannot be made.
    """
    _kept = application()
    if isinstance(layout, str):
        from engine.layout import layout as lay_out

        node_sizes(graph)
        layout = lay_out(graph, algorithm=layout, direction=direction)
    if event is None:
        event = recording.timeline.step_bounds(int(graph.graph["step"]))[1]
    scene = build_scene(graph, layout)
    track = make_track(recording, scene, int(graph.graph["id"]))
    picture = Picture(scene, state_at(recording, scene, track, event), track, Readings(recording))
    named = {"dark": tokens.DARK, "light": tokens.LIGHT}
    write_picture(picture, Path(path), theme=named[theme] if isinstance(theme, str) else theme, scale=scale)
    del _kept


def application() -> QCoreApplication:
    """The running application, or one that needs no display."""
    running = QGuiApplication.instance()
    if running is not None:
        return running
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return QGuiApplication([])


def write_picture(picture: Picture, path: Path, *, theme: Theme, scale: float = 1.0) -> None:
    """The same for a picture that is at hand. Raises UsageError."""
    suffix = path.suffix.lower()
    if suffix not in (".svg", ".png"):
        raise UsageError(f"{path}: pictures are written as .svg or .png; use one of these endings.")
    try:
        path.touch()
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    if suffix == ".svg":
        _write_svg(picture, _camera_for(picture, scale), path, theme)
    elif not draw_image(picture, theme=theme, scale=scale).save(str(path)):
        raise UsageError(f"{path} cannot be written.")


def draw_image(picture: Picture, *, theme: Theme, scale: float = 1.0) -> QImage:
    """The whole graph as an image."""
    camera = _camera_for(picture, scale)
    side = max(camera.width, camera.height)
    if side > LARGEST_SIDE:
        camera = _camera_for(picture, scale * LARGEST_SIDE / side)
    image = QImage(camera.width, camera.height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        VectorPainter(theme).paint(painter, picture, camera)
    finally:
        painter.end()
    return image


def _write_svg(picture: Picture, camera: Camera, path: Path, theme: Theme) -> None:
    from PySide6.QtSvg import QSvgGenerator  # a library of its own: loaded only by those who export

    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setSize(QSize(camera.width, camera.height))
    generator.setViewBox(QRect(0, 0, camera.width, camera.height))
    generator.setResolution(96)
    generator.setTitle(path.stem)
    painter = QPainter(generator)
    try:
        VectorPainter(theme).paint(painter, picture, camera)
    finally:
        painter.end()
    _name_fonts(path)


def _name_fonts(path: Path) -> None:
    """Qt writes the family that was asked for; a viewer elsewhere needs one to fall back on."""
    mono, plain = tokens.mono_font().family(), tokens.ui_font()
    text = path.read_text("utf-8")
    for family, instead in (
        (mono, f"{mono}, DejaVu Sans Mono, monospace"),
        (plain.family(), f"{QFontInfo(plain).family()}, DejaVu Sans, sans-serif"),
    ):
        text = text.replace(f'font-family="{family}"', f'font-family="{instead}"')
    path.write_text(text, "utf-8")


def _camera_for(picture: Picture, scale: float) -> Camera:
    x0, y0, x1, y1 = picture.scene.bounds
    width = max(math.ceil((x1 - x0 + 2 * MARGIN) * scale), 1)
    height = max(math.ceil((y1 - y0 + 2 * MARGIN) * scale), 1)
    return Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, width, height)
