"""Gradients of normalizations: plain functions of arrays, or of `Bounded`."""

from __future__ import annotations

from math import prod

import numpy as np

from engine.arithmetic.bounded import Array


def normalized_gradient(g: Array, x: Array, mean: Array, invstd: Array, axes: tuple[int, ...]) -> Array:
    """The gradient of x where (x - mean) · invstd, with the mean and deviation of x over `axes`, got the gradient `g`.

    `mean` and `invstd` have length 1 along `axes`.
    """
    count = prod(x.shape[axis] for axis in axes)
    centred = x - mean
    shared = np.sum(g, axis=axes, keepdims=True) / count
    along = np.sum(g * centred, axis=axes, keepdims=True) * invstd * invstd / count
    return (g - shared - centred * along) * invstd


def expanded_gradient(g: Array, x: Array, mean: Array, invstd: Array, axes: tuple[int, ...]) -> Array:
    """The same as torch's kernels of layer and group norm have it, a·g + b·x + c.

    It loses digits where the mean is large against the deviation, so a proof of theirs has to go the same way.
    """
    count = prod(x.shape[axis] for axis in axes)
    total = np.sum(g, axis=axes, keepdims=True)
    b = (total * mean - np.sum(g * x, axis=axes, keepdims=True)) * invstd * invstd * invstd / count
    c = -b * mean - total * invstd / count
    return invstd * g + b * x + c


def rms_gradient(g: Array, x: Array, invrms: Array, axes: tuple[int, ...]) -> Array:
    """The gradient of x where x · invrms, with the root mean square of x over `axes`, got the gradient `g`."""
    count = prod(x.shape[axis] for axis in axes)
    along = np.sum(g * x, axis=axes, keepdims=True) * invrms * invrms / count
    return (g - x * along) * invrms
