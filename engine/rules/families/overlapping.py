"""Views that may show one number in many places: strided windows and repetition. Its gradients are added up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array
from engine.recording.model import Shape
from engine.rules.axes import Integers, axis, key_along, numbered, signed
from engine.rules.registry import moving
from engine.rules.routing import Sent, Taken, routing
from engine.rules.values import NodeValues, UnsupportedError

_SPREAD = {"self": r"\sum_{\mathrm{copies}} G"}
_SPREAD_WORDS = "A number may stand in several places of the result: it gets all of their gradients, summed."


def memory(shape: Shape, strides: Shape, offset: int) -> Integers:
    """Where in memory each element of a strided tensor lies, in elements."""
    places = np.full(shape, offset, dtype=np.int64)
    for position, stride in enumerate(strides):
        own = [1] * len(shape)
        own[position] = -1
        places += np.arange(shape[position]).reshape(own) * stride
    return places


def seen_through(base: Integers, view: Integers) -> Integers:
    """For each element of `view` the flat place of the element of `base` at the same place in memory; -1 if none."""
    if not base.size or not view.size:
        return np.full(view.shape, -1)
    first, last = base.min(), base.max()
    table = np.full(last - first + 1, -1)
    table[base.ravel() - first] = np.arange(base.size)
    inside = (view >= first) & (view <= last)
    return np.where(inside, table[np.where(inside, view - first, 0)], -1)


def _geometry(n: NodeValues) -> tuple[Integers, Integers]:
    """Where in memory the elements of the input and those of the part with size, stride and storage_offset lie."""
    shape, strides, start = n.argument("self_geometry")
    offset = n.argument("storage_offset", None)
    size, stride = ([signed(one) for one in n.argument(name)] for name in ("size", "stride"))
    part = memory(tuple(size), tuple(stride), start if offset is None else signed(offset))
    base = memory(tuple(shape), tuple(strides), start)
    if np.unique(base).size != base.size:
        raise UnsupportedError("as_strided of a tensor whose own elements overlap in memory")
    return base, part


@routing("AsStridedBackward0 AsStridedBackward1", _SPREAD, _SPREAD_WORDS)
def as_strided(n: NodeValues) -> tuple[Sent]:
    base, part = _geometry(n)
    return (Sent(seen_through(base, part)),)


@routing(
    "AsStridedScatterBackward0",
    {"self": r"G \mathrm{\ with\ zeros\ there}", "src": r"G \mathrm{\ there}"},
    "A part was written over: what was written gets the gradient of that part, what was there before none.",
)
def as_strided_scatter(n: NodeValues) -> tuple[Taken, Taken]:
    base, part = _geometry(n)
    places = seen_through(base, part)
    own = numbered(n.output_shape()).copy()
    own.ravel()[places[places >= 0]] = -1
    return Taken(own), Taken(places)


@routing("UnfoldBackward0", _SPREAD, _SPREAD_WORDS)
def unfold(n: NodeValues) -> tuple[Sent]:
    shape = n.shape(0)
    dim = axis(n, "dimension", len(shape))
    own = numbered(shape) if shape else np.zeros(1, dtype=np.int64)
    return (Sent(_windows(own, dim, n)),)


@moving(
    "UnfoldBackwardBackward0",
    {"grad_in": r"\mathrm{unfold}(G)"},
    "Windows were added up into a tensor: each window gets the gradient of its part.",
)
def unfold_backward(n: NodeValues) -> tuple[Array]:
    return (_windows(n.grad(), axis(n, "dim", len(n.grad_shape())), n),)


def _windows(array: Any, dim: int, n: NodeValues) -> Any:
    size, step = signed(n.argument("size")), signed(n.argument("step"))
    if not size:
        count = array.shape[dim] // step + 1
        return np.zeros((*array.shape[:dim], count, *array.shape[dim + 1 :], 0), dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(array, size, axis=dim)
    return windows[key_along(dim, slice(None, None, step))]


@routing("RepeatBackward0", _SPREAD, _SPREAD_WORDS)
def repeat(n: NodeValues) -> tuple[Sent]:
    repeats = [signed(count) for count in n.argument("repeats")]
    if not math.prod(n.output_shape()):
        return (Sent(np.full(n.output_shape(), -1)),)
    return (Sent(np.tile(numbered(n.shape(0)), repeats)),)
