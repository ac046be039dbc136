"""Names below bars: of each where there are few, of what they are parts of where there are many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, groupby

Names = list[tuple[float, str]]  # the middle of what it names, counted in bars, and the name

MOST_PARTS = 24
GAP = 8  # px between two names


def names_below(names: Sequence[str], bar: float, width: Callable[[str], float]) -> Names:
    """As many names as have room, each `width` px wide, below bars that are `bar` px apart. What is named first are the
    parts with most bars; a name that stands for one bar is its own."""
    parts = _parts(names)
    shown: list[tuple[float, float, str]] = []
    for first, count, name in sorted(parts, key=lambda part: -part[1]):
        middle, half = first + (count - 1) / 2, width(name) / 2
        if all(abs(middle - other) * bar >= half + other_half + GAP for other, other_half, _ in shown):
            shown.append((middle, half, name))
    return sorted((middle, name) for middle, _, name in shown)


def _parts(names: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first, how many, name) at the deepest level of modules at which there are not too many."""
    parts: list[tuple[int, int, str]] = []
    for depth in range(max((name.count(".") for name in names), default=0) + 1, 0, -1):
        groups = [(name, len(list(group))) for name, group in groupby(names, key=partial(_upper, depth))]
        ends = accumulate(count for _, count in groups)
        parts = [(end - count, count, name) for (name, count), end in zip(groups, ends, strict=True)]
        if len(parts) <= MOST_PARTS:
            break
    return parts


def _upper(depth: int, name: str) -> str:
    return ".".join(name.split(".")[:depth])
