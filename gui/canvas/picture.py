"""What a frame shows, and what of it stands on a card: plain data, read by all that paint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gui.canvas.cards import PARAMETER, Place, number_places
from gui.canvas.kept import kept_by, kept_place, short_size
from gui.canvas.readings import gradient_of, text_of, value_of
from gui.canvas.state import HAS_NAN, NOT_YET
from gui.theme import NOT_YET as FAINT

if TYPE_CHECKING:
    from gui.canvas.insides import Insides
    from gui.canvas.lod import Detail
    from gui.canvas.proof_marks import ProofMarks
    from gui.canvas.readings import Readings
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState, Track

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

FADED = 0.3  # strength of what a hovered node is not connected with, and of what is dimmed

VALUE_COLOR, GRADIENT_COLOR, UPDATE_COLOR = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Picture:
    """All that a frame shows. `emphasis` is (nodes, edges) connected with the hovered one; others are faded.

    `proofs`: what is proved, and the way upstream; where nodes are coloured by it, `scene` has those fills.
    `fills` (n): an ARGB colour (0xAARRGGBB, opaque) for each node, instead of its category's. A few dozen different
    colours are drawn from pictures made once; thousands take longer when they first come near.
    `dimmed` (n): nodes that stand back, and their edges. `marked` (n): nodes with a ring, looked at together.
    `module` is the key of the module whose frame is marked.
    `insides`: what is seen in cards close up. `kept` gives the bytes that nodes keep for backward, as far as is known.
    `flow` (e): edges that are told apart: TO_NODE, FROM_NODE, INTO, OUT_OF or ON_PATH of `edges`, 0 for others.
    """

    scene: Scene
    state: DrawState
    track: Track
    readings: Readings
    selection: int | None = None
    emphasis: tuple[Flags, Flags] | None = None
    proofs: ProofMarks | None = None
    fills: npt.NDArray[np.uint32] | None = None
    dimmed: Flags | None = None
    module: str = ""
    marked: Flags | None = None
    flow: Bytes | None = None
    insides: Insides | None = None
    kept: Callable[[], Mapping[int, int]] | None = None

    @cached_property
    def lit(self) -> Flags | None:
        """Per node: neither dimmed nor apart from the hovered one; None where all are."""
        if self.emphasis is None:
            return None if self.dimmed is None else ~self.dimmed
        return self.emphasis[0] if self.dimmed is None else self.emphasis[0] & ~self.dimmed

    @cached_property
    def lit_edges(self) -> Flags | None:
        """Per edge, likewise: an edge stands back with either of its ends."""
        connected = None if self.emphasis is None else self.emphasis[1]
        if self.dimmed is None:
            return connected
        shown: Flags = ~(self.dimmed[self.scene.source] | self.dimmed[self.scene.target])
        return shown if connected is None else shown & connected


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
            text = _norm_text(float(state.norm[node]), int(state.odd[node]))
        if text:
            labels.append(Label(second, text, GRADIENT_COLOR))
    return tuple(labels)


def _norm_text(norm: float, odd: int) -> str:
    """Where a gradient is not finite, the norm of the rest of it would say that all is well."""
    if odd:
        return "‖NaN‖" if odd == HAS_NAN else "‖∞‖"
    return "" if np.isnan(norm) else f"‖{text_of(norm)}‖"


def kept_label(picture: Picture, item: int, kept: Mapping[int, int]) -> tuple[Label, ...]:
    """The bytes that an item's node, or all nodes of its module, keep for their backward, close up."""
    scene = picture.scene
    count = kept_by(scene, int(scene.item_node[item]), kept)
    if not count:
        return ()
    text = short_size(count)
    place = kept_place(scene.cards[scene.card[item]], len(text))
    return () if place is None else (Label(place, text, VALUE_COLOR),)


def strengths(picture: Picture, items: Ints) -> Floats:
    """Opacity of each item."""
    nodes = picture.scene.item_node[items]
    strength: Floats = np.where(picture.state.status[nodes] == NOT_YET, FAINT, 1.0)
    if picture.lit is not None:
        strength = np.where(picture.lit[nodes], strength, np.minimum(strength, FADED))
    return strength
