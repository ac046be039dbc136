"""Nodes in colours of their own, instead of their categories'."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gui.canvas.cards import Card

if TYPE_CHECKING:
    from gui.canvas.scene import Scene

Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Filled:
    """A scene's items in given colours: `cards` and `card` (m) as in `Scene`."""

    cards: tuple[Card, ...]
    card: Ints


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
    return Filled(tuple(numbered), np.array(number, dtype=np.int64)[card.reshape(-1)])
