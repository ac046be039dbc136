"""Boxes in boxes: what is in a box is laid out by itself, and the box is one node of what is round it.

Boxes that are made alike are laid out once, and once more only when something in them changes; so what one opens or
closes costs the boxes round it. An edge that leaves a box runs through a port at its border: one for each node that
edges lead to from outside, and one for each node outside that edges lead to. Leaves that are used in several boxes are
drawn in each of them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np

from engine.layout.fold import LEAF_KINDS, LEAF_TYPE
from engine.layout.model import Box, Cancel, Direction, Floats, Ghost, Layout
from engine.layout.pipeline import layered

PAD = 14.0  # scene px between a box and what is in it
TITLE = 24.0  # the strip for its title; beside a port it needs no room of its own
MOUTH = 2.0  # between a port and the border
CORRIDOR = 16.0  # the same where lines run along the border to ports that are elsewhere
AREA = 16_000.0  # scene px² that a drawn node takes up with what is round it
BUCKET = 1.5  # heights are aimed at in steps of this factor, so that opening one box does not wrap the others anew
TOO_TALL = 1.25  # times that, and a box is wrapped
KEPT = 2000
STEP = 24.0  # farther than this, a line goes to its port by right angles
THROUGH = 1 << 40  # keys of edges from or to a box count from here on


@dataclass(frozen=True)
class Frame:
    """A box to be drawn; `parent` counts the frames before it, -1 for the outermost."""

    key: str
    title: str
    parent: int


@dataclass(eq=False)
class _Inside:
    """What one box holds: `items` are nodes of the graph or frames (as ("box", number)), by their number in it."""

    items: dict[Hashable, int] = field(default_factory=dict)
    edges: dict[tuple[int, int, int], int] = field(default_factory=dict)  # (tail, head, key) → place among them
    ports: dict[tuple[str, Hashable], int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Laid:
    """A box as laid out by itself: positions relative to its upper left corner, `anchor` from there to its main line
    (across the ranks)."""

    layout: Layout
    route_of: Mapping[tuple[int, int, int], int]
    shift: Floats
    width: float
    height: float
    anchor: float


class Templates:
    """Boxes that were laid out, by what they are made of."""

    def __init__(self) -> None:
        self._kept: dict[bytes, _Laid] = {}

    def get(self, key: bytes) -> _Laid | None:
        return self._kept.get(key)

    def put(self, key: bytes, laid: _Laid) -> None:
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = laid


def nested(
    graph: nx.MultiDiGraph,
    frames: Sequence[Frame],
    home: Mapping[Hashable, int],
    aspect: float = 1.6,
    *,
    direction: Direction = "down",
    cancel: Cancel | None = None,
    templates: Templates | None = None,
) -> Layout:
    """Lay out `graph`, whose nodes stand in the frame `home` says (-1, or nothing said: in none). Frames come after
    those that they are in. Raises what `layered` does."""
    work = _Work(graph, frames, home, direction, cancel, templates or Templates())
    return work.run(aspect)


class _Work:
    """The state of one layout."""

    def __init__(
        self,
        graph: nx.MultiDiGraph,
        frames: Sequence[Frame],
        home: Mapping[Hashable, int],
        direction: Direction,
        cancel: Cancel | None,
        templates: Templates,
    ) -> None:
        self.graph, self.frames = graph, frames
        self.direction, self.cancel, self.templates = direction, cancel, templates
        self.across = 1 if direction == "right" else 0
        self.data: dict[Hashable, Mapping[str, Any]] = dict(graph.nodes(data=True))
        self.nodes = list(graph)
        self.place = {node: number for number, node in enumerate(self.nodes)}
        self.edges = [(u, v, key) for u, near in graph.adjacency() for v, keys in near.items() for key in keys]
        self.home = {node: home.get(node, -1) for node in self.nodes}
        self.chains = [_chain(frames, number) for number in range(len(frames))]
        self.inside = [_Inside() for _ in range(len(frames) + 1)]  # the last one is the page, as number -1
        self.paths: list[list[tuple[int, tuple[int, int, int]]]] = []
        self.stands_in: list[tuple[int, Hashable, int]] = []
        self.tall = 0.0

    def run(self, aspect: float) -> Layout:
        self._fill()
        wished = math.sqrt(max(len(self.nodes), 1) * AREA / (1 / aspect if self.direction == "right" else aspect))
        self.tall = BUCKET ** math.ceil(math.log(wished, BUCKET))
        laid: list[_Laid] = [None] * (len(self.frames) + 1)  # type: ignore[list-item]
        for number in range(len(self.frames) - 1, -1, -1):
            laid[number] = self._laid(number, laid, 0.0)
        laid[-1] = self._laid(-1, laid, aspect)
        return self._placed(laid)

    # --- who is where ------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        leaves = self._leaves()
        for u, v, _ in self.edges:
            if v in leaves and not leaves[v]:
                leaves[v] = True
                self.home[v] = self.home[u]
        for number in range(len(self.frames)):
            self._item(self.frames[number].parent, ("box", number))
        for node in self.nodes:
            self._item(self.home[node], node)
        for index, (u, v, key) in enumerate(self.edges):
            here, there = self.home[u], self.home[v]
            if here == there:
                inside = self.inside[here]
                self.paths.append([(here, self._edge(here, inside.items[u], inside.items[v], int(key)))])
            elif v in leaves:
                stand = ("leaf", v)
                if stand not in self.inside[here].items:
                    self.stands_in.append((here, v, index))
                tail = self.inside[here].items[u]
                self.paths.append([(here, self._edge(here, tail, self._item(here, stand), int(key)))])
            else:
                self.paths.append(self._through(u, v))

    def _leaves(self) -> dict[Hashable, bool]:
        """What is folded beside its consumer, whichever box that is in; whether it has found its home."""
        tails, heads = {edge[0] for edge in self.edges}, {edge[1] for edge in self.edges}
        return {
            node: False
            for node in heads - tails
            if self.data[node].get("kind") in LEAF_KINDS or str(self.data[node].get("type", "")).endswith(LEAF_TYPE)
        }

    def _item(self, frame: int, item: Hashable) -> int:
        return self.inside[frame].items.setdefault(item, len(self.inside[frame].items))

    def _edge(self, frame: int, tail: int, head: int, key: int) -> tuple[int, int, int]:
        edges = self.inside[frame].edges
        edges.setdefault((tail, head, key), len(edges))
        return tail, head, key

    def _through(self, u: Hashable, v: Hashable) -> list[tuple[int, tuple[int, int, int]]]:
        """Out of the boxes round u, across what is round both, into the boxes round v."""
        up, down = self.chains_of(self.home[u]), self.chains_of(self.home[v])
        same = 0
        while same < min(len(up), len(down)) and up[same] == down[same]:
            same += 1
        key = THROUGH + self.place[v]
        path: list[tuple[int, tuple[int, int, int]]] = []
        item: Hashable = u
        for frame in reversed(up[same:]):
            port = self._port(frame, "last", v)
            path.append((frame, self._edge(frame, self.inside[frame].items[item], port, key)))
            item = ("box", frame)
        common = up[same - 1] if same else -1
        inward = down[same:]
        target: Hashable = ("box", inward[0]) if inward else v
        items = self.inside[common].items
        path.append((common, self._edge(common, items[item], items[target], key)))
        for depth, frame in enumerate(inward):
            target = ("box", inward[depth + 1]) if depth + 1 < len(inward) else v
            port = self._port(frame, "first", v)
            path.append((frame, self._edge(frame, port, self.inside[frame].items[target], key)))
        return path

    def chains_of(self, frame: int) -> list[int]:
        return self.chains[frame] if frame >= 0 else []

    def _port(self, frame: int, side: str, v: Hashable) -> int:
        inside = self.inside[frame]
        port = self._item(frame, ("port", side, v))
        inside.ports.setdefault((side, v), port)
        return port

    # --- one box -----------------------------------------------------------------------------------------------------

    def _laid(self, frame: int, laid: Sequence[_Laid], aspect: float) -> _Laid:
        attributes = [self._attributes(item, laid) for item in self.inside[frame].items]
        edges = list(self.inside[frame].edges)
        ranked = sorted({head_key for _, _, head_key in edges if head_key >= THROUGH})
        short = {key: THROUGH + number for number, key in enumerate(ranked)}  # the same in boxes made alike
        local = [(tail, head, short.get(key, key)) for tail, head, key in edges]
        made_of = repr((aspect, self.tall, self.direction, attributes, local)).encode()
        found = self.templates.get(made_of)
        if found is None:
            found = self._lay_out(frame, attributes, local, aspect)
            self.templates.put(made_of, found)
        route_of = {edge: found.route_of[each] for edge, each in zip(edges, local, strict=True)}
        return replace(found, route_of=route_of)

    def _attributes(self, item: Hashable, laid: Sequence[_Laid]) -> dict[str, Any]:
        if isinstance(item, tuple) and item[0] == "port":
            return {"port": item[1], "width": 0.0, "height": 0.0}
        if isinstance(item, tuple) and item[0] == "box":
            box = laid[item[1]]
            size = (box.width, box.height)
            before, after = box.anchor, size[self.across] - box.anchor
            middle = 2 * min(before, after)
            margin = (before - middle / 2, after - middle / 2)
            across = (middle, box.height) if self.across == 0 else (box.width, middle)
            return {"width": across[0], "height": across[1], "margin": margin}
        data = self.data[item[1] if isinstance(item, tuple) else item]
        return {name: data[name] for name in ("kind", "type", "width", "height") if name in data}

    def _lay_out(
        self, frame: int, attributes: list[dict[str, Any]], edges: list[tuple[int, int, int]], aspect: float
    ) -> _Laid:
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(enumerate(attributes))
        graph.add_edges_from(edges)
        layout = self._columns(graph, attributes) if frame >= 0 else self._layered(graph, aspect)
        place = {edge: number for number, edge in enumerate(layout.edges)}
        route_of = {edge: place[edge] for edge in edges}
        left, top, right, bottom = self._bounds(layout, attributes)
        if frame < 0:
            return _Laid(layout, route_of, np.zeros(2), right - left, bottom - top, 0.0)
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
        return _Laid(layout, route_of, shift, width, height, anchor)

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

    def _layered(self, graph: nx.MultiDiGraph, aspect: float | None) -> Layout:
        if aspect is None:
            return layered(graph, direction=self.direction, wrap=False, cancel=self.cancel)
        return layered(graph, aspect, direction=self.direction, cancel=self.cancel)

    def _columns(self, graph: nx.MultiDiGraph, attributes: list[dict[str, Any]]) -> Layout:
        """In one column, or in as many as are needed to be no taller than the page."""
        layout = self._layered(graph, None)
        left, top, right, bottom = self._bounds(layout, attributes)
        size = (right - left, bottom - top)
        wide, deep = max(size[self.across], 1.0), size[1 - self.across]
        if deep <= TOO_TALL * self.tall:
            return layout
        aspect = wide * math.ceil(deep / self.tall) ** 2 / deep
        return self._layered(graph, 1 / aspect if self.direction == "right" else aspect)

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

    def _placed(self, laid: Sequence[_Laid]) -> Layout:
        origins = self._origins(laid)
        shifts = [origins[number] + laid[number].shift for number in range(-1, len(self.frames))]
        shift = {number - 1: each for number, each in enumerate(shifts)}
        x, y = np.empty(len(self.nodes)), np.empty(len(self.nodes))
        for number, node in enumerate(self.nodes):
            frame = self.home[node]
            at = self.inside[frame].items[node]
            x[number] = laid[frame].layout.x[at] + shift[frame][0]
            y[number] = laid[frame].layout.y[at] + shift[frame][1]
        sizes = np.array([(data["width"], data["height"]) for data in self.data.values()])
        sizes = sizes.reshape(-1, 2).astype(np.float64)
        routes, loose = self._routes(laid, shift)
        return Layout(
            nodes=tuple(self.nodes), x=x, y=y, width=sizes[:, 0].copy(), height=sizes[:, 1].copy(),
            edges=tuple(self.edges), routes=tuple(routes), ghosts=tuple(self._ghosts(laid, shift)),
            loose=frozenset(loose), algorithm="layered", direction=self.direction,
            boxes=tuple(self._boxes(laid, origins)),
        )  # fmt: skip

    def _origins(self, laid: Sequence[_Laid]) -> dict[int, Floats]:
        """The upper left corner of each box on the page."""
        origins: dict[int, Floats] = {-1: np.zeros(2)}
        for number, frame in enumerate(self.frames):
            outer = laid[frame.parent]
            at = self.inside[frame.parent].items["box", number]
            corner = np.array([outer.layout.x[at], outer.layout.y[at]]) + origins[frame.parent] + outer.shift
            own = laid[number]
            along = 1 - self.across
            corner[self.across] -= own.anchor
            corner[along] -= (own.width, own.height)[along] / 2
            origins[number] = corner
        return origins

    def _routes(self, laid: Sequence[_Laid], shift: Mapping[int, Floats]) -> tuple[list[Floats], list[int]]:
        routes: list[Floats] = []
        loose: list[int] = []
        for index, path in enumerate(self.paths):
            parts = []
            for frame, edge in path:
                number = laid[frame].route_of[edge]
                parts.append(laid[frame].layout.routes[number] + shift[frame])
                if number in laid[frame].layout.loose and (not loose or loose[-1] != index):
                    loose.append(index)
            routes.append(parts[0] if len(parts) == 1 else self._joined(parts, _exits(path, self.frames)))
        return routes, loose

    def _joined(self, parts: list[Floats], exits: int) -> Floats:
        """One line. Where the ends of two parts are apart, it goes from one to the other along the border of the box:
        the first `exits` times that of a box that it leaves, later of one that it enters."""
        points = [parts[0]]
        across, along = self.across, 1 - self.across
        for number, (before, after) in enumerate(pairwise(parts)):
            here, there = before[-1], after[0]
            if abs(here[across] - there[across]) > STEP:
                border, port = (there[along], here[along]) if number < exits else (here[along], there[along])
                corners = np.empty((2, 2))
                corners[:, along] = border + math.copysign(CORRIDOR / 2, port - border)
                corners[:, across] = here[across], there[across]
                points.append(corners)
            points.append(after)
        line = np.concatenate(points)
        moved = np.abs(np.diff(line, axis=0)).sum(axis=1) > 1e-6
        return line[np.concatenate([[True], moved])] if moved.any() else line[[0, -1]]

    def _ghosts(self, laid: Sequence[_Laid], shift: Mapping[int, Floats]) -> list[Ghost]:
        found: list[Ghost] = []
        edge_at = {
            (frame, edge): index for index, path in reversed(list(enumerate(self.paths))) for frame, edge in path
        }
        for frame in range(-1, len(self.frames)):
            names = list(self.inside[frame].items)
            back = {number: edge for edge, number in laid[frame].route_of.items()}
            for ghost in laid[frame].layout.ghosts:
                name = names[ghost.node]  # type: ignore[call-overload]
                x, y = shift[frame]
                edge = edge_at[frame, back[ghost.edge_index]]
                node = name[1] if isinstance(name, tuple) and name[0] == "leaf" else name
                found.append(Ghost(node, ghost.x + x, ghost.y + y, ghost.width, ghost.height, edge))
        for frame, node, index in self.stands_in:
            at, layout = self.inside[frame].items["leaf", node], laid[frame].layout
            x, y = layout.x[at] + shift[frame][0], layout.y[at] + shift[frame][1]
            found.append(Ghost(node, float(x), float(y), float(layout.width[at]), float(layout.height[at]), index))
        return found

    def _boxes(self, laid: Sequence[_Laid], origins: Mapping[int, Floats]) -> list[Box]:
        return [
            Box(frame.key, frame.title, float(origins[number][0]), float(origins[number][1]), laid[number].width,
                laid[number].height, len(self.chains[number]))
            for number, frame in enumerate(self.frames)
        ]  # fmt: skip


def _chain(frames: Sequence[Frame], number: int) -> list[int]:
    """A frame and those round it, outermost first."""
    chain = [number]
    while frames[chain[-1]].parent >= 0:
        chain.append(frames[chain[-1]].parent)
    return chain[::-1]


def _exits(path: Sequence[tuple[int, tuple[int, int, int]]], frames: Sequence[Frame]) -> int:
    """How many boxes a path leaves before it enters others."""
    count = 0
    while count + 1 < len(path) and path[count][0] >= 0 and frames[path[count][0]].parent == path[count + 1][0]:
        count += 1
    return count
