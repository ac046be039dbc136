"""Find which pieces of the drawing are alike.

Each distinct piece is laid out once, so that equal blocks look equal and a network of a hundred equal blocks costs
little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.layout.core import Core
from engine.layout.cuts import Cuts
from engine.layout.loosen import Lines
from engine.layout.model import Flags, Floats, Ints

ROW_BYTES, EDGE_BYTES = 3 * 8, 4 * 8  # of the fingerprint of a node, and of an edge


@dataclass(frozen=True, eq=False)
class Template:
    """A distinct piece of the drawing.

    `ranks` (from 0), `left` and `right` of its nodes; `tail` and `head` of its edges, by position in `ranks`, their
    `line` (the first edge of those that share it) and whether they are `loose`; and whether its first and last row are
    a cut.
    """

    ranks: Ints
    left: Floats
    right: Floats
    tail: Ints
    head: Ints
    line: Ints
    loose: Flags
    cut_above: bool
    cut_below: bool


@dataclass(frozen=True, eq=False)
class Segments:
    """Segment s covers ranks `first[s]` to `last[s]` and looks like `templates[template[s]]`; neighbours share a cut.

    `by_rank` are the core nodes sorted by rank, `row_start[r]` is where rank r begins among them; `by_segment` are the
    core edges sorted by segment, `edge_start[s]` is where segment s begins among them.

    `rank` and `row` say, for each rank of each segment in turn, which one it is and how many rows below the beginning
    of the segment's template it stands; `of` says whose it is.
    """

    first: Ints
    last: Ints
    template: Ints
    templates: list[Template]
    by_rank: Ints
    row_start: Ints
    by_segment: Ints
    edge_start: Ints
    rank: Ints
    row: Ints
    of: Ints

    def strip_rows(self, first_row: list[int]) -> Ints:
        """For each of `rank`, its row in the strip in which template t begins at row `first_row[t]`."""
        rows: Ints = np.array(first_row, dtype=np.int64)[self.template[self.of]] + self.row
        return rows


def cut(core: Core, ranks: Ints, cuts: Cuts, lines: Lines) -> Segments:
    """Sort nodes and edges by piece, and compare the pieces."""
    by_rank = np.argsort(ranks, kind="stable")
    row_start = np.concatenate([[0], np.cumsum(cuts.size)]).astype(np.int64)
    by_segment = np.argsort(cuts.piece, kind="stable")
    edge_start = np.searchsorted(cuts.piece[by_segment], np.arange(len(cuts.first) + 1))
    whole = _sorted_whole(core, ranks, lines, by_rank, by_segment)
    nodes_of, edges_of = _fingerprints(whole, row_start[cuts.first], edge_start)
    templates: list[Template] = []
    known: dict[tuple[bytes, bytes, bool, bool], int] = {}
    chosen: list[int] = []
    node_ends = zip(row_start[cuts.first].tolist(), row_start[cuts.last + 1].tolist(), strict=True)
    edge_ends = pairwise(edge_start.tolist())
    single = zip(cuts.single[cuts.first].tolist(), cuts.single[cuts.last].tolist(), strict=True)
    for (a, b), (c, d), ends in zip(node_ends, edge_ends, single, strict=True):
        key = (nodes_of[a * ROW_BYTES : b * ROW_BYTES], edges_of[c * EDGE_BYTES : d * EDGE_BYTES], *ends)
        if key not in known:
            known[key] = len(templates)
            templates.append(_piece(whole, slice(a, b), slice(c, d), ends))
        chosen.append(known[key])
    template = np.array(chosen, dtype=np.int64)
    height = cuts.last - cuts.first + 1
    row = np.arange(height.sum()) - np.repeat(np.cumsum(height) - height, height)
    return Segments(
        cuts.first, cuts.last, template, templates, by_rank, row_start, by_segment, edge_start,
        np.repeat(cuts.first, height) + row, row, np.repeat(np.arange(len(height)), height),
    )  # fmt: skip


def _fingerprints(whole: Template, first: Ints, edge_start: Ints) -> tuple[bytes, bytes]:
    """Of all nodes and of all edges in turn, in numbers that do not depend on where their piece stands.

    Of a node only whether it begins a rank: every piece begins with one.
    """
    begins = np.diff(whole.ranks, prepend=-1) != 0
    nodes = np.stack([begins.astype(np.float64), whole.left, whole.right], axis=1)
    count = np.diff(edge_start)
    start, edge = np.repeat(first, count), np.repeat(edge_start[:-1], count)
    edges = np.stack([whole.tail - start, whole.head - start, whole.line - edge, whole.loose.astype(np.int64)], axis=1)
    return nodes.tobytes(), edges.tobytes()


def _sorted_whole(core: Core, ranks: Ints, lines: Lines, by_rank: Ints, by_segment: Ints) -> Template:
    """The whole drawing as one template, nodes sorted by rank and edges by segment."""
    position = np.empty(len(core), dtype=np.int64)
    position[by_rank] = np.arange(len(core))
    tail, head = position[core.tail][by_segment], position[core.head][by_segment]
    line = lines.line[by_segment]
    _, leaders, member = np.unique(line, return_index=True, return_inverse=True)
    line = leaders[member.reshape(-1)]
    return Template(
        ranks[by_rank], core.left[by_rank], core.right[by_rank], tail, head, line, lines.loose[by_segment], True, True
    )


def _piece(whole: Template, nodes: slice, edges: slice, cuts: tuple[bool, bool]) -> Template:
    """Some nodes and edges of the whole, in numbers that do not depend on where they stand."""
    start = nodes.start
    return Template(
        whole.ranks[nodes] - whole.ranks[start],
        whole.left[nodes],
        whole.right[nodes],
        whole.tail[edges] - start,
        whole.head[edges] - start,
        whole.line[edges] - edges.start,
        whole.loose[edges],
        *cuts,
    )


def check(core: Core, segments: Segments) -> list[str]:
    problems = [
        f"segment {s} and its template differ in size"
        for s, template in enumerate(segments.template.tolist())
        if segments.row_start[segments.last[s] + 1] - segments.row_start[segments.first[s]]
        != len(segments.templates[template].ranks)
    ]
    if segments.edge_start[-1] != len(core.edges):
        problems.append("an edge is in no segment")
    return problems
