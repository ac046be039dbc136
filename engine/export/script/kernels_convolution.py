"""The program's own functions that slide a window over images: convolution and pooling, in 1, 2 and 3 dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def each(size: Array, dimensions: int) -> Array:
    """One number for each dimension."""
    return (size,) * dimensions if isinstance(size, int) else tuple(size)


def padded(x: Array, padding: Array, fill: float = 0, beyond: Array = 0) -> Array:
    """`x` of shape (N, C, …) with a margin in the dimensions of the image, `beyond` more of it at their ends."""
    more = each(beyond, x.ndim - 2)
    margins = [(size, size + extra) for size, extra in zip(padding, more, strict=True)]
    return np.pad(x, [(0, 0), (0, 0), *margins], constant_values=fill)


def windows(x: Array, kernel: Array, stride: Array, dilation: Array) -> Array:
    """Everything that a kernel of that size sees on its way: a view of shape (N, C, positions…, kernel…)."""
    axes = tuple(range(2, x.ndim))
    spans = tuple(gap * (size - 1) + 1 for size, gap in zip(kernel, dilation, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    steps = [slice(None, None, step) for step in (*stride, *dilation)]
    return seen[(slice(None), slice(None), *steps)]


def landing(offset: Array, positions: Array, stride: Array, dilation: Array) -> Array:
    """Where the number at `offset` in the kernel lies, for every position of the window: an index of the image."""
    index = [slice(None), slice(None)]
    for place, gap, step, count in zip(offset, dilation, stride, positions, strict=True):
        index.append(slice(place * gap, place * gap + step * (count - 1) + 1, step))
    return tuple(index)


def trimmed(x: Array, padding: Array, beyond: Array = 0) -> Array:
    """`x` without its margin."""
    more = each(beyond, x.ndim - 2)
    inner = [slice(size, end - size - extra) for size, end, extra in zip(padding, x.shape[2:], more, strict=True)]
    return x[(slice(None), slice(None), *inner)]


def convolution(
    x: Array, weight: Array, stride: Array = 1, padding: Array = 0, dilation: Array = 1, groups: int = 1
) -> Array:
    """Each number of the output is the sum of a window of `x` times a kernel.

    x (N, C, …), weight (O, C / groups, …): in each group of channels every kernel sees only that group.
    """
    dims = x.ndim - 2
    seen = windows(padded(x, each(padding, dims)), weight.shape[2:], each(stride, dims), each(dilation, dims))
    of_window = [1, *range(2 + dims, 2 + 2 * dims)]
    parts = [
        np.tensordot(channels, kernels, (of_window, list(range(1, 2 + dims))))
        for channels, kernels in zip(np.split(seen, groups, 1), np.split(weight, groups, 0), strict=True)
    ]
    return np.moveaxis(np.concatenate(parts, -1), -1, 1)


def convolution_grad_weight(
    grad: Array, x: Array, shape: Array, stride: Array = 1, padding: Array = 0, dilation: Array = 1, groups: int = 1
) -> Array:
    """Each number of a kernel was multiplied with one number of every window: the sum of these times the gradient."""
    dims = x.ndim - 2
    seen = windows(padded(x, each(padding, dims)), shape[2:], each(stride, dims), each(dilation, dims))
    seen = seen[(slice(None), slice(None), *(slice(length) for length in grad.shape[2:]))]
    of_position = [0, *range(2, 2 + dims)]
    parts = [
        np.tensordot(of_group, channels, (of_position, of_position))
        for of_group, channels in zip(np.split(grad, groups, 1), np.split(seen, groups, 1), strict=True)
    ]
    return np.concatenate(parts, 0)


def convolution_grad_input(
    grad: Array, weight: Array, shape: Array, stride: Array = 1, padding: Array = 0, dilation: Array = 1,
    groups: int = 1,
) -> Array:  # fmt: skip
    """Each number of the input was seen by several windows: the gradients of all, times the kernel, are added up."""
    dims = grad.ndim - 2
    stride, padding, dilation = each(stride, dims), each(padding, dims), each(dilation, dims)
    room = tuple(length + 2 * size for length, size in zip(shape[2:], padding, strict=True))
    total = np.zeros((*shape[:2], *room), grad.dtype)
    spread = np.concatenate(
        [
            np.tensordot(of_group, kernels, ([1], [0]))
            for of_group, kernels in zip(np.split(grad, groups, 1), np.split(weight, groups, 0), strict=True)
        ],
        1 + dims,
    )
    spread = np.moveaxis(spread, 1 + dims, 1)
    for offset in np.ndindex(*weight.shape[2:]):
        total[landing(offset, grad.shape[2:], stride, dilation)] += spread[(..., *offset)]
    return trimmed(total, padding)


def max_pool(
    x: Array, kernel: Array, stride: Array = 1, padding: Array = 0, dilation: Array = 1, beyond: Array = 0
) -> Array:
    """The largest number of each window, and which one that is, counted through the window."""
    dims = x.ndim - 2
    room = padded(x, each(padding, dims), -np.inf, each(beyond, dims))
    seen = windows(room, kernel, each(stride, dims), each(dilation, dims))
    seen = seen.reshape(*seen.shape[: 2 + dims], -1)
    return seen.max(axis=-1), seen.argmax(axis=-1)


def max_pool_backward(
    grad: Array, chosen: Array, shape: Array, kernel: Array, stride: Array = 1, padding: Array = 0, dilation: Array = 1,
    beyond: Array = 0,
) -> Array:  # fmt: skip
    """The gradient goes to the number that was the largest; the others get nothing."""
    dims = grad.ndim - 2
    stride, padding, dilation = each(stride, dims), each(padding, dims), each(dilation, dims)
    total = padded(np.zeros(shape, grad.dtype), padding, 0, beyond)
    for place, offset in enumerate(np.ndindex(*kernel)):
        total[landing(offset, grad.shape[2:], stride, dilation)] += grad * (chosen == place)
    return trimmed(total, padding, beyond)


def avg_pool(x: Array, kernel: Array, stride: Array = 1, padding: Array = 0) -> Array:
    """The mean of each window."""
    dims = x.ndim - 2
    seen = windows(padded(x, each(padding, dims)), kernel, each(stride, dims), (1,) * dims)
    return seen.mean(axis=tuple(range(2 + dims, 2 + 2 * dims)))


def avg_pool_backward(grad: Array, shape: Array, kernel: Array, stride: Array = 1, padding: Array = 0) -> Array:
    """Each number of a window gets an equal share of the gradient."""
    dims = grad.ndim - 2
    stride, padding = each(stride, dims), each(padding, dims)
    total = padded(np.zeros(shape, grad.dtype), padding)
    for offset in np.ndindex(*kernel):
        total[landing(offset, grad.shape[2:], stride, (1,) * dims)] += grad / math.prod(kernel)
    return trimmed(total, padding)
