"""Interpolation to another size: every output is a weighted mean of its neighbours in the input, axis by axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.arithmetic.bounded import Array, Bounded, Floats, unit_roundoff
from engine.rules.values import NodeValues
from engine.rules.windows import Matrices, rule_of_separable, rule_of_separable_twice

Kernel = Callable[[Floats], Floats]

_AXES = {"1D": ("scales",), "2D": ("scales_h", "scales_w"), "3D": ("scales_d", "scales_h", "scales_w")}
_FORMULA = r"\sum_o w_{o i} \, G_o"
_WEIGHT = "weight of the interpolation"


def _axes(n: NodeValues) -> list[tuple[int, int, float | None]]:
    """Of each axis that is resampled: its length before, its length after, and the factor if the caller gave one."""
    names = next(names for rank, names in _AXES.items() if rank in n.type)
    rank = len(names)
    factors = [n.argument(name, None) for name in names]
    return list(zip(n.shape(0)[-rank:], n.grad_shape()[-rank:], factors, strict=True))


def _unit(n: NodeValues) -> float:
    """Places are computed in float32, unless in float64."""
    return unit_roundoff("float64") if n.dtype(0) == "float64" else unit_roundoff("float32")


def nearest_matrices(n: NodeValues) -> list[Array]:
    """The place of the nearest, in float32 as torch computes it whatever the dtype (`nearest_idx` in UpSample.h)."""
    matrices = []
    for length, outputs, factor in _axes(n):
        place = np.arange(outputs)
        scale = np.float32(1.0 / factor) if factor else np.float32(length) / np.float32(outputs)
        if "Exact" in n.type:
            source = np.floor(((place + 0.5) * float(scale)).astype(np.float32))
        elif outputs == length:
            source = place
        elif outputs == 2 * length:
            source = place // 2
        else:
            source = np.floor(place.astype(np.float32) * scale)
        nearest = np.minimum(source.astype(np.int64), length - 1)
        matrices.append((np.arange(length)[:, None] == nearest).astype(np.float64))
    return matrices


rule_of_separable(
    "UpsampleNearest1DBackward0 UpsampleNearest2DBackward0 UpsampleNearest3DBackward0 "
    "UpsampleNearestExact1DBackward0 UpsampleNearestExact2DBackward0 UpsampleNearestExact3DBackward0",
    nearest_matrices,
    r"\sum_{o \,:\, \mathrm{nearest}(o) = i} G_o",
    "Each element was copied to all places nearest to it: the gradients of its copies add up.",
    label="a copy of it",
)


def _scale(length: int, outputs: int, factor: float | None, corners: bool) -> float:
    """How far apart in the input two neighbours of the output are (`area_pixel_compute_scale` in UpSample.h)."""
    if corners:
        return (length - 1) / (outputs - 1) if outputs > 1 else 0.0
    return 1.0 / factor if factor and factor > 0 else length / outputs


def _hat(distance: Floats) -> Floats:
    return np.maximum(1.0 - np.abs(distance), 0.0)


def cubic(distance: Floats, a: float) -> Floats:
    """The convolution kernel of Keys (1981): cubic pieces that meet smoothly, zero from 2 on."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _matrix(n: NodeValues, length: int, outputs: int, factor: float | None, kernel: Kernel, reach: int) -> Array:
    """The kernel around the place in the input that each output stands at; beyond the border the last element counts.

    As the weights are continuous, the rounding of that place moves them by no more than it times their slope (at most
    1.5) and the roundings of the kernel itself.
    """
    corners = n.argument("align_corners", False)
    scale = _scale(length, outputs, factor, corners)
    shift = 0.0 if corners else 0.5
    place = np.minimum(scale * (np.arange(outputs) + shift) - shift, length)
    neighbour = np.floor(place) + np.arange(-reach, reach + 2)[:, None]  # one more on each side, for the rounding
    at = np.clip(neighbour, 0, length - 1).astype(np.int64)
    column = np.broadcast_to(np.arange(outputs), at.shape)
    unit = _unit(n)
    error = unit * (6.0 * (np.abs(place) + 1.0) + 16.0 * (reach > 1))
    near = np.abs(neighbour - place) < reach + error
    value, bound = np.zeros((length, outputs)), np.zeros((length, outputs))
    np.add.at(value, (at, column), kernel(neighbour - place))
    np.add.at(bound, (at, column), np.where(near, error, 0.0))
    return value if n.plain else Bounded(value, bound, unit)


def linear_matrices(n: NodeValues) -> list[Array]:
    return [
        np.eye(length) if length == outputs else _matrix(n, length, outputs, factor, _hat, 1)
        for length, outputs, factor in _axes(n)
    ]


rule_of_separable(
    "UpsampleLinear1DBackward0 UpsampleBilinear2DBackward0 UpsampleTrilinear3DBackward0",
    linear_matrices,
    _FORMULA,
    "Each output was a mean of its two neighbours along every axis; each neighbour gets its share of the gradient.",
    label=_WEIGHT,
)


def cubic_matrices(n: NodeValues) -> list[Array]:
    axes = _axes(n)
    if all(length == outputs for length, outputs, _ in axes):
        return [np.eye(length) for length, _, _ in axes]
    return [_matrix(n, *axis, lambda d: cubic(d, -0.75), 2) for axis in axes]


rule_of_separable(
    "UpsampleBicubic2DBackward0",
    cubic_matrices,
    _FORMULA,
    "Each output was a weighted mean of its four neighbours along both axes; each gets its share, some a negative one.",
    label=_WEIGHT,
)


def _lanczos(distance: Floats) -> Floats:
    return np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)


_SMOOTH: dict[str, tuple[Kernel, int]] = {
    "Bilinear": (_hat, 1),
    "Bicubic": (lambda d: cubic(d, -0.5), 2),
    "Lanczos": (_lanczos, 3),
}


def smooth_matrices(n: NodeValues) -> list[Array]:
    """The kernel is widened to the distance of the outputs, so that every input counts (`_compute_indices_weights_aa`).

    The rounding of a place moves each of its weights, before they are divided by their sum, by up to 1.5 times it.
    """
    kernel, reach = next(found for name, found in _SMOOTH.items() if name in n.type)
    unit = _unit(n)
    matrices = []
    for length, outputs, factor in _axes(n):
        scale = _scale(length, outputs, factor, n.argument("align_corners", False))
        wide = max(scale, 1.0)
        centre = scale * (np.arange(outputs) + 0.5)
        distance = (np.arange(length)[:, None] + 0.5 - centre) / wide
        weight = kernel(distance)
        error = unit * (6.0 * (centre + 1.0) / wide + 16.0)
        near = np.abs(distance) < reach + error
        weights: Array = weight if n.plain else Bounded(weight, np.where(near, error, 0.0), unit)
        matrices.append(weights / np.sum(weights, axis=0, keepdims=True))
    return matrices


rule_of_separable(
    "UpsampleBilinear2DAaBackward0 UpsampleBicubic2DAaBackward0 UpsampleLanczos2DAaBackward0",
    smooth_matrices,
    _FORMULA,
    "Each output was a weighted mean of all inputs that it covers; each of them gets its share of the gradient.",
    label=_WEIGHT,
)


# -- their backward passes as nodes ------------------------------------------------------------------------------------

_TWICE: dict[str, Matrices] = {
    "UpsampleNearest1DBackwardBackward0 UpsampleNearest2DBackwardBackward0 UpsampleNearest3DBackwardBackward0 "
    "UpsampleNearestExact1DBackwardBackward0 UpsampleNearestExact2DBackwardBackward0 "
    "UpsampleNearestExact3DBackwardBackward0": nearest_matrices,
    "UpsampleLinear1DBackwardBackward0 UpsampleBilinear2DBackwardBackward0 "
    "UpsampleTrilinear3DBackwardBackward0": linear_matrices,
    "UpsampleBicubic2DBackwardBackward0": cubic_matrices,
    "UpsampleBilinear2DAaBackwardBackward0 UpsampleBicubic2DAaBackwardBackward0": smooth_matrices,
}


for _types, _matrices in _TWICE.items():
    rule_of_separable_twice(
        _types,
        _matrices,
        {"grad_output": r"\sum_i w_{o i} \, G_i"},
        "The backward pass shared gradients out among neighbours; passed again, it is the interpolation itself.",
        label=_WEIGHT,
    )
