"""Routes of edges as curves: bends are rounded, slanted parts swing, straight parts stay straight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

CORNER = 10.0  # scene px
STRAIGHT = 1.0  # parts that lean less than this are straight
CIRCLE = 0.5523  # how far a cubic's control points stand out to draw a quarter of a circle


@dataclass(frozen=True, eq=False)
class Pieces:
    """`curve` (p, 8): start, two control points, end, in scene px, in the direction of the edge; `edge` (p) says whose.

    `box` (p, 4) is left, top, right, bottom. Pieces of one edge follow each other, from `first` (e + 1) on.
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
        box = self.box
        return np.flatnonzero((box[:, 2] >= x0) & (box[:, 0] <= x1) & (box[:, 3] >= y0) & (box[:, 1] <= y1))

    def points(self, edges: Ints, share: Floats) -> Floats:
        """(k, 2): where one is after `share` (0..1) of the way along each of `edges`."""
        start, end = self.along[self.first[edges]], self.along[self.first[edges + 1]]
        place = start + np.clip(share, 0.0, 1.0) * (end - start)
        piece = np.clip(np.searchsorted(self.along, place, "right") - 1, self.first[edges], self.first[edges + 1] - 1)
        t = np.clip((place - self.along[piece]) / np.maximum(self.length[piece], 1e-9), 0.0, 1.0)[:, None]
        c = self.curve[piece]
        u = 1.0 - t
        result: Floats = (
            u**3 * c[:, 0:2] + 3 * u**2 * t * c[:, 2:4] + 3 * u * t**2 * c[:, 4:6] + t**3 * c[:, 6:8]
        )
        return result


def pieces_of(routes: Sequence[Floats], source_boxes: Floats) -> Pieces:
    """`routes` are (k, 2) points from source to target; `source_boxes` (e, 4) tell which side each leaves from."""
    curves: list[Floats] = []
    counts = np.zeros(len(routes), dtype=np.int64)
    for index, route in enumerate(routes):
        part = _curves(np.asarray(route, dtype=np.float64), source_boxes[index])
        counts[index] = len(part)
        curves.append(part)
    curve = np.concatenate(curves) if curves else np.zeros((0, 8))
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    xs, ys = curve[:, 0::2], curve[:, 1::2]
    length = np.hypot(np.diff(xs, axis=1), np.diff(ys, axis=1)).sum(axis=1)
    return Pieces(
        curve=curve,
        straight=_is_straight(curve),
        edge=np.repeat(np.arange(len(routes), dtype=np.int64), counts),
        box=np.stack([xs.min(axis=1), ys.min(axis=1), xs.max(axis=1), ys.max(axis=1)], axis=1)
        if len(curve)
        else np.zeros((0, 4)),
        first=first,
        length=length,
        along=np.concatenate([[0.0], np.cumsum(length)]),
    )


def _is_straight(curve: Floats) -> Flags:
    flat: Flags = (np.abs(curve[:, 0] - curve[:, 6]) < STRAIGHT) | (np.abs(curve[:, 1] - curve[:, 7]) < STRAIGHT)
    return flat


def _curves(points: Floats, box: Floats) -> Floats:
    """(p, 8) for one route."""
    if len(points) < 2:
        return np.zeros((0, 8))
    delta = np.diff(points, axis=0)
    level, upright = np.abs(delta[:, 1]) < STRAIGHT, np.abs(delta[:, 0]) < STRAIGHT
    # A link that leaves a node sideways (to a parameter beside it) arrives sideways.
    sideways = bool(min(abs(points[0, 0] - box[0]), abs(points[0, 0] - box[2])) < STRAIGHT < _inset(points[0], box))
    starts, ends = points[:-1].copy(), points[1:].copy()
    corners: list[Floats] = []
    turns = np.flatnonzero((level[:-1] & upright[1:]) | (upright[:-1] & level[1:]))
    for turn in turns:
        corner = points[turn + 1]
        before, after = delta[turn], delta[turn + 1]
        size_before, size_after = np.hypot(*before), np.hypot(*after)
        radius = min(CORNER, size_before / 2, size_after / 2)
        if radius < 1:
            continue
        ends[turn] = corner - before / size_before * radius
        starts[turn + 1] = corner + after / size_after * radius
        corners.append(
            np.concatenate(
                [[turn + 0.5], ends[turn], ends[turn] + (corner - ends[turn]) * CIRCLE,
                 starts[turn + 1] + (corner - starts[turn + 1]) * CIRCLE, starts[turn + 1]]
            )
        )  # fmt: skip
    parts = np.concatenate([np.arange(len(delta))[:, None], _swings(starts, ends, level | upright, sideways)], axis=1)
    if corners:
        parts = np.concatenate([parts, np.stack(corners)])
        parts = parts[np.argsort(parts[:, 0], kind="stable")]
    result: Floats = parts[:, 1:]
    return result


def _inset(point: Floats, box: Floats) -> float:
    """How far inside the upper and lower border a point stands."""
    return float(min(point[1] - box[1], box[3] - point[1]))


def _swings(starts: Floats, ends: Floats, straight: Flags, sideways: bool) -> Floats:
    curve = np.empty((len(starts), 8))
    curve[:, 0:2], curve[:, 6:8] = starts, ends
    middle = (starts + ends) / 2
    if sideways:
        curve[:, 2], curve[:, 3], curve[:, 4], curve[:, 5] = middle[:, 0], starts[:, 1], middle[:, 0], ends[:, 1]
    else:
        curve[:, 2], curve[:, 3], curve[:, 4], curve[:, 5] = starts[:, 0], middle[:, 1], ends[:, 0], middle[:, 1]
    third = (ends - starts) / 3
    curve[straight, 2:4] = (starts + third)[straight]
    curve[straight, 4:6] = (ends - third)[straight]
    return curve
