"""From what was measured of nodes to their colours, and to the words and numbers of the legend. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor

from engine.graph.measures import DEAD, EXPLODING, HEALTHY, NOT_FINITE, SPOILED, VANISHING
from gui import ramps
from gui.canvas.edges import FROM_NODE, INTO, OUT_OF, TO_NODE
from gui.numbers import duration, number, size
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.picture import Picture

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Colors = npt.NDArray[np.uint32]

translate = QCoreApplication.translate

LEVELS = 24  # different colours of a scale: each makes the cards that have it once more
PALEST = 0.14  # where on the ramp the least stands: its very beginning is the ground
MOST_DECADES = 8.0  # what is smaller than the largest by more than that has the least's colour
MODULES = 12  # different colours of modules


@dataclass(frozen=True)
class Swatch:
    """A colour that stands for a word; `count` nodes have it. `striped`: as what holds NaN or infinities is."""

    color: QColor
    text: str
    count: int
    striped: bool = False


@dataclass(frozen=True)
class Legend:
    """`title` is what is measured. `ramp` are colours from `low` to `high`; without it there are only swatches."""

    title: str
    swatches: tuple[Swatch, ...] = ()
    ramp: tuple[QColor, ...] = ()
    low: str = ""
    high: str = ""


@dataclass(frozen=True, eq=False)
class Coloring:
    """`fills` (n) are opaque ARGB colours by position in the scene."""

    fills: Colors
    legend: Legend


def quiet(theme: Theme) -> QColor:
    """Of nodes of which there is nothing to say."""
    return blend(theme.surface, theme.dim, 0.1 if theme.is_dark else 0.16)


def argb(color: QColor) -> int:
    return color.rgb() | 0xFF000000


# --- scales -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """How a measure is called and written. `none` is said of nodes without one, `zero` of those that have nothing,
    `infinite` of those beyond every scale."""

    title: str
    write: Callable[[float], str]
    none: str
    zero: str
    infinite: str = ""


def words_of(name: str) -> Words:
    """Of the measures "norm", "ratio", "time" and "memory"."""
    absent, infinite = translate("explore", "not recorded"), translate("explore", "infinite")
    zero = health_words()[DEAD]  # a word: beside the number of nodes, "0" would be another number
    return {
        "norm": Words(
            translate("explore", "gradient norm"), number, translate("explore", "no gradient"), zero, infinite
        ),
        "ratio": Words(
            translate("explore", "gradient / value"), number, absent, zero, translate("explore", "the value is zero")
        ),
        "time": Words(translate("explore", "time"), duration, absent, "0"),
        "memory": Words(
            translate("explore", "kept for backward"), lambda value: size(round(value)), absent,
            translate("explore", "nothing"),
        ),
    }[name]  # fmt: skip


def scale(name: str, values: Floats, theme: Theme) -> Coloring:
    """On a log scale from the least to the largest of `values` (n); zero, infinity, NaN and what is SPOILED have their
    own colours."""
    words = words_of(name)
    positive = values[np.isfinite(values) & (values > 0)]
    absent, zero, infinite, spoiled = np.isnan(values), values == 0, np.isposinf(values), values == SPOILED
    fills = np.full(len(values), argb(quiet(theme)), dtype=np.uint32)
    pale = blend(theme.surface, theme.dim, 0.36)
    fills[zero] = argb(pale)
    beyond = blend(theme.surface, theme.accent, 0.5)
    fills[infinite] = argb(beyond)
    broken = health_color(NOT_FINITE, theme)
    fills[spoiled] = argb(broken)
    swatches = [
        Swatch(color, text, int(mask.sum()), striped=color is broken)
        for color, text, mask in (
            (broken, health_words()[NOT_FINITE], spoiled),
            (beyond, words.infinite, infinite),
            (pale, words.zero, zero),
            (quiet(theme), words.none, absent),
        )
        if mask.any()
    ]
    if not len(positive):
        return Coloring(fills, Legend(words.title, tuple(swatches)))
    high = float(positive.max())
    low = max(float(positive.min()), high / 10**MOST_DECADES)
    span = np.log10(high) - np.log10(low)
    known = np.isfinite(values) & ~zero
    share = np.ones(int(known.sum())) if span == 0 else (np.log10(values[known]) - np.log10(low)) / span
    level = np.rint(np.clip(share, 0.0, 1.0) * (LEVELS - 1)).astype(np.int64)
    colors = ramps.sequential(np.linspace(PALEST, 1.0, LEVELS), theme=theme).astype(np.uint32)
    codes = 0xFF000000 | colors[:, 0] << 16 | colors[:, 1] << 8 | colors[:, 2]
    fills[known] = codes[level].astype(np.uint32)
    below = "≤ " if positive.min() < low else ""
    ramp = tuple(QColor.fromRgb(int(code)) for code in codes)
    least = below + words.write(low) if span else ""
    return Coloring(fills, Legend(words.title, tuple(swatches), ramp, least, words.write(high)))


# --- kinds of things --------------------------------------------------------------------------------------------------


def health_words() -> Mapping[int, str]:
    return {
        NOT_FINITE: translate("explore", "NaN or infinite"),
        EXPLODING: translate("explore", "exploding"),
        VANISHING: translate("explore", "vanishing"),
        DEAD: translate("explore", "all zero"),
        HEALTHY: translate("explore", "in range"),
    }


def health_color(state: int, theme: Theme) -> QColor:
    ground = theme.surface
    return {
        NOT_FINITE: blend(ground, theme.error, 0.75),
        EXPLODING: blend(ground, theme.backward, 0.6),
        VANISHING: blend(ground, theme.forward, 0.5),
        DEAD: blend(ground, theme.text, 0.55),
        HEALTHY: blend(ground, theme.proved, 0.32),
    }[state]


def health(values: Floats, theme: Theme) -> Coloring:
    """States of `engine.graph.measures.health`; those that occur are counted in the legend, the worst first."""
    fills = np.full(len(values), argb(quiet(theme)), dtype=np.uint32)
    swatches = []
    for state, text in health_words().items():
        mine = values == state
        fills[mine] = argb(health_color(state, theme))
        if mine.any():
            swatches.append(Swatch(health_color(state, theme), text, int(mine.sum()), striped=state == NOT_FINITE))
    absent = np.isnan(values)
    if absent.any():
        swatches.append(Swatch(quiet(theme), translate("explore", "no gradient"), int(absent.sum())))
    return Coloring(fills, Legend(translate("explore", "health of gradients"), tuple(swatches)))


def modules(paths: Sequence[str], theme: Theme) -> Coloring:
    """One colour for each module, at the first depth at which there are several. Paths of leaves are their owners'."""
    names = module_names(paths)
    order = list(dict.fromkeys(name for name in names if name))
    counts = {name: names.count(name) for name in order}
    colors = module_colors(theme)
    index = {name: place % MODULES for place, name in enumerate(order)}
    codes = [argb(color) for color in colors]
    none = argb(quiet(theme))
    fills = np.array([codes[index[name]] if name else none for name in names], dtype=np.uint32)
    swatches = [Swatch(colors[index[name]], name, counts[name]) for name in order]
    outside = names.count("")
    if outside:
        swatches.append(Swatch(quiet(theme), translate("explore", "in no module"), outside))
    return Coloring(fills, Legend(translate("explore", "module"), tuple(swatches)))


def module_names(paths: Sequence[str]) -> list[str]:
    """Every path cut to the depth at which paths first differ: ("net.a.x", "net.b") → ["net.a", "net.b"]."""
    split = [tuple(path.split(".")) if path else () for path in paths]
    deepest = max((len(parts) for parts in split), default=0)
    for depth in range(1, deepest + 1):
        cut = {parts[:depth] for parts in split if parts}
        if len(cut) > 1:
            return [".".join(parts[:depth]) for parts in split]
    return [".".join(parts) for parts in split]


def module_colors(theme: Theme) -> tuple[QColor, ...]:
    """Hues evenly round OKLab, at one lightness; neighbours in the list are far apart in hue."""
    turn = np.arange(MODULES) * 5 % MODULES / MODULES * 2 * np.pi + 0.4
    light, chroma = (0.46, 0.10) if theme.is_dark else (0.86, 0.075)
    lab = np.stack([np.full(MODULES, light), chroma * np.cos(turn), chroma * np.sin(turn)], axis=1)
    codes = np.rint(ramps.srgb(lab) * 255).astype(int).tolist()
    return tuple(QColor(*code) for code in codes)


def reach_legend(picture: Picture, theme: Theme) -> Legend:
    """What the edges' colours say while a node is hovered: how many nodes are up- and downstream of it."""
    scene, flow = picture.scene, picture.flow
    assert flow is not None  # the caller has looked
    upstream = np.unique(scene.source[(flow == TO_NODE) | (flow == INTO)])
    downstream = np.unique(scene.target[(flow == FROM_NODE) | (flow == OUT_OF)])
    swatches = (
        Swatch(theme.backward, translate("explore", "upstream, gradients come from"), len(upstream)),
        Swatch(theme.forward, translate("explore", "downstream, values come from"), len(downstream)),
    )
    return Legend("", swatches)
