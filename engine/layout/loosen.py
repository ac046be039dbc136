"""Decide how long edges pass through the rows between their ends.

An edge has a line of bend points of its own. Where many edges come together in one node, they carry gradients of the
same forward tensor and share a line, and so do those that fan out from one node to many others. Those of a mesh (a
densely connected block) become loose and share one line beside the block: a bus, which each node is connected with. So
do the longest of the others where even so the lines would outnumber the nodes by far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.layout.core import Core
from engine.layout.cuts import Cuts
from engine.layout.mesh import in_mesh
from engine.layout.model import Flags, Ints

BUNDLE = 4  # as many long edges into one node share a line
FAN = 3  # so do as many out of one node, if they are twice as many as come together at the other end
MOST_BENDS = 4  # per node of a piece: with more it counts as dense
KEPT_BENDS = 1  # per node of a dense piece
FREE_BENDS = 100  # whatever its number of nodes


@dataclass(frozen=True, eq=False)
class Lines:
    """For each core edge: the number of the `line` that it runs in, from 0, and whether it is `loose`."""

    line: Ints
    loose: Flags


def loosen(core: Core, ranks: Ints, cuts: Cuts) -> Lines:
    """Find meshes, choose the lines of what is not part of them, then look for dense pieces."""
    count = len(core)
    spans = ranks[core.head] - ranks[core.tail] - 1
    loose = np.zeros(len(spans), dtype=np.bool_)
    loose[spans > 0] = in_mesh(core.tail[spans > 0], core.head[spans > 0])
    long = (spans > 0) & ~loose
    arriving = np.bincount(core.head[long], minlength=count)
    leaving = np.bincount(core.tail[long], minlength=count)
    fans_out = (leaving[core.tail] >= FAN) & (leaving[core.tail] >= 2 * arriving[core.head])
    pair = (core.tail + 2) * count + core.head  # parallel edges share a line in any case
    line = np.where(fans_out, count + core.tail, np.where(arriving[core.head] >= BUNDLE, core.head, pair))
    line = np.searchsorted(np.unique(line), line)
    spans = np.where(loose, 0, spans)
    for piece in _dense_pieces(core, spans, line, cuts):
        edges = np.flatnonzero(cuts.piece == piece)
        nodes = int(cuts.size[cuts.first[piece] : cuts.last[piece] + 1].sum())
        loose[edges] |= spans[edges] > _longest_span(spans[edges], line[edges], KEPT_BENDS * nodes)
    return Lines(line, loose)


def _dense_pieces(core: Core, spans: Ints, line: Ints, cuts: Cuts) -> list[int]:
    bends = np.bincount(cuts.piece, _bends(spans, line), minlength=len(cuts.first))
    before = np.concatenate([[0], np.cumsum(cuts.size)])
    nodes = before[cuts.last + 1] - before[cuts.first]
    return [int(piece) for piece in np.flatnonzero(bends > MOST_BENDS * nodes + FREE_BENDS)]


def _bends(spans: Ints, line: Ints) -> Ints:
    """How many bend points each edge adds to its line: the longest edge of a line all of them, the others none."""
    order = np.argsort(spans, kind="stable")
    longest = np.full(int(line.max(initial=-1)) + 1, -1, dtype=np.int64)
    longest[line[order]] = order
    added = np.zeros(len(spans), dtype=np.int64)
    chosen = longest[longest >= 0]
    added[chosen] = spans[chosen]
    return added


def _longest_span(spans: Ints, line: Ints, budget: int) -> int:
    low, high = 0, int(spans.max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        if _bends(np.where(spans <= middle, spans, 0), line).sum() <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def check(core: Core, ranks: Ints, cuts: Cuts, lines: Lines) -> list[str]:
    problems = []
    spans = ranks[core.head] - ranks[core.tail] - 1
    if (lines.loose & (spans < 1)).any():
        problems.append("an edge between neighbouring ranks is loose")
    if _dense_pieces(core, np.where(lines.loose, 0, spans), lines.line, cuts):
        problems.append("there are more bend points than nodes can be seen between")
    return problems
