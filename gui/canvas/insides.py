"""What is seen inside a card close up: small heat maps of gradients, read in a thread when first in view."""

from __future__ import annotations

import contextlib
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtGui import QImage, QPainter, QPixmap

from engine.errors import ChainruleError
from gui import ramps
from gui.canvas import cards, marks
from gui.canvas.cards import OPERATION, Card
from gui.canvas.state import GRADIENT

if TYPE_CHECKING:
    from engine.recording.reader import Recording
    from gui.canvas.camera import Camera
    from gui.canvas.picture import Picture
    from gui.theme import Theme

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SEEN_FROM = 1.6  # logical px for one scene px
CELLS = 24  # along a side, at most
LARGEST = 4_000_000  # elements of a gradient: to read more takes longer than one looks at it
KEPT = 2_000
TOP, SMALLEST, HIGHEST = 4.0, 14.0, 21.0  # scene px
GAP = 6.0


class Insides(QObject):
    """Heat maps by the event in which a gradient entered a node. `changed` tells that some more are known."""

    changed = Signal()

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording
        self._known: dict[int, Floats | None] = {}
        self._wanted: list[int] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def heat(self, event: int) -> Floats | None:
        """(rows, columns) of -1 to 1, as `pooled`; None if it is not known yet, or nothing was recorded."""
        known = self._known.get(event, self)  # in one go: the thread may forget it
        if known is not self:
            return cast("Floats | None", known)
        with self._lock:
            if event not in self._wanted:
                self._wanted.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="heat maps", daemon=True)
                self._thread.start()
        return None

    def finish(self) -> None:
        """Wait for the one that is being read."""
        with self._lock:
            self._wanted.clear()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                event = self._wanted.pop()  # what was asked for last is in view now
            found: Floats | None = None
            try:
                found = read(self._recording, event)
            except ChainruleError:
                pass
            except BaseException:  # a fault of the program: threading's hook tells it, and the next one is read
                with self._lock:
                    self._thread = None
                self._known[event] = None
                raise
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[event] = found
            with contextlib.suppress(RuntimeError):  # the window is gone
                self.changed.emit()


def read(recording: Recording, event: int) -> Floats | None:
    """The gradient that entered a node, pooled; None if its elements were not kept or are too many."""
    for value in recording.values(event):
        if value.role == "grad_output":
            tensor = recording.tensor(value.tensor)
            data = recording.data(value.tensor) if 1 < tensor.numel <= LARGEST else None
            return None if data is None or data.size < 2 else pooled(data)
    return None


def pooled(data: npt.NDArray[Any]) -> Floats:
    """The mean over all axes but the last two, in at most CELLS × CELLS blocks, as signed roots of its shares in
    the largest magnitude."""
    plane = np.nan_to_num(np.asarray(data.real, dtype=np.float64), posinf=0.0, neginf=0.0)
    plane = plane.reshape(1, -1) if plane.ndim < 2 else plane.reshape(-1, *plane.shape[-2:]).mean(axis=0)
    if plane.shape[0] == 1:  # a row would be a hair: broken into lines, as one reads
        width = min(plane.shape[1], max(2, round(plane.shape[1] ** 0.5)))
        lines = -(-plane.shape[1] // width)
        plane = np.pad(plane.reshape(-1), (0, width * lines - plane.shape[1])).reshape(lines, width)
    for axis in (0, 1):
        length = plane.shape[axis]
        if length > CELLS:
            edges = np.linspace(0, length, CELLS + 1).astype(np.int64)
            shape = (-1, 1) if axis == 0 else (1, -1)
            plane = np.add.reduceat(plane, edges[:-1], axis=axis) / np.diff(edges).reshape(shape)
    shares: Floats = plane / (np.abs(plane).max() or 1.0)
    return np.sign(shares) * np.sqrt(np.abs(shares))


@lru_cache(maxsize=16384)
def map_place(card: Card) -> tuple[float, float, float] | None:
    """Left, top and side, in scene px, of the heat map beside a card's words; None where there is no room."""
    if card.kind != OPERATION or card.scalar:
        return None
    words = max(cards.text_width(card.title, cards.TITLE), cards.text_width(card.subtitle, cards.SUBTITLE))
    right = card.width - card.padding * 0.75
    side = min(right - card.padding - words * cards.SMALLER - GAP, HIGHEST)
    return None if side < SMALLEST else (right - side, TOP + (HIGHEST - side) / 2, side)


class InsidePainter:
    """Keeps the pictures of the heat maps."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._pictures: dict[int, QPixmap] = {}

    def paint(self, painter: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        insides, scene, state = picture.insides, picture.scene, picture.state
        if insides is None or camera.scale < SEEN_FROM * camera.ratio:
            return
        nodes = scene.item_node[items]
        passed = (state.status[nodes] == GRADIENT) & (scene.kind[nodes] == OPERATION) & ~scene.scalar[nodes]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for item, event in zip(items[passed].tolist(), state.gradient_event[nodes[passed]].tolist(), strict=True):
            place = map_place(scene.cards[scene.card[item]])
            heat = None if place is None or event < 0 else insides.heat(event)
            if place is None or heat is None:
                continue
            left, top, side = (each * camera.scale for each in place)
            box = marks.box_of(scene, item, camera)
            rect = QRectF(round(box.left() + left), round(box.top() + top), round(side), round(side))
            painter.drawPixmap(rect, self._picture(event, heat), QRectF(0, 0, heat.shape[1], heat.shape[0]))

    def _picture(self, event: int, heat: Floats) -> QPixmap:
        found = self._pictures.get(event)
        if found is None:
            if len(self._pictures) >= KEPT:
                self._pictures.clear()
            pixels = np.ascontiguousarray(ramps.diverging(heat, 1.0, self._theme))
            height, width = heat.shape
            image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
            found = self._pictures[event] = QPixmap.fromImage(image)
        return found
