"""Convolution and its two gradients, in any number of dimensions: plain functions of plain arrays.

All three walk through the positions of the kernel; at each, what the kernel touches is a strided slice of the padded
input, and the rest is one product of matrices. Images are (batch, channels, *positions), kernels (output channels,
input channels / groups, *positions); `stride`, `padding` and `dilation` have one number a dimension.

A transposed convolution is the gradient of a convolution with respect to its input, and the other way round:
`convolve_input_gradient(x, kernel, shape_of_output, …)`, whose kernel is (input channels, output channels / groups, …).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.arithmetic.bounded import Floats

Sizes = Sequence[int]


def convolve(x: Floats, kernel: Floats, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Floats:
    """The convolution of images `x` with `kernel`, without bias: (batch, output channels, *positions)."""
    shape = output_positions(x.shape[2:], kernel.shape[2:], stride, padding, dilation)
    padded = _padded(x, padding, groups)
    weights = _by_position(kernel, groups)
    total = np.zeros((groups, weights.shape[2], x.shape[0] * int(np.prod(shape))), np.result_type(x, kernel))
    for number, position in enumerate(np.ndindex(kernel.shape[2:])):
        touched = padded[_touched(position, shape, stride, dilation)]
        total += weights[number] @ touched.reshape(groups, touched.shape[1], -1)
    return _images(total.reshape(*total.shape[:2], x.shape[0], *shape))


def convolve_input_gradient(
    g: Floats, kernel: Floats, shape: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Floats:
    """The gradient of `convolve` for its images, which have `shape` without channels; `g` is that of the result."""
    weights = np.ascontiguousarray(np.swapaxes(_by_position(kernel, groups), -1, -2))
    reached = g.reshape(g.shape[0], groups, -1, *g.shape[2:])
    entering = np.moveaxis(reached, 0, 2)
    columns = np.ascontiguousarray(entering).reshape(groups, entering.shape[1], -1)
    whole = [length + 2 * pad for length, pad in zip(shape, padding, strict=True)]
    total = np.zeros((groups, weights.shape[2], g.shape[0], *whole), np.result_type(g, kernel))
    for number, position in enumerate(np.ndindex(kernel.shape[2:])):
        part = weights[number] @ columns
        total[_touched(position, g.shape[2:], stride, dilation)] += part.reshape(*part.shape[:2], *entering.shape[2:])
    inside: Any = tuple(slice(pad, pad + length) for length, pad in zip(shape, padding, strict=True))
    return _images(total[(..., *inside)])


def convolve_kernel_gradient(
    g: Floats, x: Floats, shape: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Floats:
    """The gradient of `convolve` for its kernel, which has `shape` without channels; `g` is that of the result."""
    padded = _padded(x, padding, groups)
    entering = np.moveaxis(g.reshape(g.shape[0], groups, -1, *g.shape[2:]), 0, 2)
    rows = np.ascontiguousarray(entering).reshape(groups, entering.shape[1], -1)
    found = np.zeros((int(np.prod(shape)), groups, rows.shape[1], padded.shape[1]), np.result_type(g, x))
    for number, position in enumerate(np.ndindex(*shape)):
        touched = padded[_touched(position, g.shape[2:], stride, dilation)]
        columns = touched.reshape(groups, touched.shape[1], -1)
        found[number] = rows @ np.swapaxes(columns, -1, -2)
    return np.moveaxis(found, 0, -1).reshape(groups * rows.shape[1], padded.shape[1], *shape)


def output_positions(shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> tuple[int, ...]:
    """How many places the kernel takes along each dimension of an image of `shape`."""
    return tuple(
        (length + 2 * pad - d * (k - 1) - 1) // s + 1
        for length, k, s, pad, d in zip(shape, kernel, stride, padding, dilation, strict=True)
    )


def _padded(x: Floats, padding: Sizes, groups: int) -> Floats:
    """Images as (groups, channels of a group, batch, *positions), with zeros around."""
    grouped = np.moveaxis(x.reshape(x.shape[0], groups, -1, *x.shape[2:]), 0, 2)
    return np.pad(grouped, [(0, 0)] * 3 + [(pad, pad) for pad in padding])


def _by_position(kernel: Floats, groups: int) -> Floats:
    """(positions, groups, output channels of a group, input channels of a group)."""
    grouped = kernel.reshape(groups, -1, kernel.shape[1], int(np.prod(kernel.shape[2:])))
    return np.ascontiguousarray(np.moveaxis(grouped, -1, 0))


def _touched(position: Sizes, shape: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """Where a position of the kernel is on the padded image, for all `shape` places of the kernel."""
    starts = [at * d for at, d in zip(position, dilation, strict=True)]
    return (..., *(slice(a, a + s * (n - 1) + 1, s) for a, s, n in zip(starts, stride, shape, strict=True)))


def _images(grouped: Floats) -> Floats:
    moved = np.moveaxis(grouped, 2, 0)
    return moved.reshape(moved.shape[0], -1, *moved.shape[3:])
