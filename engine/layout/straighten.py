"""Give the bend points of a line, and chains of nodes with one neighbour each, a common x where there is room.

Longest chains first; each moves as little as possible. A chain without room for one straight line gets several.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from engine.layout.dummies import Strip
from engine.layout.model import Floats, go_on
from engine.layout.spacing import LINE_GAP, NODE_GAP

ROUNDS = 2
OFTEN = 1000  # chains


def straighten(strip: Strip, x: Floats, stop: Callable[[], None] = go_on) -> Floats:
    """A new x for each item; `stop` is called now and then, and may raise."""
    room = _Room(strip, x.tolist())
    chains = sorted(_chains(strip), key=len, reverse=True)
    for _ in range(ROUNDS):  # a chain may get room only when others have moved
        for number, chain in enumerate(chains):
            if number % OFTEN == 0:
                stop()
            room.align(chain)
    for bus in strip.buses:
        room.pull_in(bus)
    return np.array(room.x, dtype=np.float64)


def _chains(strip: Strip) -> list[list[int]]:
    follows = {upper: lower for chain in strip.chains for upper, lower in pairwise(chain)}
    has_line_above = set(follows.values())
    buses = {item for bus in strip.buses for item in bus}
    taken = list(strip.bend)
    for item in buses:
        taken[item] = True
    chains = []
    for top in (item for row in strip.rows for item in row):
        if top in buses or top in has_line_above or (taken[top] and not strip.bend[top]):
            continue
        if strip.bend[top] and _joins_from_above(strip, top):
            continue
        chains.append(_walk_down(strip, top, follows, taken))
    return [chain for chain in chains if len(chain) > 1]


def _joins_from_above(strip: Strip, item: int) -> bool:
    above = strip.above[item]
    return len(above) == 1 and len(strip.below[above[0]]) == 1


def _walk_down(strip: Strip, top: int, follows: dict[int, int], taken: list[bool]) -> list[int]:
    chain, item = [top], top
    taken[top] = True
    while True:
        following = follows.get(item)
        if following is None:
            below = strip.below[item]
            if len(below) != 1 or len(strip.above[below[0]]) != 1:
                return chain
            following = below[0]
            if taken[following] and not strip.bend[following]:
                return chain
        chain.append(following)
        taken[following] = True
        item = following


class _Room:
    """Positions `x`, and how far each item can move between its neighbours in the row."""

    def __init__(self, strip: Strip, x: list[float]) -> None:
        self.x = x
        self.strip = strip
        self.before, self.after = [-1] * len(x), [-1] * len(x)
        for row in strip.rows:
            for one, two in pairwise(row):
                self.before[two], self.after[one] = one, two
        self.pinned = set(strip.pinned)

    def distance(self, one: int, two: int) -> float:
        strip = self.strip
        gap = LINE_GAP if strip.bend[one] and strip.bend[two] else NODE_GAP
        return strip.right[one] + strip.left[two] + gap

    def limits(self, item: int) -> tuple[float, float]:
        if item in self.pinned:
            return self.x[item], self.x[item]
        before, after = self.before[item], self.after[item]
        low = self.x[before] + self.distance(before, item) if before >= 0 else -math.inf
        high = self.x[after] - self.distance(item, after) if after >= 0 else math.inf
        return low, high

    def align(self, chain: list[int]) -> None:
        """Set each longest run of the chain that fits in one line on that line."""
        start = 0
        while start < len(chain):
            low, high = -math.inf, math.inf
            end = start
            while end < len(chain):
                item_low, item_high = self.limits(chain[end])
                tighter_low, tighter_high = max(low, item_low), min(high, item_high)
                if tighter_low > tighter_high + 1e-9:
                    break
                low, high = tighter_low, tighter_high
                end += 1
            run = chain[start : max(end, start + 1)]
            if len(run) > 1:
                middle = sorted(self.x[item] for item in run)[len(run) // 2]
                wanted = max(low, min(middle, high))
                for item in run:
                    self.x[item] = wanted
            start += len(run)

    def pull_in(self, bus: range) -> None:
        """As near to the drawing as the widest row beside it allows."""
        nearest = min(self.limits(item)[1] for item in bus)
        if nearest < math.inf:
            for item in bus:
                self.x[item] = nearest
