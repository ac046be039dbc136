"""The backward passes of activation functions as nodes themselves: what a gradient of a gradient goes through.

Such a node computed `grad_output · f'(x)` in an earlier backward pass. To the gradient that entered there it hands
`G · f'(x)`, and to x it hands `G · grad_output · f''(x)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array, special, value_of
from engine.rules.families.activation import (
    BETA,
    KAPPA,
    elu_slope,
    gelu_slope,
    gelu_tanh_slope,
    glu_slopes,
    hardswish_slope,
    rrelu_slope,
)
from engine.rules.registry import elementwise, rule, unbroadcast
from engine.rules.scalars import limit, number, rounded
from engine.rules.values import NodeValues, UnsupportedError

_WORDS = "The backward pass of an activation, passed again: its slope for the gradient, its curvature for the number."
_STRAIGHT = "The backward pass of an activation without curvature, passed again: its slope, and nothing for the number."


def _flat(n: NodeValues) -> Any:
    return np.zeros(n.output_shape())


def _real(n: NodeValues, name: str) -> Array:
    array = n.saved(name)
    if np.iscomplexobj(value_of(array)):
        raise UnsupportedError(f"{n.type} of complex numbers")
    return array


@elementwise(
    "SigmoidBackwardBackward0",
    {
        "grad_output": r"<G> \cdot <output> \cdot (1 - <output>)",
        "output": r"<G> \cdot <grad_output> \cdot (1 - 2 \cdot <output>)",
    },
    _WORDS,
)
def sigmoid_twice(n: NodeValues) -> tuple[Any, ...]:
    y = _real(n, "output")
    return (1.0 - y) * y, n.saved("grad_output") * (1.0 - 2.0 * y) if n.needs(1) else None


@elementwise(
    "TanhBackwardBackward0",
    {
        "grad_output": r"<G> \cdot (1 - <output>^{2})",
        "output": r"-<G> \cdot 2 \cdot <output> \cdot <grad_output>",
    },
    _WORDS,
)
def tanh_twice(n: NodeValues) -> tuple[Any, ...]:
    y = _real(n, "output")
    return 1.0 - y * y, -2.0 * y * n.saved("grad_output") if n.needs(1) else None


@elementwise(
    "ThresholdBackwardBackward0",
    {"grad_output": r"<G> \cdot [<self> > <threshold>]", "self": r"0"},
    _STRAIGHT,
    stops=True,
)
def threshold_twice(n: NodeValues) -> tuple[Any, ...]:
    return ~(value_of(n.saved("self")) <= limit(n, "threshold")) * 1.0, _flat(n)


@elementwise(
    "HardtanhBackwardBackward0",
    {"grad_output": r"<G> \cdot [<min_val> < <self> < <max_val>]", "self": r"0"},
    _STRAIGHT,
    stops=True,
)
def hardtanh_twice(n: NodeValues) -> tuple[Any, ...]:
    x = value_of(n.saved("self"))
    return ((x > limit(n, "min_val")) & (x < limit(n, "max_val"))) * 1.0, _flat(n)


@elementwise(
    "HardshrinkBackwardBackward0 SoftshrinkBackwardBackward0",
    {"grad_output": r"<G> \cdot [|<self>| > <lambd>]", "self": r"0"},
    _STRAIGHT,
    stops=True,
)
def shrink_twice(n: NodeValues) -> tuple[Any, ...]:
    x, border = value_of(n.saved("self")), limit(n, "lambd")
    return (np.abs(x) > border) * 1.0, _flat(n)


@elementwise(
    "LeakyReluBackwardBackward0",
    {"grad_output": r"<G> \cdot ([<self> > 0] + <negative_slope> \cdot [<self> \leq 0])", "self": r"0"},
    _STRAIGHT,
)
def leaky_relu_twice(n: NodeValues) -> tuple[Any, ...]:
    return np.where(value_of(n.saved("self")) > 0, 1.0, number(n, "negative_slope")), _flat(n)


@elementwise(
    "RreluWithNoiseBackwardBackward0",
    {"grad_output": r"<G> \cdot <noise>", "self": r"0"},
    _STRAIGHT,
)
def rrelu_twice(n: NodeValues) -> tuple[Any, ...]:
    return rrelu_slope(n, "self"), _flat(n)


@elementwise(
    "HardswishBackwardBackward0",
    {
        "grad_output": r"<G> \cdot \left(\frac{<self>}{3} + \frac{1}{2}\right)",
        "self": r"<G> \cdot \frac{<grad_output>}{3} \cdot [-3 < <self> < 3]",
    },
    _WORDS,
    stops=True,
)
def hardswish_twice(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    middle = (value_of(x) > -3) & (value_of(x) < 3)
    return hardswish_slope(x), np.where(middle, n.saved("grad_output") / 3.0, 0.0) if n.needs(1) else None


@elementwise(
    "SoftplusBackwardBackward0",
    {
        "grad_output": r"<G> \cdot \sigma(<beta> \cdot <self>)",
        "self": r"<G> \cdot <grad_output> \cdot <beta> \cdot \sigma'(<beta> \cdot <self>)",
    },
    _WORDS,
)
def softplus_twice(n: NodeValues) -> tuple[Any, ...]:
    beta, border = number(n, "beta", 1), number(n, "threshold", 20)
    scaled = n.saved("self") * beta
    gate = special.sigmoid(scaled)
    slope = np.where(value_of(scaled) > border, 1.0, gate)
    if not n.needs(1):
        return (slope,)
    bend = np.where(value_of(scaled) < border, (1.0 - gate) * gate * beta, 0.0)
    return slope, n.saved("grad_output") * bend


@elementwise(
    "LogSigmoidBackwardBackward0",
    {
        "grad_output": r"<G> \cdot \sigma(-<self>)",
        "self": r"-<G> \cdot <grad_output> \cdot \sigma(<self>) \cdot (1 - \sigma(<self>))",
    },
    _WORDS,
)
def log_sigmoid_twice(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    gate = special.sigmoid(x)
    return special.sigmoid(-x), n.saved("grad_output") * ((gate - 1.0) * gate) if n.needs(1) else None


@elementwise(
    "GeluBackwardBackward0",
    {
        "grad_output": r"<G> \cdot (\Phi(<self>) + <self> \cdot \varphi(<self>))",
        "self": r"<G> \cdot <grad_output> \cdot \varphi(<self>) \cdot (2 - <self>^{2})",
    },
    _WORDS,
)
def gelu_twice(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    bent = n.argument("approximate", "none") == "tanh"
    slope = gelu_tanh_slope(x) if bent else gelu_slope(x)
    if not n.needs(1):
        return (slope,)
    return slope, n.saved("grad_output") * (_gelu_tanh_bend(x) if bent else _gelu_bend(x))


def _gelu_bend(x: Array) -> Array:
    square = x * x
    density = np.exp(-0.5 * square) * (1.0 / math.sqrt(2.0 * math.pi))
    return 2.0 * density - square * density


def _gelu_tanh_bend(x: Array) -> Array:
    square = x * x
    bent = np.tanh(BETA * (x + KAPPA * (square * x)))
    steep = 1.0 - bent * bent
    inner = BETA * (1.0 + 3.0 * KAPPA * square)
    return inner * steep + 0.5 * x * (steep * (BETA * 6.0 * KAPPA) * x - 2.0 * bent * steep * (inner * inner))


@elementwise(
    "EluBackwardBackward0",
    {
        "grad_output": r"<G> \cdot s \cdot ([x > 0] + <alpha> \cdot c \cdot e^{c x} \cdot [x \leq 0])",
        "self_or_result": r"<G> \cdot <grad_output> \cdot <alpha> \cdot s \cdot c^{2} \cdot e^{c x} \cdot [x < 0]",
    },
    _WORDS,
)
def elu_twice(n: NodeValues) -> tuple[Any, ...]:
    alpha, scale, inner = (number(n, name, 1) for name in ("alpha", "scale", "input_scale"))
    x, is_result = n.saved("self_or_result"), bool(n.argument("is_result", False))
    slope = elu_slope(x, rounded(n, alpha * scale), scale, inner, is_result)
    if not n.needs(1):
        return (slope,)
    bend = np.where(value_of(x) < 0, inner * (1.0 if is_result else slope), 0.0)
    return slope, n.saved("grad_output") * bend


@rule(
    "PreluKernelBackwardBackward0",
    {
        "grad_output": r"G_{1} \cdot ([x > 0] + w \cdot [x \leq 0]) + G_{2} \cdot x \cdot [x \leq 0]",
        "self": r"G_{2} \cdot g \cdot [x \leq 0]",
        "weight": r"G_{1} \cdot g \cdot [x \leq 0]",
    },
    "The backward pass of a relu with a learnt slope, passed again: the gradients of both of its results meet.",
)
def prelu_twice(n: NodeValues) -> dict[int, Any]:
    x, weight = n.saved("self"), n.saved("weight")
    off = value_of(x) < 0
    none = np.zeros(value_of(x).shape)
    first, second = (n.grad(k, like=none.shape) for k in (0, 1))
    found = {0: np.where(off, first * weight + second * x, first)}
    if n.needs(1) or n.needs(2):
        g = n.saved("grad_output")
        found |= {1: np.where(off, g * second, 0.0), 2: np.where(off, g * first, 0.0)}
    return {slot: unbroadcast(array, n.shape(slot)) for slot, array in found.items() if n.needs(slot)}


@rule(
    "GluBackwardBackward0",
    {
        "grad_output": r"G_{a} \cdot \sigma(b) + G_{b} \cdot a \cdot \sigma'(b)",
        "self": r"\left(G_{b} \, g \, \sigma'(b),\; G_{a} \, g \, \sigma'(b) + G_{b} \, g \, a \, \sigma''(b)\right)",
    },
    "The backward pass of a gate, passed again: both halves of the gradient meet at the one that entered.",
)
def glu_twice(n: NodeValues) -> tuple[Any, ...]:
    axis = int(n.argument("dim", -1)) % len(n.saved_shape("self"))
    x = n.saved("self")
    passed = n.grad() * glu_slopes(n, x, axis)
    entered = np.add(*np.split(passed, 2, axis=axis))
    if not n.needs(1):
        return (entered,)
    (a, b), (first, second) = np.split(x, 2, axis=axis), np.split(n.grad(), 2, axis=axis)
    g, gate = n.saved("grad_output"), special.sigmoid(b)
    slope = (1.0 - gate) * gate
    gated = first * g * slope + second * g * a * slope * (1.0 - 2.0 * gate)
    return entered, np.concatenate([second * g * slope, gated], axis=axis)
