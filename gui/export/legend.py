"""The legend of what is exported: that of the window, as shapes and text, in a strip of its own under a whole graph.

Over a view it stands where the window has it. All lengths are in its own px, of which `unit` says how large they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter

from gui import theme as tokens
from gui.canvas import overlays
from gui.canvas.export_image import MARGIN, whole_camera
from gui.explore import legend as scales

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.picture import Picture
    from gui.explore.coloring import Legend
    from gui.theme import Theme

SEEN = 1400.0  # px: on a picture that is shown as large as that, the legend can be read, however large the graph is
NARROWEST = 360.0  # of its own px that it gets in a line, if the graph is not narrower
LINES = 100  # nothing is left out


class Lines(Protocol):
    """Words and colours in as many lines as a width asks for."""

    def size(self, width: float) -> QSizeF: ...

    def paint(self, painter: QPainter, width: float, theme: Theme) -> None: ...


@dataclass(frozen=True, eq=False)
class ScaleLines:
    """Of a measure."""

    legend: Legend

    def size(self, width: float) -> QSizeF:
        return scales.size_of(scales.lines_of(self.legend, width, LINES))

    def paint(self, painter: QPainter, width: float, theme: Theme) -> None:
        scales.paint_lines(painter, scales.lines_of(self.legend, width, LINES), theme)


@dataclass(frozen=True, eq=False)
class KindLines:
    """Of what nodes are, or what is proved of them. `odd`: some gradient holds NaN or infinities."""

    fills: tuple[int, ...]
    odd: bool

    def _lines(self, width: float, theme: Theme) -> list[list[overlays.Entry]]:
        room = width + 2 * tokens.LARGE
        return overlays.legend_lines(self.fills, room, theme, odd=self.odd, most=LINES)

    def size(self, width: float) -> QSizeF:
        return overlays.legend_size(self._lines(width, tokens.LIGHT))

    def paint(self, painter: QPainter, width: float, theme: Theme) -> None:
        overlays.paint_legend(painter, self._lines(width, theme), theme)


def lines_for(picture: Picture, legend: Legend | None) -> Lines:
    """`legend`: of the measure by which nodes are coloured; None: they have the colours of their categories."""
    if legend is not None:
        return ScaleLines(legend)
    return KindLines(overlays.fills_of(picture.scene), bool(picture.state.odd.any()))


@dataclass(frozen=True, eq=False)
class Key:
    """Painted over what `camera` sees. `below`: in a strip that `under` has made; `unit` is scene px then."""

    lines: Lines
    unit: float
    below: bool

    def paint(self, painter: QPainter, camera: Camera, theme: Theme, ground: QColor | None) -> None:
        unit = self.unit * camera.scale if self.below else camera.ratio
        left = (MARGIN / self.unit if self.below else tokens.LARGE) - scales.EDGE
        width = camera.width / unit - 2 * left
        size = self.lines.size(width)
        painter.save()
        try:
            painter.translate(0.0, float(camera.height))
            painter.scale(unit, unit)
            painter.translate(QPointF(left, -tokens.MEDIUM - size.height()))
            if not self.below and ground is not None:
                painter.fillRect(QRectF(0, 0, size.width(), size.height()), overlays.plate_of(theme))
            self.lines.paint(painter, width, theme)
        finally:
            painter.restore()


def key_of_whole(lines: Lines, picture: Picture) -> Key:
    """For the whole graph: as large as its nodes' words, or larger, so that it can be read where those cannot."""
    whole = whole_camera(picture.scene, 1.0)
    unit = max(max(whole.width, whole.height) / SEEN, 1.0)
    return Key(lines, max(min(unit, whole.width / NARROWEST), 1.0), below=True)


def under(camera: Camera, key: Key) -> Camera:
    """The camera on a whole graph with a strip below for the legend; wider, where a part of it is."""
    left = MARGIN / key.unit - scales.EDGE
    unit = key.unit * camera.scale
    size = key.lines.size(camera.width / unit - 2 * left)
    height = round((size.height() + tokens.MEDIUM) * unit)
    width = max(camera.width, round((size.width() + 2 * left) * unit))
    return replace(camera, width=width, height=camera.height + height, y=camera.y + height / camera.scale / 2)
