"""How good a layout is, in numbers: crossings, edges through foreign nodes, overlapping nodes.

Edges that are marked loose are left out: there is no way to draw them well, and the canvas draws them faintly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.layout import Layout
from engine.layout.model import Flags, Floats, Ints

BLOCK = 512
INSET = 2.0  # px: an edge that touches a node's border does not go through it


@dataclass(frozen=True)
class Metrics:
    """`crossings`: places where two edges without a common end cross. `through`: pairs of an edge and a node (or ghost)
    that it passes through. `overlaps`: pairs of nodes or ghosts. `width`, `height` in scene px."""

    crossings: int
    through: int
    overlaps: int
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The straight pieces of all routes: `begin`, `end` (n, 2) and the number of the `edge`."""

    begin: Floats
    end: Floats
    edge: Ints


def measure(layout: Layout) -> Metrics:
    """All metrics of one layout."""
    tight = [edge for edge in range(len(layout.edges)) if edge not in layout.loose]
    ends = np.array([(layout.index[u], layout.index[v]) for u, v, _ in layout.edges], dtype=np.int64).reshape(-1, 2)
    pieces = _pieces([layout.routes[edge] for edge in tight], np.array(tight, dtype=np.int64))
    boxes, nodes, leading = _boxes(layout)
    left, top, right, bottom = layout.bounds
    return Metrics(
        crossings=_crossings(pieces, ends),
        through=_through(pieces, ends, boxes, nodes, leading),
        overlaps=_overlaps(boxes),
        width=right - left,
        height=bottom - top,
    )


def _pieces(routes: list[Floats], edges: Ints) -> _Pieces:
    if not routes:
        return _Pieces(np.zeros((0, 2)), np.zeros((0, 2)), edges)
    lengths = [len(route) - 1 for route in routes]
    begin = np.concatenate([route[:-1] for route in routes])
    end = np.concatenate([route[1:] for route in routes])
    return _Pieces(begin, end, np.repeat(edges, lengths))


def _boxes(layout: Layout) -> tuple[Floats, Ints, Ints]:
    """Of nodes and ghosts: x, y, half width and height; the node that each shows; the edge to a ghost, or -1."""
    own = np.stack([layout.x, layout.y, layout.width / 2, layout.height / 2], axis=1)
    ghosts = np.array([(g.x, g.y, g.width / 2, g.height / 2) for g in layout.ghosts]).reshape(-1, 4)
    nodes = np.array([*range(len(layout.nodes)), *(layout.index[g.node] for g in layout.ghosts)], dtype=np.int64)
    leading = np.array([-1] * len(layout.nodes) + [g.edge_index for g in layout.ghosts], dtype=np.int64)
    return np.concatenate([own, ghosts]), nodes, leading


def _crossings(pieces: _Pieces, ends: Ints) -> int:
    """Each block of pieces, by their upper ends, against those after it that begin before the block's lowest end."""
    top = np.minimum(pieces.begin[:, 1], pieces.end[:, 1])
    order = np.argsort(top, kind="stable")
    top, begin, end, edge = top[order], pieces.begin[order], pieces.end[order], pieces.edge[order]
    bottom = np.maximum(begin[:, 1], end[:, 1])
    count = 0
    for start in range(0, len(edge), BLOCK):
        block = slice(start, start + BLOCK)
        others = slice(start, int(np.searchsorted(top, bottom[block].max(), side="right")))
        a, b = begin[block, None], end[block, None]
        c, d = begin[None, others], end[None, others]
        crossed = (_side(a, b, c) * _side(a, b, d) < -1e-6) & (_side(c, d, a) * _side(c, d, b) < -1e-6)
        one, two = np.nonzero(crossed)
        one, two = one[two > one], two[two > one]
        mine, other = ends[edge[block][one]], ends[edge[others][two]]
        count += int((mine[:, :, None] != other[:, None, :]).all(axis=(1, 2)).sum())
    return count


def _side(a: Floats, b: Floats, point: Floats) -> Floats:
    """On which side of the line from a to b a point is."""
    side: Floats = (b[..., 0] - a[..., 0]) * (point[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (
        point[..., 0] - a[..., 0]
    )
    return side


def _through(pieces: _Pieces, ends: Ints, boxes: Floats, nodes: Ints, leading: Ints) -> int:
    found: set[tuple[int, int]] = set()
    for start in range(0, len(pieces.edge), BLOCK):
        block = slice(start, start + BLOCK)
        edge = pieces.edge[block]
        hit = _enters(pieces.begin[block], pieces.end[block], boxes)
        is_ghost = leading >= 0
        own = np.where(
            is_ghost, leading[None] == edge[:, None], (ends[edge][:, :, None] == nodes[None, None]).any(axis=1)
        )
        piece, box = np.nonzero(hit & ~own)
        found.update(zip(edge[piece].tolist(), box.tolist(), strict=True))
    return len(found)


def _enters(begin: Floats, end: Floats, boxes: Floats) -> Flags:
    """Which pieces (rows) enter which boxes (columns), by clipping to both pairs of sides (Liang & Barsky 1984)."""
    low, high = np.zeros((len(begin), len(boxes))), np.ones((len(begin), len(boxes)))
    outside = np.zeros(low.shape, dtype=np.bool_)
    for axis in (0, 1):
        half = np.maximum(boxes[None, :, 2 + axis] - INSET, 0)
        near = boxes[None, :, axis] - half - begin[:, axis, None]
        far = boxes[None, :, axis] + half - begin[:, axis, None]
        way = (end[:, axis] - begin[:, axis])[:, None]
        still = np.abs(way) < 1e-9
        outside |= still & ((near > 0) | (far < 0))
        safe = np.where(still, 1.0, way)
        first, last = np.minimum(near / safe, far / safe), np.maximum(near / safe, far / safe)
        low = np.where(still, low, np.maximum(low, first))
        high = np.where(still, high, np.minimum(high, last))
    return ~outside & (low < high)


def _overlaps(boxes: Floats) -> int:
    count = 0
    for start in range(0, len(boxes), BLOCK):
        block = boxes[start : start + BLOCK, None]
        apart = np.abs(block[..., :2] - boxes[None, :, :2])
        overlapping = np.all(apart < block[..., 2:] + boxes[None, :, 2:] - 1, axis=2)
        overlapping[np.arange(len(block)), np.arange(start, start + len(block))] = False
        count += int(overlapping.sum())
    return count // 2
