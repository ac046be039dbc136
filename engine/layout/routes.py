"""Turn ranks, x and columns into the positions of nodes and the routes of the edges between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.layout.core import Core
from engine.layout.dummies import Strip
from engine.layout.loosen import Lines
from engine.layout.model import Flags, Floats, Ints
from engine.layout.net import Net
from engine.layout.segments import Segments
from engine.layout.spacing import LINE_GAP, PORT_GAP, ROW_GAP
from engine.layout.turn import turned
from engine.layout.wrap import Columns


@dataclass(frozen=True, eq=False)
class Paths:
    """Items of all core edges one after another: of each the `edge`, its number in the strip, `rank` and `x`; those of
    edge e are `start[e]` to `start[e + 1]`."""

    edge: Ints
    item: Ints
    rank: Ints
    x: Floats
    start: Ints


@dataclass(frozen=True, eq=False)
class Drawing:
    """Centres of the net's nodes and a route (k, 2) for each of its edges; folded ones are still missing."""

    x: Floats
    y: Floats
    routes: list[Floats]


def route(
    net: Net, core: Core, ranks: Ints, lines: Lines, segments: Segments, strip: Strip, item_x: Floats, columns: Columns
) -> Drawing:
    """Place the core's nodes in their columns, then lead the core's edges; then turn it all to the net's direction."""
    places = np.zeros((len(net), 2))
    places[core.nodes, 0] = _node_x(core, segments, strip, item_x) + columns.shift[ranks]
    places[core.nodes, 1] = columns.top[ranks] + columns.height[ranks] / 2
    routes: list[Floats] = [np.empty((0, 2))] * len(net.edges)
    paths = _paths(net, core, segments, strip, item_x, columns)
    drawn = _core_routes(net, core, paths, columns, places[:, 1], lines.loose)
    for edge, points in zip(core.edges.tolist(), drawn, strict=True):
        routes[edge] = points
    x, y = turned(places, net.direction).T.copy()
    return Drawing(x, y, routes)


def _node_x(core: Core, segments: Segments, strip: Strip, item_x: Floats) -> Floats:
    x = np.zeros(len(core))
    start = segments.row_start[segments.first]
    count = segments.row_start[segments.last + 1] - start
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    base = np.array(strip.first_item, dtype=np.int64)[segments.template]
    x[segments.by_rank[np.repeat(start, count) + offset]] = item_x[np.repeat(base, count) + offset]
    return x


def _paths(net: Net, core: Core, segments: Segments, strip: Strip, item_x: Floats, columns: Columns) -> Paths:
    """Copy each template's paths to every place where it stands, with the items at which something may bend.

    Those are the ends, the first and last bend point, those where the line changes its x, and those on both sides of a
    change of columns; so the cost does not grow with the length of a straight line.
    """
    path, lift = _places(core, segments, strip)
    tail, first, last, head = (ends[path] for ends in strip.path_ends())
    row = np.array(strip.row, dtype=np.int64)
    edges = np.arange(len(path))
    bent = edges[first >= 0]
    kinks = _kinks(strip, item_x)
    starts = np.flatnonzero(np.diff(columns.column)) + 1
    found = [(edges, tail), (edges, head), (bent, first[bent]), (bent, last[bent])]
    found.append(_between(bent, kinks, first[bent], last[bent]))
    to_item = first - row[first] - lift  # what to add to a rank to get the line's item there
    for side in (starts - 1, starts):
        edge, rank = _between(bent, side, row[first[bent]] + lift[bent], row[last[bent]] + lift[bent])
        found.append((edge, rank + to_item[edge]))
    edge = np.concatenate([part for part, _ in found])
    item = np.concatenate([part for _, part in found])
    order = np.lexsort((row[item], edge))
    edge, item = edge[order], item[order]
    fresh = np.ones(len(edge), dtype=np.bool_)
    fresh[1:] = (np.diff(edge) != 0) | (np.diff(item) != 0)
    edge, item = edge[fresh], item[fresh]
    rank = row[item] + lift[edge]
    start = np.searchsorted(edge, np.arange(len(path) + 1))
    return Paths(edge, item, rank, item_x[item] + columns.shift[rank] + _port(net, core)[edge], start)


def _places(core: Core, segments: Segments, strip: Strip) -> tuple[Ints, Ints]:
    """For each core edge, the path in the strip that it takes, and how many ranks below that it stands."""
    counts = np.diff(segments.edge_start)
    piece = np.repeat(np.arange(len(counts)), counts)
    template = segments.template[piece]
    first_path = np.array(strip.first_path, dtype=np.int64)
    first_row = np.array(strip.first_row, dtype=np.int64)
    path, lift = np.empty(len(piece), dtype=np.int64), np.empty(len(piece), dtype=np.int64)
    path[segments.by_segment] = first_path[template] + np.arange(len(piece)) - segments.edge_start[piece]
    lift[segments.by_segment] = segments.first[piece] - first_row[template]
    return path, lift


def _kinks(strip: Strip, item_x: Floats) -> Ints:
    """Bend points, ascending, whose line has another x in the row above or below."""
    upper = np.array([item for line in (*strip.chains, *strip.buses) for item in line[:-1]], dtype=np.int64)
    bent = upper[np.abs(item_x[upper + 1] - item_x[upper]) > 1e-9]
    return np.unique(np.concatenate([bent, bent + 1]))


def _between(edges: Ints, values: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """For each edge those of the ascending `values` that are from `low` to `high`, as pairs (edge, value)."""
    begin, end = np.searchsorted(values, low), np.searchsorted(values, high, side="right")
    count = end - begin
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(edges, count), values[np.repeat(begin, count) + offset]


def _port(net: Net, core: Core) -> Floats:
    """Parallel edges run side by side: how far each is from the middle (never beyond its nodes' borders)."""
    pair = core.tail * max(len(core), 1) + core.head
    _, group, size = np.unique(pair, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    by_group = np.argsort(group, kind="stable")
    position = np.empty(len(pair), dtype=np.int64)
    position[by_group] = np.arange(len(pair)) - np.repeat(np.cumsum(size) - size, size)
    room = np.minimum(net.wide[core.nodes[core.tail]], net.wide[core.nodes[core.head]])
    count = size[group]
    port: Floats = (position - (count - 1) / 2) * np.minimum(PORT_GAP, room / count)
    return port


def _core_routes(net: Net, core: Core, paths: Paths, columns: Columns, y: Floats, loose: Flags) -> list[Floats]:
    """Each item adds two points, where its line enters and leaves its row; the ends are at the nodes' borders."""
    points = np.empty((len(paths.edge), 2, 2))
    points[:, :, 0] = paths.x[:, None]
    points[:, 0, 1] = columns.top[paths.rank]
    points[:, 1, 1] = columns.top[paths.rank] + columns.height[paths.rank]
    first, last = paths.start[:-1], paths.start[1:] - 1
    upper, lower = core.nodes[core.tail], core.nodes[core.head]
    points[first, 0, 1] = y[upper] + net.deep[upper] / 2
    points[last, 1, 1] = y[lower] - net.deep[lower] / 2
    _tie(points, paths, columns, loose)
    edge = np.repeat(paths.edge, 2)
    flat = points.reshape(-1, 2)
    where, extra = _column_changes(paths, columns)
    flat = np.insert(flat, np.repeat(2 * where + 2, 4), extra.reshape(-1, 2), axis=0)
    edge = np.insert(edge, np.repeat(2 * where + 2, 4), np.repeat(paths.edge[where], 4))
    keep = _bends(flat, edge)
    flat, edge = turned(flat[keep], net.direction), edge[keep]
    ends = np.searchsorted(edge, np.arange(len(core.edges) + 1)).tolist()
    against = core.turned.tolist()
    return [flat[a:b][::-1].copy() if against[e] else flat[a:b] for e, (a, b) in enumerate(pairwise(ends))]


def _tie(points: Floats, paths: Paths, columns: Columns, loose: Flags) -> None:
    """Lead loose edges to their bus and from it by right angles, as far from the rows as keeps both ways apart."""
    first, last = paths.start[:-1][loose], paths.start[1:][loose] - 1
    for here, there, row, away in ((first, first + 1, first, 1), (last - 1, last, last, -1)):
        near = columns.column[paths.rank[here]] == columns.column[paths.rank[there]]
        here, there, rank = here[near], there[near], paths.rank[row[near]]
        border = columns.top[rank] + (columns.height[rank] if away > 0 else 0.0)
        points[here, 1, 1] = points[there, 0, 1] = border + away * ROW_GAP / 3


def _column_changes(paths: Paths, columns: Columns) -> tuple[Ints, Floats]:
    """Points after which an edge goes to the next column, and the four corners on its way: down, right, up, in.

    Lines with a common end share a lane. The rightmost line takes the innermost lane, so that lanes do not cross.
    """
    column = columns.column[paths.rank]
    inner = paths.edge[1:] == paths.edge[:-1]
    where = np.flatnonzero(inner & (column[1:] != column[:-1]))
    left = column[where]
    several = np.bincount(left)[left] > 1
    corners = _around(paths, columns, where, np.zeros(len(where)), np.zeros(len(where)))
    for left_column in np.unique(left[several]).tolist():
        chosen = np.flatnonzero(left == left_column)
        here = where[chosen]
        shared = paths.item[here] if _fewer(paths.item[here], paths.item[here + 1]) else paths.item[here + 1]
        _, which = np.unique(shared, return_inverse=True)
        which = which.reshape(-1)
        rightmost = np.full(int(which.max()) + 1, -np.inf)
        np.maximum.at(rightmost, which, paths.x[here])
        lane = np.empty(len(rightmost))
        lane[np.argsort(-rightmost, kind="stable")] = np.arange(len(rightmost))
        inward: Floats = lane[which] * LINE_GAP
        corners[chosen] = _around(paths, columns, here, inward, (len(rightmost) - 1) * LINE_GAP - inward)
    return where, corners


def _around(paths: Paths, columns: Columns, here: Ints, inward: Floats, outward: Floats) -> Floats:
    """(k, 4, 2): corners of lines that are so far from the innermost lane, and from the outermost."""
    left = columns.column[paths.rank[here]]
    x = columns.gutter[left] + inward
    below = columns.bottom[left] + ROW_GAP / 2 + inward
    above = -ROW_GAP / 2 - outward
    across = np.stack([paths.x[here], x, x, paths.x[here + 1]], axis=1)
    return np.stack([across, np.stack([below, below, above, above], axis=1)], axis=2)


def _fewer(one: Ints, two: Ints) -> bool:
    return len(np.unique(one)) <= len(np.unique(two))


def _bends(flat: Floats, edge: Ints) -> Flags:
    """Which points are needed: the ends of each edge, and where it changes direction."""
    keep = np.ones(len(flat), dtype=np.bool_)
    if len(flat) < 3:
        return keep
    inner = (edge[1:-1] == edge[:-2]) & (edge[1:-1] == edge[2:])
    here = flat[1:-1]
    into, out = here - flat[:-2], flat[2:] - here
    turn = np.abs(into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0])
    # A point between two equal ones has no direction of its own: look only at points that move.
    still = (np.abs(into).sum(axis=1) < 1e-6) | (np.abs(out).sum(axis=1) < 1e-6)
    keep[1:-1] = ~(inner & ((turn < 1e-6) | still))
    return keep


def check(net: Net, core: Core, drawing: Drawing) -> list[str]:
    problems = []
    if not (np.isfinite(drawing.x).all() and np.isfinite(drawing.y).all()):
        problems.append("a position is not a number")
    centres, half = np.stack([drawing.x, drawing.y], axis=1), np.stack([net.width, net.height], axis=1) / 2
    for edge in core.edges.tolist():
        points, ends = drawing.routes[edge], [net.tail[edge], net.head[edge]]
        if len(points) < 2 or (np.abs(points[[0, -1]] - centres[ends]) > half[ends] + 1e-6).any():
            problems.append(f"edge {edge} does not lead from its source to its target")
    return problems
