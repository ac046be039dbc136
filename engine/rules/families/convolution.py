"""Convolutions in all forms: one to three dimensions, groups, stride, padding, dilation, transposed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic import Array, bilinear, value_of
from engine.arithmetic.bounded import Floats
from engine.arithmetic.convolution import convolve, convolve_input_gradient, convolve_kernel_gradient
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues


@dataclass(frozen=True)
class Form:
    """How a convolution walks over its images: one number a dimension."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    transposed: bool

    @property
    def walk(self) -> tuple[Any, ...]:
        return self.stride, self.padding, self.dilation, self.groups

    def forward(self, x: Array, weight: Array, shape: Sequence[int]) -> Array:
        """The convolution, whose result has positions of `shape`."""
        return self._spread(x, weight, shape) if self.transposed else self._gather(x, weight)

    def input_gradient(self, g: Array, weight: Array, shape: Sequence[int]) -> Array:
        """The gradient of images that have positions of `shape`."""
        if not self.transposed:
            return self._spread(g, weight, shape)
        return self._gather(g, weight)[(..., *(slice(length) for length in shape))]  # output_padding may reach further

    def weight_gradient(self, g: Array, x: Array, shape: Sequence[int]) -> Array:
        """The gradient of a kernel of `shape` without channels."""
        small, large = (x, g) if self.transposed else (g, x)
        terms = small.shape[0] * math.prod(small.shape[2:])
        return bilinear(lambda a, b: convolve_kernel_gradient(a, b, shape, *self.walk), small, large, terms)

    def _gather(self, x: Array, weight: Array) -> Array:
        return bilinear(lambda a, b: convolve(a, b, *self.walk), x, weight, math.prod(weight.shape[1:]))

    def _spread(self, g: Array, weight: Array, shape: Sequence[int]) -> Array:
        terms = weight.shape[0] // self.groups * math.prod(weight.shape[2:])
        return bilinear(lambda a, b: convolve_input_gradient(a, b, shape, *self.walk), g, weight, terms)


def form_of(n: NodeValues, dimensions: int) -> Form:
    """The form of the convolution that a node is. Numbers given once hold for every dimension."""

    def numbers(name: str, default: int) -> tuple[int, ...]:
        found = n.argument(name, [default])
        found = list(found) if isinstance(found, list | tuple) else [found]
        return tuple(int(i) for i in (found * dimensions if len(found) == 1 else found))

    transposed = bool(n.argument("transposed", "Transpose" in n.type))
    return Form(
        numbers("stride", 1), numbers("padding", 0), numbers("dilation", 1), int(n.argument("groups", 1)), transposed
    )


def _input(n: NodeValues) -> str:
    return "input" if n.has("input") or not n.has("self") else "self"


def _convolution_terms(n: NodeValues, slot: int, index: tuple[int, ...]) -> list[TermGroup]:
    out = n.grad_shape()
    form = form_of(n, len(out) - 2)
    if slot == 2:
        places = np.indices((out[0], *out[2:])).reshape(len(out) - 1, -1)
        return [TermGroup(0, (places[0], np.array(index), *places[1:]), np.ones(places.shape[1]), "bias")]
    if slot == 1:
        x = value_of(n.saved(_input(n)))
        return [_weight_terms(form, x, n.shape(1), out, index)]
    return [_input_terms(form, value_of(n.saved("weight")), out, index)]


def _weight_terms(
    form: Form, x: Floats, shape: tuple[int, ...], out: tuple[int, ...], index: tuple[int, ...]
) -> TermGroup:
    """Every place of every image that this element of the kernel touched. Large: the image that it walks on."""
    first, second, *position = index
    per_group = shape[0] // form.groups
    group = first // per_group
    large = out if form.transposed else x.shape
    small = x.shape if form.transposed else out
    axes = [
        [(q, q * s + k * d - p) for q in range(m) if 0 <= q * s + k * d - p < n]
        for m, n, k, s, p, d in zip(
            small[2:], large[2:], position, form.stride, form.padding, form.dilation, strict=True
        )
    ]
    grid = np.meshgrid(np.arange(x.shape[0]), *(np.arange(len(axis)) for axis in axes), indexing="ij")
    image, *numbers = (part.ravel() for part in grid)
    pairs = [np.array(axis, dtype=int).reshape(-1, 2)[at] for axis, at in zip(axes, numbers, strict=True)]
    on_small = (image, np.full_like(image, first), *(pair[:, 0] for pair in pairs))
    channel = group * shape[1] + second
    on_large = (image, np.full_like(image, channel), *(pair[:, 1] for pair in pairs))
    at_g, at_x = (on_large, on_small) if form.transposed else (on_small, on_large)
    return TermGroup(0, at_g, np.conj(x[at_x]), "input")


def _input_terms(form: Form, weight: Floats, out: tuple[int, ...], index: tuple[int, ...]) -> TermGroup:
    """Every output that this pixel took part in: each output channel of its group, each place of the kernel."""
    image, channel, *place = index
    axes = []
    for p, length, kernel, s, pad, d in zip(
        place, out[2:], weight.shape[2:], form.stride, form.padding, form.dilation, strict=True
    ):
        if form.transposed:
            reached = [(k, p * s + k * d - pad) for k in range(kernel)]
        else:
            reached = [(k, (p + pad - k * d) // s) for k in range(kernel) if (p + pad - k * d) % s == 0]
        axes.append([pair for pair in reached if 0 <= pair[1] < length])
    per_group = weight.shape[0] // form.groups
    outputs = weight.shape[1] if form.transposed else per_group
    inputs = per_group if form.transposed else weight.shape[1]
    grid = np.meshgrid(np.arange(outputs), *(np.arange(len(axis)) for axis in axes), indexing="ij")
    number, *numbers = (part.ravel() for part in grid)
    pairs = [np.array(axis, dtype=int).reshape(-1, 2)[at] for axis, at in zip(axes, numbers, strict=True)]
    target = channel // inputs * outputs + number
    kernels = (np.full_like(number, channel), number) if form.transposed else (target, channel % inputs)
    coefficients = np.conj(weight[(*kernels, *(pair[:, 0] for pair in pairs))])
    at = (np.full_like(number, image), target, *(pair[:, 1] for pair in pairs))
    return TermGroup(0, at, coefficients, "weight")


@rule(
    "ConvolutionBackward0 ConvolutionOverrideableBackward0 MkldnnConvolutionBackward0 CudnnConvolutionBackward0 "
    "CudnnConvolutionTransposeBackward0 SlowConv2DBackward0 SlowConv3DBackward0 SlowConvDilated2DBackward0 "
    "SlowConvDilated3DBackward0 SlowConvTranspose2DBackward0 SlowConvTranspose3DBackward0 ConvDepthwise2DBackward0 "
    "ConvDepthwise3DBackward0",
    {
        "input": r"\sum_{o,k} G_{o,\,p-k} \cdot w_{o,c,k}",
        "weight": r"\sum_{n,q} G_{n,o,q} \cdot x_{n,c,\,q+k}",
        "bias": r"\sum_{n,q} G_{n,o,q}",
    },
    "A pixel is answerable for every output that a kernel computed from it, each with the weight that it was taken "
    "with; a weight for every place of every image at which it was used, each with the pixel that lay there.",
    terms=_convolution_terms,
)
def convolution(n: NodeValues) -> dict[int, Array]:
    g = n.grad()
    form = form_of(n, len(n.grad_shape()) - 2)
    found: dict[int, Array] = {}
    if n.needs(0):
        found[0] = form.input_gradient(g, np.conj(n.saved("weight")), n.shape(0)[2:])
    if n.needs(1):
        found[1] = form.weight_gradient(g, np.conj(n.saved(_input(n))), n.shape(1)[2:])
    if n.needs(2):
        found[2] = np.sum(g, axis=(0, *range(2, len(n.grad_shape()))))
    return found


@rule(
    "ConvolutionBackwardBackward0 ConvolutionBackwardOverrideableBackward0",
    {
        "grad_output": r"G_{x} \ast w + x \ast G_{w} + G_{b}",
        "input": r"\sum_{o,k} g_{o,\,p-k} \cdot (G_{w})_{o,c,k}",
        "weight": r"\sum_{n,q} g_{n,o,q} \cdot (G_{x})_{n,c,\,q+k}",
    },
    "The gradient of a convolution's gradients: linear in each of its parts, so it is made of convolutions.",
)
def convolution_backward(n: NodeValues) -> dict[int, Array]:
    dimensions = len(n.saved_shape("weight") if n.has("weight") else n.saved_shape("grad_output")) - 2
    form = form_of(n, dimensions)
    found: dict[int, Array] = {}
    if n.needs(0):
        parts = []
        if n.has_grad(0):
            parts.append(form.forward(n.grad(0), np.conj(n.saved("weight")), n.shape(0)[2:]))
        if n.has_grad(1):
            parts.append(form.forward(np.conj(n.saved("input")), n.grad(1), n.shape(0)[2:]))
        if n.has_grad(2):
            parts.append(np.broadcast_to(n.grad(2).reshape(-1, *[1] * dimensions), n.shape(0)))
        found[0] = sum(parts[1:], start=parts[0])
    if n.needs(1) and n.has_grad(1):
        found[1] = form.input_gradient(np.conj(n.saved("grad_output")), n.grad(1), n.shape(1)[2:])
    if n.needs(2) and n.has_grad(0):
        found[2] = form.weight_gradient(np.conj(n.saved("grad_output")), n.grad(0), n.shape(2)[2:])
    return found
