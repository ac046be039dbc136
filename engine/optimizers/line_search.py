"""The line search of L-BFGS: a step length with the strong Wolfe conditions (Nocedal and Wright, chapter 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic import Bounded
from engine.arithmetic.compare import SAFETY
from engine.optimizers.model import Array, value_of

_C1, _C2 = 1e-4, 0.9
_SMALLEST_CHANGE = 1e-9
_NEAR_THE_EDGE = 0.1


class Judge:
    """Compares numbers, and remembers in `close` whether rounding could have turned an answer round."""

    def __init__(self) -> None:
        self.close = False

    def above(self, a: Array, b: Array) -> bool:
        """Whether a > b."""
        difference = a - b
        if isinstance(difference, Bounded):
            self.close |= bool(np.all(np.abs(difference.value) <= SAFETY * difference.errors))
        return bool(value_of(difference) > 0)


@dataclass(frozen=True)
class Objective:
    """The objective along a direction: `evaluate()` gives the next evaluation that was made (with `loss`, `grad`)."""

    evaluate: Callable[[], Any]
    direction: Array
    most_iterations: int
    judge: Judge


@dataclass(frozen=True)
class _Point:
    """Step length, evaluation there, slope there."""

    t: Array
    at: Any
    slope: Array

    @property
    def loss(self) -> float:
        return float(self.at.loss)


def strong_wolfe(objective: Objective, t: Array, start: Any, slope: Array) -> tuple[Any, Array]:
    """(the evaluation at the step that was found, its length), as torch.optim.lbfgs finds it from the step `t`."""
    search = _Search(objective, _Point(0.0, start, slope))
    low, high, done = search.bracket(t)
    if not done:
        low = search.zoom(low, high)
    return low.at, low.t


class _Search:
    def __init__(self, objective: Objective, start: _Point) -> None:
        self._objective = objective
        self._start = start
        self._iterations = 0
        self._above = objective.judge.above

    def _evaluate(self, t: Array) -> _Point:
        at = self._objective.evaluate()
        return _Point(t, at, at.grad @ self._objective.direction)

    def _too_high(self, point: _Point) -> bool:
        """Against the sufficient decrease condition of Armijo."""
        limit = self._start.loss + _C1 * point.t * self._start.slope
        return self._above(point.loss, limit)

    def _flat_enough(self, point: _Point) -> bool:
        return not self._above(np.abs(point.slope), -_C2 * self._start.slope)

    def bracket(self, t: Array) -> tuple[_Point, _Point, bool]:
        """Two points with a good one in between, the lower first; or one that is good already, twice."""
        previous, point = self._start, self._evaluate(t)
        while self._iterations < self._objective.most_iterations:
            if self._too_high(point) or (self._iterations > 1 and point.loss >= previous.loss):
                return (*_sorted(previous, point), False)
            if self._flat_enough(point):
                return point, point, True
            if not self._above(0.0, point.slope):
                return (*_sorted(previous, point), False)
            lowest = point.t + 0.01 * (point.t - previous.t)
            t = _interpolated(previous, point, lowest, point.t * 10)
            previous, point = point, self._evaluate(t)
            self._iterations += 1
        return (*_sorted(self._start, point), False)

    def zoom(self, low: _Point, high: _Point) -> _Point:
        """Narrow the bracket between `low` and `high` until a point is good; returns the lowest."""
        width = np.max(np.abs(value_of(self._objective.direction)))
        ends = [low, high] if value_of(low.t) <= value_of(high.t) else [high, low]
        lower = 0 if ends[0] is low else 1  # torch keeps the order of the bracket, and which end is the lower
        stalled = False
        while self._iterations < self._objective.most_iterations:
            if not self._above(np.abs(ends[1].t - ends[0].t) * width, _SMALLEST_CHANGE):
                break
            t, stalled = self._trial(ends[0], ends[1], stalled)
            point = self._evaluate(t)
            self._iterations += 1
            if self._too_high(point) or point.loss >= ends[lower].loss:
                ends[1 - lower] = point
                lower = 0 if ends[0].loss <= ends[1].loss else 1
                continue
            good = self._flat_enough(point)
            if not good and not self._above(0.0, point.slope * (ends[1 - lower].t - ends[lower].t)):
                ends[1 - lower] = ends[lower]
            ends[lower] = point
            if good:
                break
        return ends[lower]

    def _trial(self, first: _Point, second: _Point, stalled: bool) -> tuple[Array, bool]:
        """Where to look next: the minimum of the cubic, kept away from the ends if it stays near one."""
        t = _interpolated(first, second, None, None)
        low, high = sorted((first.t, second.t), key=value_of)
        margin = _NEAR_THE_EDGE * (high - low)
        if not self._above(margin, high - t) and not self._above(margin, t - low):
            return t, False
        if stalled or not self._above(high, t) or not self._above(t, low):
            at_the_top = self._above(np.abs(t - low), np.abs(t - high))
            return (high - margin if at_the_top else low + margin), False
        return t, True


def _sorted(first: _Point, second: _Point) -> tuple[_Point, _Point]:
    return (first, second) if first.loss <= second.loss else (second, first)


def _interpolated(a: _Point, b: _Point, least: Array, most: Array) -> Array:
    """Where the cubic through losses and slopes has its minimum, between `least` and `most` (by default a and b)."""
    if least is None:
        least, most = (a.t, b.t) if value_of(a.t) <= value_of(b.t) else (b.t, a.t)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not value_of(square) >= 0:
        return (least + most) / 2.0
    d2 = np.sqrt(square)
    if value_of(a.t) <= value_of(b.t):
        found = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        found = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    if math.isnan(float(value_of(found))):
        return found
    return most if value_of(found) > value_of(most) else least if value_of(found) < value_of(least) else found
