"""What moves between two playheads: a pure function of (from, to, t). No timers here.

Values run forward, from an operation's inputs to it; gradients run back, from where they were made to where they are
summed; at an update a parameter's number rolls from the old to the new one. Stepping back shows the same in reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap, QRadialGradient

from gui.canvas.arrays import Batch

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.readings import Readings
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState
    from gui.theme import Theme

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TRAIL = 7  # dots behind each pulse
TRAIL_STEP = 0.022  # of the edge, between two of them
SPRITE = 32  # px
SMALLEST, LARGEST = 9.0, 18.0  # diameter of a pulse in logical px, by magnitude


@dataclass(frozen=True, eq=False)
class Transition:
    """One event, happening. `node` (a position) is where; `edges` are travelled, `back` from target to source, with
    `magnitude` 0..1 each. `before` and `after` are the numbers of a parameter that is updated."""

    phase: str
    node: int
    edges: Ints
    back: bool
    magnitude: Floats
    undone: bool = False
    before: float | None = None
    after: float | None = None

    @property
    def moves(self) -> bool:
        return len(self.edges) > 0 or self.before is not None


@dataclass(frozen=True, eq=False)
class Frame:
    """Dots at scene points `at` (k, 2), with `size` (logical px) and `strength` (0..1); the rolling `number`."""

    at: Floats
    size: Floats
    strength: Floats
    number: float | None
    progress: float


def transition(scene: Scene, readings: Readings, earlier: DrawState, later: DrawState, *, undone: bool) -> Transition:
    """What happens on the way from `earlier` to `later`, two playheads that follow each other."""
    nothing = np.zeros(0, dtype=np.int64)
    if later.active < 0 or later.playhead != earlier.playhead + 1:
        return Transition("", -1, nothing, False, np.zeros(0))
    node = later.active
    if later.kind == "forward":
        edges = np.flatnonzero(scene.source == node)
        return Transition("forward", node, edges, True, np.full(len(edges), 0.5), undone)
    if later.kind in ("backward", "accumulate"):
        edges = np.flatnonzero((scene.target == node) & ~scene.data_edge)
        return Transition("backward", node, edges, False, later.edge_magnitude[edges], undone)
    event = later.playhead
    before, after = readings.number(event, "param_before"), readings.number(event, "param_after")
    if not (isinstance(before, float) and isinstance(after, float)):  # complex numbers do not roll
        return Transition("update", node, nothing, False, np.zeros(0), undone)
    return Transition("update", node, nothing, False, np.zeros(0), undone, before, after)


def frame(scene: Scene, change: Transition, t: float) -> Frame:
    """The picture at time `t`, 0 to 1."""
    t = min(max(t, 0.0), 1.0)
    progress = ease(1.0 - t if change.undone else t)
    shares = progress * (1 + TRAIL * TRAIL_STEP) - np.arange(TRAIL + 1) * TRAIL_STEP
    dots = np.repeat(change.edges, len(shares))
    along = np.tile(np.clip(shares, 0.0, 1.0), len(change.edges))
    fade = np.tile((1.0 - np.arange(TRAIL + 1) / (TRAIL + 1)) ** 1.5, len(change.edges))
    magnitude = np.repeat(change.magnitude, len(shares))
    number = None
    if change.before is not None and change.after is not None:
        number = change.before + (change.after - change.before) * progress
    return Frame(
        at=scene.pieces.points(dots, 1.0 - along if change.back else along),
        size=(SMALLEST + (LARGEST - SMALLEST) * magnitude) * (0.5 + 0.5 * fade),
        strength=(0.55 + 0.45 * magnitude) * fade,
        number=number,
        progress=progress,
    )


def ease(t: float) -> float:
    """Slow, fast, slow."""
    return t * t * (3.0 - 2.0 * t)


class PulsePainter:
    """Draws the dots of a frame over the still picture."""

    def __init__(self) -> None:
        self._fragments = Batch(QPainter.PixmapFragment)
        self._sprites: dict[str, QPixmap] = {}

    def paint(self, painter: QPainter, now: Frame, phase: str, camera: Camera, theme: Theme) -> None:
        if not len(now.at):
            return
        x, y = camera.offset
        rows = self._fragments.rows(len(now.at))
        rows[:, 0] = now.at[:, 0] * camera.scale + x
        rows[:, 1] = now.at[:, 1] * camera.scale + y
        rows[:, 2:4] = 0.0
        rows[:, 4:6] = SPRITE
        size = now.size * camera.ratio * min(max(camera.scale / camera.ratio, 0.6), 1.4)
        rows[:, 6] = rows[:, 7] = size / SPRITE
        rows[:, 8] = 0.0
        rows[:, 9] = now.strength
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.drawPixmapFragments(*self._fragments.arguments(), self._sprite(theme.phase(phase), theme))

    def _sprite(self, color: QColor, theme: Theme) -> QPixmap:
        key = color.name()
        if key not in self._sprites:
            self._sprites[key] = _glow(color, theme)
        return self._sprites[key]


def _glow(color: QColor, theme: Theme) -> QPixmap:
    """A bright core in a soft disc."""
    from gui.theme import blend

    core = blend(color, theme.text, 0.6) if theme.is_dark else color
    clear = QColor(color)
    clear.setAlpha(0)
    half = QColor(color)
    half.setAlpha(150)
    gradient = QRadialGradient(QPointF(SPRITE / 2, SPRITE / 2), SPRITE / 2)
    for place, stop in ((0.0, core), (0.28, core), (0.46, half), (1.0, clear)):
        gradient.setColorAt(place, stop)
    pixmap = QPixmap(SPRITE, SPRITE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    try:
        painter.fillRect(pixmap.rect(), gradient)
    finally:
        painter.end()
    return pixmap
