"""Padding with a constant or with what is there already, and windows laid out as columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic.bounded import Array, Floats
from engine.recording.model import Shape
from engine.rules.axes import signed
from engine.rules.families.slicing import put_into
from engine.rules.registry import moving, rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues
from engine.rules.windows import (
    Integers,
    add_into_planes,
    plane_terms,
    rule_of_separable,
    rule_of_separable_twice,
    take_from_planes,
)


@moving(
    "ConstantPadNdBackward0",
    {"self": r"G \mathrm{\ without\ the\ border}"},
    "A border of constants was put round: the gradient loses it, as constants have none.",
)
def constant_pad(n: NodeValues) -> tuple[Array]:
    g, shape = n.grad(), n.shape(0)
    pad = [signed(one) for one in n.argument("pad")]
    inner, outer = [], []
    for dim, length in enumerate(shape):
        place = 2 * (len(shape) - 1 - dim)
        before, after = (pad[place], pad[place + 1]) if place < len(pad) else (0, 0)
        inner.append(slice(max(0, -before), length - max(0, -after)))
        outer.append(slice(max(0, before), g.shape[dim] - max(0, after)))
    return (put_into(g[tuple(outer)], shape, tuple(inner)),)


def padding_matrices(n: NodeValues) -> list[Floats]:
    """`matrix[i, o]` is 1 where element i of an axis was copied to place o; `padding` names the last axis first."""
    padding = n.argument("padding")
    matrices = []
    for axis in range(-len(padding) // 2, 0):
        length, outputs = n.shape(0)[axis], n.grad_shape()[axis]
        place = np.arange(outputs) - padding[-2 * (axis + 1)]
        if "Reflection" in n.type:
            place = length - 1 - np.abs(length - 1 - np.abs(place))
        source = np.clip(place, 0, length - 1)
        matrices.append((np.arange(length)[:, None] == source).astype(np.float64))
    return matrices


rule_of_separable(
    "ReflectionPad1DBackward0 ReflectionPad2DBackward0 ReflectionPad3DBackward0 "
    "ReplicationPad1DBackward0 ReplicationPad2DBackward0 ReplicationPad3DBackward0",
    padding_matrices,
    r"\sum_{o \,:\, \mathrm{source}(o) = i} G_o",
    "The border was filled with copies of elements: the gradients of its copies are added to an element's own.",
    label="a copy of it",
)
rule_of_separable_twice(
    "ReflectionPad1DBackwardBackward0 ReflectionPad2DBackwardBackward0 ReflectionPad3DBackwardBackward0 "
    "ReplicationPad1DBackwardBackward0 ReplicationPad2DBackwardBackward0 ReplicationPad3DBackwardBackward0",
    padding_matrices,
    {"grad_output": r"G_{\mathrm{source}(o)}", "self": "0"},
    "The backward pass added the gradients of copies to one number; passed again, that number goes to each of them.",
    label="a copy of it",
)


def window_places(n: NodeValues, plane: Shape) -> tuple[Integers, Shape]:
    """Flat places in the padded plane, by place in the window and window; and the shape of the padded plane."""
    kernel, dilation, padding, stride = (n.argument(name) for name in ("kernel_size", "dilation", "padding", "stride"))
    padded = tuple(length + 2 * pad for length, pad in zip(plane, padding, strict=True))
    axes = []
    for axis in range(2):
        count = (padded[axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1
        axes.append(np.arange(kernel[axis])[:, None] * dilation[axis] + np.arange(count) * stride[axis])
    rows, columns = axes
    places = rows[:, None, :, None] * padded[1] + columns[None, :, None, :]
    return places.reshape(rows.shape[0] * columns.shape[0], -1), padded


def by_window(n: NodeValues, columns: Array, shape: Shape) -> Array:
    """Columns as (…, channel, place in the window, window), for an image of `shape`."""
    places, _ = window_places(n, shape[-2:])
    return np.reshape(columns, (*shape[:-2], *places.shape))


def _column_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    shape = n.shape(0)
    places, padded = window_places(n, shape[-2:])
    within = tuple(at + pad for at, pad in zip(index[-2:], n.argument("padding"), strict=True))
    group = plane_terms(within, places, padded, "a window that it is in")[0]
    at, window = group.indices
    batch = [np.full(window.size, one) for one in index[:-3]]
    return [TermGroup(0, (*batch, index[-3] * len(places) + at, window), group.coefficients, group.label)]


@rule(
    "Im2ColBackward0",
    {"self": r"\sum_{(k, l) \,:\, \mathrm{place}(k, l) = i} G_{k l}"},
    "Each window was copied into a column: an element gets the sum of the gradients of all its copies.",
    terms=_column_terms,
)
def unfold(n: NodeValues) -> tuple[Any, ...]:
    shape = n.shape(0)
    places, padded = window_places(n, shape[-2:])
    columns = by_window(n, n.grad(), shape)
    total = add_into_planes(columns, np.broadcast_to(places, columns.shape), padded)
    top, left = n.argument("padding")
    return (total[..., top : top + shape[-2], left : left + shape[-1]],)


@moving(
    "Col2ImBackward0",
    {"self": r"G_{\mathrm{place}(k, l)}"},
    "Columns were added where their windows stand: each of their elements gets the gradient from there.",
)
def fold(n: NodeValues) -> tuple[Any, ...]:
    image = n.grad()
    places, _ = window_places(n, image.shape[-2:])
    top, left = n.argument("padding")
    padded = np.pad(image, [(0, 0)] * (image.ndim - 2) + [(top, top), (left, left)])
    taken = take_from_planes(padded, np.broadcast_to(places, (*image.shape[:-2], *places.shape)), 2)
    return (np.reshape(taken, n.shape(0)),)
