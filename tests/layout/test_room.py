"""Shorter columns where they make more readable, and only there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import pytest

from engine.layout import DIRECTIONS, Direction, layout
from engine.layout.room import LARGER, NEAR, Bounds, Room, made_readable, shown_at
from tests.layout.metrics import measure
from tests.layout.samples import add_node, real_graph, sized

ROOM: Room = (1000.0, 500.0)


@dataclass(frozen=True)
class Picture:
    bounds: Bounds


def picture(width: float, height: float) -> Picture:
    return Picture((0.0, 0.0, width, height))


def chain(rows: int) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    for row in range(rows):
        add_node(graph, row, "ReluBackward0")
        if row:
            graph.add_edge(row - 1, row, key=0, input_number=0)
    return sized(graph)


def as_a_try(made: Picture) -> Callable[[], Picture]:
    return lambda: made


def never() -> Picture:
    raise AssertionError("it was tried for nothing")


def test_a_picture_that_can_be_read_stays() -> None:
    plain = picture(900.0, 480.0)
    assert made_readable(plain, ROOM, [never]) is plain
    assert made_readable(plain, None, [never]) is plain


def test_names_that_would_be_lost_are_worth_shorter_columns() -> None:
    plain, short = picture(100.0, 600.0), picture(250.0, 400.0)
    assert made_readable(plain, ROOM, [lambda: short]) is short


def test_the_best_of_all_tries_is_taken() -> None:
    tries = [picture(900.0, 450.0), picture(500.0, 250.0), picture(800.0, 400.0)]
    assert made_readable(picture(100.0, 600.0), ROOM, map(as_a_try, tries)) is tries[1]


def test_what_no_try_makes_readable_stays() -> None:
    plain = picture(500.0, 900.0)
    nearly = picture(500.0, 500.0 * NEAR * 0.99)
    assert made_readable(plain, ROOM, [lambda: nearly, lambda: nearly]) is plain
    assert made_readable(plain, ROOM, [lambda: picture(500.0, 500.0 * NEAR * 1.01), never]) is plain


def test_nothing_is_tried_where_there_is_too_much_to_be_read() -> None:
    plain = picture(600.0, 900.0)
    assert made_readable(plain, ROOM, [never]) is plain


@pytest.mark.parametrize(("gain", "broken"), [(LARGER * 0.99, False), (LARGER * 1.01, True)])
def test_what_can_be_read_is_broken_for_much_larger_names_only(gain: float, broken: bool) -> None:
    plain, short = picture(50.0, 400.0), picture(400.0, 400.0 / gain)
    assert (made_readable(plain, ROOM, [lambda: short]) is short) == broken


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_ribbon_in_a_low_view(direction: Direction) -> None:
    rows = 11
    plain = layout(chain(rows), aspect=2.0, direction=direction)
    long = max(plain.bounds[2] - plain.bounds[0], plain.bounds[3] - plain.bounds[1])
    room = (long * 0.6, long * 0.6) if direction == "right" else (long * 1.2, long * 0.6)
    assert shown_at(plain.bounds, room) < 1.0
    short = layout(chain(rows), aspect=2.0, direction=direction, room=room)
    assert shown_at(short.bounds, room) >= 1.0
    along = short.x if direction == "right" else short.y
    assert len(np.unique(along.round())) < rows
    found = measure(short)
    assert (found.crossings, found.through, found.overlaps) == (0, 0, 0)


def test_a_readable_graph_is_laid_out_as_ever() -> None:
    graph = real_graph("resnet18", large=True)
    plain, roomy = layout(graph), layout(graph, room=(6000.0, 4000.0))
    assert np.array_equal(plain.x, roomy.x)
    assert np.array_equal(plain.y, roomy.y)


@pytest.mark.parametrize("name", ["bow", "gru_20", "googlenet", "unet", "densenet_tiny", "mobilenet_v3_small"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_short_columns_of_real_graphs_are_readable(name: str, direction: Direction, short: Callable[[], None]) -> None:
    short()
    graph = real_graph(name, large=True)
    wide = 1 / 6 if direction == "right" else 6.0
    plain, broken = (layout(graph, aspect=wide, direction=direction, room=room) for room in (None, (1e6, 1e6)))
    found = measure(broken)
    assert (found.through, found.overlaps) == (0, 0)
    assert found.crossings <= measure(plain).crossings


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Makes columns short wherever there is room."""
    return lambda: monkeypatch.setattr("engine.layout.room.LARGER", 0.0)
