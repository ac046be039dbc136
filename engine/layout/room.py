"""When shorter columns would make more of a drawing readable.

A room is the width and height, in scene px, of what can be shown while names are just large enough to be read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

LARGER = 1.95  # times, and a drawing whose names can be read is broken into shorter columns nevertheless
NEAR = 1.5  # times as large as a try made it: more is not to be had from the next one

Room = tuple[float, float]
Bounds = tuple[float, float, float, float]


class Drawing(Protocol):
    @property
    def bounds(self) -> Bounds: ...


Drawn = TypeVar("Drawn", bound=Drawing)


def made_readable(drawn: Drawn, room: Room | None, tries: Iterable[Callable[[], Drawn]]) -> Drawn:
    """`drawn`, or the best of some drawings in shorter columns, if that makes its names readable, or much larger."""
    if room is None:
        return drawn
    scale = shown_at(drawn.bounds, room)
    goal = 1.0 if scale < 1.0 else LARGER * scale
    if _at_best(drawn.bounds, room) < goal:
        return drawn
    best = drawn
    for attempt in tries:
        other = attempt()
        scale = shown_at(other.bounds, room)
        if scale >= goal:
            best, goal = other, scale
        elif scale * NEAR < goal:
            break
    return best


def shown_at(bounds: Bounds, room: Room) -> float:
    """The scale at which all of a drawing can be shown; from 1.0 on its names can be read."""
    width, height = _size(bounds)
    return min(room[0] / width, room[1] / height)


def _at_best(bounds: Bounds, room: Room) -> float:
    """The same if it were of the room's shape, and took up no less."""
    width, height = _size(bounds)
    return math.sqrt(room[0] / width * room[1] / height)


def _size(bounds: Bounds) -> tuple[float, float]:
    left, top, right, bottom = bounds
    return max(right - left, 1.0), max(bottom - top, 1.0)
