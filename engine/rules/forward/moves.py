"""Operations that compute nothing: they move, pick, repeat or join numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.axes import axis
from engine.rules.families.indexing import index_key
from engine.rules.forward.model import Forward, Function, Table, spread
from engine.rules.scalars import number
from engine.rules.values import NodeValues


def _of_one(function: Callable[[Array, NodeValues], Array]) -> Function:
    return lambda a, n: function(a[0], n)


def _ndim(x: Array) -> int:
    return value_of(x).ndim


def _reshaped(x: Array, n: NodeValues) -> Array:
    return np.reshape(x, n.output_shape())


def _transposed(x: Array, n: NodeValues) -> Array:
    return np.swapaxes(x, axis(n, "dim0", _ndim(x)), axis(n, "dim1", _ndim(x))) if _ndim(x) else x


def _permuted(x: Array, n: NodeValues) -> Array:
    return np.transpose(x, [int(dim) % _ndim(x) for dim in n.argument("dims")]) if _ndim(x) else x


def _sliced(x: Array, n: NodeValues) -> Array:
    dim = axis(n, "dim", _ndim(x), 0)
    start, end = n.argument("start", None), n.argument("end", None)
    key: list[Any] = [slice(None)] * _ndim(x)
    key[dim] = slice(start, end, int(n.argument("step", 1)))
    return x[tuple(key)]


def _selected(x: Array, n: NodeValues) -> Array:
    key: list[Any] = [slice(None)] * _ndim(x)
    key[axis(n, "dim", _ndim(x))] = int(n.argument("index"))
    return x[tuple(key)]


def _rolled(x: Array, n: NodeValues) -> Array:
    shifts, dims = n.argument("shifts"), n.argument("dims", [])
    shifts = shifts if isinstance(shifts, list) else [shifts]
    if not dims:
        return np.reshape(np.roll(np.reshape(x, (-1,)), int(shifts[0])), value_of(x).shape)
    return np.roll(x, tuple(map(int, shifts)), tuple(int(dim) % _ndim(x) for dim in dims))


def _joined(a: Sequence[Array], n: NodeValues) -> Array:
    """Empty tensors of one dimension go with all others."""
    parts = [part for part in a if value_of(part).shape != (0,)] or list(a)
    return np.concatenate(parts, axis(n, "dim", _ndim(parts[0]), 0))


def _stacked(a: Sequence[Array], n: NodeValues) -> Array:
    return np.stack(list(a), axis(n, "dim", _ndim(a[0]) + 1, 0))


def _picked(x: Array, n: NodeValues) -> Array:
    return x[index_key(n, _ndim(x))]


def _embedded(x: Array, n: NodeValues) -> Array:
    return x[value_of(n.saved("indices")).astype(np.int64)]


def _first_part(x: Array, n: NodeValues) -> Array:
    """The first of the parts, which is the one that is shown."""
    dim = axis(n, "dim", _ndim(x), 0)
    key: list[Any] = [slice(None)] * _ndim(x)
    key[dim] = slice(0, n.output_shape()[dim])
    return x[tuple(key)]


def _first_slice(x: Array, n: NodeValues) -> Array:
    key: list[Any] = [slice(None)] * _ndim(x)
    key[axis(n, "dim", _ndim(x), 0)] = 0
    return x[tuple(key)]


def _filled(a: Sequence[Array], n: NodeValues) -> Array:
    return np.where(value_of(n.saved("mask")).astype(bool), number(n, "value"), a[0])


def _padded(x: Array, n: NodeValues) -> Array:
    pairs = np.reshape([int(i) for i in n.argument("pad")], (-1, 2))[::-1]
    widths = [(0, 0)] * (_ndim(x) - len(pairs)) + [(int(low), int(high)) for low, high in pairs]
    inner = tuple(slice(max(-low, 0), max(-high, 0) * -1 or None) for low, high in widths)
    grown = [(max(low, 0), max(high, 0)) for low, high in widths]
    return np.pad(x[inner], grown, constant_values=float(n.argument("value", 0.0)))


def _move(formula: str, function: Callable[[Array, NodeValues], Array]) -> Forward:
    return Forward(formula, _of_one(function), (0,))


_SAME = Forward("<self>", lambda a, n: a[0], (0,))

TABLE: Table = {
    **spread(
        "ViewBackward0 UnsafeViewBackward0 ReshapeAliasBackward0 SqueezeBackward0 SqueezeBackward1 SqueezeBackward2 "
        "SqueezeBackward3 SqueezeBackward4 SqueezeBackward5 UnsqueezeBackward0 UnsqueezeBackward1",
        _move("<self>", _reshaped),
    ),
    **spread("AliasBackward0 LiftFreshBackward0", _SAME),
    **spread("TransposeBackward0 TransposeBackward1", _move(r"<self>^\mathsf{T}", _transposed)),
    "PermuteBackward0": _move(r"\mathrm{permute}\left(<self>\right)", _permuted),
    "ExpandBackward0": _move("<self>", lambda x, n: np.broadcast_to(x, n.output_shape())),
    "SliceBackward0": _move(r"\mathrm{slice}\left(<self>\right)", _sliced),
    "SelectBackward0": _move(r"\mathrm{select}\left(<self>\right)", _selected),
    "FlipBackward0": _move(
        r"\mathrm{flip}\left(<self>\right)",
        lambda x, n: np.flip(x, tuple(int(dim) % _ndim(x) for dim in n.argument("dims"))),
    ),
    "RollBackward0": _move(r"\mathrm{roll}\left(<self>\right)", _rolled),
    "CatBackward0": Forward(r"\mathrm{cat}\left(<first>, \ldots\right)", _joined, listed=True),
    "StackBackward0": Forward(r"\mathrm{stack}\left(<first>, \ldots\right)", _stacked, listed=True),
    **spread(
        "SplitBackward0 UnsafeSplitBackward0 SplitWithSizesBackward0",
        _move(r"\mathrm{split}\left(<self>\right)", _first_part),
    ),
    "UnbindBackward0": _move(r"\mathrm{unbind}\left(<self>\right)", _first_slice),
    "IndexBackward0": _move(r"<self>[\,i\,]", _picked),
    "EmbeddingBackward0": _move(r"<weight>[\,i\,]", _embedded),
    "MaskedFillBackward0": Forward(r"\mathrm{fill}\left(<self>\right)", _filled, (0,)),
    "ConstantPadNdBackward0": _move(r"\mathrm{pad}\left(<self>\right)", _padded),
    "WhereBackward0": Forward(
        r"\mathrm{where}\left(c, <self>, <other>\right)",
        lambda a, n: np.where(value_of(n.saved("condition")).astype(bool), a[0], a[1]), (1, 2),
    ),
}  # fmt: skip
