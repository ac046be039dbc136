"""Draws a whole graph in one go, in device pixels, from flat arrays: the window's canvas and exported pictures alike.

On screen, cards come from an atlas and numbers from a sheet of digits (`GraphPainter`); in an exported picture both are
drawn as shapes and text (`VectorPainter`). Everything else is the same code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPixmap

from gui import theme as tokens
from gui.canvas import marks, proof_marks
from gui.canvas.arrays import Batch
from gui.canvas.atlas import Glyphs, Sprites
from gui.canvas.cards import PARAMETER, Place, draw_card, number_places
from gui.canvas.cards import px as font_px
from gui.canvas.edges import EdgePainter
from gui.canvas.lod import Detail
from gui.canvas.readings import contributions, gradient_of, text_of, value_of
from gui.canvas.state import GRADIENT, NOT_YET
from gui.theme import NOT_YET as FAINT
from gui.theme import Theme, blend

if TYPE_CHECKING:
    from gui.canvas.camera import Camera
    from gui.canvas.proof_marks import ProofMarks
    from gui.canvas.readings import Readings
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState, Track

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FADED = 0.3  # strength of what a hovered node is not connected with
DOT_LEVELS = 6
LINKED_FROM = 0.45  # scale from which contributions are written beside edges

VALUE_COLOR, GRADIENT_COLOR, UPDATE_COLOR = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Picture:
    """All that a frame shows. `emphasis` is (nodes, edges) connected with the hovered one; others are faded.

    `proofs`: what is proved, and the way upstream; where nodes are coloured by it, `scene` has those fills.
    """

    scene: Scene
    state: DrawState
    track: Track
    readings: Readings
    selection: int | None = None
    emphasis: tuple[Flags, Flags] | None = None
    proofs: ProofMarks | None = None


@dataclass(frozen=True)
class Label:
    """A number on a card: where (scene px from the card's top left), what, and in which colour."""

    place: Place
    text: str
    color: int


def labels_of(picture: Picture, item: int, detail: Detail) -> tuple[Label, ...]:
    """The numbers that stand on an item at this level of detail."""
    scene, state = picture.scene, picture.state
    node = int(scene.item_node[item])
    card = scene.cards[scene.card[item]]
    first, second = number_places(card, detail)
    labels: list[Label] = []
    if first is not None and (text := text_of(value_of(picture.readings, scene, state, node))):
        fresh = bool(state.updated[node]) and card.kind == PARAMETER
        labels.append(Label(first, text, UPDATE_COLOR if fresh else VALUE_COLOR))
    if second is not None:
        if card.scalar:
            text = text_of(gradient_of(picture.readings, scene, state, node))
        else:
            text = "" if np.isnan(state.norm[node]) else f"‖{text_of(float(state.norm[node]))}‖"
        if text:
            labels.append(Label(second, text, GRADIENT_COLOR))
    return tuple(labels)


class GraphPainter:
    """Keeps atlases and memory between frames; one for each theme and device."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._edges = EdgePainter()
        self._sprites = Sprites(theme)
        self._fragments = Batch(QPainter.PixmapFragment)
        self._rects = Batch(QRectF)
        self._glyphs: dict[int, Glyphs] = {}
        self._runs: dict[tuple[object, ...], tuple[tuple[int, Floats], ...]] = {}
        self._runs_for: tuple[object, ...] = ()
        self._dots: QPixmap | None = None

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
        painter.fillRect(0, 0, camera.width, camera.height, self.theme.bg)
        scene, state = picture.scene, picture.state
        emphasis = picture.emphasis
        self._edges.paint(painter, scene, state, None if emphasis is None else emphasis[1], camera, self.theme)
        if picture.proofs is not None:
            proof_marks.way(painter, scene, picture.proofs, camera, self.theme)
        items = scene.visible(*camera.bounds(2.0))
        if camera.detail == Detail.DOT:
            self._paint_dots(painter, picture, items, camera)
        else:
            self._paint_cards(painter, picture, items, camera, sprite_scale or camera.scale)
            lit = items if emphasis is None else items[emphasis[0][scene.item_node[items]]]
            marks.bars(painter, self._rects, scene, state, lit, camera, self.theme)
            marks.notches(painter, self._rects, scene, state, lit, camera, self.theme)
            self._paint_numbers(painter, picture, items, camera)
        self._paint_rings(painter, picture, camera, active=active)
        if picture.proofs is not None and camera.detail >= Detail.TEXT:
            self._paint_signs(painter, picture, picture.proofs, items, camera)

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _paint_cards(self, p: QPainter, picture: Picture, items: Ints, camera: Camera, sprite_scale: float) -> None:
        if not len(items):
            return
        scene = picture.scene
        sheet = self._sprites.sheet(sprite_scale, camera.detail)
        slots = sheet.slots_of(scene.cards, scene.card[items])
        strength = strengths(picture, items)
        x, y = camera.offset
        left, top = scene.left[items] * camera.scale + x, scene.top[items] * camera.scale + y
        stretch = camera.scale / sheet.scale
        if stretch == 1.0:
            left, top = np.rint(left), np.rint(top)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, stretch != 1.0)
        for page in np.unique(slots[:, 0]).tolist():
            mine = np.flatnonzero(slots[:, 0] == page)
            mine = mine[np.argsort(strength[mine], kind="stable")]  # fewer changes of opacity
            rows = self._fragments.rows(len(mine))
            rows[:, 0] = left[mine] + slots[mine, 3] * (stretch / 2)
            rows[:, 1] = top[mine] + slots[mine, 4] * (stretch / 2)
            rows[:, 2:6] = slots[mine, 1:5]
            rows[:, 6:8] = stretch
            rows[:, 8] = 0.0
            rows[:, 9] = strength[mine]
            p.drawPixmapFragments(*self._fragments.arguments(), sheet.pages[int(page)])

    def _paint_dots(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        """From afar a node is a patch of its category's colour, or of the gradient's, once that has passed."""
        if not len(items):
            return
        rows = self._fragments.rows(len(items))
        np.take(picture.scene.dots, items, axis=0, out=rows)
        x, y = camera.offset
        rows[:, 0] = rows[:, 0] * camera.scale + x
        rows[:, 1] = rows[:, 1] * camera.scale + y
        rows[:, 3] = dot_rows(picture, items)
        rows[:, 6:8] = np.maximum(rows[:, 6:8] * camera.scale, 1.0)
        if self._dots is None:
            self._dots = dot_colors(self.theme)
        p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        p.drawPixmapFragments(*self._fragments.arguments(), self._dots)

    # --- numbers -----------------------------------------------------------------------------------------------------

    def _paint_numbers(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        detail = camera.detail
        if detail < Detail.TEXT:
            return
        scene, state = picture.scene, picture.state
        if detail < Detail.CLOSE:
            items = items[scene.scalar[scene.item_node[items]]]
        self._forget_runs(picture, camera)
        x, y = camera.offset
        collected: dict[int, list[tuple[Floats, float, float, float]]] = {}
        for item, strength in zip(items.tolist(), strengths(picture, items).tolist(), strict=True):
            node = scene.item_node[item]
            key = (item, state.value_event[node], state.value_role[node], state.gradient_event[node])
            runs = self._runs.get(key)
            if runs is None:
                runs = self._runs[key] = self._runs_of(picture, item, camera)
            if runs:
                left, top = round(scene.left[item] * camera.scale + x), round(scene.top[item] * camera.scale + y)
                for px, run in runs:
                    collected.setdefault(px, []).append((run, left, top, strength))
        for px, parts in collected.items():
            self._draw_runs(p, self._glyphs[px], parts)

    def _forget_runs(self, picture: Picture, camera: Camera) -> None:
        """Runs hold while the same nodes are shown at the same size."""
        about = (id(picture.readings), picture.scene.node_ids.tobytes(), camera.scale, camera.detail)
        if about != self._runs_for:
            self._runs.clear()
            self._runs_for = about

    def _runs_of(self, picture: Picture, item: int, camera: Camera) -> tuple[tuple[int, Floats], ...]:
        runs = []
        for label in labels_of(picture, item, camera.detail):
            px = font_px(label.place.size * camera.scale)
            glyphs = self._glyphs.get(px)
            if glyphs is None:
                glyphs = self._glyphs[px] = Glyphs(px, number_colors(self.theme))
            place = label.place
            runs.append(
                (px, glyphs.run(label.text, place.right * camera.scale, place.middle * camera.scale, label.color))
            )
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

    def _paint_signs(self, p: QPainter, picture: Picture, proofs: ProofMarks, items: Ints, camera: Camera) -> None:
        proof_marks.signs(p, picture.scene, proofs.state, items, camera, self.theme)

    def _paint_rings(self, p: QPainter, picture: Picture, camera: Camera, *, active: bool) -> None:
        scene, state = picture.scene, picture.state
        if picture.proofs is not None:
            proof_marks.way_rings(p, scene, picture.proofs, camera, self.theme)
        if picture.selection is not None:
            step = 1 if picture.selection == state.active else 0
            marks.ring(p, scene, picture.selection, camera, self.theme.accent, step)
        if not active:
            return
        if state.active >= 0 and state.phase:
            marks.ring(p, scene, state.active, camera, self.theme.phase(state.phase))
        if camera.scale >= LINKED_FROM * camera.ratio:
            brought = contributions(picture.readings, scene, state, picture.track)
            marks.beside_edges(p, scene, state.active, brought, camera, self.theme)

    def paint_rolling(self, p: QPainter, picture: Picture, node: int, number: float, camera: Camera) -> None:
        """A parameter's card once more, with a number between its old and its new value."""
        scene = picture.scene
        for item in np.flatnonzero(scene.item_node == node).tolist():
            card = scene.cards[scene.card[item]]
            place = number_places(card, camera.detail)[0]
            if place is None:
                continue
            box = marks.box_of(scene, item, camera)
            p.save()
            p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            p.translate(box.topLeft())
            draw_card(p, card, camera.scale, camera.detail, self.theme)
            p.restore()
            labels = [Label(place, text_of(number), UPDATE_COLOR)]
            labels += [label for label in labels_of(picture, item, camera.detail) if label.color == GRADIENT_COLOR]
            draw_labels(p, labels, box.left(), box.top(), camera.scale, self.theme)


class VectorPainter(GraphPainter):
    """The same picture without pixels: every card is drawn as shapes and text."""

    def _paint_cards(self, p: QPainter, picture: Picture, items: Ints, camera: Camera, sprite_scale: float) -> None:
        p.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        scene = picture.scene
        for item, strength in zip(items.tolist(), strengths(picture, items).tolist(), strict=True):
            box = marks.box_of(scene, item, camera)
            p.save()
            p.setOpacity(strength)
            p.translate(box.topLeft())
            draw_card(p, scene.cards[scene.card[item]], camera.scale, camera.detail, self.theme)
            p.restore()

    def _paint_dots(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        p.setPen(Qt.PenStyle.NoPen)
        colors = dot_colors(self.theme).toImage()
        scene = picture.scene
        for item, row in zip(items.tolist(), dot_rows(picture, items).tolist(), strict=True):
            p.fillRect(marks.box_of(scene, item, camera), colors.pixelColor(int(scene.category[item]), int(row)))

    def _paint_numbers(self, p: QPainter, picture: Picture, items: Ints, camera: Camera) -> None:
        for item in items.tolist():
            box = marks.box_of(picture.scene, item, camera)
            labels = labels_of(picture, item, camera.detail)
            draw_labels(p, labels, box.left(), box.top(), camera.scale, self.theme)

    def _paint_signs(self, p: QPainter, picture: Picture, proofs: ProofMarks, items: Ints, camera: Camera) -> None:
        proof_marks.draw_signs(p, picture.scene, proofs.state, items, camera, self.theme)


def draw_labels(p: QPainter, labels: Iterable[Label], x: float, y: float, scale: float, theme: Theme) -> None:
    """Numbers as text, on a card whose top left is at (x, y) device px."""
    colors = number_colors(theme)
    for label in labels:
        font = tokens.mono_font(font_px(label.place.size * scale))
        metrics = QFontMetricsF(font)
        p.setFont(font)
        p.setPen(colors[label.color])
        left = x + label.place.right * scale - metrics.horizontalAdvance(label.text)
        p.drawText(QPointF(round(left), round(y + label.place.middle * scale + metrics.capHeight() / 2)), label.text)


def number_colors(theme: Theme) -> tuple[QColor, QColor, QColor]:
    """In the order of VALUE_COLOR, GRADIENT_COLOR, UPDATE_COLOR: light enough (dark enough) for every fill."""
    share = 0.35 if theme.is_dark else 0.25
    mixed = (blend(color, theme.text, share) for color in (theme.forward, theme.backward, theme.update))
    first, second, third = mixed
    return first, second, third


def strengths(picture: Picture, items: Ints) -> Floats:
    """Opacity of each item."""
    nodes = picture.scene.item_node[items]
    strength: Floats = np.where(picture.state.status[nodes] == NOT_YET, FAINT, 1.0)
    if picture.emphasis is not None:
        strength = np.where(picture.emphasis[0][nodes], strength, np.minimum(strength, FADED))
    return strength


_DOT_FADED, _DOT_NOT_YET, _DOT_VALUE, _DOT_GRADIENT = range(4)


def dot_rows(picture: Picture, items: Ints) -> Ints:
    """Row in `dot_colors` of each item."""
    nodes = picture.scene.item_node[items]
    state = picture.state
    magnitude = np.nan_to_num(state.magnitude[nodes], nan=0.0)
    level = np.minimum((magnitude * DOT_LEVELS).astype(np.int64), DOT_LEVELS - 1)
    rows: Ints = np.where(
        state.status[nodes] == GRADIENT, _DOT_GRADIENT + level, np.where(state.status[nodes] == NOT_YET, 1, 2)
    )
    if picture.emphasis is not None:
        rows = np.where(picture.emphasis[0][nodes], rows, _DOT_FADED)
    return rows


def dot_colors(theme: Theme) -> QPixmap:
    """One pixel for each category (column) and look (row)."""
    fills = (*tokens.CATEGORIES, *tokens.PROOFS)
    image = QImage(len(fills), _DOT_GRADIENT + DOT_LEVELS, QImage.Format.Format_RGB32)
    for column, name in enumerate(fills):
        fill = theme.category(name)
        full = blend(fill, theme.text if theme.is_dark else theme.dim, 0.24)
        looks = [blend(theme.bg, full, FADED), blend(theme.bg, full, FAINT + 0.1), full]
        shares = (0.35 + 0.65 * level / (DOT_LEVELS - 1) for level in range(DOT_LEVELS))
        looks += [blend(theme.bg, proof_marks.seen_from_afar(name, theme), share) for share in shares]
        for row, color in enumerate(looks):
            image.setPixelColor(column, row, color)
    return QPixmap.fromImage(image)
