"""Order each row so that few links cross.

Start from a depth-first walk; sweep down and up, sorting each row by the mean place of its neighbours (the barycenter
method: Sugiyama, Tagawa & Toda 1981) and exchanging neighbours where that saves a crossing (Gansner et al. 1993); every
other pair of sweeps turns round what could as well stand in the other order; keep the best seen. The lines of loose
edges are kept out of it and stand to the left of everything.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable
from itertools import pairwise

from engine.layout.dummies import Strip
from engine.layout.model import go_on

SWEEPS = 8
PATIENCE = 3  # sweeps that found nothing better
LARGE, LITTLE_PATIENCE = 2000, 1  # in segments of as many items
EXCHANGES = 4
EFFORT = 150_000  # pairs of neighbours looked at in one segment: in a tangle, more would not be seen


def order(strip: Strip, stop: Callable[[], None] = go_on) -> None:
    """Fill `strip.rows`, from left to right; `stop` is called now and then, and may raise."""
    buses = {item for bus in strip.buses for item in bus}
    _walk(strip, buses)
    place = [0] * len(strip.row)
    for row in strip.rows:
        _number(row, place)
    for first, end in pairwise([*strip.first_row, len(strip.rows)]):
        _Sweep(strip, place, first, end, stop).run()
    for bus in strip.buses:
        for item in bus:
            strip.rows[strip.row[item]].insert(0, item)


def _walk(strip: Strip, buses: set[int]) -> None:
    seen = [False] * len(strip.row)
    for top in range(len(strip.row)):
        if strip.above[top] or top in buses:
            continue
        waiting = [top]
        while waiting:
            item = waiting.pop()
            if not seen[item]:
                seen[item] = True
                if item not in buses:
                    strip.rows[strip.row[item]].append(item)
                waiting.extend(reversed(strip.below[item]))


def _number(row: list[int], place: list[int]) -> None:
    for position, item in enumerate(row):
        place[item] = position


class _Sweep:
    """The rows `first` to `end` of one segment; `place` is the position of each item in its row.

    `version` counts how often a row has changed. What was found for a row holds until it or a row beside it changes,
    so that work goes only where something still moves.
    """

    def __init__(self, strip: Strip, place: list[int], first: int, end: int, stop: Callable[[], None]) -> None:
        self.stop = stop
        self.rows = strip.rows
        self.above, self.below = strip.above, strip.below
        self.place = place
        self.first, self.end = first, end
        self.version = [0] * (end - first + 1)
        self.sorted_at: dict[tuple[int, int], tuple[int, int]] = {}
        self.exchanged_at: dict[int, tuple[int, int, int]] = {}
        self.counted_at: dict[int, tuple[int, int]] = {}
        self.count: dict[int, int] = {}
        self.effort = EFFORT

    def run(self) -> None:
        fewest = self.crossings()
        best = [list(row) for row in self.rows[self.first : self.end]]
        stale = 0
        patience = PATIENCE if sum(map(len, best)) < LARGE else LITTLE_PATIENCE
        for sweep in range(SWEEPS):
            if not fewest or stale > patience:
                break
            turning = sweep % 4 >= 2  # every other pair of sweeps exchanges those that could as well be exchanged
            if sweep % 2 == 0:
                self.sort(range(self.first + 1, self.end), self.above, -1, turning=turning)
            else:
                self.sort(range(self.end - 2, self.first - 1, -1), self.below, 1, turning=turning)
            self.exchange()
            now = self.crossings()
            stale += 1
            if now < fewest:
                fewest, stale = now, 0
                best = [list(row) for row in self.rows[self.first : self.end]]
        self.rows[self.first : self.end] = best

    def sort(self, numbers: range, neighbours: list[list[int]], side: int, *, turning: bool) -> None:
        """Sort rows by the mean place of their neighbours in the row on one side.

        With `turning`, equals change their order: the way out of a local minimum.
        """
        place, version, first = self.place, self.version, self.first
        for number in numbers:
            row = self.rows[number]
            state = version[number - first], version[number - first + side]
            if len(row) < 2 or (self.sorted_at.get((number, side)) == state and not turning):
                continue
            means = []
            for position, item in enumerate(row):
                near = neighbours[item]
                means.append(sum([place[other] for other in near]) / len(near) if near else float(position))
            mean = dict(zip(row, means, strict=True))
            if turning:
                before = list(row)
                row.reverse()
                row.sort(key=mean.__getitem__)
                changed = row != before
            else:
                changed = sorted(means) != means
                if changed:
                    row.sort(key=mean.__getitem__)
            if changed:
                _number(row, place)
                version[number - first] += 1
            self.sorted_at[number, side] = version[number - first], state[1]

    def exchange(self) -> None:
        """Exchange neighbours wherever that saves a crossing, a few times over."""
        for _ in range(EXCHANGES):
            self.stop()
            moved = [self._exchange_in(number) for number in range(self.first, self.end)]
            if not any(moved):
                return

    def _exchange_in(self, number: int) -> bool:
        row, place, version = self.rows[number], self.place, self.version
        here = number - self.first
        state = version[here - 1], version[here], version[here + 1]
        if len(row) < 2 or self.effort < 0 or self.exchanged_at.get(number) == state:
            return False
        self.effort -= len(row)
        exchanged = False
        for position in range(len(row) - 1):
            one, two = row[position], row[position + 1]
            saved = _saved(place, self.above[one], self.above[two]) + _saved(place, self.below[one], self.below[two])
            if saved > 0:
                row[position], row[position + 1] = two, one
                place[two], place[one] = position, position + 1
                exchanged = True
        if exchanged:
            version[here] += 1
        else:
            self.exchanged_at[number] = state
        return exchanged

    def crossings(self) -> int:
        """Pairs of links between neighbouring rows whose ends are in opposite order."""
        version, first = self.version, self.first
        for number in range(first, self.end - 1):
            state = version[number - first], version[number - first + 1]
            if self.counted_at.get(number) != state:
                self.counted_at[number] = state
                self.count[number] = self._crossings_below(self.rows[number])
        return sum(self.count.values())

    def _crossings_below(self, row: list[int]) -> int:
        if len(row) < 2:
            return 0
        place, below = self.place, self.below
        ends = [end for item in row for end in sorted([place[other] for other in below[item]])]
        if sorted(ends) == ends:
            return 0
        total = 0
        seen: list[int] = []
        for end in ends:  # those of one item come in ascending order and do not count as crossing each other
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
        return total


def _saved(place: list[int], one: list[int], two: list[int]) -> int:
    """Crossings between the links of two neighbours that an exchange removes, less those that it makes."""
    if not one or not two:
        return 0
    if len(one) == len(two) == 1:
        here, there = place[one[0]], place[two[0]]
        return (here > there) - (here < there)
    saved = 0
    ends = [place[other] for other in two]
    for other in one:
        here = place[other]
        for there in ends:
            if here > there:
                saved += 1
            elif here < there:
                saved -= 1
    return saved


def check(strip: Strip) -> list[str]:
    problems = []
    if sorted(item for row in strip.rows for item in row) != list(range(len(strip.row))):
        problems.append("an item is not in exactly one row")
    if any(strip.row[item] != number for number, row in enumerate(strip.rows) for item in row):
        problems.append("an item is in a wrong row")
    return problems
