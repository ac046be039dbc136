"""Picking numbers out by index or mask, and putting them back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import value_of
from engine.recording.model import Shape
from engine.rules.axes import Integers, along, axis, key_along, numbered, selected, signed
from engine.rules.registry import not_differentiable
from engine.rules.routing import Sent, Taken, routing
from engine.rules.values import NodeValues

_PICKED = {"self": r"\mathrm{zeros},\; G \mathrm{\ added\ at\ } [index]"}
_PICKED_WORDS = (
    "Numbers were picked by index: each gets the gradients of all the places that it was picked for, summed."
)


def index_key(n: NodeValues, ndim: int, clamp: Shape | None = None) -> tuple[Any, ...]:
    """The saved index tensors as NumPy takes them; dimensions without one in full. `clamp`: to a tensor's lengths."""
    key: list[Any] = []
    for slot in range(ndim):
        if not n.has("indices", slot):
            key.append(slice(None))
            continue
        index = value_of(n.saved("indices", slot))
        if index.dtype.kind != "b":
            index = index.astype(bool) if n.saved_dtype("indices", slot) == "uint8" else index.astype(np.int64)
        key.append(index if clamp is None else np.clip(index, -clamp[slot], clamp[slot] - 1))
    while key and isinstance(key[-1], slice):  # a mask may stand for several dimensions
        key.pop()
    return tuple(key)


def _saved_index(n: NodeValues) -> npt.NDArray[Any]:
    return value_of(n.saved("index")).astype(np.int64)


def _mask(n: NodeValues, shape: Shape) -> npt.NDArray[np.bool_]:
    return np.broadcast_to(value_of(n.saved("mask")).astype(bool), shape)


def _at(dim: int, part: Any, ndim: int) -> tuple[Any, ...]:
    return key_along(dim, part) if ndim else (...,)


def _without(own: Integers, key: Any) -> Integers:
    own = own.copy()
    own[key] = -1
    return own


@routing("IndexBackward0 UnsafeIndexBackward0", _PICKED, _PICKED_WORDS)
def index(n: NodeValues) -> tuple[Sent]:
    shape = n.shape(0)
    return (Sent(np.asarray(numbered(shape)[index_key(n, len(shape))])),)


@routing("IndexSelectBackward0", _PICKED, _PICKED_WORDS)
def index_select(n: NodeValues) -> tuple[Sent]:
    shape = n.shape(0)
    return (Sent(selected(shape, axis(n, "dim", len(shape)), _saved_index(n))),)


@routing("GatherBackward0", _PICKED, _PICKED_WORDS)
def gather(n: NodeValues) -> tuple[Sent]:
    shape = n.shape(0)
    return (Sent(along(shape, axis(n, "dim", len(shape)), _saved_index(n))),)


@routing("TakeBackward0", _PICKED, _PICKED_WORDS)
def take(n: NodeValues) -> tuple[Sent]:
    return (Sent(_saved_index(n) % max(1, math.prod(n.shape(0)))),)


@routing(
    "MaskedSelectBackward0", _PICKED, "The numbers under the mask were picked: they get the gradient, others none."
)
def masked_select(n: NodeValues) -> tuple[Sent]:
    shape = np.broadcast_shapes(n.shape(0), n.saved_shape("mask"))
    return (Sent(np.broadcast_to(numbered(n.shape(0)), shape)[_mask(n, shape)]),)


@routing(
    "UnsafeMaskedIndexBackward0",
    _PICKED,
    "Numbers were picked by index where the mask allows: they get the gradients of the places they were picked for.",
)
def unsafe_masked_index(n: NodeValues) -> tuple[Sent]:
    shape, picked = n.shape(0), n.output_shape()
    if not math.prod(shape):
        return (Sent(np.full(picked, -1)),)
    places = numbered(shape)[index_key(n, len(shape), shape)]
    return (Sent(np.where(_mask(n, picked), places, -1)),)


_WRITTEN_WORDS = (
    "Numbers were written over: what was written gets the gradient of its place, what was there before none."
)
_ADDED_WORDS = "Numbers were added in some places: both what was there and what was added get the gradient as it is."


@routing(
    "IndexPutBackward0 UnsafeIndexPutBackward0 IndexPutImplBackward0",
    {"self": r"G \mathrm{\ with\ zeros\ at\ } [index]", "values": r"G[index]"},
    _WRITTEN_WORDS + " Where numbers were accumulated instead, nothing is lost.",
)
def index_put(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    key = index_key(n, own.ndim)
    return Taken(own if n.argument("accumulate", False) else _without(own, key)), Taken(np.asarray(own[key]))


@routing(
    "UnsafeMaskedIndexPutAccumulateBackward0",
    {"self": r"G", "values": r"G[index] \cdot mask"},
    _ADDED_WORDS,
)
def unsafe_masked_index_put(n: NodeValues) -> tuple[Taken, Taken | None]:
    shape = n.output_shape()
    own = numbered(shape)
    if not n.needs(1):
        return Taken(own), None
    if not own.size:
        return Taken(own), Taken(np.full(n.shape(1), -1))
    places = own[index_key(n, len(shape), shape)]
    return Taken(own), Taken(np.where(_mask(n, np.broadcast_shapes(places.shape, n.shape(1))), places, -1))


@routing("PutBackward0", {"self": r"G \mathrm{\ with\ zeros\ at\ } [index]", "source": r"G[index]"}, _WRITTEN_WORDS)
def put(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    places = _saved_index(n) % max(1, own.size)
    kept = own if n.argument("accumulate", False) else _without(own.ravel(), places).reshape(own.shape)
    return Taken(kept), Taken(places.reshape(n.saved_shape("source")))


@routing(
    "IndexAddBackward0",
    {"self": r"G", "source": r"\alpha \cdot G[index]"},
    _ADDED_WORDS,
)
def index_add(n: NodeValues) -> tuple[Taken, Taken]:
    shape = n.output_shape()
    alpha = n.argument("alpha", 1)
    places = selected(shape, axis(n, "dim", len(shape)), _saved_index(n))
    factor = np.asarray(complex(*alpha) if isinstance(alpha, list) else alpha)
    return Taken(numbered(shape)), Taken(places, None if factor == 1 else factor)


@routing("IndexCopyBackward0", {"self": r"G \mathrm{\ with\ zeros\ there}", "source": r"G[index]"}, _WRITTEN_WORDS)
def index_copy(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    dim = axis(n, "dim", own.ndim)
    index = _saved_index(n)
    return Taken(_without(own, _at(dim, index, own.ndim))), Taken(selected(own.shape, dim, index))


@routing(
    "IndexFillBackward0 IndexFillBackward1",
    {"self": r"G \mathrm{\ with\ zeros\ at\ } [index]", "value": r"\sum G[index]"},
    "Some places were filled with one number: it gets their gradients, summed; what was there before gets none.",
)
def index_fill(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    key = _at(axis(n, "dim", own.ndim), np.unique(_saved_index(n)), own.ndim)
    return Taken(_without(own, key)), Taken(own[key])


@routing("ScatterBackward0 ScatterBackward1", {"self": r"G \mathrm{\ with\ zeros\ there}", "src": r"G[index]"},
         _WRITTEN_WORDS)  # fmt: skip
def scatter(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    places = along(own.shape, axis(n, "dim", own.ndim), _saved_index(n))
    return Taken(_without(own.ravel(), places).reshape(own.shape)), Taken(places)


@routing("ScatterAddBackward0", {"self": r"G", "src": r"G[index]"}, _ADDED_WORDS)
def scatter_add(n: NodeValues) -> tuple[Taken, Taken]:
    shape = n.output_shape()
    return Taken(numbered(shape)), Taken(along(shape, axis(n, "dim", len(shape)), _saved_index(n)))


@routing(
    "MaskedFillBackward0 MaskedFillBackward1",
    {"self": r"G \mathrm{\ with\ zeros\ under\ the\ mask}", "value": r"\sum_{\mathrm{mask}} G"},
    "What lies under the mask was written over with one number: it gets their gradients, summed; they get none.",
)
def masked_fill(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    mask = _mask(n, own.shape)
    return Taken(np.where(mask, -1, own)), Taken(own[mask])


@routing(
    "MaskedScatterBackward0",
    {"self": r"G \mathrm{\ with\ zeros\ under\ the\ mask}", "source": r"G \mathrm{\ under\ the\ mask}"},
    "What lies under the mask was written over: what was written, in order, gets the gradient of its place.",
)
def masked_scatter(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    mask = _mask(n, own.shape)
    shape = tuple(signed(length) for length in n.argument("source_sym_sizes"))
    places = np.full(math.prod(shape), -1)
    found = own[mask][: places.size]
    places[: found.size] = found
    return Taken(np.where(mask, -1, own)), Taken(places.reshape(shape))


@routing(
    "MaskedScatterBackwardBackward0",
    {"grad_output": r"\mathrm{zeros},\; G \mathrm{\ under\ the\ mask}"},
    "Numbers were read from under a mask, in order: each gets the gradient of its place.",
)
def masked_scatter_backward(n: NodeValues) -> tuple[Sent]:
    shape = n.shape(0)
    inside = numbered(shape)[_mask(n, shape)]
    places = np.full(math.prod(n.output_shape()), -1)
    places[: inside.size] = inside[: places.size]
    return (Sent(places.reshape(n.output_shape())),)


not_differentiable(
    "ZeroBackward0 FillBackward0 FillBackward2",
    "Everything was written over with a constant: what was there before gets no gradient.",
)


@routing(
    "FillBackward1 FillBackward3",
    {"self": "0", "value": r"\sum G"},
    "Everything was written over with one number: it gets all gradients, summed; what was there before gets none.",
)
def fill(n: NodeValues) -> tuple[Taken, Taken]:
    own = numbered(n.output_shape())
    return Taken(np.full(own.shape, -1)), Taken(own)
