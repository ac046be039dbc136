"""A part of a tensor, read or written over: slices, diagonals, and the zeros beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, linear
from engine.arithmetic.bounded import Floats
from engine.recording.model import Shape
from engine.rules.axes import axis, key_along, signed
from engine.rules.registry import moving
from engine.rules.values import NodeValues


def put_into(g: Array, shape: Shape, key: Any) -> Array:
    """Zeros of `shape` with `g` in the part `key`."""

    def put(array: Floats) -> Floats:
        whole = np.zeros(shape, dtype=array.dtype)
        whole[key] = array
        return whole

    return linear(put, g, 1)


def without(g: Array, key: Any) -> Array:
    """`g` with zeros in the part `key`."""

    def clear(array: Floats) -> Floats:
        whole = np.array(array)
        whole[key] = 0.0
        return whole

    return linear(clear, g, 1)


def _select_key(n: NodeValues, ndim: int) -> tuple[Any, ...]:
    return key_along(axis(n, "dim", ndim), signed(n.argument("index")))


def _slice_key(n: NodeValues, ndim: int) -> tuple[Any, ...]:
    ends = [n.argument(name, None) for name in ("start", "end")]
    start, end = (None if one is None else signed(one) for one in ends)
    return key_along(axis(n, "dim", ndim, 0), slice(start, end, signed(n.argument("step", 1))))


def diagonal_key(n: NodeValues, shape: Shape, defaults: tuple[int, int] = (0, 1)) -> tuple[Any, ...]:
    """The index arrays of the diagonal that arguments offset, dim1 and dim2 name, which is the last dimension then."""
    first, second = (axis(n, name, len(shape), one) for name, one in zip(("dim1", "dim2"), defaults, strict=True))
    offset = signed(n.argument("offset", 0))
    row, column = max(-offset, 0), max(offset, 0)
    length = max(0, min(shape[first] - row, shape[second] - column))
    others = [np.arange(size) for dim, size in enumerate(shape) if dim not in (first, second)]
    *grids, along = np.meshgrid(*others, np.arange(length), indexing="ij")
    spare = iter(grids)
    ends = {first: along + row, second: along + column}
    return tuple(ends[dim] if dim in ends else next(spare) for dim in range(len(shape)))


@moving(
    "SelectBackward0",
    {"self": r"\mathrm{zeros},\; G \mathrm{\ at\ } [index]"},
    "One slice was picked: it gets the gradient, all others get zero.",
)
def select(n: NodeValues) -> tuple[Array]:
    return (put_into(n.grad(), n.shape(0), _select_key(n, len(n.shape(0)))),)


@moving(
    "SliceBackward0",
    {"self": r"\mathrm{zeros},\; G \mathrm{\ at\ } [start : end]"},
    "A part was cut out: it gets the gradient, what was left out gets zero.",
)
def slice_(n: NodeValues) -> tuple[Array]:
    return (put_into(n.grad(), n.shape(0), _slice_key(n, len(n.shape(0)))),)


@moving(
    "NarrowCopyBackward0",
    {"self": r"\mathrm{zeros},\; G \mathrm{\ at\ } [start : start + length]"},
    "A part was cut out: it gets the gradient, what was left out gets zero.",
)
def narrow(n: NodeValues) -> tuple[Array]:
    shape = n.shape(0)
    dim = axis(n, "dim", len(shape))
    start = signed(n.argument("start"))
    start += shape[dim] if start < 0 else 0
    return (put_into(n.grad(), shape, key_along(dim, slice(start, start + signed(n.argument("length"))))),)


@moving(
    "DiagonalBackward0 LinalgDiagonalBackward0",
    {"self": r"\mathrm{diag}(G)"},
    "The diagonal was read: it gets the gradient, everything beside it gets zero.",
)
def diagonal(n: NodeValues) -> tuple[Array]:
    return (put_into(n.grad(), n.shape(0), diagonal_key(n, n.shape(0))),)


@moving(
    "DiagEmbedBackward0",
    {"self": r"\mathrm{diagonal}(G)"},
    "Numbers were laid out along a diagonal: they get the gradient of the diagonal.",
)
def diag_embed(n: NodeValues) -> tuple[Array]:
    return (n.grad()[diagonal_key(n, n.grad_shape(), (-2, -1))],)


@moving(
    "DiagonalBackwardBackward0",
    {"grad_output": r"\mathrm{diagonal}(G)"},
    "Numbers were laid out along a diagonal: they get the gradient of the diagonal.",
)
def diagonal_backward(n: NodeValues) -> tuple[Array]:
    return (n.grad()[diagonal_key(n, n.grad_shape())],)


@moving(
    "SelectBackwardBackward0",
    {"grad_output": r"G[index]"},
    "Numbers were put into one slice of zeros: they get the gradient of that slice.",
)
def select_backward(n: NodeValues) -> tuple[Array]:
    return (n.grad()[_select_key(n, len(n.grad_shape()))],)


@moving(
    "SliceBackwardBackward0",
    {"grad_output": r"G[start : end]"},
    "Numbers were put into a part of zeros: they get the gradient of that part.",
)
def slice_backward(n: NodeValues) -> tuple[Array]:
    return (n.grad()[_slice_key(n, len(n.grad_shape()))],)


def _written(n: NodeValues, key: tuple[Any, ...]) -> tuple[Array | None, Array | None]:
    g = n.grad()
    return (without(g, key) if n.needs(0) else None, g[key] if n.needs(1) else None)


_SCATTER = {"self": r"G \mathrm{\ with\ zeros\ there}", "src": r"G \mathrm{\ there}"}
_SCATTER_WORDS = "A part was written over: what was written gets the gradient of that part, what was there before none."


@moving("SelectScatterBackward0", _SCATTER, _SCATTER_WORDS)
def select_scatter(n: NodeValues) -> tuple[Any, ...]:
    return _written(n, _select_key(n, len(n.grad_shape())))


@moving("SliceScatterBackward0", _SCATTER, _SCATTER_WORDS)
def slice_scatter(n: NodeValues) -> tuple[Any, ...]:
    return _written(n, _slice_key(n, len(n.grad_shape())))


@moving("DiagonalScatterBackward0", _SCATTER, _SCATTER_WORDS)
def diagonal_scatter(n: NodeValues) -> tuple[Any, ...]:
    return _written(n, diagonal_key(n, n.grad_shape()))
