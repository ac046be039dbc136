"""Draws a whole graph in one go, in device pixels, from flat arrays: the window's canvas and exported pictures alike.

On screen, cards come from an atlas and numbers from a sheet of digits (`GraphPainter`); in an exported picture both are
drawn as shapes and text (`VectorPainter`). Everything else is the same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor, QPainter

from gui.canvas import marks, proof_marks
from gui.canvas.arrays import Kept
from gui.canvas.cards import draw_card, number_places
from gui.canvas.digits import NumberPainter, draw_labels
from gui.canvas.dots import DotPainter
from gui.canvas.edges import EdgePainter
from gui.canvas.fills import Filled, filled
from gui.canvas.flow.painter import at_rest
from gui.canvas.insides import InsidePainter
from gui.canvas.lod import Detail
from gui.canvas.modules.backdrop import Backdrop
from gui.canvas.picture import GRADIENT_COLOR, UPDATE_COLOR, Label, Picture, kept_label, labels_of, strengths
from gui.canvas.readings import text_of
from gui.canvas.stamps import StampPainter

if TYPE_CHECKING:
    from collections.abc import Callable

    from gui.canvas.camera import Camera
    from gui.canvas.cards import Card
    from gui.canvas.flow.moment import Moment
    from gui.canvas.flow.plan import Plan
    from gui.canvas.proof_marks import ProofMarks
    from gui.theme import Theme

Ints = npt.NDArray[np.int64]

__all__ = ["GraphPainter", "Picture", "VectorPainter"]


class GraphPainter:
    """Keeps atlases and memory between frames; one for each theme and device."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.ground: QColor | None = theme.bg  # None: what is not drawn on stays as it is
        self._backdrop = Backdrop()
        self._edges = EdgePainter()
        self._stamps = StampPainter(theme)
        self._marks = marks.MarkPainter()
        self._filled: Kept[Filled] = Kept()
        self._dots = DotPainter(theme)
        self._numbers = NumberPainter(theme)
        self._insides = InsidePainter(theme)
        self._resting: Kept[tuple[Plan, Moment]] = Kept()
        self.later: Callable[[], object] | None = None  # called if not all of it is drawn; None: it takes its time

    def paint(
        self,
        painter: QPainter,
        picture: Picture,
        camera: Camera,
        *,
        sprite_scale: float | None = None,
        active: bool = True,
    ) -> None:
        """Fill the whole view. `sprite_scale`: use cards drawn for that scale, stretched, while the view is zooming.
        `active`: mark the node of the playhead's event."""
        self._paint_still(painter, picture, camera, sprite_scale or camera.scale)
        if active:
            self.paint_active(painter, picture, camera)

    def paint_active(self, painter: QPainter, picture: Picture, camera: Camera) -> None:
        """Over the rest, the node of the playhead's event: its ring, and the numbers that have met."""
        scene, state, proofs = picture.scene, picture.state, picture.proofs
        if state.active >= 0 and state.phase:
            marks.ring(painter, scene, state.active, camera, self.theme.phase(state.phase))
            if proofs is not None and camera.detail >= Detail.TEXT:
                self._paint_signs(painter, picture, proofs, np.array(scene.pictures(state.active)), camera)
        at_rest(painter, picture.readings, scene, state, camera, self.theme, self._resting, self.later)

    def _paint_still(self, painter: QPainter, picture: Picture, camera: Camera, sprite_scale: float) -> None:
        """All that looks alike wherever the view's borders are."""
        scene, proofs = picture.scene, picture.proofs
        self._backdrop.paint(painter, scene, camera, self.theme, picture.module, self.ground)
        self._edges.paint(painter, picture, camera, self.theme)
        far = camera.detail == Detail.DOT  # cards without names: those of their modules stand over them
        if not far:
            self._backdrop.paint_titles(painter, scene, camera, self.theme)
        if proofs is not None:
            proof_marks.way(painter, scene, proofs, camera, self.theme)
        if far:
            self._paint_dots(painter, picture, camera)
            self._backdrop.paint_titles(painter, scene, camera, self.theme)
            if picture.state.odd.any():
                self._marks.hatch(painter, picture, scene.visible(*camera.bounds(2.0)), camera, self.theme)
            self._paint_rings(painter, picture, camera)
            return
        items = scene.visible(*camera.bounds(2.0))
        self._paint_cards(painter, picture, items, camera, sprite_scale)
        self._marks.paint(painter, picture, items, camera, self.theme)
        self._paint_numbers(painter, picture, items, camera)
        if camera.detail == Detail.CLOSE:
            self._insides.paint(painter, picture, items, camera)
        self._paint_rings(painter, picture, camera)
        if proofs is not None and camera.detail >= Detail.TEXT:
            items = scene.visible(*camera.bounds(proof_marks.SIGN * camera.ratio))
            self._paint_signs(painter, picture, proofs, items, camera)

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _paint_cards(self, p: QPainter, picture: Picture, items: Ints, camera: Camera, sprite_scale: float) -> None:
        cards, card = self._cards(picture)
        self._stamps.paint(p, picture, cards, card, items, camera, sprite_scale)

    def _cards(self, picture: Picture) -> tuple[tuple[Card, ...], Ints]:
        """The cards, and which one each item has, in the picture's colours."""
        if picture.fills is None:
            return picture.scene.cards, picture.scene.card
        scene, fills = picture.scene, picture.fills
        found = self._filled.get((scene.card, fills), lambda: filled(scene, fills))
        return found.cards, found.card

    def _paint_dots(self, p: QPainter, picture: Picture, camera: Camera) -> None:
        self._dots.paint(p, picture, camera)

    def _paint_numbers(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        self._numbers.paint(p, picture, items, camera)

    def _paint_signs(self, p: QPainter, picture: Picture, proofs: ProofMarks, items: Ints, camera: Camera) -> None:
        proof_marks.signs(p, picture.scene, proofs.state, items, camera, self.theme)

    def _paint_rings(self, p: QPainter, picture: Picture, camera: Camera) -> None:
        scene, state = picture.scene, picture.state
        if picture.proofs is not None:
            proof_marks.way_rings(p, scene, picture.proofs, camera, self.theme)
        if picture.marked is not None:
            self._marks.frames(p, scene, picture.marked, camera, self.theme.accent)
        if picture.selection is not None:
            step = 1 if picture.selection == state.active else 0
            marks.ring(p, scene, picture.selection, camera, self.theme.accent, step)

    def paint_rolling(self, p: QPainter, picture: Picture, node: int, number: float, camera: Camera) -> None:
        """A parameter's card once more, with a number between its old and its new value."""
        scene = picture.scene
        cards, card_of = self._cards(picture)
        for item in scene.pictures(node):
            card = cards[card_of[item]]
            place = number_places(card, camera.detail)[0]
            if place is None:
                continue
            box = marks.box_of(scene, item, camera)
            p.save()
            p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            p.translate(box.topLeft())
            draw_card(p, card, camera.scale, camera.detail, self.theme, camera.ratio)
            p.restore()
            labels = [Label(place, text_of(number), UPDATE_COLOR)]
            labels += [label for label in labels_of(picture, item, camera.detail) if label.color == GRADIENT_COLOR]
            draw_labels(p, picture, item, labels, box.topLeft(), camera.scale, self.theme)


class VectorPainter(GraphPainter):
    """The same picture without pixels: every card is drawn as shapes and text."""

    def _paint_cards(self, p: QPainter, picture: Picture, items: Ints, camera: Camera, sprite_scale: float) -> None:
        p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        scene = picture.scene
        cards, card_of = self._cards(picture)
        for item, strength in zip(items.tolist(), strengths(picture, items).tolist(), strict=True):
            box = marks.box_of(scene, item, camera)
            p.save()
            p.setOpacity(strength)
            p.translate(box.topLeft())
            draw_card(p, cards[card_of[item]], camera.scale, camera.detail, self.theme, camera.ratio)
            p.restore()

    def _paint_dots(self, p: QPainter, picture: Picture, camera: Camera) -> None:
        self._dots.paint_shapes(p, picture, camera)

    def _paint_numbers(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        kept = picture.kept() if picture.kept is not None and camera.detail == Detail.CLOSE else {}
        for item in items.tolist():
            box = marks.box_of(picture.scene, item, camera)
            labels = (*labels_of(picture, item, camera.detail), *kept_label(picture, item, kept))
            draw_labels(p, picture, item, labels, box.topLeft(), camera.scale, self.theme)

    def _paint_signs(self, p: QPainter, picture: Picture, proofs: ProofMarks, items: Ints, camera: Camera) -> None:
        proof_marks.draw_signs(p, picture.scene, proofs.state, items, camera, self.theme)
