"""Nodes in colours of their own, instead of their categories': cards to draw, and a palette for the patches afar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage, QPixmap

from gui.canvas.cards import Card
from gui.canvas.picture import FADED
from gui.theme import NOT_YET as FAINT
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.canvas.scene import Scene

Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint32]

LOOK_FADED, LOOK_NOT_YET, LOOK_FULL = range(3)
LOOKS = 3
COLUMNS = 512  # of the palette


@dataclass(frozen=True, eq=False)
class Filled:
    """A scene's items in given colours: `cards` and `card` (m) as in `Scene`; `color` (m) indexes `colors`."""

    cards: tuple[Card, ...]
    card: Ints
    colors: Colors
    color: Ints


def filled(scene: Scene, fills: Colors) -> Filled:
    """Every card of `scene` in the colour of its node; cards that are alike stay one."""
    colors, color_of_node = np.unique(fills, return_inverse=True)
    color = color_of_node.reshape(-1)[scene.item_node].astype(np.int64)
    pairs, card = np.unique(scene.card * max(len(colors), 1) + color, return_inverse=True)
    numbered: dict[Card, int] = {}
    rgb = colors.tolist()
    number = [
        numbered.setdefault(replace(scene.cards[pair // len(rgb)], fill=rgb[pair % len(rgb)]), len(numbered))
        for pair in pairs.tolist()
    ]
    return Filled(tuple(numbered), np.array(number, dtype=np.int64)[card.reshape(-1)], colors, color)


class Fills:
    """Keeps what was worked out for the fills painted last."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._of: tuple[object, object, object] = (None, None, None)
        self._filled: Filled | None = None
        self._palette: QPixmap | None = None

    def filled(self, scene: Scene, fills: Colors) -> Filled:
        if self._filled is None or any(a is not b for a, b in zip(self._of, (scene.cards, scene.card, fills),
                                                                  strict=True)):  # fmt: skip
            self._of = (scene.cards, scene.card, fills)
            self._filled, self._palette = filled(scene, fills), None
        return self._filled

    def palette(self, found: Filled) -> QPixmap:
        """LOOKS rows for every COLUMNS colours: faded, not yet reached, full."""
        if self._palette is None or found is not self._filled:
            self._palette = QPixmap.fromImage(_palette(found.colors, self._theme))
        return self._palette


def places(color: Ints, look: Ints) -> tuple[Ints, Ints]:
    """Column and row in the palette."""
    return color % COLUMNS, color // COLUMNS * LOOKS + look


def _palette(colors: Colors, theme: Theme) -> QImage:
    rows = max(-(-len(colors) // COLUMNS), 1)
    sheet = np.zeros((rows * COLUMNS, LOOKS), dtype=np.uint32)
    channels = colors[:, None] >> np.array([16, 8, 0], dtype=np.uint32) & 0xFF
    ground = np.array([theme.bg.red(), theme.bg.green(), theme.bg.blue()])
    for look, share in ((LOOK_FADED, FADED), (LOOK_NOT_YET, FAINT + 0.1), (LOOK_FULL, 1.0)):
        mixed = np.rint(ground + (channels - ground.astype(np.float64)) * share).astype(np.uint32)
        sheet[: len(colors), look] = 0xFF000000 | mixed[:, 0] << 16 | mixed[:, 1] << 8 | mixed[:, 2]
    pixels = np.ascontiguousarray(sheet.reshape(rows, COLUMNS, LOOKS).transpose(0, 2, 1))
    height = rows * LOOKS
    return QImage(pixels.tobytes(), COLUMNS, height, 4 * COLUMNS, QImage.Format.Format_RGB32).copy()
