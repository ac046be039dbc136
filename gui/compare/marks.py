"""What is different, in colours and in words. No widgets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor

from engine.graph.compare import INPUTS, NAME, SHAPE, TYPE, Comparison
from gui import numbers
from gui.explore.coloring import Coloring, Legend, Swatch, argb, quiet
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.scene import Scene

translate = QCoreApplication.translate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS = 25  # of the ramp; odd, so that one is the middle
LEAST_LIMIT, MOST_LIMIT = math.log10(1.1), 4.0  # powers of ten at the ramp's ends
MARKED = TYPE | SHAPE | INPUTS  # another name alone is no other node
QUIET, RATIO, SPOILED, CHANGED, ONLY = range(5)  # what a node shows, the strongest last


class Side:
    """The comparison as one of its sides sees it: a state and the log10 of the ratio for each of `ids`."""

    def __init__(self, comparison: Comparison, *, left: bool) -> None:
        ratio = comparison.ratio()
        other = comparison.right_of if left else comparison.left_of
        paired = other >= 0
        place = np.arange(len(other)) if left else np.maximum(other, 0)
        self.ids: Ints = comparison.left_ids if left else comparison.right_ids
        self.ratio: Floats = np.where(paired, ratio[place], np.nan) if len(ratio) else np.full(len(other), np.nan)
        changed = (comparison.changed[place] & MARKED) > 0 if len(ratio) else np.zeros(len(other), np.bool_)
        spoiled = comparison.spoiled()[place] if len(ratio) else np.zeros(len(other), np.bool_)
        state = np.where(spoiled, SPOILED, np.where(np.isnan(self.ratio), QUIET, RATIO))
        self.state: Ints = np.where(~paired, ONLY, np.where(changed, CHANGED, state)).astype(np.int64)


def limit_of(ratio: Floats) -> float:
    """Powers of ten that the ramp reaches to both sides."""
    finite = np.abs(ratio[np.isfinite(ratio)])
    return min(max(float(finite.max()) if len(finite) else 0.0, LEAST_LIMIT), MOST_LIMIT)


def coloring(scene: Scene, side: Side, limit: float, theme: Theme, only_words: str) -> Coloring:
    """Fills of the nodes that are drawn, a collapsed module as the strongest and farthest of its nodes."""
    state = np.full(scene.node_count, QUIET, np.int64)
    ratio = np.zeros(scene.node_count)
    places = scene.places(side.ids)
    drawn = places >= 0
    np.maximum.at(state, places[drawn], side.state[drawn])
    known = drawn & ~np.isnan(side.ratio)
    order = np.argsort(np.abs(side.ratio[known]), kind="stable")  # the farthest is written last
    ratio[places[known][order]] = side.ratio[known][order]
    ramp = _ramp(theme)
    codes = np.array([argb(color) for color in ramp], np.uint32)
    level = np.rint((np.clip(ratio / limit, -1, 1) + 1) / 2 * (LEVELS - 1)).astype(np.int64)
    fills = np.where(state == RATIO, codes[level], np.uint32(argb(quiet(theme)))).astype(np.uint32)
    swatches = []
    for what, color, words in (
        (ONLY, blend(theme.surface, theme.accent, 0.55), only_words),
        (CHANGED, blend(theme.surface, theme.warn, 0.55), translate("compare", "changed")),
        (SPOILED, blend(theme.surface, theme.error, 0.55), translate("compare", "NaN or infinite on one side")),
    ):
        fills[state == what] = argb(color)
        count = int((side.state == what).sum())
        if count:
            swatches.append(Swatch(color, words, count))
    ends = (f"{numbers.TIMES}{numbers.number(10.0**power, 2)}" for power in (-limit, limit))
    title = translate("compare", "gradient, right / left")
    return Coloring(fills, Legend(title, tuple(swatches), ramp, *ends))


def _ramp(theme: Theme) -> tuple[QColor, ...]:
    """The theme's diverging ramp, with a middle that can be seen on the ground."""
    negative, _, positive = theme.ramp_signed
    middle = blend(theme.surface, theme.dim, 0.25)
    shares = np.linspace(-1, 1, LEVELS).tolist()
    return tuple(blend(middle, negative if share < 0 else positive, abs(share)) for share in shares)


def words_of(changed: int) -> str:
    """What is different about a pair: "type, inputs"."""
    words = (
        (TYPE, translate("compare", "type")),
        (SHAPE, translate("compare", "shape")),
        (INPUTS, translate("compare", "inputs")),
        (NAME, translate("compare", "name")),
    )
    return ", ".join(word for bit, word in words if changed & bit)


def factor(log10: float) -> str:
    """10 ** log10 as a factor: "× 1.25"; infinite is what went from zero, or to it."""
    if math.isnan(log10):
        return numbers.ABSENT
    if math.isinf(log10):
        return translate("compare", "from 0") if log10 > 0 else translate("compare", "to 0")
    return f"{numbers.TIMES} {numbers.number(10.0**log10, 3)}"
