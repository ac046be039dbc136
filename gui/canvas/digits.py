"""The numbers on cards, put together from single signs: texts that change with the playhead are laid out only once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gui import theme as tokens
from gui.canvas.arrays import Batch, moved, same
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
Flags = npt.NDArray[np.bool_]

Run = tuple[int, Floats]  # px of the font, and (k, 4) of `Glyphs.run`

MOST = 20_000  # signs of which the places are kept


class NumberPainter:
    """Keeps the sheets of signs, the runs of what was shown, and where all that was in view goes while only the camera
    moves."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._glyphs: dict[int, Glyphs] = {}
        self._runs: dict[tuple[object, ...], tuple[Run, ...]] = {}
        self._runs_for: tuple[object, ...] = ()
        self._lines: dict[int, _Lines] = {}
        self._lines_for: tuple[object, ...] = ()
        self._known: Flags = np.zeros(0, dtype=np.bool_)

    def paint(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        detail = camera.detail
        if detail < Detail.TEXT:
            return
        if detail < Detail.CLOSE:
            items = items[picture.scene.scalar[picture.scene.item_node[items]]]
        kept = picture.kept() if picture.kept is not None and detail == Detail.CLOSE else {}
        self._forget(picture, camera, kept)
        fresh = items[~self._known[items]]
        if len(fresh):
            self._set(picture, fresh, camera, kept)
        for px, lines in self._lines.items():
            lines.draw(p, self._glyphs[px], items, camera)

    def _forget(self, picture: Picture, camera: Camera, kept: Mapping[int, int]) -> None:
        """Runs hold while the same nodes are shown at the same size; their places, while nothing happens to them."""
        scene = picture.scene
        about: tuple[object, ...] = (
            picture.readings,
            scene.node_ids,
            picture.fills,
            camera.scale,
            camera.detail,
            len(kept),
        )
        if not same(about, self._runs_for):
            self._runs.clear()
            self._runs_for = about
        about = (*about, scene.left, picture.state, picture.emphasis, picture.dimmed)
        full = sum(lines.count for lines in self._lines.values()) > MOST
        if full or not same(about, self._lines_for):
            self._lines = {}
            self._lines_for = about
            self._known = np.zeros(len(scene.item_node), dtype=np.bool_)

    def _set(self, picture: Picture, items: Ints, camera: Camera, kept: Mapping[int, int]) -> None:
        """Find out what stands on the cards of `items`, and where."""
        scene, state = picture.scene, picture.state
        for item, strength in zip(items.tolist(), strengths(picture, items).tolist(), strict=True):
            node = scene.item_node[item]
            key = (item, state.value_event[node], state.value_role[node], state.gradient_event[node])
            runs = self._runs.get(key)
            if runs is None:
                runs = self._runs[key] = self._runs_of(picture, item, camera, kept)
            left, top = scene.left[item] * camera.scale, scene.top[item] * camera.scale
            for px, run in runs:
                if px not in self._lines:
                    self._lines[px] = _Lines(len(scene.item_node))
                self._lines[px].add(item, run, (self._glyphs[px].cell, left, top, strength))
        self._known[items] = True

    def _runs_of(self, picture: Picture, item: int, camera: Camera, kept: Mapping[int, int]) -> tuple[Run, ...]:
        runs = []
        for label in (*labels_of(picture, item, camera.detail), *kept_label(picture, item, kept)):
            px = font_px(label.place.size * camera.scale)
            glyphs = self._glyphs.get(px)
            if glyphs is None:
                glyphs = self._glyphs[px] = Glyphs(px, number_colors(self.theme))
            right, middle = label.place.right * camera.scale, label.place.middle * camera.scale
            runs.append((px, glyphs.run(label.text, right, middle, ink_of(label, picture, item, self.theme))))
        return tuple(runs)


class _Lines:
    """What stands in one size of font on the cards that have come into view: a row for each sign, those of a fragment
    and then left and top of its card, from the scene's origin."""

    def __init__(self, items: int) -> None:
        self.count = 0
        self._shown: Flags = np.zeros(items, dtype=np.bool_)
        self._parts: list[Floats] = []
        self._owners: list[int] = []
        self._rows: Floats = np.zeros((0, 12))
        self._owner: Ints = np.zeros(0, dtype=np.int64)
        self._fragments = Batch(QPainter.PixmapFragment)

    def add(self, item: int, run: Floats, at: tuple[tuple[int, int], float, float, float]) -> None:
        (width, height), left, top, strength = at
        rows = np.empty((len(run), 12))
        rows[:, 0:4] = run
        rows[:, 4:12] = (width, height, 1.0, 1.0, 0.0, strength, left, top)
        self._parts.append(rows)
        self._owners += [item] * len(run)
        self.count += len(run)

    def draw(self, p: QPainter, glyphs: Glyphs, items: Ints, camera: Camera) -> None:
        """What stands on `items`."""
        if self._parts:
            self._rows = np.concatenate([self._rows, *self._parts])
            self._owner = np.append(self._owner, np.array(self._owners, dtype=np.int64))
            self._parts, self._owners = [], []
        self._shown[items] = True
        rows = self._rows[self._shown[self._owner]]
        self._shown[items] = False
        if not len(rows):
            return
        both = rows.view(np.complex128)
        both[:, 0] += moved(both[:, 5], camera.offset, rounded=True)
        self._fragments.rows(len(rows))[:] = rows[:, :10]
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
