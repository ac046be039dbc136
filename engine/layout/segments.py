"""Cut the drawing where a rank holds a single node and no edge passes by, and find which pieces are alike.

Networks are made of blocks. Each distinct piece is laid out once, so that equal blocks look equal and a network of a
hundred equal blocks costs little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.layout.core import Core
from engine.layout.loosen import Lines
from engine.layout.model import Flags, Floats, Ints


@dataclass(frozen=True, eq=False)
class Template:
    """A distinct piece: `ranks` (from 0) and extents of its nodes, `tail`/`head` of its edges by position in `ranks`,
    `line` (equal for edges that share one; negative for one that fans out) and `loose` of each edge; whether its first and last row are a cut."""

    ranks: Ints
    left: Floats
    right: Floats
    tail: Ints
    head: Ints
    line: Ints
    loose: Flags
    cut_above: bool
    cut_below: bool

    def key(self) -> bytes:
        """Equal for templates that look alike. The lengths of the parts follow from one another, so they need no marks."""
        arrays = (self.ranks, self.left, self.right, self.tail, self.head, self.line, self.loose)
        return b"".join([array.tobytes() for array in arrays]) + bytes((self.cut_above, self.cut_below))


@dataclass(frozen=True, eq=False)
class Segments:
    """Segment s covers ranks `first[s]` to `last[s]` and looks like `templates[template[s]]`; neighbours share a cut.

    `by_rank` are the core nodes sorted by rank, `row_start[r]` is where rank r begins among them; `by_segment` are the
    core edges sorted by segment, `edge_start[s]` is where segment s begins among them.
    """

    first: Ints
    last: Ints
    template: Ints
    templates: list[Template]
    by_rank: Ints
    row_start: Ints
    by_segment: Ints
    edge_start: Ints


def cut(core: Core, ranks: Ints, lines: Lines) -> Segments:
    """Find the cuts, then the distinct pieces between them."""
    rows = int(ranks.max(initial=-1)) + 1
    size = np.bincount(ranks, minlength=rows)
    single, apart = _cuts(core, ranks, size)
    bounds = np.array(_bounds(single.tolist(), apart.tolist()), dtype=np.int64).reshape(-1, 2)
    first, last = bounds[:, 0].copy(), bounds[:, 1].copy()
    by_rank = np.argsort(ranks, kind="stable")
    row_start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    segment = np.searchsorted(first, ranks[core.tail], side="right") - 1
    by_segment = np.argsort(segment, kind="stable")
    edge_start = np.searchsorted(segment[by_segment], np.arange(len(first) + 1))
    whole = _sorted_whole(core, ranks, lines, by_rank, by_segment)
    templates: list[Template] = []
    known: dict[bytes, int] = {}
    chosen = np.zeros(len(first), dtype=np.int64)
    for s, (a, b) in enumerate(bounds.tolist()):
        nodes = slice(int(row_start[a]), int(row_start[b + 1]))
        edges = slice(int(edge_start[s]), int(edge_start[s + 1]))
        template = _piece(whole, nodes, edges, (bool(single[a]), bool(single[b])))
        key = template.key()
        if key not in known:
            known[key] = len(templates)
            templates.append(template)
        chosen[s] = known[key]
    return Segments(first, last, chosen, templates, by_rank, row_start, by_segment, edge_start)


def _sorted_whole(core: Core, ranks: Ints, lines: Lines, by_rank: Ints, by_segment: Ints) -> Template:
    """The whole drawing as one template, nodes sorted by rank and edges by segment."""
    position = np.empty(len(core), dtype=np.int64)
    position[by_rank] = np.arange(len(core))
    tail, head = position[core.tail][by_segment], position[core.head][by_segment]
    outward = lines.line[by_segment] >= len(core)
    line = np.where(outward, -1 - tail, head)
    return Template(
        ranks[by_rank], core.left[by_rank], core.right[by_rank], tail, head, line, lines.loose[by_segment], True, True
    )


def _piece(whole: Template, nodes: slice, edges: slice, cuts: tuple[bool, bool]) -> Template:
    """Some nodes and edges of the whole, in numbers that do not depend on where they stand."""
    line, start = whole.line[edges], nodes.start
    return Template(
        whole.ranks[nodes] - whole.ranks[start],
        whole.left[nodes],
        whole.right[nodes],
        whole.tail[edges] - start,
        whole.head[edges] - start,
        np.where(line < 0, line + start, line - start),
        whole.loose[edges],
        *cuts,
    )


def _cuts(core: Core, ranks: Ints, size: Ints) -> tuple[Flags, Flags]:
    """Which ranks hold one node that no edge passes, and below which ranks no edge passes at all."""
    rows = len(size)
    change = np.zeros(rows + 1, dtype=np.int64)
    np.add.at(change, ranks[core.tail], 1)
    np.add.at(change, ranks[core.head], -1)
    below = np.cumsum(change)[:rows]
    ending = np.bincount(ranks[core.tail], minlength=rows)
    passing = below - ending
    return (size == 1) & (passing == 0), below == 0


def _bounds(single: list[bool], apart: list[bool]) -> list[tuple[int, int]]:
    bounds: list[tuple[int, int]] = []
    start = 0
    for rank, is_single in enumerate(single):
        if is_single and rank > start:
            bounds.append((start, rank))
            start = rank
        if apart[rank]:
            if start < rank or not bounds or bounds[-1][1] != rank:
                bounds.append((start, rank))
            start = rank + 1
    return bounds


def check(core: Core, ranks: Ints, segments: Segments) -> list[str]:
    problems: list[str] = []
    if not len(core):
        return problems
    for s, template in enumerate(segments.template.tolist()):
        a, b = int(segments.first[s]), int(segments.last[s])
        if segments.row_start[b + 1] - segments.row_start[a] != len(segments.templates[template].ranks):
            problems.append(f"segment {s} and its template differ in size")
    covered = np.zeros(int(ranks.max()) + 1, dtype=np.bool_)
    for a, b in zip(segments.first.tolist(), segments.last.tolist(), strict=True):
        covered[a : b + 1] = True
    if not covered.all():
        problems.append("a rank is in no segment")
    if segments.edge_start[-1] != len(core.edges):
        problems.append("an edge is in no segment")
    return problems
