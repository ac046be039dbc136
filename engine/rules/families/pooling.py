"""Pooling: the mean or the largest of a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.arithmetic.bounded import Floats
from engine.recording.model import Shape
from engine.rules.registry import moving, rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues
from engine.rules.windows import (
    Matrices,
    add_into_planes,
    plane_terms,
    rule_of_separable,
    rule_of_separable_twice,
    take_from_planes,
)

_RANKS = {"1D": 1, "2D": 2, "3D": 3}


def rank_of(n: NodeValues) -> int:
    """How many axes a window has, which the type says."""
    return next(rank for name, rank in _RANKS.items() if name in n.type)


def _largest_places(n: NodeValues) -> Any:
    return n.saved("result1")


def _largest_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    return plane_terms(index, _largest_places(n), n.shape(0)[-rank_of(n) :], "where it was the largest")


@rule(
    "MaxPool2DWithIndicesBackward0 MaxPool3DWithIndicesBackward0 AdaptiveMaxPool2DBackward0 "
    "AdaptiveMaxPool3DBackward0 FractionalMaxPool2DBackward0 FractionalMaxPool3DBackward0",
    {"self": r"\sum_{o \,:\, \mathrm{argmax}_o = i} G_o"},
    "Each window's gradient goes to the one element that was its largest; all others get nothing from that window.",
    terms=_largest_terms,
)
def max_pool(n: NodeValues) -> tuple[Any, ...]:
    return (add_into_planes(n.grad(), _largest_places(n), n.shape(0)[-rank_of(n) :]),)


@moving(
    "MaxPool2DWithIndicesBackwardBackward0 MaxPool3DWithIndicesBackwardBackward0 "
    "AdaptiveMaxPool2DBackwardBackward0 AdaptiveMaxPool3DBackwardBackward0 "
    "FractionalMaxPool2DBackwardBackward0 FractionalMaxPool3DBackwardBackward0",
    {"grad_output": r"G_{\mathrm{argmax}_o}", "self": "0"},
    "The backward of max pooling put each number where its window's largest was: from there the gradient comes back.",
)
def max_pool_backward(n: NodeValues) -> tuple[Any, ...]:
    zeros = np.zeros(n.shape(1)) if n.needs(1) else None
    return take_from_planes(n.grad(), n.saved("indices"), rank_of(n)), zeros


@moving(
    "MaxUnpool2DBackward0 MaxUnpool3DBackward0",
    {"self": r"G_{\mathrm{index}_i}"},
    "Each element went to one place of a larger tensor of zeros, and gets the gradient from that place.",
)
def max_unpool(n: NodeValues) -> tuple[Any, ...]:
    return (take_from_planes(n.grad(), n.saved("indices"), rank_of(n)),)


def _mean_matrix(start: Floats, end: Floats, length: int, divisors: Floats) -> Floats:
    """`matrix[i, o]` is 1 / divisors[o] for the places i of an axis from start[o] up to end[o]."""
    place = np.arange(length)[:, None]
    return np.where((place >= start) & (place < end), 1.0 / divisors, 0.0)


def average_matrices(n: NodeValues) -> list[Floats]:
    rank = rank_of(n)
    padding, kernel = (each_axis(n.argument(name), rank) for name in ("padding", "kernel_size"))
    stride = each_axis(n.argument("stride", ()) or kernel, rank)
    divisor = n.argument("divisor_override", None)
    matrices = []
    for axis in range(rank):
        length, outputs = n.shape(0)[axis - rank], n.grad_shape()[axis - rank]
        start = np.arange(outputs) * stride[axis] - padding[axis]
        end = np.minimum(start + kernel[axis], length + padding[axis])
        inside = np.minimum(end, length) - np.maximum(start, 0)
        divisors = end - start if n.argument("count_include_pad", True) else inside
        if divisor:
            divisors = np.full(outputs, divisor if axis == 0 else 1)
        matrices.append(_mean_matrix(start, end, length, divisors))
    return matrices


def each_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number stands for every axis."""
    numbers = (value,) if isinstance(value, int) else tuple(value)
    return numbers * rank if len(numbers) == 1 else numbers


def adaptive_matrices(n: NodeValues) -> list[Floats]:
    rank = rank_of(n)
    matrices = []
    for length, outputs in zip(n.shape(0)[-rank:], n.grad_shape()[-rank:], strict=True):
        place = np.arange(outputs)
        start, end = place * length // outputs, -(-(place + 1) * length // outputs)
        matrices.append(_mean_matrix(start, end, length, end - start))
    return matrices


_MEANS: dict[str, Matrices] = {"AvgPool{}DBackward": average_matrices, "AdaptiveAvgPool{}DBackward": adaptive_matrices}
_SHARE = "1 / size of the window"

for _name, _matrices in _MEANS.items():
    _types = [_name.format(rank) for rank in (2, 3)]
    rule_of_separable(
        " ".join(f"{each}0" for each in _types),
        _matrices,
        r"\sum_{o \,:\, i \in W_o} \frac{G_o}{|W_o|}",
        "Each window's gradient is shared out equally among the elements of the window.",
        label=_SHARE,
    )
    rule_of_separable_twice(
        " ".join(f"{each}Backward0" for each in _types),
        _matrices,
        {"grad_output": r"\frac{1}{|W_o|} \sum_{i \in W_o} G_i", "self": "0"},
        "The backward pass of a mean shared its gradient out; passed again, it takes the mean, as the forward did.",
        label=_SHARE,
    )
