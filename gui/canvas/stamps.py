"""Cards on screen: copied from a sheet on which each is drawn once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPainter

from gui.canvas.arrays import Batch, Rows, moved
from gui.canvas.atlas import Sprites
from gui.canvas.picture import strengths

if TYPE_CHECKING:
    from gui.canvas.atlas import Sheet
    from gui.canvas.camera import Camera
    from gui.canvas.cards import Card
    from gui.canvas.picture import Picture
    from gui.theme import Theme

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class StampPainter:
    """Keeps the sheets, and what is to be copied where while only the camera moves."""

    def __init__(self, theme: Theme) -> None:
        self._sprites = Sprites(theme)
        self._fragments, self._some = Batch(QPainter.PixmapFragment), Batch(QPainter.PixmapFragment)
        self._rows = Rows(10)

    def paint(
        self, p: QPainter, picture: Picture, cards: tuple[Card, ...], card: Ints, items: Ints, camera: Camera,
        sprite_scale: float,
    ) -> None:  # fmt: skip
        """`card`: which of `cards` each of all items has. `sprite_scale` as for `GraphPainter.paint`."""
        if not len(items):
            return
        sheet = self._sprites.sheet(sprite_scale, camera.detail, camera.ratio)
        rows = self._placed(picture, sheet, cards, card, items, camera.scale)
        stretch = camera.scale / sheet.scale
        pairs = rows.view(np.complex128)  # x and y, …, width and height: of all in one operation
        at = moved(pairs[:, 0], camera.offset, rounded=stretch == 1.0)
        at += pairs[:, 2] * (stretch / 2)
        pairs[:, 0] = at
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, stretch != 1.0)
        if len(sheet.pages) == 1:
            p.drawPixmapFragments(*self._fragments.arguments(), sheet.pages[0])
            return
        page = sheet.slots_of(cards, card[items])[:, 0]
        for number, pixmap in enumerate(sheet.pages):
            mine = rows[page == number]
            if len(mine):
                self._some.rows(len(mine))[:] = mine
                p.drawPixmapFragments(*self._some.arguments(), pixmap)

    def prepare(self, cards: tuple[Card, ...], needed: Ints, camera: Camera) -> None:
        """Draw the cards with the indices `needed` on the sheet from which `paint` will copy them."""
        self._sprites.sheet(camera.scale, camera.detail, camera.ratio).slots_of(cards, needed)

    def _placed(
        self, picture: Picture, sheet: Sheet, cards: tuple[Card, ...], card: Ints, items: Ints, scale: float
    ) -> Floats:
        """(k, 10): fragments, but with left and top, from the scene's origin, in place of the centre."""
        self._keep(picture, sheet, card, scale)
        if len(self._rows.missing(items)):
            slots = sheet.slots_of(cards, card[items])
            self._keep(picture, sheet, card, scale)  # the sheet may have started anew
            fresh = self._rows.missing(items)
            self._rows.put(fresh, _stamps(picture, slots[np.searchsorted(items, fresh)], fresh, scale, sheet.scale))
        return self._rows.take(items, self._fragments.rows(len(items)))

    def _keep(self, picture: Picture, sheet: Sheet, card: Ints, scale: float) -> None:
        of = (picture.scene.left, card, picture.state, picture.emphasis, picture.dimmed, sheet, sheet.turn, scale)
        self._rows.keep(of, len(card))


def _stamps(picture: Picture, slots: Floats, items: Ints, scale: float, sprite_scale: float) -> Floats:
    scene = picture.scene
    rows = np.zeros((len(items), 10))
    rows[:, 0] = scene.left[items] * scale
    rows[:, 1] = scene.top[items] * scale
    rows[:, 2:6] = slots[:, 1:5]
    rows[:, 6:8] = scale / sprite_scale
    rows[:, 9] = strengths(picture, items)
    return rows
