"""The layers of networks: convolutions, normalizations, pooling, attention, dropout, upsampling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.arithmetic import Array, exact, value_of
from engine.arithmetic.bounded import Floats
from engine.rules.families.attention import for_each_head
from engine.rules.families.convolution import form_of
from engine.rules.families.padding import padding_matrices
from engine.rules.families.pooling import adaptive_matrices, average_matrices, each_axis, rank_of
from engine.rules.families.recurrent import lstm_steps
from engine.rules.families.resampling import cubic_matrices, linear_matrices, nearest_matrices, smooth_matrices
from engine.rules.forward.activations import softmax
from engine.rules.forward.model import Forward, Table, spread
from engine.rules.scalars import rounded
from engine.rules.values import NodeValues, UnsupportedError
from engine.rules.windows import separable

Operands = Sequence[Array]


def _convolution(a: Operands, n: NodeValues) -> Array:
    x, weight, bias = a
    shape = n.output_shape()
    found = form_of(n, len(shape) - 2).forward(x, weight, shape[2:])
    return found if bias is None else found + bias.reshape(-1, *[1] * (len(shape) - 2))


# -- normalizations: (x - mean) / deviation, as torch has it, a · x + b ------------------------------------------------


def _normalized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    mean = np.mean(x, axis=axes, keepdims=True)
    scale = 1.0 / np.sqrt(np.var(x, axis=axes, keepdims=True) + epsilon)
    return x * scale - mean * scale


def _affine(x: Array, weight: Array | None, bias: Array | None, shape: tuple[int, ...]) -> Array:
    if weight is not None:
        x = x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


def _epsilon(n: NodeValues) -> float:
    return float(n.argument("eps", n.argument("epsilon", 1e-5)))


def _batch_norm(a: Operands, n: NodeValues) -> Array:
    x, weight, bias = a
    shape = (-1, *[1] * (value_of(x).ndim - 2))
    if n.argument("training", "WithUpdate" in n.type):
        whole = _normalized(x, (0, *range(2, value_of(x).ndim)), _epsilon(n))
    else:
        scale = 1.0 / np.sqrt(n.saved("running_var") + _epsilon(n))
        whole = x * scale.reshape(shape) - (n.saved("running_mean") * scale).reshape(shape)
    return _affine(whole, weight, bias, shape)


def _layer_norm(a: Operands, n: NodeValues) -> Array:
    x, weight, bias = a
    own = tuple(int(length) for length in n.argument("normalized_shape"))
    ndim = value_of(x).ndim
    return _affine(_normalized(x, tuple(range(ndim - len(own), ndim)), _epsilon(n)), weight, bias, own)


def _group_norm(a: Operands, n: NodeValues) -> Array:
    x, weight, bias = a
    shape = value_of(x).shape
    if not value_of(x).size:
        return x
    whole = _normalized(np.reshape(x, (shape[0], int(n.argument("group")), -1)), (2,), _epsilon(n))
    return _affine(np.reshape(whole, shape), weight, bias, (-1, *[1] * (len(shape) - 2)))


def _weight_norm(a: Operands, n: NodeValues) -> Array:
    v, g = a
    ndim = value_of(v).ndim
    over = tuple(axis for axis in range(ndim) if axis != int(n.argument("dim", 0)) % ndim)
    return v * (g / np.sqrt(np.sum(v * v, axis=over, keepdims=True)))


def _lstm(a: Operands, n: NodeValues) -> Array:
    """o · tanh c at each step, from the recorded state before it."""
    steps = sorted(lstm_steps(n), key=lambda step: step.place)
    return np.stack([step.gates[3] * np.tanh(step.after) for step in steps])


# -- pooling ----------------------------------------------------------------------------------------------------------


def _max_pool(a: Operands, n: NodeValues) -> Array:
    """The largest of each window: nothing is rounded."""
    rank, x = rank_of(n), value_of(a[0])
    kernel, padding, dilation = (
        each_axis(n.argument(name, default), rank)
        for name, default in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
    )
    stride = each_axis(n.argument("stride", ()) or kernel, rank)
    places = n.output_shape()[-rank:]
    ends = [s * (m - 1) + d * (k - 1) + 1 for s, m, d, k in zip(stride, places, dilation, kernel, strict=True)]
    widths = [(p, max(end - p - length, 0)) for p, end, length in zip(padding, ends, x.shape[-rank:], strict=True)]
    around = np.pad(x, [(0, 0)] * (x.ndim - rank) + widths, constant_values=-np.inf)
    largest: Floats | None = None
    for position in np.ndindex(*kernel):
        key: Any = tuple(
            slice(at * d, at * d + s * (m - 1) + 1, s)
            for at, d, s, m in zip(position, dilation, stride, places, strict=True)
        )
        part = around[(..., *key)]
        largest = part if largest is None else np.maximum(largest, part)
    assert largest is not None
    return exact(largest, n.unit)


def _linear(matrices: Callable[[NodeValues], Sequence[Array]]) -> Callable[[Operands, NodeValues], Array]:
    """The map whose transpose the rule applies to the gradient."""
    return lambda a, n: separable([np.swapaxes(matrix, 0, 1) for matrix in matrices(n)], a[0])


# -- attention, dropout -----------------------------------------------------------------------------------------------


def _attention(a: Operands, n: NodeValues) -> Array:
    """softmax(scale · Q Kᵀ + mask) V. A row that may look nowhere gives zeros."""
    query, key, value = a
    if float(n.argument("dropout_p", 0.0)):
        raise UnsupportedError("what attention dropped at random was not recorded")
    heads = value_of(query).shape[1]
    key, value = for_each_head(key, heads), for_each_head(value, heads)
    scale = n.argument("scale", None)
    scores = (
        query
        @ np.swapaxes(key, -1, -2)
        * (1.0 / math.sqrt(value_of(query).shape[-1]) if scale is None else float(scale))
    )
    allowed = np.ones(value_of(scores).shape, bool)
    if n.has("attn_mask"):
        mask = n.saved("attn_mask")
        allowed = allowed & (value_of(mask) if value_of(mask).dtype == bool else ~np.isneginf(value_of(mask)))
        if value_of(mask).dtype != bool:
            scores = scores + np.where(np.isneginf(value_of(mask)), 0.0, mask)
    if n.argument("is_causal", False):
        allowed = np.tril(allowed)
    probability = softmax(np.where(allowed, scores, -1e300), -1)
    return np.where(allowed, probability, 0.0) @ value


def _dropout(a: Operands, n: NodeValues) -> Array:
    """What was drawn is recorded: the mask."""
    if not n.argument("train", True):
        return a[0]
    left = 1.0 - float(n.argument("p"))
    return a[0] * value_of(n.saved("result1")).astype(float) * rounded(n, 1.0 / left if left else 0.0)


_NORMALIZED = r"\gamma \cdot \frac{<input> - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta"
_POOL = Forward(r"\overline{<self>}", _linear(average_matrices), (0,))

TABLE: Table = {
    **spread(
        "ConvolutionBackward0 ConvolutionOverrideableBackward0 MkldnnConvolutionBackward0 CudnnConvolutionBackward0 "
        "SlowConv2DBackward0 SlowConvDilated2DBackward0 ConvDepthwise2DBackward0",
        Forward(r"<input> \ast <weight>", _convolution,
                (0, 1, 2)),
    ),
    **spread(
        "NativeBatchNormBackward0 NativeBatchNormLegitBackward0 NativeBatchNormLegitBackward1 "
        "NativeBatchNormLegitNoTrainingBackward0 BatchNormWithUpdateBackward0 BatchNormNoUpdateBackward0 "
        "CudnnBatchNormBackward0",
        Forward(_NORMALIZED, _batch_norm, (0, 1, 2)),
    ),
    "NativeLayerNormBackward0": Forward(_NORMALIZED, _layer_norm, (0, 2, 3)),
    "NativeGroupNormBackward0": Forward(_NORMALIZED, _group_norm, (0, 1, 2)),
    **spread(
        "MaxPool2DWithIndicesBackward0 MaxPool3DWithIndicesBackward0",
        Forward(r"\max <self>", _max_pool, (0,)),
    ),
    **spread("AvgPool2DBackward0 AvgPool3DBackward0", _POOL),
    **spread(
        "AdaptiveAvgPool2DBackward0 AdaptiveAvgPool3DBackward0",
        Forward(_POOL.formula, _linear(adaptive_matrices), (0,)),
    ),
    **spread(
        "UpsampleNearest1DBackward0 UpsampleNearest2DBackward0 UpsampleNearest3DBackward0 "
        "UpsampleNearestExact1DBackward0 UpsampleNearestExact2DBackward0 UpsampleNearestExact3DBackward0",
        Forward(r"\mathrm{nearest}\left(<self>\right)", _linear(nearest_matrices), (0,)),
    ),
    **spread(
        "UpsampleLinear1DBackward0 UpsampleBilinear2DBackward0 UpsampleTrilinear3DBackward0",
        Forward(r"\mathrm{linear}\left(<self>\right)", _linear(linear_matrices), (0,)),
    ),
    "UpsampleBicubic2DBackward0": Forward(r"\mathrm{cubic}\left(<self>\right)", _linear(cubic_matrices), (0,)),
    **spread(
        "UpsampleBilinear2DAaBackward0 UpsampleBicubic2DAaBackward0 UpsampleLanczos2DAaBackward0",
        Forward(r"\mathrm{resampled}\left(<self>\right)", _linear(smooth_matrices), (0,)),
    ),
    **spread(
        "ReflectionPad1DBackward0 ReflectionPad2DBackward0 ReflectionPad3DBackward0 "
        "ReplicationPad1DBackward0 ReplicationPad2DBackward0 ReplicationPad3DBackward0",
        Forward(r"\mathrm{pad}\left(<self>\right)", _linear(padding_matrices), (0,)),
    ),
    "MkldnnRnnLayerBackward0": Forward(r"\mathrm{LSTM}\left(<input>\right)", _lstm, (0,)),
    "WeightNormInterfaceBackward0": Forward(r"\frac{<v>}{\lVert v \rVert} \cdot <g>", _weight_norm, (0, 1)),
    **spread(
        "ScaledDotProductFlashAttentionForCpuBackward0 ScaledDotProductFlashAttentionBackward0 "
        "ScaledDotProductCudnnAttentionBackward0",
        Forward(r"\mathrm{softmax}\left(\frac{<query> \cdot <key>^\mathsf{T}}{\sqrt{d}}\right) \cdot <value>",
                _attention, (0, 1, 2)),
    ),
    "NativeDropoutBackward0": Forward(r"\frac{m \odot <input>}{1 - <:p=0.5>}", _dropout, (0,)),
}  # fmt: skip
