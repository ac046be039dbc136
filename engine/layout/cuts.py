"""Find where the drawing can be taken apart: a rank with a single node that no edge passes by.

Networks are made of blocks, and blocks meet in such ranks. Parts that no edge connects are taken apart too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.layout.core import Core
from engine.layout.model import Flags, Ints


@dataclass(frozen=True, eq=False)
class Cuts:
    """Piece s covers ranks `first[s]` to `last[s]`; neighbours share a cut. `single[r]`: whether rank r is a cut;
    `size[r]`: how many nodes it has; `piece`: of each edge."""

    first: Ints
    last: Ints
    single: Flags
    size: Ints
    piece: Ints


def find_cuts(core: Core, ranks: Ints) -> Cuts:
    """Every rank is in one piece, a cut in two; every edge is in one."""
    rows = int(ranks.max(initial=-1)) + 1
    size = np.bincount(ranks, minlength=rows)
    single, apart = _cuts(core, ranks, size)
    bounds = np.array(_bounds(single.tolist(), apart.tolist()), dtype=np.int64).reshape(-1, 2)
    first, last = bounds[:, 0].copy(), bounds[:, 1].copy()
    piece = np.asarray(np.searchsorted(first, ranks[core.tail], side="right"), dtype=np.int64) - 1
    return Cuts(first, last, single, size, piece)


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


def check(core: Core, ranks: Ints, cuts: Cuts) -> list[str]:
    problems = []
    covered = np.zeros(len(cuts.size), dtype=np.bool_)
    for a, b in zip(cuts.first.tolist(), cuts.last.tolist(), strict=True):
        covered[a : b + 1] = True
    if not covered.all():
        problems.append("a rank is in no piece")
    if (ranks[core.head] > cuts.last[cuts.piece]).any():
        problems.append("an edge leaves its piece")
    return problems
