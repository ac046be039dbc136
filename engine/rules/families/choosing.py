"""Operators that choose between numbers, limit or round them: the gradient goes where the number came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import value_of
from engine.rules.registry import elementwise, not_differentiable
from engine.rules.scalars import limit, ones
from engine.rules.values import NodeValues

not_differentiable(
    "CeilBackward0 FloorBackward0 RoundBackward0 RoundBackward1 TruncBackward0",
    "A rounded number does not change with the original by small amounts: no gradient passes.",
)
not_differentiable("SignBackward0", "A sign does not change with the number by small amounts: no gradient passes.")


@elementwise("FracBackward0", {"self": r"<G>"}, "The fraction moves as the number moves.")
def fraction(n: NodeValues) -> tuple[Any, ...]:
    return (ones(n),)


@elementwise(
    "AbsBackward0",
    {"self": r"<G> \cdot \mathrm{sgn}(<self>)"},
    "The gradient passes as it is above zero, with the sign turned below, and not at all at zero.",
)
def absolute(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    value = value_of(x)
    if not np.iscomplexobj(value):
        return ((value > 0) * 1.0 - (value < 0),)
    zero = value == 0
    return (np.conj(np.where(zero, 0.0, x / np.where(zero, 1.0, np.abs(x)))),)


def _larger(n: NodeValues, sign: float) -> tuple[Any, ...]:
    x, y = sign * value_of(n.saved("self")), sign * value_of(n.saved("other"))
    half = np.where(x == y, 0.5, 1.0)
    return np.where(x < y, 0.0, half), np.where(x > y, 0.0, half)


@elementwise(
    "MaximumBackward0",
    {
        "self": r"<G> \cdot ([<self> > <other>] + \frac{1}{2} [<self> = <other>])",
        "other": r"<G> \cdot ([<other> > <self>] + \frac{1}{2} [<other> = <self>])",
    },
    "The larger of two numbers gets the gradient; equal ones get half of it each.",
    stops=True,
)
def maximum(n: NodeValues) -> tuple[Any, ...]:
    return _larger(n, 1.0)


@elementwise(
    "MinimumBackward0",
    {
        "self": r"<G> \cdot ([<self> < <other>] + \frac{1}{2} [<self> = <other>])",
        "other": r"<G> \cdot ([<other> < <self>] + \frac{1}{2} [<other> = <self>])",
    },
    "The smaller of two numbers gets the gradient; equal ones get half of it each.",
    stops=True,
)
def minimum(n: NodeValues) -> tuple[Any, ...]:
    return _larger(n, -1.0)


@elementwise(
    "FmaxBackward0",
    {"self": r"<G> \cdot [<self> \geq <other>]", "other": r"<G> \cdot [<self> < <other>]"},
    "The larger of two numbers gets the gradient, the first of equal ones; one that is no number gets nothing.",
    stops=True,
)
def fmax(n: NodeValues) -> tuple[Any, ...]:
    x, y = value_of(n.saved("self")), value_of(n.saved("other"))
    first = (x >= y) | np.isnan(y)
    return first * 1.0, ~first * 1.0


@elementwise(
    "FminBackward0",
    {"self": r"<G> \cdot [<self> \leq <other>]", "other": r"<G> \cdot [<self> > <other>]"},
    "The smaller of two numbers gets the gradient, the first of equal ones; one that is no number gets nothing.",
    stops=True,
)
def fmin(n: NodeValues) -> tuple[Any, ...]:
    x, y = value_of(n.saved("self")), value_of(n.saved("other"))
    first = (x <= y) | np.isnan(y)
    return first * 1.0, ~first * 1.0


def _limit(n: NodeValues, name: str) -> Any:
    """A limit that is a tensor, a number, or None."""
    if n.has(name):
        return value_of(n.saved(name))
    return limit(n, name) if n.argument(name, None) is not None else None


@elementwise(
    "ClampBackward0 ClampBackward1",
    {
        "self": r"<G> \cdot [<min> \leq <self> \leq <max>]",
        "min": r"<G> \cdot [<self> < <min>]",
        "max": r"<G> \cdot [<self> > <max>]",
    },
    "Between the limits, borders included, the gradient passes; outside, the limit that took over gets it.",
    stops=True,
)
def clamp(n: NodeValues) -> tuple[Any, ...]:
    x = value_of(n.saved("self"))
    low, high = _limit(n, "min"), _limit(n, "max")
    inside = np.ones(x.shape, dtype=bool)
    inside = inside if low is None else inside & (x >= low)
    inside = inside if high is None else inside & (x <= high)
    below = None if low is None else (x < low) if high is None else (x < low) & (low < high)
    above = None if high is None else (x > high) if low is None else (x > high) | (high < low)
    return tuple(None if mask is None else mask * 1.0 for mask in (inside, below, above))


@elementwise(
    "ClampMinBackward0 ClampMinBackward1",
    {"self": r"<G> \cdot [<self> \geq <min>]", "min": r"<G> \cdot [<self> < <min>]"},
    "Where the number is at least the limit, the gradient passes; elsewhere the limit gets it.",
    stops=True,
)
def clamp_min(n: NodeValues) -> tuple[Any, ...]:
    x, low = value_of(n.saved("self")), _limit(n, "min")
    return (x >= low) * 1.0, (x < low) * 1.0


@elementwise(
    "ClampMaxBackward0 ClampMaxBackward1",
    {"self": r"<G> \cdot [<self> \leq <max>]", "max": r"<G> \cdot [<self> > <max>]"},
    "Where the number is at most the limit, the gradient passes; elsewhere the limit gets it.",
    stops=True,
)
def clamp_max(n: NodeValues) -> tuple[Any, ...]:
    x, high = value_of(n.saved("self")), _limit(n, "max")
    return (x <= high) * 1.0, (x > high) * 1.0


@elementwise(
    "WhereBackward0",
    {"self": r"<G> \cdot <condition>", "other": r"<G> \cdot (1 - <condition>)"},
    "The gradient goes to the one of the two from which the number was taken.",
    stops=True,
)
def where(n: NodeValues) -> tuple[Any, ...]:
    condition = value_of(n.saved("condition")).astype(bool)
    return condition * 1.0, ~condition * 1.0


@elementwise(
    "NanToNumBackward0",
    {"self": r"<G> \cdot [<self> \mathrm{\ finite}]"},
    "Numbers pass their gradient on; what was put in place of NaN and infinity does not.",
)
def nan_to_num(n: NodeValues) -> tuple[Any, ...]:
    return (np.isfinite(value_of(n.saved("self"))) * 1.0,)


@elementwise(
    "CopysignBackward0 CopysignBackward1",
    {"self": r"<G> \cdot \frac{<result>}{<self>}", "other": r"0"},
    "Where the sign was turned, that of the gradient turns too; the number that lent its sign gets nothing.",
)
def copysign(n: NodeValues) -> tuple[Any, ...]:
    x, result = n.saved("self"), n.saved("result")
    zero = value_of(x) == 0
    return np.where(zero, 0.0, result / np.where(zero, 1.0, x)), np.zeros(n.output_shape())


@elementwise(
    "NextafterBackward0",
    {"self": r"<G> \cdot [<self> \neq <other>]", "other": r"0"},
    "The next number moves as the number does; the direction gets nothing.",
    stops=True,
)
def nextafter(n: NodeValues) -> tuple[Any, ...]:
    different = value_of(n.saved("self")) != value_of(n.saved("other"))
    return different * 1.0, np.zeros(n.output_shape())
