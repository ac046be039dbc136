"""Few crossings within the rows."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import pytest

from engine.layout import order
from engine.layout.dummies import Strip
from tests.layout.samples import lstm, tangle
from tests.layout.test_segments import after


def strip_of(rows: list[int], links: list[tuple[int, int]]) -> Strip:
    """`rows[i]` is the row of item i."""
    strip = Strip(rows=[[] for _ in range(max(rows) + 1)], first_row=[0])
    for row in rows:
        strip.add(row, 10.0, 10.0, bend=False)
    for upper, lower in links:
        strip.link(upper, lower)
    return strip


def crossings(strip: Strip) -> int:
    place = {item: position for row in strip.rows for position, item in enumerate(row)}
    links = [(upper, lower) for upper, below in enumerate(strip.below) for lower in below]
    return sum(
        strip.row[a] == strip.row[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
        for (a, b), (c, d) in combinations(links, 2)
    )


def test_a_crossing_is_undone() -> None:
    strip = strip_of([0, 0, 1, 1], [(0, 3), (1, 2)])
    order.order(strip)
    assert order.check(strip) == []
    assert crossings(strip) == 0


def test_two_trees_are_drawn_apart() -> None:
    strip = strip_of([0, 0, 1, 1, 1, 1], [(0, 2), (0, 4), (1, 3), (1, 5)])
    order.order(strip)
    assert crossings(strip) == 0


def test_what_must_cross_crosses_once() -> None:
    strip = strip_of([0, 0, 1, 1], [(0, 2), (0, 3), (1, 2), (1, 3)])
    order.order(strip)
    assert crossings(strip) == 1


@pytest.mark.parametrize("graph", [tangle(60), lstm(3)], ids=["tangle", "lstm"])
def test_better_than_the_order_of_the_walk(graph: nx.MultiDiGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    ordered = crossings(after("order", graph).strip)
    monkeypatch.setattr(order, "SWEEPS", 0)
    assert ordered < crossings(after("order", graph).strip)


def test_effort_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "EFFORT", 0)
    strip = after("order", tangle(60)).strip
    assert order.check(strip) == []
