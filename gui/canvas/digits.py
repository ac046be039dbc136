"""The numbers on cards, put together from single signs: texts that change with the playhead are laid out only once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui import theme as tokens
from gui.canvas.arrays import Batch
from gui.canvas.atlas import Glyphs
from gui.canvas.cards import ink_on, inks
from gui.canvas.cards import px as font_px
from gui.canvas.lod import Detail
from gui.canvas.picture import Label, kept_label, labels_of, strengths
from gui.theme import blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.picture import Picture
    from gui.theme import Theme

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class NumberPainter:
    """Keeps the sheets of signs, and the runs of what is shown."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._fragments = Batch(QPainter.PixmapFragment)
        self._glyphs: dict[int, Glyphs] = {}
        self._runs: dict[tuple[object, ...], tuple[tuple[int, Floats], ...]] = {}
        self._runs_for: tuple[object, ...] = ()

    def paint(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        detail = camera.detail
        if detail < Detail.TEXT:
            return
        scene, state = picture.scene, picture.state
        if detail < Detail.CLOSE:
            items = items[scene.scalar[scene.item_node[items]]]
        kept = picture.kept() if picture.kept is not None and detail == Detail.CLOSE else {}
        self._forget_runs(picture, camera, kept)
        x, y = camera.offset
        collected: dict[int, list[tuple[Floats, float, float, float]]] = {}
        for item, strength in zip(items.tolist(), strengths(picture, items).tolist(), strict=True):
            node = scene.item_node[item]
            key = (item, state.value_event[node], state.value_role[node], state.gradient_event[node])
            runs = self._runs.get(key)
            if runs is None:
                runs = self._runs[key] = self._runs_of(picture, item, camera, kept)
            if runs:
                left, top = round(scene.left[item] * camera.scale + x), round(scene.top[item] * camera.scale + y)
                for px, run in runs:
                    collected.setdefault(px, []).append((run, left, top, strength))
        for px, parts in collected.items():
            self._draw_runs(p, self._glyphs[px], parts)

    def _forget_runs(self, picture: Picture, camera: Camera, kept: Mapping[int, int]) -> None:
        """Runs hold while the same nodes are shown at the same size."""
        fills = None if picture.fills is None else picture.fills.tobytes()
        about = (
            id(picture.readings), picture.scene.node_ids.tobytes(), fills, camera.scale, camera.detail, len(kept)
        )  # fmt: skip
        if about != self._runs_for:
            self._runs.clear()
            self._runs_for = about

    def _runs_of(
        self, picture: Picture, item: int, camera: Camera, kept: Mapping[int, int]
    ) -> tuple[tuple[int, Floats], ...]:
        runs = []
        for label in (*labels_of(picture, item, camera.detail), *kept_label(picture, item, kept)):
            px = font_px(label.place.size * camera.scale)
            glyphs = self._glyphs.get(px)
            if glyphs is None:
                glyphs = self._glyphs[px] = Glyphs(px, number_colors(self.theme))
            right, middle = label.place.right * camera.scale, label.place.middle * camera.scale
            runs.append((px, glyphs.run(label.text, right, middle, ink_of(label, picture, item, self.theme))))
        return tuple(runs)

    def _draw_runs(self, p: QPainter, glyphs: Glyphs, parts: list[tuple[Floats, float, float, float]]) -> None:
        counts = [len(part[0]) for part in parts]
        places = np.repeat(np.array([part[1:] for part in parts], dtype=np.float64), counts, axis=0)
        runs = np.concatenate([part[0] for part in parts])
        rows = self._fragments.rows(len(runs))
        rows[:, 0:2] = runs[:, 0:2] + places[:, 0:2]
        rows[:, 2:4] = runs[:, 2:4]
        rows[:, 4], rows[:, 5] = glyphs.cell
        rows[:, 6:8] = 1.0
        rows[:, 8] = 0.0
        rows[:, 9] = places[:, 2]
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        p.drawPixmapFragments(*self._fragments.arguments(), glyphs.page)


def draw_labels(p: QPainter, picture: Picture, item: int, labels: Iterable[Label], at: QPointF, scale: float,
                theme: Theme) -> None:  # fmt: skip
    """Numbers as text, on the card of `item`, whose top left is at `at` (device px)."""
    colors = number_colors(theme)
    for label in labels:
        font = tokens.mono_font(font_px(label.place.size * scale))
        metrics = QFontMetricsF(font)
        p.setFont(font)
        p.setPen(colors[ink_of(label, picture, item, theme)])
        left = at.x() + label.place.right * scale - metrics.horizontalAdvance(label.text)
        p.drawText(
            QPointF(round(left), round(at.y() + label.place.middle * scale + metrics.capHeight() / 2)), label.text
        )


def number_colors(theme: Theme) -> tuple[QColor, ...]:
    """In the order of VALUE_COLOR, GRADIENT_COLOR, UPDATE_COLOR: light enough (dark enough) for every category's fill;
    then the inks for given fills."""
    share = 0.35 if theme.is_dark else 0.25
    mixed = (blend(color, theme.text, share) for color in (theme.forward, theme.backward, theme.update))
    return (*mixed, *inks(theme))


def ink_of(label: Label, picture: Picture, item: int, theme: Theme) -> int:
    """The colour's place in `number_colors`: on a fill that may be any, only plain ink is sure to be read."""
    if picture.fills is None:
        return label.color
    fill = QColor.fromRgb(int(picture.fills[picture.scene.item_node[item]]))
    return 3 + inks(theme).index(ink_on(fill, theme))
