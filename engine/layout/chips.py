"""Draw what was folded: chips and ghosts beside their consumer, the short edges to them, and loops."""

from __future__ import annotations

import numpy as np

from engine.layout.core import Core
from engine.layout.fold import LONGEST_CHAIN, NONE, Folding
from engine.layout.model import Floats, Ghost
from engine.layout.net import Net
from engine.layout.routes import Drawing
from engine.layout.spacing import CHIP_GAP, CHIP_INDENT, CHIP_INSET, CHIP_ROW_GAP, PORT_GAP
from engine.layout.straight import loop

SLACK = 0.5  # px by which a chip may be off


def place_chips(net: Net, folding: Folding, drawing: Drawing) -> list[Ghost]:
    """Complete `drawing` with everything that was folded; returns the ghosts."""
    rows = folding.rows
    if not len(rows):
        return []
    x, y = drawing.x[rows.consumer], drawing.y[rows.consumer]
    width, height = net.width[rows.consumer], net.height[rows.consumer]
    below = net.direction == "right"
    if below:  # indented, like folders in a tree
        border = x - width / 2 + CHIP_INDENT - CHIP_GAP
        top = y + height / 2 + CHIP_ROW_GAP
    else:
        border = x + width / 2
        top = y - folding.stack_height[rows.consumer] / 2
    middle = top + folding.stack_top + folding.row_height / 2
    left = _lefts(net, folding, border)
    shown = rows.own
    drawing.x[rows.nodes[shown]] = (left + net.width[rows.nodes] / 2)[shown]
    drawing.y[rows.nodes[shown]] = np.broadcast_to(middle[:, None], left.shape)[shown]
    _lead(net, folding, drawing, left, middle, border)
    return _ghosts(net, folding, left, middle)


def _lefts(net: Net, folding: Folding, border: Floats) -> Floats:
    """(r, LONGEST_CHAIN): the left side of each chip."""
    nodes = folding.rows.nodes
    step = np.where(nodes != NONE, net.width[nodes], 0.0) + CHIP_GAP
    return np.asarray(border[:, None] + CHIP_GAP + np.cumsum(step, axis=1) - step)


def _lead(net: Net, folding: Folding, drawing: Drawing, left: Floats, middle: Floats, border: Floats) -> None:
    """The edges: from the border of what is further inside to the left side of a chip."""
    rows = folding.rows
    row, chip = rows.row, rows.chip
    first = chip == 0
    inner = rows.nodes[row, np.maximum(chip - 1, 0)]
    begin_x = np.where(first, border[row], left[row, np.maximum(chip - 1, 0)] + net.width[inner])
    begin_y = np.where(first, drawing.y[rows.consumer[row]], middle[row])
    room = np.where(first, net.height[rows.consumer[row]], net.height[inner])
    gap = np.minimum(PORT_GAP, np.minimum(room, net.height[rows.nodes[row, chip]]) / rows.count)
    port = gap * (rows.place - (rows.count - 1) / 2)
    reach = np.maximum(room / 2 - np.maximum(CHIP_INSET, gap * (rows.count - 1) / 2), 0.0)
    leave = np.clip(middle[row], begin_y - reach, begin_y + reach)
    points = np.stack([begin_x, leave + port, left[row, chip], middle[row] + port], axis=1).reshape(-1, 2, 2)
    for edge, route in zip(rows.edge.tolist(), points, strict=True):
        drawing.routes[edge] = route
    if net.direction == "right":
        _lead_down(net, folding, drawing, left, middle)


def _lead_down(net: Net, folding: Folding, drawing: Drawing, left: Floats, middle: Floats) -> None:
    """Edges to chips below their consumer leave it downward, near its left side."""
    rows = folding.rows
    chosen = np.flatnonzero(rows.chip == 0)
    row = rows.row[chosen]
    consumer = rows.consumer[row]
    count = rows.count[chosen]
    room = np.minimum(np.minimum(net.height[rows.nodes[row, 0]], net.width[consumer]), CHIP_INDENT / 2)
    gap = np.minimum(PORT_GAP, room / count)
    port = gap * (rows.place[chosen] - (count - 1) / 2)
    trunk = drawing.x[consumer] - net.width[consumer] / 2 + np.minimum(CHIP_INDENT, net.width[consumer]) / 2 - port
    bottom = drawing.y[consumer] + net.height[consumer] / 2
    level = middle[row] + port
    points = np.stack([trunk, bottom, trunk, level, left[row, 0], level], axis=1).reshape(-1, 3, 2)
    for edge, route in zip(rows.edge[chosen].tolist(), points, strict=True):
        drawing.routes[edge] = route


def _ghosts(net: Net, folding: Folding, left: Floats, middle: Floats) -> list[Ghost]:
    rows = folding.rows
    chosen = np.flatnonzero(rows.ghost)
    last = rows.last[chosen]
    leaf = rows.nodes[chosen, last]
    leading = np.full(len(rows), NONE, dtype=np.int64)
    arriving = np.flatnonzero((rows.place == 0) & (rows.chip == rows.last[rows.row]))
    leading[rows.row[arriving]] = rows.edge[arriving]
    x = left[chosen, last] + net.width[leaf] / 2
    columns = (leaf, x, middle[chosen], net.width[leaf], net.height[leaf], leading[chosen])
    return [
        Ghost(net.nodes[node], at_x, at_y, width, height, edge)
        for node, at_x, at_y, width, height, edge in zip(*(column.tolist() for column in columns), strict=True)
    ]


def draw_loops(net: Net, core: Core, drawing: Drawing) -> None:
    """Edges from a node to itself: at its left, above it where the drawing runs from left to right."""
    across = net.direction == "right"
    for edge in core.loops.tolist():
        node = net.tail[edge]
        centre, half = np.array([drawing.x[node], drawing.y[node]]), np.array([net.width[node], net.height[node]]) / 2
        drawing.routes[edge] = loop(centre[::-1], half[::-1])[:, ::-1] if across else loop(centre, half)


def check(net: Net, folding: Folding, drawing: Drawing, ghosts: list[Ghost]) -> list[str]:
    problems = []
    rows = folding.rows
    missing = [edge for edge, route in enumerate(drawing.routes) if len(route) < 2]
    problems += [f"edge {edge} of {len(net.edges)} has no route" for edge in missing]
    if len(ghosts) != rows.ghost.sum() or any(ghost.edge_index < 0 for ghost in ghosts):
        problems.append("a ghost is missing")
    for chip in range(LONGEST_CHAIN):
        own = rows.own[:, chip]
        node, consumer = rows.nodes[own, chip], rows.consumer[own]
        apart_x = np.abs(drawing.x[node] - drawing.x[consumer]) - (net.width[node] + net.width[consumer]) / 2
        apart_y = np.abs(drawing.y[node] - drawing.y[consumer]) - (net.height[node] + net.height[consumer]) / 2
        if (np.maximum(apart_x, apart_y) < -SLACK).any():
            problems.append("a chip lies on the node beside which it belongs")
    return problems
