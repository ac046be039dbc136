"""What proofs add to the picture: fills by state, small signs on the cards, and the way upstream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

from gui.canvas import marks
from gui.canvas.cards import DATA, Card
from gui.canvas.modules.proofs import gathered
from gui.proof.signs import draw_sign
from gui.proof.store import STATES, Verdict
from gui.theme import blend

if TYPE_CHECKING:
    from engine.rules.upstream import Walk
    from gui.canvas.camera import Camera
    from gui.canvas.scene import Scene
    from gui.theme import Theme

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NONE = -1
FILL_OF: Mapping[str, str] = {
    "proved": "proof_good",
    "finite_differences": "proof_good",
    "not_differentiable": "proof_quiet",
    "unknown": "proof_unknown",
    "wrong": "proof_wrong",
    "no_data": "proof_none",
    "not_run": "proof_none",
}
SIGN = 14.0  # logical px
WAY_WIDTH = 5.0
SAMPLES = 24  # points along an edge of the way


@dataclass(frozen=True, eq=False)
class ProofMarks:
    """`state` (n): index in STATES of each node of the scene, NONE where nothing is known. `way_nodes` are positions,
    in order, `way_edges` the edges between them."""

    state: npt.NDArray[np.int8]
    way_nodes: tuple[int, ...] = ()
    way_edges: tuple[int, ...] = ()

    def key(self) -> tuple[object, ...]:
        return (self.state.tobytes(), self.way_nodes, self.way_edges)


def marks_of(scene: Scene, verdicts: Mapping[int, Verdict], walk: Walk | None) -> ProofMarks | None:
    """Marks of a scene; None where there are none."""
    if not verdicts and walk is None:
        return None
    if scene.inner is not None:
        state = gathered(scene.inner, verdicts, NONE)
    else:
        state = np.full(scene.node_count, NONE, dtype=np.int8)
        for node, verdict in verdicts.items():
            place = scene.position.get(node)
            if place is not None:
                state[place] = STATES.index(verdict.state)
    nodes, edges = _way(scene, walk)
    return ProofMarks(state, nodes, edges) if nodes or np.any(state != NONE) else None


def _way(scene: Scene, walk: Walk | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if walk is None or any(node not in scene.position for node in walk.nodes):
        return (), ()  # it is the way through another graph
    edges: list[int] = []
    for here, there in zip(walk.places, walk.places[1:], strict=False):
        if here.side == "in" and there.side == "out":
            source, target = scene.position[there.node], scene.position[here.node]
            told = (scene.slot == there.slot) | (scene.slot < 0)  # links of a collapsed module are one
            found = np.flatnonzero((scene.source == source) & (scene.target == target) & told)
            edges += [int(found[0])] if len(found) else []
    return tuple(scene.position[node] for node in walk.nodes), tuple(edges)


def coloured(scene: Scene, state: npt.NDArray[np.int8]) -> Scene:
    """The same scene with every card filled by the state of its proof."""
    fills = ["proof_none", *(FILL_OF[name] for name in STATES)]  # by state + 1
    known: dict[Card, int] = {}
    by_item = state[scene.item_node].astype(np.int64) + 1
    pairs, inverse = np.unique(np.stack([scene.card, by_item]), axis=1, return_inverse=True)
    numbered = [
        known.setdefault(_filled(scene.cards[card], fills[place]), len(known)) for card, place in pairs.T.tolist()
    ]
    other = replace(scene, cards=tuple(known), card=np.array(numbered, dtype=np.int64)[inverse.reshape(-1)])
    other.__dict__["overlaps"] = scene.overlaps  # the places are the same
    return other


def _filled(card: Card, fill: str) -> Card:
    return card if card.kind == DATA else replace(card, category=fill)


def seen_from_afar(fill: str, theme: Theme) -> QColor:
    """What a patch with this fill shines in when its gradient has passed: as patches, proofs need stronger colours."""
    strong = {"proof_good": theme.proved, "proof_wrong": theme.error, "proof_unknown": theme.warn,
              "proof_quiet": theme.dim, "proof_none": theme.line}  # fmt: skip
    return strong.get(fill, theme.backward)


# --- painting --------------------------------------------------------------------------------------------------------


def signs(painter: QPainter, scene: Scene, state: npt.NDArray[np.int8], items: Ints, camera: Camera,
          theme: Theme) -> None:  # fmt: skip
    """A sign on the upper left corner of each card whose proof is known."""
    size = SIGN * camera.ratio
    for item in items[state[scene.item_node[items]] != NONE].tolist():
        box = marks.box_of(scene, item, camera)
        picture = _sign(STATES[state[scene.item_node[item]]], round(size), theme)
        painter.drawPixmap(QPointF(round(box.left() - size * 0.4), round(box.top() - size * 0.4)), picture)


def draw_signs(painter: QPainter, scene: Scene, state: npt.NDArray[np.int8], items: Ints, camera: Camera,
               theme: Theme) -> None:  # fmt: skip
    """The same as shapes, for an exported picture."""
    size = SIGN * camera.scale
    for item in items[state[scene.item_node[items]] != NONE].tolist():
        box = marks.box_of(scene, item, camera)
        rect = QRectF(box.left() - size * 0.4, box.top() - size * 0.4, size, size)
        draw_sign(painter, rect, STATES[state[scene.item_node[item]]], theme)


@lru_cache(maxsize=128)
def _sign(state: str, size: int, theme: Theme) -> QPixmap:
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    try:
        draw_sign(painter, QRectF(0, 0, size, size), state, theme)
    finally:
        painter.end()
    return picture


def way(painter: QPainter, scene: Scene, found: ProofMarks, camera: Camera, theme: Theme) -> None:
    """The edges of the way upstream, broad, under the cards."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    share = np.linspace(0.0, 1.0, SAMPLES)
    lines = []
    for edge in found.way_edges:
        points = scene.pieces.points(np.full(SAMPLES, edge), share)
        lines.append(QPolygonF([QPointF(*camera.to_device(x, y)) for x, y in points.tolist()]))
    # Opaque colours: pens that let the ground shine through cost three times as much.
    for width, color in ((WAY_WIDTH * 2, blend(theme.bg, theme.accent, 0.3)), (WAY_WIDTH / 2, theme.accent)):
        pen = QPen(color, max(width * min(camera.scale, camera.ratio), 2.0 * camera.ratio))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        for line in lines:
            painter.drawPolyline(line)


def way_rings(painter: QPainter, scene: Scene, found: ProofMarks, camera: Camera, theme: Theme) -> None:
    """A thin frame round each node of the way."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.accent, 1.5 * camera.ratio))
    gap, radius = 2.0 * camera.ratio, 6.0 * min(camera.scale, 2 * camera.ratio) + 2.0 * camera.ratio
    for item in np.flatnonzero(np.isin(scene.item_node, found.way_nodes)).tolist():
        painter.drawRoundedRect(marks.box_of(scene, item, camera).adjusted(-gap, -gap, gap, gap), radius, radius)
