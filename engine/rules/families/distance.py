"""Distances between points, and the cross product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array, scatter_add, value_of
from engine.recording.model import Shape
from engine.rules.families.reduction import norm_factor
from engine.rules.registry import rule, unbroadcast
from engine.rules.terms import TermGroup, broadcast_sources
from engine.rules.values import NodeValues

_SLOPE = r"\mathrm{sgn}(d) \, \frac{|d|^{p-1}}{\|d\|_p^{p-1}}"


def _difference(n: NodeValues, a: Array, b: Array, p: float) -> Array:
    """`a - b`; for the maximum norm rounded as torch rounds it, so that the largest can be told."""
    if math.isinf(p) and n.dtype(n.slots[0]) == "float32":
        return (value_of(a).astype(np.float32) - value_of(b).astype(np.float32)).astype(np.float64)
    return a - b


def slope_of_norm(difference: Array, norm: Array, p: float) -> Array:
    """How the p-norm grows with each element of `difference`: sgn d · |d|^(p-1) / norm^(p-1), 0 where that is 0 / 0.

    For the maximum norm: sgn d where |d| is the maximum (all of them, if several are).
    """
    d, size = value_of(difference), value_of(norm)
    sign = np.sign(d)
    if p == 0:
        return np.zeros(np.broadcast_shapes(d.shape, size.shape))
    if math.isinf(p):
        return sign * (np.abs(d) == size)
    if p == 1:
        return sign * np.ones(size.shape)
    used = (d != 0) & (size != 0)
    safe = np.where(d != 0, np.abs(difference), 1.0)
    norms = np.where(size != 0, norm, 1.0)
    if p != 2:
        safe, norms = np.power(safe, p - 1), np.power(norms, p - 1)
    return np.where(used, sign * safe / norms, 0.0)


@rule(
    "DistBackward0",
    {"self": r"G \cdot " + _SLOPE, "other": r"-G \cdot " + _SLOPE},
    "The distance grows along the difference: both ends get the same gradient, with opposite signs.",
)
def dist(n: NodeValues) -> tuple[Any, ...]:
    p = float(n.argument("p", 2))
    difference = _difference(n, n.saved("self"), n.saved("other"), p)
    slope = norm_factor(difference, n.saved("result"), p, tuple(range(difference.ndim)))
    gradient = n.grad() * slope
    return (
        unbroadcast(gradient, n.shape(0)) if n.needs(0) else None,
        unbroadcast(-gradient, n.shape(1)) if n.needs(1) else None,
    )


def _pair_slopes(n: NodeValues) -> Array:
    """(…, points of one, points of the other, coordinates)."""
    p = float(n.argument("p"))
    one, other = n.saved("x1")[..., :, None, :], n.saved("x2")[..., None, :, :]
    return slope_of_norm(_difference(n, one, other, p), n.saved("result")[..., None], p)


def _pair_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    slopes = value_of(_pair_slopes(n))
    axis = -3 if slot == 0 else -2
    batch = broadcast_sources(index[:-2], n.shape(slot)[:-2], n.grad_shape()[:-2])
    others = np.arange(n.grad_shape()[-1 if slot == 0 else -2])
    own = np.full(others.shape, index[-2])
    pair = (own, others) if axis == -3 else (others, own)
    spread = tuple(np.repeat(at, others.size) for at in batch)
    count = batch[0].size if batch else 1
    at = (*spread, *(np.tile(one, count) for one in pair))
    coefficients = slopes[(*at, index[-1])] * (1.0 if slot == 0 else -1.0)
    return [TermGroup(0, at, coefficients, "slope of the distance")]


@rule(
    "CdistBackward0",
    {"x1": r"\sum_j G_{i j} \cdot " + _SLOPE, "x2": r"-\sum_i G_{i j} \cdot " + _SLOPE},
    "A point gets, for each distance from it, that distance's gradient along the line between the two points.",
    terms=_pair_terms,
)
def cdist(n: NodeValues) -> tuple[Any, ...]:
    gradient = n.grad()[..., None] * _pair_slopes(n)
    return (
        unbroadcast(np.sum(gradient, axis=-2), n.shape(0)) if n.needs(0) else None,
        unbroadcast(-np.sum(gradient, axis=-3), n.shape(1)) if n.needs(1) else None,
    )


@rule(
    "EuclideanDistBackward0",
    {"x1": r"\sum_j G_{i j} \cdot \frac{x_i - y_j}{\|x_i - y_j\|}",
     "x2": r"-\sum_i G_{i j} \cdot \frac{x_i - y_j}{\|x_i - y_j\|}"},
    "A point gets, for each distance from it, that distance's gradient along the line between the two points.",
)  # fmt: skip
def euclidean_distance(n: NodeValues) -> tuple[Any, ...]:
    """By products of matrices, as torch does it (`_euclidean_dist_backward`): what cancels there cancels here."""
    x, y, norm = n.saved("x1"), n.saved("x2"), n.saved("result")
    used = value_of(norm) != 0
    ratio = np.where(used, n.grad() / np.where(used, norm, 1.0), 0.0)
    back = np.swapaxes(ratio, -1, -2)
    return (
        x * np.sum(ratio, axis=-1)[..., None] - np.matmul(ratio, y) if n.needs(0) else None,
        y * np.sum(ratio, axis=-2)[..., None] - np.matmul(back, x) if n.needs(1) else None,
    )


@rule(
    "PdistBackward0",
    {"self": r"\sum_{j \neq i} G_{i j} \cdot " + _SLOPE},
    "A point gets, for each distance to another, that distance's gradient along the line between the two.",
)
def pdist(n: NodeValues) -> tuple[Any, ...]:
    p, x = float(n.argument("p")), n.saved("self")
    first, second = np.triu_indices(len(x), 1)
    slopes = slope_of_norm(_difference(n, x[first], x[second], p), n.saved("result")[:, None], p)
    gradient = n.grad()[:, None] * slopes
    return (scatter_add(n.shape(0), np.concatenate([first, second]), np.concatenate([gradient, -gradient])),)


def _turned(array: Array, by: int, axis: int) -> Array:
    return np.roll(array, -by, axis)


def _cross(a: Array, b: Array, axis: int) -> Array:
    return _turned(a, 1, axis) * _turned(b, 2, axis) - _turned(a, 2, axis) * _turned(b, 1, axis)


@rule(
    "LinalgCrossBackward0",
    {"self": r"b \times G", "other": r"G \times a"},
    "A cross product stands on both factors: each gets the cross product of the other and the gradient.",
)
def cross(n: NodeValues) -> tuple[Any, ...]:
    axis, g = n.argument("dim", -1), n.grad()
    if axis >= 0:
        axis -= g.ndim
    return (
        unbroadcast(_cross(np.conj(n.saved("other")), g, axis), n.shape(0)) if n.needs(0) else None,
        unbroadcast(_cross(g, np.conj(n.saved("self")), axis), n.shape(1)) if n.needs(1) else None,
    )
