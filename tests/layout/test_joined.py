"""Legs put together to lines, against the same done point by point."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.layout.joined import CORRIDOR, STEP, STILL, joined
from engine.layout.paths import Paths, paths_of
from tests.layout.test_paths import PARENT, cases

Point = tuple[float, float]
COORDINATES = st.sampled_from((0.0, 10.0, STEP, 60.0, -40.0))


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Paths, list[list[Point]], int]:
    """Edges through boxes, and any line for each leg; points often coincide."""
    parts, home = draw(cases())
    paths = paths_of(parts, PARENT, home)
    lines = [
        [(draw(COORDINATES), draw(COORDINATES)) for _ in range(draw(st.integers(2, 4)))] for _ in range(len(paths.leg))
    ]
    return paths, lines, draw(st.sampled_from((0, 1)))


def by_hand(paths: Paths, lines: list[list[Point]], across: int, edge: int) -> list[Point]:
    legs = [lines[leg] for leg in paths.way[paths.way_edge == edge].tolist()]
    line: list[Point] = []
    for place, leg in enumerate(legs):
        if place and abs(line[-1][across] - leg[0][across]) > STEP:
            line += corners(line[-1], leg[0], across, leaving=place - 1 < int(paths.exits[edge]))
        line += leg
    if len(legs) == 1:
        return line
    kept = [line[0], *(there for here, there in pairwise(line) if sum(map(abs, np.subtract(there, here))) > STILL)]
    return kept if len(kept) > 1 else [line[0], line[-1]]


def corners(here: Point, there: Point, across: int, *, leaving: bool) -> list[Point]:
    """Along the border of the box that is left or entered, a little inside it."""
    along = 1 - across
    border, port = (there, here) if leaving else (here, there)
    level = border[along] + float(np.copysign(CORRIDOR / 2, port[along] - border[along]))
    return [(each[0], level) if along else (level, each[1]) for each in (here, there)]


@given(drawn())
def test_every_line_is_that_of_its_legs(case: tuple[Paths, list[list[Point]], int]) -> None:
    paths, lines, across = case
    points = np.array([point for line in lines for point in line], dtype=np.float64).reshape(-1, 2)
    found = joined(paths, points, np.array([len(line) for line in lines], dtype=np.int64), across)
    assert len(found) == len(paths.exits)
    for edge, route in enumerate(found.each()):
        assert route.tolist() == [list(point) for point in by_hand(paths, lines, across, edge)]
        assert len(route) >= 2


@pytest.mark.parametrize("across", [0, 1])
def test_a_line_to_a_port_elsewhere_turns_at_right_angles(across: int) -> None:
    """One edge out of a box: its first leg ends at a port that is 100 px beside where the second begins."""
    one, two = np.array([0.0, 0.0]), np.array([0.0, 0.0])
    one[1 - across], two[1 - across], two[across] = 50.0, 60.0, 100.0
    last = two.copy()
    last[1 - across] = 90.0
    whole = np.array([[0.0, 0.0], one, two, last])
    zero, ones = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    paths = Paths(
        item_look=zero, item_first=zero, box_item=zero, node_item=zero, leg=np.zeros((2, 3), dtype=np.int64),
        leg_first=zero, way=np.array([0, 1]), way_edge=np.array([0, 0]), way_place=np.array([0, 1]), exits=ones,
        stands=zero, stand_node=zero, stand_edge=zero, item_node=zero, depth=zero,
    )  # fmt: skip
    (route,) = joined(paths, whole, np.array([2, 2]), across).each()
    level = 60.0 - CORRIDOR / 2
    turns = np.array([[0.0, level], [100.0, level]])[:, :: -1 if across else 1]
    assert route.tolist() == [[0.0, 0.0], one.tolist(), *turns.tolist(), two.tolist(), last.tolist()]
