"""Order each row so that few links cross.

Start from a depth-first walk; sweep down and up, sorting each row by the mean place of its neighbours (the barycenter
method: Sugiyama, Tagawa & Toda 1981) and exchanging neighbours where that saves a crossing (Gansner et al. 1993); keep
the best order seen. The lines of loose edges are kept out of it and stand to the left of everything.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import pairwise

from engine.layout.dummies import Strip

SWEEPS = 8
PATIENCE = 2
EXCHANGES = 4
WIDE = 200  # rows with more items are not worth the time of exchanging neighbours


def order(strip: Strip) -> None:
    """Fill `strip.rows`, from left to right."""
    buses = {item for bus in strip.buses for item in bus}
    _walk(strip, buses)
    place = [0] * len(strip.row)
    for row in strip.rows:
        _number(row, place)
    for first, end in pairwise([*strip.first_row, len(strip.rows)]):
        _Sweep(strip, place, first, end).run()
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
    """The rows of one segment, `place` the position of each item in its row."""

    def __init__(self, strip: Strip, place: list[int], first: int, end: int) -> None:
        self.rows = strip.rows
        self.above, self.below = strip.above, strip.below
        self.place = place
        self.first, self.end = first, end

    def run(self) -> None:
        fewest = self.crossings()
        best = [list(row) for row in self.rows[self.first : self.end]]
        stale = 0
        for sweep in range(SWEEPS):
            if not fewest or stale > PATIENCE:
                break
            if sweep % 2 == 0:
                self.sort(range(self.first + 1, self.end), self.above)
            else:
                self.sort(range(self.end - 2, self.first - 1, -1), self.below)
            self.exchange()
            now = self.crossings()
            stale += 1
            if now < fewest:
                fewest, stale = now, 0
                best = [list(row) for row in self.rows[self.first : self.end]]
        self.rows[self.first : self.end] = best

    def sort(self, numbers: range, neighbours: list[list[int]]) -> None:
        place = self.place
        for number in numbers:
            row = self.rows[number]
            if len(row) < 2:
                continue
            mean = {}
            for position, item in enumerate(row):
                near = neighbours[item]
                mean[item] = sum([place[other] for other in near]) / len(near) if near else float(position)
            row.sort(key=mean.__getitem__)
            _number(row, place)

    def exchange(self) -> None:
        active = [row for row in self.rows[self.first : self.end] if 1 < len(row) <= WIDE]
        for _ in range(EXCHANGES):
            active = [row for row in active if self._exchange_in(row)]
            if not active:
                return

    def _exchange_in(self, row: list[int]) -> bool:
        place, exchanged = self.place, False
        for position in range(len(row) - 1):
            one, two = row[position], row[position + 1]
            saved = self._saved(self.above[one], self.above[two]) + self._saved(self.below[one], self.below[two])
            if saved > 0:
                row[position], row[position + 1] = two, one
                place[two], place[one] = position, position + 1
                exchanged = True
        return exchanged

    def _saved(self, one: list[int], two: list[int]) -> int:
        """Crossings between the links of two neighbours that an exchange removes, less those that it makes."""
        place, saved = self.place, 0
        for a in one:
            here = place[a]
            for b in two:
                there = place[b]
                if here > there:
                    saved += 1
                elif here < there:
                    saved -= 1
        return saved

    def crossings(self) -> int:
        """Pairs of links between neighbouring rows whose ends are in opposite order."""
        place, total = self.place, 0
        for row in self.rows[self.first : self.end - 1]:
            if len(row) < 2:
                continue
            seen: list[int] = []
            for item in row:
                ends = sorted([place[other] for other in self.below[item]])
                if seen and ends and ends[0] < seen[-1]:
                    total += sum([len(seen) - bisect_right(seen, end) for end in ends])
                for end in ends:
                    insort(seen, end)
        return total


def check(strip: Strip) -> list[str]:
    problems = []
    if sorted(item for row in strip.rows for item in row) != list(range(len(strip.row))):
        problems.append("an item is not in exactly one row")
    if any(strip.row[item] != number for number, row in enumerate(strip.rows) for item in row):
        problems.append("an item is in a wrong row")
    return problems
