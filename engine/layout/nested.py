"""Boxes in boxes: what is in a box is laid out by itself, and the box is one node of what is round it.

Boxes that are made alike are laid out once, and once more only when something in them changes; so what one opens or
closes costs the boxes round it. An edge that leaves a box runs through a port at its border: one for each node that
edges lead to from outside, and one for each node outside that edges lead to. Leaves that are used in several boxes are
drawn in each of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

from engine.layout.fold import LEAF_KINDS, LEAF_TYPE
from engine.layout.joined import CORRIDOR, STEP, joined
from engine.layout.model import Box, Cancel, Direction, Flags, Floats, Ints, Layout
from engine.layout.paths import FIRST, LAST, Parts, paths_of
from engine.layout.pipeline import Layering
from engine.layout.placed import Placed
from engine.layout.room import Room, made_readable

PAD = 14.0  # scene px between a box and what is in it
TITLE = 24.0  # the strip for its title; beside a port it needs no room of its own
MOUTH = 2.0  # between a port and the border
AREA = 16_000.0  # scene px² that a drawn node takes up with what is round it
BUCKET = 1.5  # heights are aimed at in steps of this factor, so that opening one box does not wrap the others anew
TOO_TALL = 1.25  # times that, and a box is wrapped
SHORTER = (1.0, BUCKET, BUCKET**2)  # times that, where columns are short
KEPT = 2000
ASKED = ("kind", "type", "width", "height", "margin")  # the attributes of nodes that a layout asks for
PORTS: Mapping[int, dict[str, Any]] = {
    FIRST: {"port": "first", "width": 0.0, "height": 0.0},
    LAST: {"port": "last", "width": 0.0, "height": 0.0},
}


class Frame(NamedTuple):
    """A box to be drawn; `parent` counts the frames before it, -1 for the outermost."""

    key: str
    title: str
    parent: int


@dataclass(frozen=True, eq=False)
class Frames:
    """Several as arrays."""

    key: Sequence[str]
    title: Sequence[str]
    parent: Ints


@dataclass(frozen=True, eq=False)
class _Laid:
    """A box as laid out by itself: positions relative to its upper left corner, `anchor` from there to its main line
    (across the ranks). `points` are the routes of its legs, one after the other, `size` of each.

    `ghosts` (g, 6): whose each is, its leg, x, y, width, height. `look` is what the box is for what is round it.
    """

    at: Floats
    points: Floats
    size: Ints
    loose: Flags
    ghosts: Floats
    width: float
    height: float
    anchor: float
    look: int


_box: Callable[[Iterable[Any]], Box] = partial(tuple.__new__, Box)  # without what `Box._make` asks of each
# What a box is made of: how it is laid out (aspect, height aimed at, short columns or not, direction), looks of its
# items, and its legs.
_Made = tuple[tuple[float, float, bool, Direction], bytes, bytes]


class Templates:
    """Boxes that were laid out, by what they are made of, and the looks of nodes: what tells them apart."""

    def __init__(self) -> None:
        self._kept: dict[_Made, _Laid] = {}
        self._looks: dict[tuple[Hashable, ...], int] = {}
        self._sizes = np.zeros((0, 2))
        self.attributes: list[dict[str, Any]] = []

    def get(self, key: _Made) -> _Laid | None:
        return self._kept.get(key)

    def put(self, key: _Made, laid: _Laid) -> None:
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = laid

    @property
    def sizes(self) -> Floats:
        """(k, 2): width and height of each look."""
        if len(self._sizes) < len(self.attributes):
            rows = [(data["width"], data["height"]) for data in self.attributes]
            self._sizes = np.array(rows, dtype=np.float64).reshape(-1, 2)
        return self._sizes

    def look_of(self, data: Mapping[str, Any]) -> int:
        """The number of nodes with these attributes, as far as a layout asks for them."""
        told = tuple((name, data[name]) for name in ASKED if name in data)
        number = self._looks.get(told)
        if number is None:
            number = self._looks[told] = len(self.attributes)
            self.attributes.append(dict(told))
        return number

    def looks_of(self, nodes: Iterable[Mapping[str, Any]]) -> Ints:
        return np.array([self.look_of(data) for data in nodes], dtype=np.int64)


def may_fold(data: Mapping[str, Any]) -> bool:
    """Whether a node is drawn beside its consumer where nothing comes back from it."""
    return data.get("kind") in LEAF_KINDS or str(data.get("type", "")).endswith(LEAF_TYPE)


def nested(
    graph: nx.MultiDiGraph,
    frames: Sequence[Frame],
    home: Mapping[Hashable, int],
    aspect: float = 1.6,
    *,
    room: Room | None = None,
    direction: Direction = "down",
    cancel: Cancel | None = None,
    templates: Templates | None = None,
) -> Layout:
    """Lay out `graph`, whose nodes stand in the frame `home` says (-1, or nothing said: in none). Frames come after
    those that they are in. `room` and what is raised: see `layered`."""
    templates = templates or Templates()
    place = {node: number for number, node in enumerate(graph)}
    edges = [(place[u], place[v], int(k)) for u, near in graph.adjacency() for v, keys in near.items() for k in keys]
    rows = np.array(edges, dtype=np.int64).reshape(-1, 3)
    data = [each for _, each in graph.nodes(data=True)]
    leaf = np.array([may_fold(each) for each in data], dtype=np.bool_)
    parts = Parts(tuple(graph), templates.looks_of(data), leaf, rows[:, 0], rows[:, 1], rows[:, 2])
    at = np.array([home.get(node, -1) for node in graph], dtype=np.int64)
    keys, titles, parent = zip(*frames, strict=True) if frames else ((), (), ())
    told = Frames(keys, titles, np.array(parent, dtype=np.int64))
    placed = nested_parts(parts, told, at, aspect, room=room, direction=direction, cancel=cancel, templates=templates)
    named = tuple((parts.nodes[u], parts.nodes[v], key) for u, v, key in edges)
    return placed.layout(parts.nodes, named, direction)


def nested_parts(
    parts: Parts,
    frames: Frames,
    home: Ints,
    aspect: float = 1.6,
    *,
    room: Room | None = None,
    direction: Direction = "down",
    cancel: Cancel | None = None,
    templates: Templates,
) -> Placed:
    """The same for a graph that is there as arrays; `templates` have counted its looks."""
    work = _Work(parts, frames, home, direction, cancel, templates)
    tries = [partial(work.run, aspect, times) for times in SHORTER]
    return made_readable(work.run(aspect), room, tries)


class _Work:
    """The state of one layout."""

    def __init__(
        self,
        parts: Parts,
        frames: Frames,
        home: Ints,
        direction: Direction,
        cancel: Cancel | None,
        templates: Templates,
    ) -> None:
        self.parts, self.frames = parts, frames
        self.direction, self.cancel, self.templates = direction, cancel, templates
        self.across = 1 if direction == "right" else 0
        self.paths = paths_of(parts, frames.parent, home)
        self.tall, self.short = 0.0, False

    def run(self, aspect: float, short: float = 0.0) -> Placed:
        """`short`: in columns of any number of rows, boxes being so many times as tall as they would be."""
        count = max(len(self.parts.nodes), 1)
        wished = math.sqrt(count * AREA / (1 / aspect if self.direction == "right" else aspect))
        self.tall, self.short = (short or 1.0) * BUCKET ** math.ceil(math.log(wished, BUCKET)), short > 0
        paths = self.paths
        legs = paths.leg.tobytes()
        found: list[tuple[Ints, list[_Laid]]] = []
        for level in range(int(paths.depth.max(initial=0)), -1, -1):
            mine = np.flatnonzero(paths.depth == level)
            found.append((mine, self._laid(mine, aspect if level == 0 else 0.0, legs)))
            if level > 0:
                paths.item_look[paths.box_item[mine]] = [each.look for each in found[-1][1]]
        order = np.argsort(np.concatenate([mine for mine, _ in found])).tolist()
        laid = [each for _, some in found for each in some]
        return self._placed([laid[place] for place in order])

    # --- one box -----------------------------------------------------------------------------------------------------

    def _laid(self, frames: Ints, aspect: float, legs: bytes) -> list[_Laid]:
        """Those of some boxes (or the page) in none of which another one is; `legs` are the bytes of all."""
        paths, templates = self.paths, self.templates
        looks, wide, long = paths.item_look.tobytes(), paths.item_look.itemsize, paths.leg.itemsize * 3
        how = (aspect, self.tall, self.short, self.direction)
        items = (paths.item_first[frames], paths.item_first[frames + 1])
        found: list[_Laid] = []
        for a, b, c, d in zip(
            *((each * wide).tolist() for each in items),
            *((paths.leg_first[frames + end] * long).tolist() for end in (0, 1)), strict=True,
        ):  # fmt: skip
            made_of = (how, looks[a:b], legs[c:d])
            laid = templates.get(made_of)
            if laid is None:
                laid = self._lay_out(made_of)
                templates.put(made_of, laid)
            found.append(laid)
        return found

    def _look(self, width: float, height: float, anchor: float) -> int:
        """A box as a node: the middle is as wide as it is on the narrower side of the main line."""
        before, after = anchor, (width, height)[self.across] - anchor
        middle = 2 * min(before, after)
        size = (middle, height) if self.across == 0 else (width, middle)
        margin = (before - middle / 2, after - middle / 2)
        return self.templates.look_of({"width": size[0], "height": size[1], "margin": margin})

    def _lay_out(self, made_of: _Made) -> _Laid:
        (aspect, *_), looks, legs = made_of
        page = aspect > 0
        told = self.templates.attributes
        attributes = [PORTS[each] if each < 0 else told[each] for each in np.frombuffer(looks, np.int64).tolist()]
        edges = [(tail, head, key) for tail, head, key in np.frombuffer(legs, np.int64).reshape(-1, 3).tolist()]
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(enumerate(attributes))
        graph.add_edges_from(edges)
        layering = Layering(graph, direction=self.direction, cancel=self.cancel)
        layout = layering.drawn(aspect, short=self.short) if page else self._columns(layering, attributes)
        left, top, right, bottom = self._bounds(layout, attributes)
        if page:
            return self._kept(layout, edges, np.zeros(2), right - left, bottom - top, 0.0)
        first, last = (self._line(layout, attributes, side) for side in ("first", "last"))
        line = first if first is not None else last
        before, after = self._mouth(layout, attributes, "first", line), self._mouth(layout, attributes, "last", line)
        sides = {"down": (PAD, before, PAD, after), "up": (PAD, after, PAD, before), "right": (before, PAD, after, PAD)}
        pad_left, pad_top, pad_right, pad_bottom = sides[self.direction]
        pad_top += TITLE if self.direction == "right" or pad_top == PAD else 0.0
        shift = np.array([pad_left - left, pad_top - top])
        width = right - left + pad_left + pad_right
        height = bottom - top + pad_top + pad_bottom
        middle = (width, height)[self.across] / 2
        anchor = middle if line is None else line + float(shift[self.across])
        return self._kept(layout, edges, shift, width, height, anchor)

    def _kept(
        self, layout: Layout, edges: list[tuple[int, int, int]], shift: Floats,
        width: float, height: float, anchor: float,
    ) -> _Laid:  # fmt: skip
        place = {edge: number for number, edge in enumerate(layout.edges)}
        chosen = [place[edge] for edge in edges]
        back = {number: leg for leg, number in enumerate(chosen)}
        routes = [layout.routes[number] for number in chosen]
        x, y = shift.tolist()
        ghosts = [
            (layout.index[ghost.node], back[ghost.edge_index], ghost.x + x, ghost.y + y, ghost.width, ghost.height)
            for ghost in layout.ghosts
        ]
        return _Laid(
            at=np.stack([layout.x, layout.y], axis=1) + shift,
            points=np.concatenate(routes) + shift if routes else np.zeros((0, 2)),
            size=np.array([len(route) for route in routes], dtype=np.int64),
            loose=np.array([number in layout.loose for number in chosen], dtype=np.bool_),
            ghosts=np.array(ghosts, dtype=np.float64).reshape(-1, 6),
            width=width, height=height, anchor=anchor, look=self._look(width, height, anchor),
        )  # fmt: skip

    def _bounds(self, layout: Layout, attributes: Sequence[Mapping[str, Any]]) -> tuple[float, float, float, float]:
        left, top, right, bottom = layout.bounds
        for number, data in enumerate(attributes):
            if "margin" in data:
                before, after = data["margin"]
                centre = (layout.x[number], layout.y[number])[self.across]
                half = (layout.width[number], layout.height[number])[self.across] / 2
                if self.across == 0:
                    left, right = min(left, centre - half - before), max(right, centre + half + after)
                else:
                    top, bottom = min(top, centre - half - before), max(bottom, centre + half + after)
        return float(left), float(top), float(right), float(bottom)

    def _columns(self, layering: Layering, attributes: list[dict[str, Any]]) -> Layout:
        """In one column, or in as many as are needed to be no taller than the page."""
        layout = layering.drawn(None)
        left, top, right, bottom = self._bounds(layout, attributes)
        size = (right - left, bottom - top)
        wide, deep = max(size[self.across], 1.0), size[1 - self.across]
        if deep <= TOO_TALL * self.tall:
            return layout
        aspect = wide * math.ceil(deep / self.tall) ** 2 / deep
        return layering.drawn(1 / aspect if self.direction == "right" else aspect, short=self.short)

    def _mouth(self, layout: Layout, attributes: Sequence[Mapping[str, Any]], side: str, line: float | None) -> float:
        """How far the border is from the ports of a side."""
        positions = (layout.x, layout.y)[self.across]
        found = [
            abs(float(positions[n]) - (line or 0.0)) for n, data in enumerate(attributes) if data.get("port") == side
        ]
        return PAD if not found else MOUTH if max(found) <= STEP else CORRIDOR

    def _line(self, layout: Layout, attributes: Sequence[Mapping[str, Any]], side: str) -> float | None:
        """Where, across the ranks, the middle one of the ports of a side is."""
        positions = (layout.x, layout.y)[self.across]
        found = sorted(float(positions[number]) for number, data in enumerate(attributes) if data.get("port") == side)
        return found[len(found) // 2] if found else None

    # --- all of them -------------------------------------------------------------------------------------------------

    def _placed(self, laid: Sequence[_Laid]) -> Placed:
        parts, paths = self.parts, self.paths
        local = np.concatenate([each.at for each in laid])
        extent = np.array([(each.width, each.height) for each in laid])
        origin = self._origins(laid, local, extent)
        at = local + np.repeat(origin, np.diff(paths.item_first), axis=0)
        points = np.concatenate([each.points for each in laid])
        points += np.repeat(origin, [len(each.points) for each in laid], axis=0)
        size = np.concatenate([each.size for each in laid])
        loose = np.zeros(len(parts.tail), dtype=np.bool_)
        loose[paths.way_edge[np.concatenate([each.loose for each in laid])[paths.way]]] = True
        x, y = at[paths.node_item].T.copy()
        width, height = self.templates.sizes[parts.look].T.copy()
        boxes = zip(self.frames.key, self.frames.title, *origin[:-1].T.tolist(), *extent[:-1].T.tolist(),
                    paths.depth[:-1].tolist(), strict=True)  # fmt: skip
        return Placed(x, y, width, height, joined(paths, points, size, self.across), loose,
                      *self._ghosts(laid, origin, at), tuple(map(_box, boxes)))  # fmt: skip

    def _origins(self, laid: Sequence[_Laid], local: Floats, extent: Floats) -> Floats:
        """The upper left corner of each box on the page, and of the page."""
        depth, parent = self.paths.depth, self.frames.parent
        corner = local[self.paths.box_item]
        corner[:, self.across] -= [each.anchor for each in laid[:-1]]
        along = 1 - self.across
        corner[:, along] -= extent[:-1, along] / 2
        origin = np.zeros((len(laid), 2))
        for level in range(1, int(depth.max(initial=0)) + 1):
            mine = np.flatnonzero(depth[:-1] == level)
            origin[mine] = corner[mine] + origin[parent[mine]]
        return origin

    def _ghosts(self, laid: Sequence[_Laid], origin: Floats, at: Floats) -> tuple[Ints, Ints, Floats]:
        """Those of the boxes, and stands: whose they are, which edge leads to them, where they are."""
        paths = self.paths
        with_ghosts = [number for number, each in enumerate(laid) if len(each.ghosts)]
        moved = [
            each.ghosts + np.array([paths.item_first[number], paths.leg_first[number], *origin[number], 0.0, 0.0])
            for number, each in ((number, laid[number]) for number in with_ghosts)
        ]
        found = np.concatenate([np.zeros((0, 6)), *moved])
        leg, first = np.unique(paths.way, return_index=True) if moved else (paths.way, paths.way)
        led_by = paths.way_edge[first[np.searchsorted(leg, found[:, 1].astype(np.int64))]]
        size = self.templates.sizes[self.parts.look[paths.stand_node]]
        stands = np.concatenate([at[paths.stands], size], axis=1)
        node = np.concatenate([paths.item_node[found[:, 0].astype(np.int64)], paths.stand_node])
        edge = np.concatenate([led_by, paths.stand_edge])
        return node, edge, np.concatenate([found[:, 2:], stands])
