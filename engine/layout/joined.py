"""The legs of all edges put together, as arrays: each edge becomes one line."""

from __future__ import annotations

import numpy as np

from engine.layout.model import Flags, Floats, Ints
from engine.layout.paths import Paths
from engine.layout.placed import Routes

STEP = 24.0  # farther than this, a line goes to its port by right angles
CORRIDOR = 16.0  # where lines run along the border to ports that are elsewhere
STILL = 1e-6


def joined(paths: Paths, points: Floats, size: Ints, across: int) -> Routes:
    """The route of each edge. `points` are those of all legs, one after the other, `size` (l) of each.

    Where the ends of two legs are apart, the line goes from one to the other along the border of the box."""
    start = np.concatenate([[0], np.cumsum(size)])[:-1]
    sizes = size[paths.way]
    ends = np.cumsum(sizes)
    begins = ends - sizes
    # `take` gathers rows several times as fast as an index does.
    line = points.take(np.repeat(start[paths.way] - begins, sizes) + np.arange(int(sizes.sum())), axis=0)
    whose = np.repeat(paths.way_edge, sizes)
    joint = np.flatnonzero(paths.way_edge[:-1] == paths.way_edge[1:])
    here, there = line[ends[joint] - 1], line[begins[joint + 1]]
    apart = np.abs(here[:, across] - there[:, across]) > STEP
    joint, here, there = joint[apart], here[apart], there[apart]
    leaving = paths.way_place[joint] < paths.exits[paths.way_edge[joint]]
    corners = _corners(here, there, leaving, across)
    where = np.repeat(ends[joint], 2)
    line = np.insert(line, where, corners, axis=0)
    whose = np.insert(whose, where, np.repeat(paths.way_edge[joint], 2))
    legs = np.bincount(paths.way_edge, minlength=len(paths.exits))
    kept = np.flatnonzero(_moving(line, whose, legs))
    line, whose = line.take(kept, axis=0), whose[kept]
    return Routes(line, np.searchsorted(whose, np.arange(len(paths.exits) + 1)))


def _corners(here: Floats, there: Floats, leaving: Flags, across: int) -> Floats:
    along = 1 - across
    border = np.where(leaving, there[:, along], here[:, along])
    port = np.where(leaving, here[:, along], there[:, along])
    corners = np.empty((len(here), 2, 2))
    corners[:, :, along] = (border + np.copysign(CORRIDOR / 2, port - border))[:, None]
    corners[:, 0, across], corners[:, 1, across] = here[:, across], there[:, across]
    return corners.reshape(-1, 2)


def _moving(line: Floats, whose: Ints, legs: Ints) -> Flags:
    """Without points where a joined line stands still; two are left of each line."""
    kept = np.ones(len(line), dtype=np.bool_)
    moved = np.abs(line[1:] - line[:-1])
    still = (moved[:, 0] + moved[:, 1] <= STILL) & (whose[1:] == whose[:-1])  # a sum along rows of two takes long
    kept[1:] = ~(still & (legs[whose[1:]] > 1))
    left = np.bincount(whose[kept], minlength=len(legs))
    last = np.concatenate([whose[1:] != whose[:-1], [True]])[: len(line)]
    kept |= last & (left[whose] < 2)
    return kept
