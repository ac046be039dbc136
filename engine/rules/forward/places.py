"""Layers that read numbers at places: windows laid out as columns, pixels as channels, bags of rows, grids, pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded, exact, scatter_add, value_of
from engine.rules.families.embedding import MAX, bag_rows, largest_rows
from engine.rules.families.padding import by_window, window_places
from engine.rules.families.pooling import rank_of
from engine.rules.families.product import trilinear_letters
from engine.rules.families.sampling import base_grid, sampled
from engine.rules.families.shape import shuffled, unshuffled
from engine.rules.forward.choices import norm
from engine.rules.forward.model import Forward, Table, spread
from engine.rules.values import NodeValues
from engine.rules.windows import add_into_planes, take_from_planes

Operands = Sequence[Array]


# -- windows and pixels -----------------------------------------------------------------------------------------------


def _columns(a: Operands, n: NodeValues) -> Array:
    shape = value_of(a[0]).shape
    places, _ = window_places(n, shape[-2:])
    top, left = n.argument("padding")
    around = np.pad(a[0], [(0, 0)] * (len(shape) - 2) + [(top, top), (left, left)])
    return np.reshape(
        take_from_planes(around, np.broadcast_to(places, (*shape[:-2], *places.shape)), 2), n.output_shape()
    )


def _added_columns(a: Operands, n: NodeValues) -> Array:
    shape = n.output_shape()
    places, padded = window_places(n, shape[-2:])
    columns = by_window(n, a[0], shape)
    top, left = n.argument("padding")
    total = add_into_planes(columns, np.broadcast_to(places, columns.shape), padded)
    return total[..., top : top + shape[-2], left : left + shape[-1]]


def _mixed_channels(a: Operands, n: NodeValues) -> Array:
    batch, channels, *rest = value_of(a[0]).shape
    groups = int(n.argument("groups"))
    return np.reshape(np.swapaxes(np.reshape(a[0], (batch, groups, channels // groups, *rest)), 1, 2), n.output_shape())


def _adaptive_max(a: Operands, n: NodeValues) -> Array:
    """The largest along one axis after another. A NaN is the largest."""
    found = value_of(a[0])
    for axis, outputs in zip(range(-rank_of(n), 0), n.output_shape()[-rank_of(n) :], strict=True):
        length = found.shape[axis]
        windows = [
            found.take(range(place * length // outputs, -(-(place + 1) * length // outputs)), axis).max(axis)
            for place in range(outputs)
        ]
        found = np.stack(windows, axis)
    return exact(found, n.unit)


def _unpooled(a: Operands, n: NodeValues) -> Array:
    """Each number at its place among zeros."""
    rank, shape = rank_of(n), n.output_shape()
    batch = shape[: len(shape) - rank]
    flat = np.zeros((*batch, int(np.prod(shape[-rank:]))))
    places = np.reshape(n.saved("indices"), (*batch, -1))
    np.put_along_axis(flat, places, np.reshape(value_of(a[0]), places.shape), -1)
    return exact(np.reshape(flat, shape), n.unit)


# -- bags, grids ------------------------------------------------------------------------------------------------------


def _bags(a: Operands, n: NodeValues) -> Array:
    weight, shape = a[0], n.output_shape()
    if n.argument("mode") == MAX:
        rows = largest_rows(n)
        return np.where(rows >= 0, np.take_along_axis(weight, np.maximum(rows, 0), 0), 0.0)
    numbers, bags, factors = bag_rows(n)
    return scatter_add(shape, (bags,), weight[numbers] * np.reshape(factors, (-1, 1)))


def _affine_grid(a: Operands, n: NodeValues) -> Array:
    base = base_grid(n)
    points: Array = Bounded(base, 4 * n.unit * np.abs(base), n.unit)
    return np.reshape(np.matmul(points, np.swapaxes(a[0], 1, 2)), n.output_shape())


# -- pairs ------------------------------------------------------------------------------------------------------------


def _distances(a: Operands, n: NodeValues) -> Array:
    return norm(a[0][..., :, None, :] - a[1][..., None, :, :], (-1,), False, float(n.argument("p")))


def _distances_among(a: Operands, n: NodeValues) -> Array:
    first, second = np.triu_indices(len(a[0]), 1)
    return norm(a[0][first] - a[0][second], (-1,), False, float(n.argument("p")))


def _distances_by_products(a: Operands, n: NodeValues) -> Array:
    """As torch does it where there are many points: what cancels there cancels here."""
    x, y = a
    squares = np.sum(x * x, axis=-1)[..., :, None] + np.sum(y * y, axis=-1)[..., None, :]
    return np.sqrt(np.maximum(squares - 2.0 * np.matmul(x, np.swapaxes(y, -1, -2)), 0.0))


def _trilinear(a: Operands, n: NodeValues) -> Array:
    result, *factors = trilinear_letters(n)
    full = "".join(sorted(set(factors[0]) | set(factors[1])))
    between = "".join(letter for letter in full if letter in result + factors[2])
    part = np.einsum(f"{factors[0]},{factors[1]}->{between}", a[0], a[1])
    return np.einsum(f"{between},{factors[2]}->{result}", part, a[2])


def _named(name: str, function: Any) -> Forward:
    return Forward(rf"\mathrm{{{name}}}\left(<self>\right)", function, (0,))


TABLE: Table = {
    "Im2ColBackward0": _named("unfold", _columns),
    "Col2ImBackward0": _named("fold", _added_columns),
    "PixelShuffleBackward0": _named("shuffle", lambda a, n: shuffled(a[0], int(n.argument("upscale_factor")))),
    "PixelUnshuffleBackward0": _named("unshuffle", lambda a, n: unshuffled(a[0], int(n.argument("downscale_factor")))),
    "ChannelShuffleBackward0": _named("shuffle", _mixed_channels),
    **spread("AdaptiveMaxPool2DBackward0 AdaptiveMaxPool3DBackward0", Forward(r"\max <self>", _adaptive_max, (0,))),
    **spread("MaxUnpool2DBackward0 MaxUnpool3DBackward0", _named("unpool", _unpooled)),
    "EmbeddingBagBackward0": Forward(r"\mathrm{bag}\left(<weight>[\,i\,]\right)", _bags, (0,)),
    **spread(
        "GridSampler2DBackward0 GridSampler3DBackward0",
        Forward(r"\mathrm{sample}\left(<input>, <grid>\right)", lambda a, n: sampled(n), (0, 1)),
    ),
    "AffineGridGeneratorBackward0": Forward(r"<theta> \cdot (x, y, 1)^\mathsf{T}", _affine_grid, (0,)),
    "CdistBackward0": Forward(r"\lVert <x1> - <x2> \rVert", _distances, (0, 1)),
    "EuclideanDistBackward0": Forward(r"\lVert <x1> - <x2> \rVert", _distances_by_products, (0, 1)),
    "PdistBackward0": Forward(r"\lVert <self>_i - <self>_j \rVert", _distances_among, (0,)),
    "TrilinearBackward0": Forward(r"\sum <i1> \cdot <i2> \cdot <i3>", _trilinear, (0, 1, 2)),
}
