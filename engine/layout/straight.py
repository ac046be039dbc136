"""Make a layout of bare positions: spread them until no two nodes overlap, and draw every edge as a straight line."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import numpy as np
import numpy.typing as npt

from engine.layout.model import Floats, Layout
from engine.layout.net import Net
from engine.layout.spacing import LOOP_WIDTH, NODE_GAP

LARGEST_AREA = 40.0  # of the drawing, in areas of its nodes: beyond it, overlapping nodes are pushed apart instead
BLOCK = 512  # rows of the table of all pairs that are in memory at a time


def straight_layout(
    net: Net,
    positions: Mapping[Hashable, npt.ArrayLike],
    algorithm: str,
    stop: Callable[[], None],
) -> Layout:
    """`positions` in any unit, y growing downward; `stop` is called now and then, and may raise."""
    points = np.array([positions[node] for node in net.nodes], dtype=np.float64).reshape(-1, 2)
    points = spread(points, net.width, net.height, stop)
    return net.layout(points[:, 0].copy(), points[:, 1].copy(), straight_routes(net, points), algorithm=algorithm)


def spread(points: Floats, width: Floats, height: Floats, stop: Callable[[], None]) -> Floats:
    """Scale positions (n, 2) so that boxes around them keep apart; where that takes too much room, push them apart."""
    if len(points) < 2:
        return np.zeros_like(points)
    boxes = np.stack([width, height], axis=1) + NODE_GAP
    points = points - points.mean(axis=0)
    extent = float(np.ptp(points, axis=0).max())
    if extent > 0:
        room = np.sqrt(LARGEST_AREA * float((boxes[:, 0] * boxes[:, 1]).sum())) / extent
        points = points * min(_needed_scale(points, boxes, stop), room)
    return _push_apart(points, boxes) if _needed_scale(points, boxes, stop) > 1 + 1e-9 else points


def _needed_scale(points: Floats, boxes: Floats, stop: Callable[[], None]) -> float:
    """The factor by which all distances must grow so that no two boxes overlap."""
    largest = 0.0
    for start in range(0, len(points), BLOCK):
        stop()
        block = slice(start, start + BLOCK)
        distance = np.abs(points[block, None] - points[None])
        distance[np.arange(len(distance)), np.arange(start, start + len(distance))] = np.inf
        with np.errstate(divide="ignore"):
            factor = ((boxes[block, None] + boxes[None]) / 2 / distance).min(axis=2)
        largest = max(largest, float(factor.max()))
    return largest


def _push_apart(points: Floats, boxes: Floats) -> Floats:
    """Shift each node to the nearest row of its height, and nodes within a row until they do not touch."""
    pitch = float(boxes[:, 1].max())
    row = np.rint(points[:, 1] / pitch)
    order = np.lexsort((points[:, 0], row))
    new_row = np.diff(row[order]) != 0
    starts = np.concatenate([[0], np.flatnonzero(new_row) + 1, [len(order)]])
    moved = np.stack([points[:, 0], row * pitch], axis=1)
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        items = order[begin:end]
        step = (boxes[items[:-1], 0] + boxes[items[1:], 0]) / 2
        offset = np.concatenate([[0.0], np.cumsum(step)])
        slack = points[items, 0] - offset
        rightward = np.maximum.accumulate(slack)
        leftward = np.minimum.accumulate(slack[::-1])[::-1]
        moved[items, 0] = (rightward + leftward) / 2 + offset
    return moved


def straight_routes(net: Net, points: Floats) -> tuple[Floats, ...]:
    """From the border of each edge's source to that of its target, (2, 2) each; a loop for an edge to the same node."""
    half = np.stack([net.width, net.height], axis=1) / 2
    begin, end = points[net.tail], points[net.head]
    way = end - begin
    with np.errstate(divide="ignore", invalid="ignore"):
        leave = np.nan_to_num((half[net.tail] / np.abs(way)).min(axis=1), nan=0.0, posinf=0.0)
        arrive = np.nan_to_num((half[net.head] / np.abs(way)).min(axis=1), nan=0.0, posinf=0.0)
    first = begin + way * np.minimum(leave, 1.0)[:, None]
    last = end - way * np.minimum(arrive, 1.0)[:, None]
    routes = list(np.stack([first, last], axis=1))
    for edge in np.flatnonzero(net.tail == net.head).tolist():
        routes[edge] = loop(points[net.tail[edge]], half[net.tail[edge]])
    return tuple(routes)


def loop(centre: Floats, half: Floats) -> Floats:
    """An edge from a node to itself leaves below, passes the left side and comes back from above.

    With both points given as (y, x), and the answer read so, it leaves at the right and passes above.
    """
    (x, y), (half_width, half_height), reach = centre.tolist(), half.tolist(), LOOP_WIDTH / 2
    inside, outside = x - half_width / 2, x - half_width - reach
    top, bottom = y - half_height, y + half_height
    return np.array(
        [
            (inside, bottom), (inside, bottom + reach), (outside, bottom + reach),
            (outside, top - reach), (inside, top - reach), (inside, top),
        ]
    )  # fmt: skip
