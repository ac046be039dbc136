"""Reductions over groups of numbers that an index puts together: scatter_reduce, index_reduce, segment_reduce."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.arithmetic.bounded import Bounded, Floats
from engine.arithmetic.limits import fit, in_any_order, limited, reach
from engine.rules.axes import Integers, along, axis, numbered, selected, signed
from engine.rules.routing import Taken, routing
from engine.rules.values import NodeValues, UnsupportedError


def _grouped(size: int, places: Integers, numbers: Any) -> Floats:
    """Sums of `numbers` over those with the same place."""
    return np.bincount(places.ravel(), np.ravel(numbers), size).astype(np.float64)


def _product(n: NodeValues, first: Floats, places: Integers, factors: Floats) -> Array:
    """`first` times all the factors that go to each place, with the roundings of so many products."""
    total = first.ravel().copy()
    np.multiply.at(total, places.ravel(), factors.ravel())
    if n.plain:
        return total.reshape(first.shape)
    rounding = n.unit * np.bincount(places.ravel(), minlength=total.size) * np.abs(total)
    product = Bounded(total.reshape(first.shape), rounding.reshape(first.shape), n.unit)
    if not limited():
        return product

    def multiplied(parts: Floats) -> Floats:
        whole = parts[: first.size].copy()
        np.multiply.at(whole, places.ravel(), parts[first.size :])
        return whole.reshape(first.shape)

    return fit(product, (first, factors), reach(np.concatenate([first.ravel(), factors.ravel()]), multiplied))


def _means(places: Integers, own: Integers, included: bool) -> tuple[Floats, Floats]:
    count = _grouped(own.size, places, np.ones(places.shape)) + included
    count = np.where(count == 0, 1.0, count)
    return (1 / count).reshape(own.shape), 1 / count[places]


def _extremes(n: NodeValues, source: str, places: Integers, own: Integers) -> tuple[Floats, Floats]:
    """Those that are the largest (or smallest) of their group share evenly."""
    result = value_of(n.saved("result"))
    kept = (value_of(n.saved("self")) == result).astype(np.float64)
    chosen = (value_of(n.saved(source)) == result.ravel()[places]).astype(np.float64)
    count = kept.ravel() + _grouped(own.size, places, chosen)
    return kept / count.reshape(own.shape), chosen / count[places]


def _products(n: NodeValues, source: str, places: Integers, own: Integers, included: bool) -> tuple[Array, Array]:
    """The product of all others. Where one factor is zero, only it gets something."""
    x, s = value_of(n.saved("self")), value_of(n.saved(source))
    start: Floats = x.copy()
    if not included:
        start.ravel()[places.ravel()] = 1.0
    nonzero = np.where(start == 0, 1.0, start)
    kept = _product(n, nonzero, places, s) / np.where(x == 0, 1.0, x)
    zeros = s == 0
    single = zeros & (_grouped(own.size, places, zeros)[places] == 1)
    others = np.reshape(_product(n, start, places, np.where(single, 1.0, s)), (-1,))[places]
    result = n.saved("result")
    if limited() and not n.plain:
        result = in_any_order(result, (result, n.grad()))
    whole = np.reshape(result, (-1,))[places] / np.where(zeros, 1.0, s)
    return kept, np.where(single, others, whole)


def _factors(n: NodeValues, source: str, places: Integers, own: Integers) -> tuple[Array | None, Array | None]:
    """What the gradient is multiplied by, for what was there and for what came."""
    how = n.argument("reduce")
    included = bool(n.argument("include_self", True))
    if how == "sum":
        return None, None
    if how == "mean":
        return _means(places, own, included)
    if how in ("amax", "amin"):
        return _extremes(n, source, places, own)
    if how == "prod":
        return _products(n, source, places, own, included)
    raise UnsupportedError(f"{n.type}: there is no rule for reduce={how!r}")


def _both(n: NodeValues, source: str, places: Integers, own: Integers) -> tuple[Taken, Taken]:
    places = places.reshape(n.saved_shape(source)) if places.size == math.prod(n.saved_shape(source)) else places
    kept, came = _factors(n, source, places, own)
    if not n.argument("include_self", True):
        own = own.copy()
        own.ravel()[places.ravel()] = -1
    return Taken(own, kept), Taken(places, came)


_FORMULAS = r"G \cdot \frac{\partial\, \mathrm{reduce}}{\partial\, %s}"
_WORDS = "Numbers with the same index became one (sum, mean, product or extreme): each gets its share of the gradient."


@routing("ScatterReduceBackward0", {"self": _FORMULAS % "self", "src": _FORMULAS % "src"}, _WORDS)
def scatter_reduce(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    index = value_of(n.saved("index"))
    if index.shape != n.saved_shape("src"):
        raise UnsupportedError("the index is smaller than what was scattered")
    return _both(n, "src", along(own.shape, axis(n, "dim", own.ndim), index), own)


@routing("IndexReduceBackward0", {"self": _FORMULAS % "self", "source": _FORMULAS % "source"}, _WORDS)
def index_reduce(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    return _both(n, "source", selected(own.shape, axis(n, "dim", own.ndim), value_of(n.saved("index"))), own)


def _segments(n: NodeValues) -> Integers:
    """For each element of the data the flat place of its segment in the result; -1 for those in none."""
    shape, result = n.shape(0), n.output_shape()
    dim = axis(n, "axis", len(shape), 0)
    rows = math.prod(shape[:dim])
    number = np.full((rows, shape[dim]), -1)
    bounds = _bounds(n, rows)
    for row, ends in enumerate(bounds):
        number[row, ends[0] : ends[-1]] = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    inner = math.prod(shape[dim + 1 :])
    places = (np.arange(rows)[:, None] * result[dim] + number)[..., None] * inner + np.arange(inner)
    return np.where(number[..., None] < 0, -1, places).reshape(shape)


def _bounds(n: NodeValues, rows: int) -> Integers:
    if n.has("offsets"):
        offsets = value_of(n.saved("offsets")).astype(np.int64)
        return np.broadcast_to(offsets.reshape(-1, offsets.shape[-1]), (rows, offsets.shape[-1]))
    lengths = value_of(n.saved("lengths")).astype(np.int64)
    lengths = np.broadcast_to(lengths.reshape(-1, lengths.shape[-1]), (rows, lengths.shape[-1]))
    return np.concatenate([np.zeros((rows, 1), dtype=np.int64), np.cumsum(lengths, axis=1)], axis=1)


@routing(
    "SegmentReduceBackward0",
    {"data": _FORMULAS % "x_i"},
    "Each segment became one number (sum, mean, product or extreme): its members get their share of the gradient.",
)
def segment_reduce(n: NodeValues) -> tuple[Taken]:
    places = _segments(n)
    size = math.prod(n.output_shape())
    inside = np.maximum(places, 0)
    real = (places >= 0).astype(np.float64)
    how = n.argument("reduce")
    if how == "sum" or not places.size:
        return (Taken(places),)
    if how == "mean":
        return (Taken(places, 1 / np.maximum(1.0, _grouped(size, inside, real))[inside]),)
    x, result = value_of(n.saved("data")), value_of(n.saved("result")).ravel()
    if how in ("max", "min"):
        chosen = real * ((x == result[inside]) | np.isnan(x))
        return (Taken(places, chosen / np.maximum(1.0, _grouped(size, inside, chosen))[inside]),)
    if how == "prod":
        return (Taken(places, _others(n, x, inside, size)),)
    raise UnsupportedError(f"{n.type}: there is no rule for reduce={how!r}")


def _others(n: NodeValues, x: Floats, places: Integers, size: int) -> Array:
    """The product of the other members of the segment and the number that it began with."""
    start = np.full(size, float(signed(n.argument("initial", 1))))
    zero = x == 0
    single = zero & (_grouped(size, places, zero)[places] == 1)
    nonzero = _product(n, start, places, np.where(single, 1.0, x))[places]
    whole = np.reshape(n.saved("result"), (-1,))[places] / np.where(zero, 1.0, x)
    return np.where(zero, np.where(single, nonzero, 0.0), whole)
