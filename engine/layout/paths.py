"""Which boxes each edge of a nested layout leaves, crosses and enters, as arrays.

An item is something that stands in a box or on the page: a box, a node, a stand (a leaf that is drawn in another box
than its own), or a port. A leg is the part of an edge that lies in one box; edges to the same node share legs. So do
those that come to a mesh outside: one bus there leads to all that they go to.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np

from engine.layout.mesh import in_mesh
from engine.layout.model import Flags, Ints

THROUGH = 1 << 40  # keys of legs from or to a border count from here on
FIRST, LAST = -1, -2  # the looks of ports


@dataclass(frozen=True, eq=False)
class Parts:
    """A graph as arrays: for each node its `look` (what it is for a layout, as `Templates` counts them) and whether it
    may be a folded `leaf`; for each edge positions of `tail` and `head`, and a `key`."""

    nodes: tuple[Hashable, ...]
    look: Ints
    leaf: Flags
    tail: Ints
    head: Ints
    key: Ints


@dataclass(frozen=True, eq=False)
class Paths:
    """Items are sorted by the box that they stand in (the page is the last one), legs as well.

    `item_look` (i): see Parts; of boxes 0. Those of frame f are `item_first[f]` to `item_first[f + 1]`. `box_item` and
    `node_item` say where boxes and nodes are. `leg` (l, 3): tail, head, as counted within the box, and key.
    `way` (w) are the legs of all edges, those of an edge following each other; `way_edge` (w) whose they are,
    `way_place` (w) their number among those of the edge, and `exits` (e) how many boxes an edge leaves.
    `stands` are items with the `stand_node` and the first edge that leads to it.
    """

    item_look: Ints
    item_first: Ints
    box_item: Ints
    node_item: Ints
    leg: Ints
    leg_first: Ints
    way: Ints
    way_edge: Ints
    way_place: Ints
    exits: Ints
    stands: Ints
    stand_node: Ints
    stand_edge: Ints
    item_node: Ints  # (i) the node that is drawn there, -1 for boxes and ports
    depth: Ints  # (f + 1) how many boxes each frame is in, itself included


@dataclass(frozen=True, eq=False)
class _Legs:
    """Not yet counted: ports are coded as items from `ports_from` on, by frame, side, and what edges lead to: a
    node, or all that a bus leads to (counted after the last node)."""

    edge: Ints
    place: Ints
    frame: Ints
    tail: Ints
    head: Ints
    through: Ints  # what the edge leads to, likewise, -1 for legs that are whole edges
    key: Ints


def around(parent: Ints) -> tuple[Ints, Ints]:
    """(f + 1, depth) frames round each frame, outermost first and itself last, then -1; and how many. The last row is
    the page's, which nothing is round."""
    count = len(parent)
    outward = [np.arange(count)]
    while (outward[-1] >= 0).any():
        outward.append(np.where(outward[-1] >= 0, parent[outward[-1]], -1))
    depth = np.zeros(count + 1, dtype=np.int64)
    depth[:count] = sum((frame >= 0 for frame in outward), np.zeros(count, dtype=np.int64))
    chains = np.full((count + 1, len(outward) - 1), -1, dtype=np.int64)
    for step, frame in enumerate(outward[:-1]):
        mine = np.flatnonzero(frame >= 0)
        chains[mine, depth[mine] - 1 - step] = frame[mine]
    return chains, depth


def paths_of(parts: Parts, parent: Ints, home: Ints) -> Paths:
    """`home` (n) is the frame of each node, -1 for none; frames come after their `parent`."""
    frames, nodes = len(parent), len(parts.nodes)
    leaf = _folded(parts)
    home = _at_home(parts, home, leaf)
    here, there = home[parts.tail], home[parts.head]
    aside = (here != there) & leaf[parts.head]
    across = (here != there) & ~aside
    ports_from = frames + nodes + len(parts.tail)  # room for as many stands as edges
    stand_code, first = np.unique(here[aside] * nodes + parts.head[aside], return_index=True)
    direct = np.flatnonzero(~across)
    head = frames + parts.head
    head[aside] = frames + nodes + np.searchsorted(stand_code, here[aside] * nodes + parts.head[aside])
    whole = _Legs(
        direct, np.zeros_like(direct), here[direct], frames + parts.tail[direct], head[direct],
        np.full_like(direct, -1), parts.key[direct],
    )  # fmt: skip
    chains, depth = around(parent)
    led, exits = _through(parts, chains, depth, home, np.flatnonzero(across))
    beside = direct[~leaf[parts.head[direct]]]
    led = _by_bus(led, exits, frames + parts.tail[beside], frames + parts.head[beside], nodes, ports_from)
    port_code = np.unique(np.concatenate([led.tail[led.tail >= ports_from], led.head[led.head >= ports_from]]))
    at = port_code - ports_from
    item_frame = np.concatenate([parent, home, stand_code // max(nodes, 1), at // (2 * (nodes + 1))])
    stand_node = stand_code % max(nodes, 1)
    side = np.where(at // (nodes + 1) % 2 == 0, FIRST, LAST)
    look = np.concatenate([np.zeros(frames, dtype=np.int64), parts.look, parts.look[stand_node], side])
    who = np.concatenate([np.full(frames, -1), np.arange(nodes), stand_node, np.full(len(side), -1)])
    order, item_first, item_at = _sorted_by(np.where(item_frame < 0, frames, item_frame), frames + 1)
    port_at = item_at[frames + nodes + len(stand_code) :]

    def placed(items: Ints) -> Ints:
        port = items >= ports_from
        found = item_at[np.where(port, 0, items)]
        if len(port_at):
            found = np.where(port, port_at[np.minimum(np.searchsorted(port_code, items), len(port_at) - 1)], found)
        return found

    legs, leg_first, way = _counted(whole, led, placed, item_first, frames, nodes)
    edge, place = np.concatenate([whole.edge, led.edge]), np.concatenate([whole.place, led.place])
    sequence = np.lexsort((place, edge))
    stands_at = item_at[frames + nodes : frames + nodes + len(stand_code)]
    return Paths(
        look[order], item_first, item_at[:frames], item_at[frames : frames + nodes], legs, leg_first,
        way[sequence], edge[sequence], place[sequence], exits, stands_at, stand_node,
        np.flatnonzero(aside)[first], who[order], depth,
    )  # fmt: skip


def _folded(parts: Parts) -> Flags:
    """What is folded beside its consumer, whichever box that is in."""
    used = np.zeros(len(parts.nodes), dtype=np.bool_)
    used[parts.head] = True
    used[parts.tail] = False
    return parts.leaf & used


def _at_home(parts: Parts, home: Ints, leaf: Flags) -> Ints:
    """Leaves are at home with the first that uses them."""
    home = home.copy()
    node, first = np.unique(parts.head, return_index=True)
    mine = leaf[node]
    home[node[mine]] = home[parts.tail[first[mine]]]
    return home


def _through(parts: Parts, chains: Ints, depth: Ints, home: Ints, edges: Ints) -> tuple[_Legs, Ints]:
    """Out of the boxes round the tail, across what is round both ends, into the boxes round the head. And how many
    boxes each of all edges leaves."""
    frames, nodes = len(depth) - 1, len(parts.nodes)
    ports_from = frames + nodes + len(parts.tail)
    u, v = parts.tail[edges], parts.head[edges]
    out, into = chains[home[u]], chains[home[v]]
    same = np.cumprod((out == into) & (out >= 0), axis=1).sum(axis=1)
    leaves, enters = depth[home[u]] - same, depth[home[v]] - same
    found: list[tuple[Ints, ...]] = []

    def boxes(chain: Ints, level: Ints, otherwise: Ints) -> Ints:
        """Items at a depth of the chains: a box, or beyond their end what is in the innermost one."""
        if not chain.shape[1]:
            return otherwise
        box = chain[np.arange(len(chain)), np.minimum(level, chain.shape[1] - 1)]
        return np.where((level < chain.shape[1]) & (box >= 0), box, otherwise)

    for step in range(int(leaves.max(initial=0))):
        chosen = np.flatnonzero(leaves > step)
        level = same[chosen] + leaves[chosen] - 1 - step
        frame = out[chosen, level]
        tail = boxes(out[chosen], level + 1, frames + u[chosen])
        port = ports_from + (2 * frame + 1) * (nodes + 1) + v[chosen]
        found.append((chosen, np.full_like(chosen, step), frame, tail, port))
    every = np.arange(len(edges))
    common = boxes(out, np.maximum(same - 1, 0), np.full_like(every, -1))
    tails, heads = boxes(out, same, frames + u), boxes(into, same, frames + v)
    found.append((every, leaves, np.where(same > 0, common, -1), tails, heads))
    for step in range(int(enters.max(initial=0))):
        chosen = np.flatnonzero(enters > step)
        level = same[chosen] + step
        frame = into[chosen, level]
        head = boxes(into[chosen], level + 1, frames + v[chosen])
        port = ports_from + 2 * frame * (nodes + 1) + v[chosen]
        found.append((chosen, leaves[chosen] + 1 + step, frame, port, head))
    number, place, frame, tail, head = (np.concatenate(each) for each in zip(*found, strict=True))
    exits = np.zeros(len(parts.tail), dtype=np.int64)
    exits[edges] = leaves
    return _Legs(edges[number], place, frame, tail, head, v[number], THROUGH + v[number]), exits


def _by_bus(led: _Legs, exits: Ints, tails: Ints, heads: Ints, nodes: int, ports_from: int) -> _Legs:
    """Edges that come to a mesh leave the boxes round their tail by one port, whatever they lead to. `tails` and
    `heads` are those of edges that lie in one box."""
    outward = np.flatnonzero(led.place <= exits[led.edge])
    code = np.concatenate([led.tail[outward], tails, led.head[outward], heads])
    item = np.unique(code, return_inverse=True)[1].reshape(2, -1)
    meshed = outward[in_mesh(item[0], item[1])[: len(outward)]]
    if not len(meshed):
        return led
    until = np.full(len(exits), -1, dtype=np.int64)
    np.maximum.at(until, led.edge[meshed], led.place[meshed])
    mine = led.place < until[led.edge]
    at = led.head - ports_from
    bus = ports_from + at - at % (nodes + 1) + nodes
    through = np.where(mine, nodes, led.through)
    return replace(led, head=np.where(mine, bus, led.head), through=through, key=THROUGH + through)


def _sorted_by(frame: Ints, count: int) -> tuple[Ints, Ints, Ints]:
    """The order by frame, where each frame begins in it, and where each has come to."""
    order = np.argsort(frame, kind="stable")
    at = np.empty_like(order)
    at[order] = np.arange(len(order))
    return order, np.searchsorted(frame[order], np.arange(count + 1)), at


def _counted(
    whole: _Legs, led: _Legs, placed: Callable[[Ints], Ints], item_first: Ints, frames: int, nodes: int
) -> tuple[Ints, Ints, Ints]:
    """Legs once each, sorted by frame, with items and keys as counted within it: the same in boxes that are made alike.
    Then where each frame's begin, and the leg of each of `whole` and `led`."""
    items = int(item_first[-1])
    tail, head = placed(led.tail), placed(led.head)
    names = nodes + 1
    _, chosen, alike = np.unique((tail * items + head) * names + led.through, return_index=True, return_inverse=True)
    frame = np.concatenate([whole.frame, led.frame[chosen]])
    frame = np.where(frame < 0, frames, frame)
    passing, _, number = np.unique(
        frame[len(whole.frame) :] * names + led.through[chosen], return_index=True, return_inverse=True
    )
    before = np.searchsorted(passing // names, np.arange(frames + 1))
    short = THROUGH + number - before[frame[len(whole.frame) :]]
    legs = np.stack(
        [
            np.concatenate([placed(whole.tail), tail[chosen]]) - item_first[frame],
            np.concatenate([placed(whole.head), head[chosen]]) - item_first[frame],
            np.concatenate([whole.key, short]),
        ],
        axis=1,
    )
    order, first, at = _sorted_by(frame, frames + 1)
    return legs[order], first, at[np.concatenate([np.arange(len(whole.edge)), len(whole.edge) + alike])]
