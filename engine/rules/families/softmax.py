"""Softmax and its relatives: what is shared among the members of a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.arithmetic.bounded import Floats
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

Index = tuple[int, ...]


def softmax_gradient(g: Array, y: Array, axis: int) -> Array:
    """The gradient of x where y = softmax(x) along `axis` got the gradient `g`."""
    if not np.ndim(y):
        return y * (g - g * y)
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def log_softmax_gradient(g: Array, y: Array, axis: int) -> Array:
    """The gradient of x where y = log softmax(x) along `axis` got the gradient `g`."""
    total = np.sum(g, axis=axis, keepdims=True) if np.ndim(y) else g
    return g - np.exp(y) * total


def _row(shape: tuple[int, ...], index: Index, axis: int) -> tuple[Any, ...]:
    """Where the members of the row of element `index` lie."""
    if not shape:
        return ()
    axis %= len(shape)
    return (*index[:axis], np.arange(shape[axis]), *index[axis + 1 :])


def _own(index: Index) -> tuple[Any, ...]:
    return tuple(np.array([at]) for at in index)


def _two_parts(index: Index, row: tuple[Any, ...], own: Floats, through: Floats) -> list[TermGroup]:
    return [TermGroup(0, _own(index), own, "by itself"), TermGroup(0, row, through, "through the sum")]


def _softmax_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    y = value_of(n.saved("result" if n.has("result") else "output"))
    if slot == 1:
        return _second_terms(n, y, index)
    row = _row(y.shape, index, _axis(n))
    return _two_parts(index, row, y[index].reshape(1 if y.ndim else ()), -y[index] * y[row])


def _second_terms(n: NodeValues, y: Floats, index: Index) -> list[TermGroup]:
    """Of a softmax's gradient with respect to the softmax."""
    row = _row(y.shape, index, _axis(n))
    entered = value_of(n.saved("grad_output"))
    own = np.asarray(entered[index] - np.sum(entered[row] * y[row])).reshape(1 if y.ndim else ())
    return _two_parts(index, row, own, -entered[index] * y[row])


def _axis(n: NodeValues) -> int:
    return int(n.argument("dim", -1))


@rule(
    "SoftmaxBackward0 SafeSoftmaxBackward0 MaskedSoftmaxBackward0",
    {"self": r"y \left( G - \sum_{j} G_j \, y_j \right)"},
    "Probabilities share one whole: a row's gradient is weighed by the probabilities, and what all have in common is "
    "taken out, because raising one means lowering the others.",
    terms=_softmax_terms,
)
def softmax(n: NodeValues) -> tuple[Array, ...]:
    return (softmax_gradient(n.grad(), n.saved("result"), _axis(n)),)


def _log_softmax_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    y = value_of(n.saved("result"))
    row = _row(y.shape, index, _axis(n))
    one = np.ones(1 if y.ndim else ())
    return _two_parts(index, row, one, -np.exp(y[index]) * np.ones(np.shape(y[row])))


@rule(
    "LogSoftmaxBackward0",
    {"self": r"G - e^{y} \sum_{j} G_j"},
    "Each score gets its own gradient, less its probability's share of the whole row's. With a cross entropy behind "
    "it, that is the probability minus one for the right class, and the probability for the others.",
    terms=_log_softmax_terms,
)
def log_softmax(n: NodeValues) -> tuple[Array, ...]:
    return (log_softmax_gradient(n.grad(), n.saved("result"), _axis(n)),)


@rule(
    "SoftmaxBackwardDataBackward0",
    {
        "grad_output": r"y \left( G - \sum_{j} G_j \, y_j \right)",
        "output": r"G \left( g - \sum_{j} g_j \, y_j \right) - g \sum_{j} G_j \, y_j",
    },
    "The gradient of a softmax's gradient: by what entered it the same formula again, by its result what each "
    "probability did to its row.",
    terms=_softmax_terms,
)
def softmax_backward(n: NodeValues) -> dict[int, Array]:
    g, y, axis = n.grad(), n.saved("output"), _axis(n)
    found = {}
    if n.needs(0):
        found[0] = softmax_gradient(g, y, axis)
    if n.needs(1):
        entered = n.saved("grad_output")
        if np.ndim(y):
            lost, along = (np.sum(part * y, axis=axis, keepdims=True) for part in (entered, g))
        else:
            lost, along = entered * y, g * y
        found[1] = g * (entered - lost) - entered * along
    return found


@rule(
    "LogSoftmaxBackwardDataBackward0",
    {"grad_output": r"G - \sum_{j} G_j \, e^{y_j}", "output": r"-G \, e^{y} \sum_{j} g_j"},
    "The gradient of a log softmax's gradient: by what entered it, and by its result.",
)
def log_softmax_backward(n: NodeValues) -> dict[int, Array]:
    g, axis = n.grad(), _axis(n)
    probability = np.exp(n.saved("output"))
    found = {}
    if n.needs(0):
        found[0] = g - np.sum(g * probability, axis=axis, keepdims=True)
    if n.needs(1):
        found[1] = -np.sum(n.saved("grad_output"), axis=axis, keepdims=True) * probability * g
    return found


def _kept(n: NodeValues, reduced: Array, dimensions: int) -> Array:
    """What was reduced, with the reduced dimensions of length 1 again."""
    axes = tuple(int(axis) % max(dimensions, 1) for axis in n.argument("dim"))
    if not dimensions or n.argument("keepdim", False):
        return reduced
    return np.expand_dims(reduced, axes or tuple(range(dimensions)))


def _logsumexp_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    x = value_of(n.saved("self"))
    coefficient = np.broadcast_to(np.exp(x - value_of(_kept(n, n.saved("result"), x.ndim))), x.shape)[index]
    shape = np.shape(_kept(n, np.zeros(n.grad_shape()), x.ndim))
    kept = tuple(0 if length == 1 else at for at, length in zip(index, shape, strict=False))
    at = np.ravel_multi_index(kept, shape) if kept else 0
    place = np.unravel_index(at, n.grad_shape()) if n.grad_shape() else ()
    return [
        TermGroup(
            0, tuple(np.array([int(i)]) for i in place), np.reshape(coefficient, (1,) if place else ()), "softmax"
        )
    ]


@rule(
    "LogsumexpBackward0",
    {"self": r"G \cdot e^{x - y}"},
    "Each member gets its share of the gradient: the softmax of the members.",
    terms=_logsumexp_terms,
)
def logsumexp(n: NodeValues) -> tuple[Array, ...]:
    x = n.saved("self")
    return (_kept(n, n.grad(), np.ndim(x)) * np.exp(x - _kept(n, n.saved("result"), np.ndim(x))),)
