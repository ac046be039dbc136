"""Find which pieces of the drawing are alike.

Each distinct piece is laid out once, so that equal blocks look equal and a network of a hundred equal blocks costs
little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.layout.core import Core
from engine.layout.cuts import Cuts
from engine.layout.loosen import Lines
from engine.layout.model import Flags, Floats, Ints


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

    def key(self) -> bytes:
        """Equal for templates that look alike."""
        arrays = (self.ranks, self.left, self.right, self.tail, self.head, self.line, self.loose)
        sizes = bytes((self.cut_above, self.cut_below)) + len(self.ranks).to_bytes(8, "little")
        return b"".join([sizes, *(array.tobytes() for array in arrays)])


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


def cut(core: Core, ranks: Ints, cuts: Cuts, lines: Lines) -> Segments:
    """Sort nodes and edges by piece, and compare the pieces."""
    by_rank = np.argsort(ranks, kind="stable")
    row_start = np.concatenate([[0], np.cumsum(cuts.size)]).astype(np.int64)
    by_segment = np.argsort(cuts.piece, kind="stable")
    edge_start = np.searchsorted(cuts.piece[by_segment], np.arange(len(cuts.first) + 1))
    whole = _sorted_whole(core, ranks, lines, by_rank, by_segment)
    templates: list[Template] = []
    known: dict[bytes, int] = {}
    chosen = np.zeros(len(cuts.first), dtype=np.int64)
    for s, (a, b) in enumerate(zip(cuts.first.tolist(), cuts.last.tolist(), strict=True)):
        nodes = slice(int(row_start[a]), int(row_start[b + 1]))
        edges = slice(int(edge_start[s]), int(edge_start[s + 1]))
        template = _piece(whole, nodes, edges, (bool(cuts.single[a]), bool(cuts.single[b])))
        key = template.key()
        if key not in known:
            known[key] = len(templates)
            templates.append(template)
        chosen[s] = known[key]
    return Segments(cuts.first, cuts.last, chosen, templates, by_rank, row_start, by_segment, edge_start)


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
