"""What a program's lines call: plain functions of NumPy arrays, which are copied into the program as they are here.

They read like the formulas, keep to the precision of what they get (no constant makes float32 numbers float64), import
nothing but NumPy and math, and call only each other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def settled(choice: Array, where: Array, chosen: Array) -> Array:
    """`choice`, but at `where`, where two numbers are so close that rounding decides: there, as PyTorch chose."""
    choice = np.array(choice)
    choice.flat[where] = chosen
    return choice


def between(length: int, outputs: int, step: float, corners: bool) -> Array:
    """How much of each of `length` numbers is in each of `outputs` that lie on straight lines between them."""
    places = np.arange(outputs) * step if corners else np.maximum((np.arange(outputs) + 0.5) * step - 0.5, 0)
    low = np.minimum(places.astype(int), length - 1)
    high, share = np.minimum(low + 1, length - 1), places - low
    matrix = np.zeros((outputs, length))
    np.add.at(matrix, (np.arange(outputs), low), 1 - share)
    np.add.at(matrix, (np.arange(outputs), high), share)
    return matrix


def quotient(x: Array, y: Array) -> Array:
    """x / y, and zero where y is."""
    return np.where(y == 0, 0, x / np.where(y == 0, 1, y))


def erf(x: Array) -> Array:
    """The error function, number by number."""
    return np.vectorize(math.erf, otypes=[x.dtype])(x)


def gelu(x: Array) -> Array:
    """x times the probability that a normally distributed number is smaller than x."""
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def gelu_slope(x: Array) -> Array:
    return 0.5 * (1 + erf(x / math.sqrt(2))) + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def gelu_tanh(x: Array) -> Array:
    """GELU, with tanh in the place of the error function."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_tanh_slope(x: Array) -> Array:
    t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)


def softmax(x: Array, axis: int) -> Array:
    """Shares that sum to 1. The largest number is taken off first, so that nothing overflows."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def softmax_backward(grad: Array, shares: Array, axis: int) -> Array:
    """Each number gets its own gradient less the mean of all, weighted by the shares; times its share."""
    return shares * (grad - (grad * shares).sum(axis=axis, keepdims=True))


def log_softmax(x: Array, axis: int) -> Array:
    """The logarithm of the softmax."""
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def log_softmax_backward(grad: Array, log_shares: Array, axis: int) -> Array:
    """Each number gets its own gradient, less its share of the sum of all."""
    return grad - np.exp(log_shares) * grad.sum(axis=axis, keepdims=True)


def logsumexp(x: Array, axes: Array) -> Array:
    """The logarithm of the sum of powers, along `axes`, which are kept."""
    largest = x.max(axis=axes, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0)
    return largest + np.log(np.exp(x - largest).sum(axis=axes, keepdims=True))


def attention(query: Array, key: Array, value: Array, scale: float, causal: bool = False, mask: Array = None) -> Array:
    """softmax(Q Kᵀ · scale) V, and the weights that the softmax gave."""
    scores = query @ key.mT * scale
    if causal:  # no position sees a later one
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask.astype(scores.dtype)
    weights = softmax(scores.astype(query.dtype), -1)
    return weights @ value, weights


def attention_backward(grad: Array, query: Array, key: Array, value: Array, weights: Array, scale: float) -> Array:
    """Gradients of query, key and value."""
    grad_scores = softmax_backward(grad @ value.mT, weights, -1) * scale
    return grad_scores @ key, grad_scores.mT @ query, weights.mT @ grad


def view_of(x: Array, shape: Array, stride: Array, offset: int) -> Array:
    """The part of `x`, read as one long row, that starts at `offset` and goes on by `stride` in each dimension."""
    row = np.ascontiguousarray(x).reshape(-1)[offset:]
    return np.lib.stride_tricks.as_strided(row, shape, [step * row.itemsize for step in stride])


def overflowed(x: Array) -> Array:
    """What rounds to more than 65504, the largest number of float16, is infinite there."""
    return np.where(np.abs(x) >= 65520, np.copysign(np.inf, x), x)


def per_channel(numbers: Array, ndim: int) -> Array:
    """One number a channel, in the shape of (N, C, …) arrays with `ndim` dimensions."""
    return np.reshape(numbers, (1, -1, *(1,) * (ndim - 2)))


def batch_norm(
    x: Array, weight: Array, bias: Array, eps: float, running_mean: Array = None, running_var: Array = None
) -> Array:
    """Each channel with mean 0 and variance 1, then times weight plus bias.

    With running statistics, as in eval mode, these are used. Also returns the normalized numbers and 1 / deviation.
    """
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axis=axes) if running_mean is None else running_mean.astype(x.dtype)
    centered = x - per_channel(mean, x.ndim)
    variance = (centered * centered).mean(axis=axes) if running_var is None else running_var.astype(x.dtype)
    scale = per_channel(1 / np.sqrt(variance + eps), x.ndim)
    normal = centered * scale
    return normal * per_channel(weight, x.ndim) + per_channel(bias, x.ndim), normal, scale


def batch_norm_backward(grad: Array, weight: Array, normal: Array, scale: Array) -> Array:
    """Gradients of input, weight and bias.

    The input acts in three ways: by itself, through the mean, and through the variance.
    """
    axes = (0, *range(2, grad.ndim))
    grad_normal = grad * per_channel(weight, grad.ndim)
    through_mean = grad_normal.mean(axis=axes, keepdims=True)
    through_variance = normal * (grad_normal * normal).mean(axis=axes, keepdims=True)
    return scale * (grad_normal - through_mean - through_variance), (grad * normal).sum(axis=axes), grad.sum(axis=axes)


def frozen_batch_norm_backward(grad: Array, weight: Array, normal: Array, scale: Array) -> Array:
    """The same with running statistics, which do not depend on the input."""
    axes = (0, *range(2, grad.ndim))
    grad_x = grad * per_channel(weight, grad.ndim) * scale
    return grad_x, (grad * normal).sum(axis=axes), grad.sum(axis=axes)


def layer_norm(x: Array, weight: Array, bias: Array, eps: float, axes: Array) -> Array:
    """Each sample with mean 0 and variance 1 over `axes`, then times weight plus bias; the rest as in batch norm."""
    centered = x - x.mean(axis=axes, keepdims=True)
    scale = 1 / np.sqrt((centered * centered).mean(axis=axes, keepdims=True) + eps)
    normal = centered * scale
    return normal * weight + bias, normal, scale


def layer_norm_backward(grad: Array, weight: Array, normal: Array, scale: Array, axes: Array) -> Array:
    """Gradients of input (by itself, through the mean, through the variance), weight and bias."""
    samples = tuple(range(grad.ndim - len(axes)))
    grad_normal = grad * weight
    through_mean = grad_normal.mean(axis=axes, keepdims=True)
    through_variance = normal * (grad_normal * normal).mean(axis=axes, keepdims=True)
    grad_x = scale * (grad_normal - through_mean - through_variance)
    return grad_x, (grad * normal).sum(axis=samples), grad.sum(axis=samples)


def group_norm(x: Array, weight: Array, bias: Array, eps: float, groups: int) -> Array:
    """Each group of channels of each sample with mean 0 and variance 1, then times weight plus bias."""
    grouped = x.reshape(x.shape[0], groups, -1)
    centered = grouped - grouped.mean(axis=2, keepdims=True)
    scale = 1 / np.sqrt((centered * centered).mean(axis=2, keepdims=True) + eps)
    normal = (centered * scale).reshape(x.shape)
    return normal * per_channel(weight, x.ndim) + per_channel(bias, x.ndim), normal, scale


def group_norm_backward(grad: Array, weight: Array, normal: Array, scale: Array) -> Array:
    """Gradients of input (by itself, through the mean, through the variance), weight and bias."""
    axes = (0, *range(2, grad.ndim))
    grouped = (*scale.shape[:2], -1)
    grad_normal, flat = (grad * per_channel(weight, grad.ndim)).reshape(grouped), normal.reshape(grouped)
    through_mean = grad_normal.mean(axis=2, keepdims=True)
    through_variance = flat * (grad_normal * flat).mean(axis=2, keepdims=True)
    grad_x = (scale * (grad_normal - through_mean - through_variance)).reshape(grad.shape)
    return grad_x, (grad * normal).sum(axis=axes), grad.sum(axis=axes)


def averages(outputs: int, inputs: int, number: Array) -> Array:
    """A matrix whose rows average as many neighbours as it takes to come from `inputs` numbers to `outputs`."""
    matrix = np.zeros((outputs, inputs), number)
    for row in range(outputs):
        start, end = row * inputs // outputs, -(-(row + 1) * inputs // outputs)
        matrix[row, start:end] = 1 / (end - start)
    return matrix
