"""A laid-out graph as flat arrays: what the painter reads, and what answers "what is here?".

An item is something that is drawn as a node: each node once, then the ghosts (further pictures of a shared parameter
beside its other consumers). A piece is one part of an edge's route, stored as a cubic curve even where it is straight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.graph.reach import Links
from gui.canvas.arrays import touching
from gui.canvas.cards import DATA, Card, Deck, card_of
from gui.canvas.overlaps import Overlaps, overlaps_of
from gui.canvas.routes import Pieces, pieces_of

if TYPE_CHECKING:
    import networkx as nx

    from engine.graph.modules import ModuleTree
    from engine.layout import Box, Layout
    from engine.layout.placed import Placed
    from gui.canvas.modules.inner import Inner

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DATA_SLOTS = 1000  # edges to data leaves are numbered from here on
KEPT_NODES, FEWEST_KEPT = 40_000, 3  # in all scenes that are kept in one place; and scenes
# What is worked out of the places and the cards, whatever the nodes are called.
_SHARED = (
    "deck",
    "kind",
    "scalar",
    "data_edge",
    "category",
    "box",
    "box_rects",
    "box_depth",
    "downward",
    "links",
    "overlaps",
)


@dataclass(frozen=True, eq=False)
class Scene:
    """`node_ids` (n) are the recording's; everything else counts positions in it, so that the next training step's
    graph, which has new ids and the same structure, shares all arrays.

    items (m): `item_node`, `left`, `top`, `right`, `bottom` in scene px, `card` (index in `cards`)
    edges (e): `source`, `target` (node positions), `slot`, `input_number`, `loose`; `pieces` are their routes
    """

    node_ids: Ints
    cards: tuple[Card, ...]
    card: Ints
    item_node: Ints
    left: Floats
    top: Floats
    right: Floats
    bottom: Floats
    source: Ints
    target: Ints
    slot: Ints
    input_number: Ints
    loose: Flags
    pieces: Pieces
    bounds: tuple[float, float, float, float]
    modules: tuple[str, ...]
    tree: ModuleTree | None = None  # its positions are those of `every`
    inner: Inner | None = None  # what is under the picture where modules are collapsed
    boxes: tuple[Box, ...] = ()  # of open modules, outer ones first

    @property
    def node_count(self) -> int:
        return len(self.node_ids)

    @cached_property
    def position(self) -> dict[int, int]:
        """Node id → position; of what is hidden in a collapsed module, the position of that."""
        drawn = dict(zip(self.node_ids.tolist(), range(self.node_count), strict=True))
        return drawn if self.inner is None else {**self.inner.hidden, **drawn}

    @cached_property
    def deck(self) -> Deck:
        """What is known of all cards; scenes of one graph share it."""
        return Deck.of(self.cards)

    @property
    def every(self) -> Ints:
        """Ids of all recorded nodes, drawn or hidden, in the order of the `tree`."""
        return self.node_ids if self.inner is None else self.inner.plain.node_ids

    @property
    def collapsed(self) -> frozenset[str]:
        """Keys of the modules that are collapsed."""
        return frozenset() if self.inner is None else self.inner.collapsed

    @cached_property
    def kind(self) -> Ints:
        """OPERATION, PARAMETER, DATA or MODULE of each node."""
        kinds: Ints = self.deck.kind[self.card[: self.node_count]]
        return kinds

    @cached_property
    def scalar(self) -> Flags:
        """Nodes whose value is one number."""
        flags: Flags = self.deck.scalar[self.card[: self.node_count]]
        return flags

    @cached_property
    def data_edge(self) -> Flags:
        """Links to data leaves: values flow along them, gradients do not."""
        to_data: Flags = (self.slot >= DATA_SLOTS) | (self.kind[self.target] == DATA)
        return to_data

    @cached_property
    def category(self) -> Ints:
        """Index in `theme.CATEGORIES` and, after these, `theme.PROOFS` of each item's fill."""
        fills: Ints = self.deck.fill[self.card]
        return fills

    @cached_property
    def box(self) -> Singles:
        """(4, m): left, top, right, bottom of each item, exact enough to tell what is in view."""
        return np.stack([self.left, self.top, self.right, self.bottom]).astype(np.float32)

    @cached_property
    def box_rects(self) -> Floats:
        """(4, b): left, top, right, bottom of each of `boxes`."""
        rows = np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in self.boxes], dtype=np.float64)
        return np.ascontiguousarray(rows.reshape(-1, 4).T)

    @cached_property
    def box_depth(self) -> Ints:
        return np.array([box.depth for box in self.boxes], dtype=np.int64)

    @cached_property
    def overlaps(self) -> Overlaps | None:
        """Which pieces lie on each other; None where no edges share a bus: there few do."""
        return overlaps_of(self.pieces) if self.loose.any() else None

    @cached_property
    def downward(self) -> Ints:
        """Items in the order of their upper borders."""
        return np.argsort(self.top, kind="stable")

    def kept(self, most: int) -> int:
        """How many scenes like this one to keep, at most `most`: memory that is used again is at hand at once, while
        what is asked of the system anew takes as long as to work out what comes there."""
        return max(min(most, KEPT_NODES // max(self.node_count, 1)), FEWEST_KEPT)

    def with_nodes(self, node_ids: Ints, inner: Inner | None = None) -> Scene:
        """The same picture for a graph of the same structure; what was worked out of the places and cards is shared."""
        self.warm_up()
        other = replace(self, node_ids=node_ids, inner=inner)
        other.__dict__.update({name: self.__dict__[name] for name in _SHARED})
        return other

    def warm_up(self) -> None:
        """Work out what is needed sooner or later, in whatever thread has time for it."""
        for name in _SHARED:
            getattr(self, name)

    def places(self, ids: Ints) -> Ints:
        """The position of what is drawn for each of these nodes, itself or a collapsed module; -1 for nothing."""
        order, known = self._sorted
        if not len(known):
            return np.full(len(ids), -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        drawn = order if self.inner is None else self.inner.owner[order]
        return np.where(known[found] == ids, drawn[found], -1)

    @cached_property
    def _sorted(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.every, kind="stable")
        return order, self.every[order]

    def members(self, node: int) -> Ints:
        """Ids of the recorded nodes that the node at a position stands for."""
        return self.node_ids[node : node + 1] if self.inner is None else self.inner.members(node)

    def pictures(self, node: int) -> list[int]:
        """The items of a node: itself and its ghosts."""
        ghosts = self.item_node[self.node_count :]
        return [node, *(np.flatnonzero(ghosts == node) + self.node_count).tolist()] if len(ghosts) else [node]

    def visible(self, x0: float, y0: float, x1: float, y1: float) -> Ints:
        """Items that touch the rectangle."""
        return np.flatnonzero(touching(self.box, x0, y0, x1, y1))

    def item_at(self, x: float, y: float, slack: float = 0.0) -> int | None:
        """The item at a point, the topmost if several are; within `slack` scene px of it counts."""
        found = self.visible(x - slack, y - slack, x + slack, y + slack)
        return int(found[-1]) if len(found) else None

    def center(self, item: int) -> tuple[float, float]:
        return float(self.left[item] + self.right[item]) / 2, float(self.top[item] + self.bottom[item]) / 2

    @cached_property
    def links(self) -> Links:
        """For questions about what lies up- and downstream; by position."""
        return Links(self.source, self.target, self.node_count)

    def connected(self, node: int) -> tuple[Flags, Flags]:
        """Everything upstream and downstream of a node: (nodes, edges)."""
        upstream, downstream = self.links.upstream(node), self.links.downstream(node)
        return upstream | downstream, upstream[self.target] | downstream[self.source]


def node_sizes(graph: nx.MultiDiGraph) -> None:
    """Give every node of `graph` the `width` and `height` (scene px) that its card needs. To be done before layout."""
    for _, attributes in graph.nodes(data=True):
        size_of(attributes)


def size_of(attributes: dict[str, Any]) -> None:
    """The same for one node, and its `card`; what is collapsed and opened again keeps its own."""
    if "card" not in attributes:
        card = attributes["card"] = card_of(attributes)
        attributes["width"], attributes["height"] = card.width, card.height


def build_scene(graph: nx.MultiDiGraph, layout: Layout, tree: ModuleTree | None = None) -> Scene:
    """The arrays of a graph (as `engine.graph.build` returns it) at the places that `layout` gave its nodes."""
    from engine.layout.placed import Placed

    index = layout.index
    numbered: dict[Card, int] = {}
    attributes = dict(graph.nodes(data=True))
    cards = [attributes[node].get("card") or card_of(attributes[node]) for node in layout.nodes]
    card_of_node = [numbered.setdefault(card, len(numbered)) for card in cards]
    return put_together(
        Placed.of(layout),
        np.array(layout.nodes, dtype=np.int64),
        tree,
        (Deck.of(tuple(numbered)), np.array(card_of_node, dtype=np.int64)),
        np.array([index[edge[0]] for edge in layout.edges], dtype=np.int64),
        np.array([index[edge[1]] for edge in layout.edges], dtype=np.int64),
        np.array([edge[2] for edge in layout.edges], dtype=np.int64),
        np.array([_input_number(graph, edge) for edge in layout.edges], dtype=np.int64),
        tuple(str(attributes[node].get("module") or "") for node in layout.nodes),
    )


def put_together(
    placed: Placed,
    node_ids: Ints,
    tree: ModuleTree | None,
    cards: tuple[Deck, Ints],
    source: Ints,
    target: Ints,
    slot: Ints,
    input_number: Ints,
    modules: tuple[str, ...],
    inner: Inner | None = None,
) -> Scene:
    """The scene of what is there as arrays, in the order of the placed nodes and edges. `cards`: all, and which of
    them each node has."""
    item_node = np.concatenate([np.arange(len(node_ids), dtype=np.int64), placed.ghost_node])
    left, top, right, bottom = np.ascontiguousarray(placed.rects.T)
    scene = Scene(
        node_ids=node_ids,
        cards=cards[0].cards,
        card=cards[1][item_node],
        item_node=item_node,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        source=source,
        target=target,
        slot=slot,
        input_number=input_number,
        loose=placed.loose,
        pieces=pieces_of(placed.routes, placed.rects[source]),
        bounds=placed.bounds,
        modules=modules,
        tree=tree,
        inner=inner,
        boxes=placed.boxes,
    )
    scene.__dict__["deck"] = cards[0]
    return scene


def _input_number(graph: nx.MultiDiGraph, edge: tuple[Any, Any, Any]) -> int:
    return int(graph.edges[edge].get("input_number") or 0)
