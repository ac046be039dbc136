"""Fourier transforms: sums of waves. The gradient goes through the same waves turned back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded
from engine.arithmetic.bounded import Floats
from engine.recording.model import Shape
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

_WAVES = r"\frac{1}{s} \sum_k G_k \cdot e^{\pm 2 \pi i \, j k / n}"


def axes_of(n: NodeValues) -> tuple[int, ...]:
    rank = len(n.grad_shape())
    return tuple(axis % rank for axis in n.argument("dim"))


def factor(n: NodeValues, count: int) -> float:
    """What a sum of `count` waves is multiplied by: nothing, 1 / √count, 1 / count."""
    return (1.0, 1.0 / math.sqrt(max(1, count)), 1.0 / max(1, count))[n.argument("normalization")]


def waves(array: Array, axes: Sequence[int], *, forward: bool) -> Array:
    """The transform along `axes`, not normalized.

    A fast transform of m elements errs by about log2 m roundings of the root of the sum of squares of what it sums
    (Higham, chapter 24).
    """
    if not isinstance(array, Bounded):
        return _transform(array, axes, forward)
    count = math.prod(array.shape[axis] for axis in axes)
    size = np.sqrt(np.sum(np.square(np.abs(array.value)), axis=tuple(axes), keepdims=True))
    error = 4 * array.unit * (1 + math.log2(max(2, count))) * size
    if array.error is not None:
        error = error + np.sum(array.error, axis=tuple(axes), keepdims=True)
    return Bounded(_transform(array.value, axes, forward), np.broadcast_to(error, array.shape), array.unit)


def _transform(array: Floats, axes: Sequence[int], forward: bool) -> Floats:
    if array.size == 0 or not axes:
        return array.astype(np.complex128)
    return np.fft.fftn(array, axes=axes) if forward else np.fft.ifftn(array, axes=axes, norm="forward")


def _wave_terms(n: NodeValues, index: Shape, sign: int, times: float) -> list[TermGroup]:
    """All elements of the gradient along the transformed axes, each times its wave at `index`."""
    axes = axes_of(n)
    grids = np.meshgrid(
        *(np.arange(length) if axis in axes else np.array([index[axis]]) for axis, length in enumerate(n.grad_shape())),
        indexing="ij",
    )
    lengths = [max(one, other) for one, other in zip(n.grad_shape(), n.shape(0), strict=True)]  # one may be half
    turns = sum((index[axis] * grids[axis] / lengths[axis] for axis in axes), start=np.zeros(grids[0].shape))
    waves = times * np.exp(sign * 2j * np.pi * turns)
    return [TermGroup(0, tuple(grid.ravel() for grid in grids), waves.ravel(), "wave")]


def _complex_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    count = math.prod(n.shape(0)[axis] for axis in axes_of(n))
    return _wave_terms(n, index, 1 if n.argument("forward") else -1, factor(n, count))


@rule(
    "FftC2CBackward0",
    {"self": _WAVES},
    "Every frequency was a sum over all elements, each turned by an angle: the gradients of the frequencies come back, "
    "turned the other way.",
    terms=_complex_terms,
)
def fft_complex(n: NodeValues) -> tuple[Any, ...]:
    axes = axes_of(n)
    count = math.prod(n.shape(0)[axis] for axis in axes)
    return (waves(n.grad(), axes, forward=not n.argument("forward")) * factor(n, count),)


def _real_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    """Of frequencies that were not kept there is no gradient. The element is the real part of the sum."""
    count = math.prod(n.shape(0)[axis] for axis in axes_of(n))
    return _wave_terms(n, index, 1, factor(n, count))


@rule(
    "FftR2CBackward0",
    {"self": r"\mathrm{Re} \left( " + _WAVES + r" \right)"},
    "Every frequency was a sum over all elements, each turned by an angle: the gradients of the frequencies come back, "
    "turned the other way. The input is real, so only the real part counts.",
    terms=_real_terms,
)
def fft_of_real(n: NodeValues) -> tuple[Any, ...]:
    axes, shape, g = axes_of(n), n.shape(0), n.grad()
    if n.argument("onesided"):
        last = axes[-1]
        g = np.pad(g, [(0, shape[axis] - g.shape[axis] if axis == last else 0) for axis in range(g.ndim)])
    count = math.prod(shape[axis] for axis in axes)
    return (np.real(waves(g, axes, forward=False)) * factor(n, count),)


def mirrored(n: NodeValues, frequencies: int) -> Floats:
    """2 for each frequency that also stands for its mirror image beyond the half that is kept, else 1."""
    length = n.grad_shape()[axes_of(n)[-1]]
    number = np.arange(frequencies)
    return np.where((number >= 1) & (number <= length - frequencies), 2.0, 1.0)


def _half_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    axes = axes_of(n)
    last = axes[-1]
    times = mirrored(n, n.shape(0)[last])[index[last]]
    return _wave_terms(n, index, -1, float(times) * factor(n, math.prod(n.grad_shape()[axis] for axis in axes)))


@rule(
    "FftC2RBackward0",
    {"self": r"m_j \cdot " + _WAVES},
    "The output was a sum of waves; half of the frequencies stood for their mirror images too, and get twice as much.",
    terms=_half_terms,
)
def fft_to_real(n: NodeValues) -> tuple[Any, ...]:
    axes, g = axes_of(n), n.grad()
    last, kept = axes[-1], n.shape(0)[axes[-1]]
    frequencies = np.moveaxis(waves(g, axes, forward=True), last, -1)[..., :kept]
    count = math.prod(g.shape[axis] for axis in axes)
    return (np.moveaxis(frequencies * mirrored(n, kept), -1, last) * factor(n, count),)
