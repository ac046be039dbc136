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
    `line` (equal for edges that share one) and `loose` of each edge; whether its first and last row are a cut."""

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

    `by_rank` are the core nodes sorted by rank, `row_start[r]` where rank r begins among them; `by_segment` are the core
    edges sorted by segment, `edge_start[s]` where segment s begins among them.
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
    position = np.empty(len(core), dtype=np.int64)
    position[by_rank] = np.arange(len(core))
    by_segment = np.argsort(segment, kind="stable")
    edge_start = np.searchsorted(segment[by_segment], np.arange(len(first) + 1))
    templates: list[Template] = []
    known: dict[tuple[bytes, ...], int] = {}
    chosen = np.zeros(len(first), dtype=np.int64)
    node_fields = (ranks[by_rank], core.left[by_rank], core.right[by_rank])
    edge_fields = (position[core.tail][by_segment], position[core.head][by_segment])
    line, loose = _renumbered(lines.line, position, len(core))[by_segment], lines.loose[by_segment]
    for s, (a, b) in enumerate(bounds.tolist()):
        nodes, edges = slice(row_start[a], row_start[b + 1]), slice(edge_start[s], edge_start[s + 1])
        local_ranks, left, right = (values[nodes] for values in node_fields)
        tail, head = (values[edges] - row_start[a] for values in edge_fields)
        fields = (local_ranks - a, left, right, tail, head, _relative(line[edges], row_start[a], len(core)), loose[edges])
        ends = (bool(single[a]), bool(single[b]))
        key = (*(values.tobytes() for values in fields), bytes(ends))
        if key not in known:
            known[key] = len(templates)
            templates.append(Template(*fields, *ends))
        chosen[s] = known[key]
    return Segments(first, last, chosen, templates, by_rank, row_start, by_segment, edge_start)


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


def _renumbered(line: Ints, position: Ints, count: int) -> Ints:
    """Lines by the sorted position of their node; those out of a node stay `count` higher."""
    outward = line >= count
    return position[np.where(outward, line - count, line)] + np.where(outward, count, 0)


def _relative(line: Ints, start: int, count: int) -> Ints:
    """Numbers that do not depend on where the piece stands: negative for lines out of a node."""
    return np.where(line >= count, count + start - line - 1, line - start)


def check(core: Core, ranks: Ints, segments: Segments) -> list[str]:
    problems = []
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
