"""Sorting, ranking, and running sums, products and extremes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.arithmetic.bounded import Bounded, Floats
from engine.recording.model import Shape
from engine.rules.axes import Integers, along, axis, kept
from engine.rules.families.reduction import norm_factor
from engine.rules.registry import rule
from engine.rules.routing import Sent, routing
from engine.rules.terms import Index, TermGroup
from engine.rules.values import NodeValues, UnsupportedError

_CHOSEN = {"self": r"\mathrm{zeros},\; G \mathrm{\ at\ the\ chosen\ places}"}


def _sent(n: NodeValues, indices: Shape) -> tuple[Sent]:
    """To where the saved indices, of shape `indices`, point."""
    shape = n.shape(0)
    index = value_of(n.saved("indices")).reshape(indices)
    places: Integers = along(shape, axis(n, "dim", len(shape), -1), index)
    return (Sent(places),)


@routing(
    "MaxBackward0 MinBackward0 MedianBackward1 NanmedianBackward1 ModeBackward0 KthvalueBackward0",
    _CHOSEN,
    "One number was chosen from each row: it alone gets the gradient.",
)
def choose(n: NodeValues) -> tuple[Sent]:
    shape = n.shape(0)
    return _sent(n, kept(shape, (axis(n, "dim", len(shape), -1),)))


@routing(
    "SortBackward0 SortBackward1 TopkBackward0",
    _CHOSEN,
    "Numbers were put in order: each gradient goes back to where its number stood; what was not kept gets none.",
)
def sort(n: NodeValues) -> tuple[Sent]:
    return _sent(n, n.saved_shape("indices"))


@routing(
    "CummaxBackward0 CumminBackward0",
    {"self": r"\sum_{j:\, \mathrm{extreme\ so\ far}\ =\ x_i} G_j"},
    "Each number gets the gradients of all the places where it was the extreme so far.",
)
def running_extreme(n: NodeValues) -> tuple[Sent]:
    return _sent(n, n.saved_shape("indices"))


def from_here_on(array: Array, dim: int) -> Array:
    """Sums from each element to the end of dimension `dim`."""
    return np.flip(np.cumsum(np.flip(array, dim), axis=dim), dim)


def _line(n: NodeValues, index: Index) -> tuple[int, int, tuple[Any, ...]]:
    """Dimension, place in it, and the index arrays of the numbers from there on."""
    shape = n.shape(0)
    dim = axis(n, "dim", len(shape))
    places = np.arange(index[dim], shape[dim])
    return dim, index[dim], tuple(places if position == dim else np.array([at]) for position, at in enumerate(index))


def _cumsum_terms(n: NodeValues, _slot: int, index: Index) -> list[TermGroup]:
    if not index:
        return [TermGroup(0, (), np.ones(1), "a copy")]
    _, _, at = _line(n, index)
    return [TermGroup(0, at, np.ones(max(axis.size for axis in at)), "a copy")]


@rule(
    "CumsumBackward0",
    {"self": r"\sum_{j \geq i} G_j"},
    "Each number is part of its own running sum and of all later ones: it gets all of their gradients, summed.",
    terms=_cumsum_terms,
)
def cumsum(n: NodeValues) -> tuple[Array]:
    g = n.grad()
    return (from_here_on(g, axis(n, "dim", g.ndim)) if g.ndim else g,)


def _cumprod_terms(n: NodeValues, _slot: int, index: Index) -> list[TermGroup]:
    if not index:
        return [TermGroup(0, (), np.ones(1), "a copy")]
    dim, place, at = _line(n, index)
    x = value_of(n.saved("self"))
    if not (x == 0).any() and x.shape[dim] > 1:
        return [TermGroup(0, at, np.conj(_products(n, dim)[at] / x[index]), "the other factors")]
    row = np.moveaxis(x, dim, -1)[(*index[:dim], *index[dim + 1 :])].copy()
    row[place] = 1.0
    return [TermGroup(0, at, np.conj(np.cumprod(row)[place:]), "the other factors")]


def _products(n: NodeValues, dim: int) -> Array:
    return n.saved("result") if n.has("result") else np.cumprod(n.saved("self"), axis=dim)


@rule(
    "CumprodBackward0",
    {"self": r"\sum_{j \geq i} G_j \prod_{k \leq j,\, k \neq i} x_k"},
    "Each number is a factor of its own running product and of all later ones.",
    terms=_cumprod_terms,
)
def cumprod(n: NodeValues) -> tuple[Array]:
    g = n.grad()
    if g.size <= 1 or g.shape[axis(n, "dim", g.ndim)] == 1:
        return (g,)
    dim = axis(n, "dim", g.ndim)
    x = n.saved("self")
    weighted = np.conj(_products(n, dim)) * g
    zero = value_of(x) == 0
    if not zero.any():
        return (from_here_on(weighted, dim) / np.conj(x),)
    zeros = np.cumsum(zero, axis=dim)
    first = zero & (zeros == 1)
    before = from_here_on(np.where(zeros == 0, weighted, 0.0), dim) / np.conj(np.where(zero, 1.0, x))
    at_first = np.cumprod(np.conj(np.where(first, 1.0, x)), axis=dim) * g
    return (np.where(zeros == 0, before, np.where(first, from_here_on(at_first, dim), 0.0)),)


def _logcumsumexp_terms(n: NodeValues, _slot: int, index: Index) -> list[TermGroup]:
    if not index:
        return [TermGroup(0, (), np.ones(1), "a copy")]
    _, _, at = _line(n, index)
    share = np.exp(value_of(n.saved("self"))[index] - value_of(n.saved("result"))[at])
    return [TermGroup(0, at, np.conj(share), "share of the sum")]


@rule(
    "LogcumsumexpBackward0",
    {"self": r"\sum_{j \geq i} G_j \, e^{x_i - y_j}"},
    "Each number gets its share of the gradients of its own running sum of exponentials and of all later ones.",
    terms=_logcumsumexp_terms,
)
def logcumsumexp(n: NodeValues) -> tuple[Array]:
    g = n.grad()
    if not g.ndim or not g.size:
        return (g,)
    dim = axis(n, "dim", g.ndim)
    moved = [np.moveaxis(value_of(array), dim, 0) for array in (g, n.saved("self"), n.saved("result"))]
    value, absolute = _shares(*moved), _shares(np.abs(moved[0]), moved[1].real, moved[2].real)
    value, absolute = (np.moveaxis(array, 0, dim) for array in (value, absolute))
    if n.plain:
        return (value,)
    return (Bounded(value, n.unit * _log_roundings(moved, dim) * np.abs(absolute), n.unit),)


def _shares(g: Floats, x: Floats, y: Floats) -> Floats:
    """The sums along the first dimension, from the end: what is carried on shrinks by exp(y[i] - y[i + 1])."""
    found = np.empty_like(g)
    carried = np.zeros_like(g[0])
    for place in range(len(g) - 1, -1, -1):
        if place < len(g) - 1:
            shrunk = np.exp(np.conj(y[place] - y[place + 1]))
            carried = np.where(carried == 0, 0.0, carried * shrunk)
        carried = carried + g[place]
        found[place] = carried * np.exp(np.conj(x[place] - y[place]))
    return found


def _log_roundings(moved: list[Floats], dim: int) -> Floats:
    """Torch stays in logarithms: each is off by units of its own size, and an exponential makes that relative."""
    g, x, y = (np.abs(array) for array in moved)
    logs = np.abs(np.log(np.where(g > 0, g, 1.0)))
    largest = np.max(logs + y + 1, axis=0, keepdims=True) + x
    return np.moveaxis(4 * (largest + len(g)), 0, dim)


@dataclass(frozen=True)
class _Shortened:
    """`reduced`: dimensions summed over; `shrink`: what rows are multiplied by; `slope`: of their norms, over the norm.

    `long`: the rows that are too long.
    """

    reduced: tuple[int, ...]
    shrink: Array
    slope: Array
    long: Floats


def _shortened(n: NodeValues) -> _Shortened:
    x = n.saved("self")
    dim = axis(n, "dim", x.ndim)
    reduced = tuple(position for position in range(x.ndim) if position != dim)
    p, most = float(n.argument("p")), float(n.argument("maxnorm"))
    norms = _norms(x, p, reduced)
    inverse = 1.0 / (norms + 1e-7)
    return _Shortened(reduced, most * inverse, norm_factor(x, norms, p, reduced) * inverse, value_of(norms) > most)


def _norms(x: Array, p: float, reduced: tuple[int, ...]) -> Array:
    size = np.abs(x)
    if p == np.inf:
        return np.max(size, axis=reduced, keepdims=True)
    if p == 0:
        return np.sum((value_of(x) != 0).astype(np.float64), axis=reduced, keepdims=True)
    if p == 1:
        return np.sum(size, axis=reduced, keepdims=True)
    if p == 2:
        return np.sqrt(np.sum(size * size, axis=reduced, keepdims=True))
    if p < 0:
        raise UnsupportedError("renorm of negative order")
    return np.power(np.sum(np.power(size, p), axis=reduced, keepdims=True), 1 / p)


def _renorm_terms(n: NodeValues, _slot: int, index: Index) -> list[TermGroup]:
    if value_of(n.saved("self")).dtype.kind == "c":
        raise UnsupportedError("rows of complex numbers: real parts are taken on the way, so that there are no factors")
    found = _shortened(n)
    own = tuple(np.array([at]) for at in index)
    row = tuple(0 if position in found.reduced else at for position, at in enumerate(index))
    if not found.long[row]:
        return [TermGroup(0, own, np.ones(1), "the same number")]
    whole = np.zeros(n.shape(0), dtype=bool)
    whole[tuple(slice(None) if position in found.reduced else at for position, at in enumerate(index))] = True
    members = np.nonzero(whole)
    shrink = value_of(found.shrink)[row]
    through = -shrink * value_of(found.slope)[index] * np.conj(value_of(n.saved("self"))[members])
    return [TermGroup(0, own, np.array([shrink]), "own"), TermGroup(0, members, through, "through the norm")]


@rule(
    "RenormBackward0",
    {"self": r"\frac{m}{\|x\|} \left( G - \frac{\partial \|x\|}{\partial x} \frac{\sum x \, G}{\|x\|} \right)"},
    "Rows that were too long were shortened: they get the gradient shortened likewise, less what lies along the row.",
    terms=_renorm_terms,
)
def renorm(n: NodeValues) -> tuple[Array]:
    g, x = n.grad(), n.saved("self")
    found = _shortened(n)
    along_row = np.sum(np.conj(x) * g, axis=found.reduced, keepdims=True)
    if value_of(x).dtype.kind == "c":
        along_row = along_row.real
    return (np.where(found.long, found.shrink * (g - found.slope * along_row), g),)
