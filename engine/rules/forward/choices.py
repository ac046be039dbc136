"""What is reduced, sorted, picked by index or put there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.arithmetic import Array, exact, scatter_add, value_of
from engine.rules.axes import axes, axis
from engine.rules.families import indexing, ordering, overlapping
from engine.rules.families.reduction import correction
from engine.rules.forward.model import Forward, Function, Table, spread
from engine.rules.routing import Sent, Taken
from engine.rules.scalars import number
from engine.rules.values import NodeValues, UnsupportedError

Operands = Sequence[Array]


def _over(formula: str, function: Callable[[Array, tuple[int, ...], bool, NodeValues], Array]) -> Forward:
    """A reduction of dimensions: `function(x, axes, keepdims, n)`."""

    def found(a: Operands, n: NodeValues) -> Array:
        return function(a[0], axes(n, value_of(a[0]).ndim), bool(n.argument("keepdim", False)), n)

    return Forward(formula, found, (0,))


def _variance(x: Array, over: tuple[int, ...], keep: bool, n: NodeValues) -> Array:
    count = math.prod(value_of(x).shape[position] for position in over)
    apart = x - np.mean(x, axis=over, keepdims=True)
    free = count - correction(n)
    if free <= 0:
        raise UnsupportedError("there are too few numbers for a variance")
    squares = (apart * np.conj(apart)).real if np.iscomplexobj(value_of(x)) else apart * apart
    return np.sum(squares, axis=over, keepdims=keep) / free


def norm(x: Array, over: tuple[int, ...], keep: bool, p: float) -> Array:
    size = np.abs(x)
    if p == 2:
        return np.sqrt(np.sum(size * size, axis=over, keepdims=keep))
    if math.isinf(p):
        return (np.max if p > 0 else np.min)(size, axis=over, keepdims=keep)
    if p == 1:
        return np.sum(size, axis=over, keepdims=keep)
    if p == 0:
        return np.sum((value_of(x) != 0).astype(float), axis=over, keepdims=keep)
    return np.power(np.sum(np.power(size, p), axis=over, keepdims=keep), 1.0 / p)


def _distance(a: Operands, n: NodeValues) -> Array:
    apart = a[0] - a[1]
    return norm(apart, tuple(range(value_of(apart).ndim)), False, float(n.argument("p", 2)))


def _log_sum(x: Array, over: tuple[int, ...], keep: bool, n: NodeValues) -> Array:
    largest = np.max(value_of(x), axis=over, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    total = np.log(np.sum(np.exp(x - largest), axis=over, keepdims=keep))
    return total + (largest if keep else np.reshape(largest, value_of(total).shape))


def _along(formula: str, function: Callable[[Array, int, NodeValues], Array]) -> Forward:
    """One dimension: `function(x, axis, n)`. A scalar has one of length 1."""

    def found(a: Operands, n: NodeValues) -> Array:
        x = a[0] if value_of(a[0]).ndim else np.reshape(a[0], (1,))
        done = function(x, axis(n, "dim", value_of(x).ndim, -1), n)
        return done if value_of(a[0]).ndim else np.reshape(done, ())

    return Forward(formula, found, (0,))


def _sorted(x: Array, dim: int, n: NodeValues, descending: bool) -> Array:
    ordered = np.sort(value_of(x), axis=dim)
    return exact(np.flip(ordered, dim) if descending else ordered, n.unit)


def _topk(x: Array, dim: int, n: NodeValues) -> Array:
    if not n.argument("sorted", True):
        return _picked(ordering.sort)([x], n)
    return np.take(_sorted(x, dim, n, bool(n.argument("largest", True))), np.arange(int(n.argument("k"))), axis=dim)


def _nth(x: Array, dim: int, n: NodeValues, place: int) -> Array:
    """The number that is in `place`, counted from 0, of each line, if it is sorted."""
    found = np.take(_sorted(x, dim, n, descending=False), [place], axis=dim)
    return found if n.argument("keepdim", False) else np.squeeze(found, axis=dim)


def _median_along(x: Array, dim: int, n: NodeValues) -> Array:
    length = value_of(x).shape[dim]
    spoiled = np.any(np.isnan(value_of(x)), axis=dim, keepdims=bool(n.argument("keepdim", False)))
    return np.where(spoiled, np.nan, _nth(x, dim, n, (length - 1) // 2))


def _median(a: Operands, n: NodeValues) -> Array:
    """The lower one of two."""
    line = np.sort(value_of(a[0]), axis=None)
    return exact(line[-1] if np.isnan(line[-1:]).any() else line[(line.size - 1) // 2], n.unit)


def _extreme(function: Any) -> Callable[[Array, int, NodeValues], Array]:
    return lambda x, dim, n: function(x, axis=dim, keepdims=bool(n.argument("keepdim", False)))


def _running(function: Any) -> Callable[[Array, int, NodeValues], Array]:
    return lambda x, dim, n: exact(function.accumulate(value_of(x), axis=dim), n.unit)


def _picked(places: Callable[[NodeValues], tuple[Sent]]) -> Function:
    """The numbers from where the rule sends their gradients."""

    def found(a: Operands, n: NodeValues) -> Array:
        (sent,) = places(n)
        if np.any(sent.places < 0):
            raise UnsupportedError("some of it comes from nowhere")
        return np.reshape(np.reshape(a[0], (-1,))[sent.places.reshape(-1)], n.output_shape())

    return found


def _put(places: Callable[[NodeValues], tuple[Taken, Taken]], value: str = "") -> Function:
    """What was there, where the rule takes its gradient; and at the other places what was put or added there."""

    def found(a: Operands, n: NodeValues) -> Array:
        own, put = places(n)
        left = np.where(own.places < 0, float(number(n, value)) if value else 0.0, a[0])
        if value:
            return left
        at = put.places
        source = np.broadcast_to(a[1] if put.factor is None else a[1] * put.factor, at.shape)
        if np.any(at < 0):
            raise UnsupportedError("some of it goes nowhere")
        shape = n.output_shape()
        total = scatter_add((math.prod(shape),), (at.reshape(-1),), np.reshape(source, (-1,)))
        return left + np.reshape(total, shape)

    return found


def _repeated(x: Array, n: NodeValues) -> Array:
    return np.tile(x, tuple(int(count) for count in n.argument("repeats")))


def _diagonal(a: Operands, n: NodeValues) -> Array:
    ndim = value_of(a[0]).ndim
    sides = (axis(n, "dim1", ndim, 0), axis(n, "dim2", ndim, 1))
    return np.diagonal(a[0], int(n.argument("offset", 0)), *sides)


def _turned(x: Array, n: NodeValues) -> Array:
    first, second = n.argument("dims", [0, 1])
    return np.rot90(x, int(n.argument("k", 1)), (int(first), int(second)))


def _norm_of(order: str) -> Forward:
    formula = rf"\left\lVert <self> \right\rVert_{{<:{order}=2>}}"
    return _over(formula, lambda x, over, keep, n: norm(x, over, keep, float(n.argument(order, 2))))


_PICK, _PUT = r"<self>[\,i\,]", r"<self>\ \mathrm{with}\ <source>\ \mathrm{at}\ i"

TABLE: Table = {
    "ProdBackward0": Forward(r"\prod <self>", lambda a, n: np.prod(a[0]), (0,)),
    "ProdBackward1": _along(r"\prod <self>", _extreme(np.prod)),
    "AmaxBackward0": _over(r"\max <self>", lambda x, over, keep, n: np.max(x, axis=over, keepdims=keep)),
    "AminBackward0": _over(r"\min <self>", lambda x, over, keep, n: np.min(x, axis=over, keepdims=keep)),
    "MaxBackward0": _along(r"\max <self>", _extreme(np.max)),
    "MinBackward0": _along(r"\min <self>", _extreme(np.min)),
    "MaxBackward1": Forward(r"\max <self>", lambda a, n: np.max(a[0]), (0,)),
    "MinBackward1": Forward(r"\min <self>", lambda a, n: np.min(a[0]), (0,)),
    **spread("VarBackward0 VarMeanBackward0", _over(r"\mathrm{var}\left(<self>\right)", _variance)),
    **spread("StdBackward0 StdMeanBackward0", _over(
        r"\sqrt{\mathrm{var}\left(<self>\right)}", lambda x, over, keep, n: np.sqrt(_variance(x, over, keep, n))
    )),
    **spread("NormBackward0 NormBackward1 NormBackward2 NormBackward3", _norm_of("p")),
    "LinalgVectorNormBackward0": _norm_of("ord"),
    "DistBackward0": Forward(r"\left\lVert <self> - <other> \right\rVert_{<:p=2>}", _distance, (0, 1)),
    "LogsumexpBackward0": _over(r"\ln \sum e^{<self>}", _log_sum),
    "CumsumBackward0": _along(r"\mathrm{cumsum}\left(<self>\right)", lambda x, dim, n: np.cumsum(x, axis=dim)),
    "CumprodBackward0": _along(r"\mathrm{cumprod}\left(<self>\right)", lambda x, dim, n: np.cumprod(x, axis=dim)),
    "CummaxBackward0": _along(r"\mathrm{cummax}\left(<self>\right)", _running(np.maximum)),
    "CumminBackward0": _along(r"\mathrm{cummin}\left(<self>\right)", _running(np.minimum)),
    **spread("SortBackward0 SortBackward1", _along(
        r"\mathrm{sort}\left(<self>\right)",
        lambda x, dim, n: _sorted(x, dim, n, bool(n.argument("descending", False))),
    )),
    "TopkBackward0": _along(r"\mathrm{topk}\left(<self>\right)", _topk),
    "KthvalueBackward0": _along(
        r"\mathrm{kthvalue}\left(<self>\right)", lambda x, dim, n: _nth(x, dim, n, int(n.argument("k")) - 1)
    ),
    "MedianBackward0": Forward(r"\mathrm{median}\left(<self>\right)", _median, (0,)),
    "MedianBackward1": _along(r"\mathrm{median}\left(<self>\right)", _median_along),
    "ModeBackward0": Forward(r"\mathrm{mode}\left(<self>\right)", _picked(ordering.choose), (0,)),
    "GatherBackward0": Forward(_PICK, _picked(indexing.gather), (0,)),
    "IndexSelectBackward0": Forward(_PICK, _picked(indexing.index_select), (0,)),
    "TakeBackward0": Forward(_PICK, _picked(indexing.take), (0,)),
    "MaskedSelectBackward0": Forward(_PICK, _picked(indexing.masked_select), (0,)),
    "UnsafeIndexBackward0": Forward(_PICK, _picked(indexing.index), (0,)),
    **spread("AsStridedBackward0 AsStridedBackward1",
             Forward(r"\mathrm{strided}\left(<self>\right)", _picked(overlapping.as_strided), (0,))),
    "UnfoldBackward0": Forward(r"\mathrm{windows}\left(<self>\right)", _picked(overlapping.unfold), (0,)),
    **spread("IndexPutBackward0 IndexPutImplBackward0 UnsafeIndexPutBackward0",
             Forward(_PUT, _put(indexing.index_put), (0, 2))),
    "IndexAddBackward0": Forward(r"<self> + <:alpha=1> \cdot <source>[\,i\,]", _put(indexing.index_add), (0, 3)),
    "IndexCopyBackward0": Forward(_PUT, _put(indexing.index_copy), (0, 3)),
    "IndexFillBackward0": Forward(r"\mathrm{fill}\left(<self>\right)", _put(indexing.index_fill, "value"), (0,)),
    "ScatterBackward0": Forward(_PUT, _put(indexing.scatter), (0, 3)),
    "ScatterBackward1": Forward(r"\mathrm{fill}\left(<self>\right)", _put(indexing.scatter, "value"), (0,)),
    "ScatterAddBackward0": Forward(r"<self> + <src>[\,i\,]", _put(indexing.scatter_add), (0, 3)),
    "MaskedScatterBackward0": Forward(_PUT, _put(indexing.masked_scatter), (0, 2)),
        "RepeatBackward0": Forward(r"\mathrm{repeat}\left(<self>\right)", lambda a, n: _repeated(a[0], n), (0,)),
    "TrilBackward0": Forward(
        r"\mathrm{tril}\left(<self>\right)", lambda a, n: np.tril(a[0], int(n.argument("diagonal", 0))), (0,)
    ),
    "TriuBackward0": Forward(
        r"\mathrm{triu}\left(<self>\right)", lambda a, n: np.triu(a[0], int(n.argument("diagonal", 0))), (0,)
    ),
    "DiagonalBackward0": Forward(r"\mathrm{diag}\left(<self>\right)", _diagonal, (0,)),
    "TraceBackward0": Forward(r"\mathrm{tr}\left(<self>\right)", lambda a, n: np.trace(a[0]), (0,)),
    "Rot90Backward0": Forward(r"\mathrm{rot90}\left(<self>\right)", lambda a, n: _turned(a[0], n), (0,)),
}  # fmt: skip
