"""The backward passes of batch and layer norm as nodes: what a gradient penalty, or learning through a learning step,
sends through them.

With h = grad_out · γ, x̂ = (x - μ) / σ and ⟨·⟩ for the sum over a set of N numbers, such a node computed

    grad_input = P(h) / σ,  grad_weight = Σ grad_out · x̂,  grad_bias = Σ grad_out

where P(h) = h - ⟨h⟩ / N - x̂ ⟨h x̂⟩ / N takes out the mean and the part along x̂. The gradients U, V, B of these three go
back to each of its inputs by the product rule; P is symmetric, and 1 / σ and x̂ depend on x.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array
from engine.rules.registry import rule
from engine.rules.values import NodeValues

_FORMULAS = {
    "grad_out": r"\frac{\gamma}{\sigma} P(U) + V \hat{x} + B, "
    r"\quad P(h) = h - \overline{h} - \hat{x} \cdot \overline{h \hat{x}}",
    "input": r"\frac{1}{\sigma} P \left( V G_o - \frac{U \, \overline{h \hat{x}} + h \, \overline{U \hat{x}}}{\sigma} "
    r"\right) - \frac{\hat{x}}{\sigma^2} \left( \overline{U h} - \overline{U} \, \overline{h} "
    r"- \overline{U \hat{x}} \, \overline{h \hat{x}} \right), \quad h = G_o \gamma",
    "weight": r"\sum \frac{G_o}{\sigma} P(U)",
}
_WORDS = (
    "The backward pass of a normalization, passed again. What it took out of the gradient stays out; and as the mean "
    "and the deviation depend on the input, the input gets a gradient, too."
)


class _Set:
    """Means over the sets of numbers that were normalized together, and what they take out."""

    def __init__(self, x: Array, mean: Array, invstd: Array, axes: tuple[int, ...]) -> None:
        self.axes, self.invstd = axes, invstd
        self.count = math.prod(x.shape[axis] for axis in axes)
        self.normalized = (x - mean) * invstd

    def mean(self, array: Array) -> Array:
        return np.sum(array, axis=self.axes, keepdims=True) / self.count

    def project(self, array: Array) -> Array:
        return array - self.mean(array) - self.normalized * self.mean(array * self.normalized)


def _input_gradient(
    found: _Set, given: Array, weighted: Array, entering: Array | None, by_weight: Array | None
) -> Array:
    """`given`: grad_out; `weighted`: h; `entering`: U; `by_weight`: V, shaped to go with them."""
    inner: Array = 0.0 if by_weight is None else given * by_weight
    direct: Any = 0.0
    if entering is not None:
        along, along_u = found.mean(weighted * found.normalized), found.mean(entering * found.normalized)
        inner = inner - (entering * along + weighted * along_u) * found.invstd
        spread = found.mean(entering * weighted) - found.mean(entering) * found.mean(weighted) - along_u * along
        direct = found.normalized * found.invstd * found.invstd * spread
    return found.project(inner) * found.invstd - direct


def _gradients(
    n: NodeValues, found: _Set, weight: Array | None, *, fixed: bool, slots: tuple[int, int, int], own: tuple[int, ...]
) -> dict[int, Array]:
    """Of grad_out, input and weight at `slots`. `fixed`: mean and deviation were not those of the input. `own`: the
    axes over which a weight is shared."""
    given = n.saved("grad_out")
    entering = n.grad(0) if n.has_grad(0) else None
    shape = tuple(1 if axis in own else length for axis, length in enumerate(given.shape))
    by_weight, by_bias = (n.grad(slot).reshape(shape) if n.has_grad(slot) else None for slot in (1, 2))
    spread: Any = 0.0
    if entering is not None:
        spread = (entering if fixed else found.project(entering)) * found.invstd
    gradients: dict[int, Array] = {}
    if n.needs(slots[0]):
        total = spread if weight is None else spread * weight
        total = total if by_weight is None else total + by_weight * found.normalized
        gradients[slots[0]] = np.zeros(given.shape) + (total if by_bias is None else total + by_bias)
    if n.needs(slots[1]):
        if fixed:
            whole = np.zeros(given.shape) if by_weight is None else given * by_weight * found.invstd
        else:
            whole = _input_gradient(found, given, given if weight is None else given * weight, entering, by_weight)
        gradients[slots[1]] = np.zeros(given.shape) + whole
    if n.needs(slots[2]):
        gradients[slots[2]] = np.reshape(np.sum(given * spread, axis=own), n.shape(slots[2]))
    return gradients


@rule("NativeLayerNormBackwardBackward0", _FORMULAS, _WORDS)
def layer_norm_twice(n: NodeValues) -> dict[int, Array]:
    x = n.saved("input")
    first = x.ndim - len(n.argument("normalized_shape"))
    found = _Set(x, n.saved("mean"), n.saved("rstd"), tuple(range(first, x.ndim)))
    weight = n.saved("weight") if n.has("weight") else None
    return _gradients(n, found, weight, fixed=False, slots=(0, 1, 4), own=tuple(range(first)))


@rule("NativeBatchNormBackwardBackward0", _FORMULAS, _WORDS)
def batch_norm_twice(n: NodeValues) -> dict[int, Array]:
    x = n.saved("input")
    training = bool(n.argument("train"))
    if training:
        mean, invstd = n.saved("save_mean"), n.saved("save_invstd")
    else:
        mean, invstd = n.saved("running_mean"), 1.0 / np.sqrt(n.saved("running_var") + float(n.argument("eps")))
    axes = (0, *range(2, x.ndim))
    shape = (-1, *[1] * (x.ndim - 2))
    found = _Set(x, mean.reshape(shape), invstd.reshape(shape), axes)
    weight = n.saved("weight").reshape(shape) if n.has("weight") else None
    return _gradients(n, found, weight, fixed=not training, slots=(0, 1, 2), own=axes)
