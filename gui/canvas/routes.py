"""Routes of edges as curves: bends are rounded, slanted parts swing, straight parts stay straight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gui.canvas.arrays import touching

if TYPE_CHECKING:
    from engine.layout.placed import Routes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

CORNER = 10.0  # scene px
STRAIGHT = 1.0  # parts that lean less than this are straight
EXACT = 0.25  # scene px
CIRCLE = 0.5523  # how far a cubic's control points stand out to draw a quarter of a circle


@dataclass(frozen=True, eq=False)
class Pieces:
    """`curve` (p, 8): start, two control points, end, in scene px, in the direction of the edge; `edge` (p) says whose.

    `box` (4, p) is left, top, right, bottom. Pieces of one edge follow each other, from `first` (e + 1) on.
    `length` (p) is approximate and `along` (p + 1) adds them up.
    """

    curve: Floats
    straight: Flags
    edge: Ints
    box: Floats
    first: Ints
    length: Floats
    along: Floats

    def visible(self, x0: float, y0: float, x1: float, y1: float) -> Ints:
        """Pieces that touch the rectangle."""
        return np.flatnonzero(touching(self.box, x0, y0, x1, y1))

    @cached_property
    def span(self) -> Floats:
        """(4, p): left, top, right, bottom of each piece's ends."""
        ends = np.ascontiguousarray(self.ends.T)
        return np.concatenate([np.minimum(ends[:2], ends[2:]), np.maximum(ends[:2], ends[2:])])

    @cached_property
    def upright(self) -> Flags:
        lean: Flags = self.span[2] - self.span[0] < self.span[3] - self.span[1]
        return lean

    @cached_property
    def aligned(self) -> Flags:
        """Straight, and upright or level so exactly that one cannot see it lean close up."""
        lean = np.minimum(self.span[2] - self.span[0], self.span[3] - self.span[1])
        exact: Flags = self.straight & (lean < EXACT)
        return exact

    @cached_property
    def downward(self) -> Ints:
        """Pieces in the order of their upper ends."""
        return np.argsort(self.box[1], kind="stable")

    @cached_property
    def ends(self) -> Floats:
        """(p, 4): start and end of each piece."""
        return np.ascontiguousarray(self.curve[:, [0, 1, 6, 7]])

    def points(self, edges: Ints, share: Floats) -> Floats:
        """(k, 2): where one is after `share` (0..1) of the way along each of `edges`."""
        start, end = self.along[self.first[edges]], self.along[self.first[edges + 1]]
        place = start + np.clip(share, 0.0, 1.0) * (end - start)
        piece = np.clip(np.searchsorted(self.along, place, "right") - 1, self.first[edges], self.first[edges + 1] - 1)
        t = np.clip((place - self.along[piece]) / np.maximum(self.length[piece], 1e-9), 0.0, 1.0)[:, None]
        c = self.curve[piece]
        u = 1.0 - t
        result: Floats = u**3 * c[:, 0:2] + 3 * u**2 * t * c[:, 2:4] + 3 * u * t**2 * c[:, 4:6] + t**3 * c[:, 6:8]
        return result


def pieces_of(routes: Routes, source_boxes: Floats) -> Pieces:
    """Routes have two points or more; `source_boxes` (e, 4) tell which side each leaves."""
    points = routes.points
    edge_of_point = np.repeat(np.arange(len(routes), dtype=np.int64), np.diff(routes.first))
    here = np.flatnonzero(edge_of_point[:-1] == edge_of_point[1:])  # parts lead from these points to the next ones
    edge = edge_of_point[here]
    starts, ends = points.take(here, axis=0), points.take(here + 1, axis=0)
    lean_x, lean_y = np.abs(ends - starts).T
    flat = (lean_x < STRAIGHT) | (lean_y < STRAIGHT)
    place, corners = _round_corners(starts, ends, edge, lean_y < STRAIGHT, lean_x < STRAIGHT)
    sideways = _leaves_sideways(points[routes.first[:-1]], source_boxes)[edge]
    curve, whose = np.empty((len(edge) + len(place), 8)), np.empty(len(edge) + len(place), dtype=np.int64)
    part = np.arange(len(edge))
    part += np.searchsorted(place, part)  # each corner stands after the part that leads to it
    corner = place + 1 + np.arange(len(place))
    curve[part], curve[corner] = _swings(starts, ends, flat, sideways), corners
    whose[part], whose[corner] = edge, edge[place]
    return _assemble(curve, whose, len(routes))


def _assemble(curve: Floats, edge: Ints, edges: int) -> Pieces:
    # Column by column: along rows of four NumPy is several times slower.
    x0, y0, x1, y1, x2, y2, x3, y3 = np.ascontiguousarray(curve.T)
    length = np.hypot(x1 - x0, y1 - y0) + np.hypot(x2 - x1, y2 - y1) + np.hypot(x3 - x2, y3 - y2)
    straight: Flags = np.minimum(np.abs(x0 - x3), np.abs(y0 - y3)) < STRAIGHT
    return Pieces(
        curve=curve,
        straight=straight,
        edge=edge,
        box=np.stack(
            [
                *(
                    np.minimum(np.minimum(a, b), np.minimum(c, d))
                    for a, b, c, d in ((x0, x1, x2, x3), (y0, y1, y2, y3))
                ),
                *(
                    np.maximum(np.maximum(a, b), np.maximum(c, d))
                    for a, b, c, d in ((x0, x1, x2, x3), (y0, y1, y2, y3))
                ),
            ]
        ),
        first=np.searchsorted(edge, np.arange(edges + 1)),
        length=length,
        along=np.concatenate([[0.0], np.cumsum(length)]),
    )


def _leaves_sideways(point: Floats, box: Floats) -> Flags:
    """Whether a link leaves its node at the left or right, to a parameter beside it; it then arrives sideways, too."""
    aside = np.minimum(np.abs(point[:, 0] - box[:, 0]), np.abs(point[:, 0] - box[:, 2]))
    inset = np.minimum(point[:, 1] - box[:, 1], box[:, 3] - point[:, 1])
    sideways: Flags = (aside < STRAIGHT) & (inset > STRAIGHT)
    return sideways


def _round_corners(starts: Floats, ends: Floats, edge: Ints, level: Flags, upright: Flags) -> tuple[Ints, Floats]:
    """Shorten, in place, the parts that meet at a right angle. Returns before which joint, and the (c, 8) quarters."""
    turn = (edge[:-1] == edge[1:]) & ((level[:-1] & upright[1:]) | (upright[:-1] & level[1:]))
    before = ends - starts
    size = np.hypot(before[:, 0], before[:, 1])
    place = np.flatnonzero(turn)
    radius = np.minimum(CORNER, np.minimum(size[place], size[place + 1]) / 2)
    place, radius = place[radius >= 1.0], radius[radius >= 1.0]
    corner = ends[place].copy()
    ends[place] -= before[place] * (radius / size[place])[:, None]
    starts[place + 1] += before[place + 1] * (radius / size[place + 1])[:, None]
    into, out = ends[place], starts[place + 1]
    quarters = np.concatenate([into, into + (corner - into) * CIRCLE, out + (corner - out) * CIRCLE, out], axis=1)
    return place, quarters


def _swings(starts: Floats, ends: Floats, straight: Flags, sideways: Flags) -> Floats:
    """(p, 8): straight parts with control points on the line, others with tangents along the way they leave."""
    third = (ends - starts) / 3
    first, second = starts + third, ends - third
    middle = (starts + ends) / 2
    across, down = ~straight & sideways, ~straight & ~sideways
    first[across, 0], first[across, 1] = middle[across, 0], starts[across, 1]
    second[across, 0], second[across, 1] = middle[across, 0], ends[across, 1]
    first[down, 0], first[down, 1] = starts[down, 0], middle[down, 1]
    second[down, 0], second[down, 1] = ends[down, 0], middle[down, 1]
    return np.concatenate([starts, first, second, ends], axis=1)
