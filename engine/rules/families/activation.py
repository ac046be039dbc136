"""Activation functions: what a neuron makes of its sum, and how much of the gradient it lets through."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array, special, value_of
from engine.rules.registry import elementwise, rule
from engine.rules.scalars import limit, number, rounded, underflowing
from engine.rules.terms import Index, TermGroup
from engine.rules.unordered import either
from engine.rules.values import NodeValues


@elementwise(
    "ReluBackward0",
    {"self": r"<G> \cdot [<result> > 0]"},
    "Where the neuron is on, the gradient passes unchanged; where it is off, nothing passes.",
    stops=True,
)
def relu(n: NodeValues) -> tuple[Any, ...]:
    return (~(value_of(n.saved("result")) <= 0) * 1.0,)


@elementwise(
    "ThresholdBackward0 ThresholdBackward1",
    {"self": r"<G> \cdot [<self> > <threshold>]"},
    "Above the threshold the gradient passes unchanged; elsewhere nothing passes.",
    stops=True,
)
def threshold(n: NodeValues) -> tuple[Any, ...]:
    return (~(value_of(n.saved("self")) <= limit(n, "threshold")) * 1.0,)


@elementwise(
    "HardtanhBackward0",
    {"self": r"<G> \cdot [<min_val> < <self> < <max_val>]"},
    "Between the limits the gradient passes unchanged; on them and beyond nothing passes.",
    stops=True,
)
def hardtanh(n: NodeValues) -> tuple[Any, ...]:
    x = value_of(n.saved("self"))
    return (either(n, ((x > limit(n, "min_val")) & (x < limit(n, "max_val"))) * 1.0, x, 1.0),)


@elementwise(
    "HardshrinkBackward0 SoftshrinkBackward0",
    {"self": r"<G> \cdot [|<self>| > <lambd>]"},
    "What is small is put to zero and passes nothing; the rest passes its gradient unchanged.",
    stops=True,
)
def shrink(n: NodeValues) -> tuple[Any, ...]:
    x, border = value_of(n.saved("self")), limit(n, "lambd")
    return (either(n, (np.abs(x) > border) * 1.0, x, 1.0),)


_SIXTH = float(np.float32(1.0) / np.float32(6.0))  # PyTorch has it in single precision for all dtypes


@elementwise(
    "HardsigmoidBackward0",
    {"self": r"\frac{<G>}{6} \cdot [-3 < <self> < 3]"},
    "A straight slope of one sixth in the middle, and nothing at the ends.",
    stops=True,
)
def hardsigmoid(n: NodeValues) -> tuple[Any, ...]:
    x = value_of(n.saved("self"))
    return (np.where((x > -3) & (x < 3), _SIXTH, 0.0),)


@elementwise(
    "HardswishBackward0",
    {"self": r"<G> \cdot \left(\frac{<self>}{3} + \frac{1}{2}\right)"},
    "Between -3 and 3 the slope rises in a straight line; below nothing passes, above everything.",
    stops=True,
)
def hardswish(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (either(n, hardswish_slope(x), x, 1.0),)


def hardswish_slope(x: Array) -> Array:
    """The derivative of x · clip(x + 3, 0, 6) / 6."""
    value = value_of(x)
    return np.where(value <= -3, 0.0, np.where(value >= 3, 1.0, x / 3.0 + 0.5))


@elementwise(
    "LeakyReluBackward0",
    {"self": r"<G> \cdot ([<self> > 0] + <negative_slope> \cdot [<self> \leq 0])"},
    "Where the neuron is on, the gradient passes unchanged; where it is off, a small part of it.",
)
def leaky_relu(n: NodeValues) -> tuple[Any, ...]:
    return (np.where(value_of(n.saved("self")) > 0, 1.0, number(n, "negative_slope")),)


@elementwise(
    "LeakyReluBackward1",
    {"self": r"<G> \cdot ([<result> > 0] + <negative_slope> \cdot [<result> \leq 0])"},
    "Where the neuron is on, the gradient passes unchanged; where it is off, a small part of it.",
)
def leaky_relu_in_place(n: NodeValues) -> tuple[Any, ...]:
    return (np.where(value_of(n.saved("result")) > 0, 1.0, number(n, "negative_slope")),)


@elementwise(
    "RreluWithNoiseBackward0 RreluWithNoiseBackward1 RreluWithNoiseFunctionalBackward0",
    {"self": r"<G> \cdot <noise>"},
    "Where the neuron is on, the gradient passes unchanged; where it is off, the part that was drawn for it.",
)
def rrelu(n: NodeValues) -> tuple[Any, ...]:
    return (rrelu_slope(n, "result" if n.has("result") else "self"),)


def rrelu_slope(n: NodeValues, name: str) -> Array:
    """The slopes that were drawn, or, in evaluation, their mean where the number is not positive."""
    low, high = number(n, "lower", 0.125), number(n, "upper", 1.0 / 3.0)
    if n.argument("training", False) and high - low > 1e-6:
        return n.saved("noise")
    return np.where(value_of(n.saved(name)) > 0, 1.0, (low + high) / 2.0)


@elementwise(
    "PreluKernelBackward0",
    {
        "self": r"<G> \cdot ([<self> > 0] + <weight> \cdot [<self> \leq 0])",
        "weight": r"<G> \cdot <self> \cdot [<self> \leq 0]",
    },
    "Where the neuron is on, the gradient passes; where it is off, the learnt slope scales it, and the slope learns.",
    stops=True,
)
def prelu(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    on = value_of(x) > 0
    return np.where(on, 1.0, n.saved("weight")), np.where(on, 0.0, x) if n.needs(1) else None


@elementwise("SigmoidBackward0", {"self": r"<G> \cdot <result> \cdot (1 - <result>)"}, "Steepest where it is one half.")
def sigmoid(n: NodeValues) -> tuple[Any, ...]:
    result = n.saved("result")
    return ((1.0 - result) * result,)


@elementwise("TanhBackward0", {"self": r"<G> \cdot (1 - <result>^{2})"}, "Steepest at zero, flat at the ends.")
def tanh(n: NodeValues) -> tuple[Any, ...]:
    result = n.saved("result")
    return (1.0 - result * result,)


@elementwise(
    "LogitBackward0",
    {"self": r"\frac{<G>}{<self> \cdot (1 - <self>)}"},
    "Steeper towards 0 and 1; where the number was limited, nothing passes.",
    stops=True,
)
def logit(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    limited = n.argument("eps", None) is not None
    low = limit(n, "eps") if limited else 0.0
    inside = (value_of(x) >= low) & (value_of(x) <= 1.0 - low)
    slope = np.where(inside, 1.0 / (x * (1.0 - x)), 0.0 if limited else np.nan)
    return (either(n, slope, x, np.nan),)


@elementwise(
    "LogSigmoidBackward0",
    {"self": r"<G> \cdot \frac{1}{1 + e^{<self>}}"},
    "The gradient passes as far as the sigmoid is from one.",
)
def log_sigmoid(n: NodeValues) -> tuple[Any, ...]:
    return (special.sigmoid(-n.saved("self")),)


@elementwise(
    "SoftplusBackward0",
    {"self": r"\frac{<G>}{1 + e^{-<beta> \cdot <self>}}"},
    "A smooth relu: its slope is the sigmoid; far above zero the gradient passes unchanged.",
)
def softplus(n: NodeValues) -> tuple[Any, ...]:
    x, beta = n.saved("self"), number(n, "beta", 1)
    scaled = x * beta
    return (np.where(value_of(scaled) > number(n, "threshold", 20), 1.0, special.sigmoid(scaled)),)


@elementwise(
    "SiluBackward0",
    {"self": r"<G> \cdot \sigma(<self>) \cdot (1 + <self> \cdot (1 - \sigma(<self>)))"},
    "The slope of x times its sigmoid: nearly one far above zero, nearly nothing far below.",
)
def silu(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    gate = underflowing(n, special.sigmoid(x))
    return (gate * (1.0 + x * (1.0 - gate)),)


@elementwise(
    "MishBackward0",
    {"self": r"<G> \cdot (\tanh s + <self> \cdot \sigma(<self>) \cdot (1 - \tanh^{2} s)),\; s = \ln(1 + e^{<self>})"},
    "The slope of x times the tanh of its softplus.",
)
def mish(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    value = value_of(x)
    softplus = np.where(value > 80, x, np.log1p(np.exp(np.where(value > 80, 0.0, x))))
    bent = np.tanh(softplus)
    return (bent + x * underflowing(n, special.sigmoid(x)) * (1.0 - bent * bent),)


@elementwise(
    "GeluBackward0",
    {"self": r"<G> \cdot (\Phi(<self>) + <self> \cdot \varphi(<self>))"},
    "The slope of x times the probability that a normal number is below x; φ is the bell curve, Φ the area under it.",
)
def gelu(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (gelu_tanh_slope(x) if n.argument("approximate", "none") == "tanh" else gelu_slope(x),)


def gelu_slope(x: Array) -> Array:
    """The derivative of x Φ(x)."""
    area = 0.5 * (1.0 + special.erf(x * math.sqrt(0.5)))
    return area + x * np.exp(-0.5 * (x * x)) * (1.0 / math.sqrt(2.0 * math.pi))


BETA = math.sqrt(2.0 / math.pi)
KAPPA = 0.044715


def gelu_tanh_slope(x: Array) -> Array:
    """The derivative of x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    square = x * x
    bent = np.tanh(BETA * (x + KAPPA * (square * x)))
    inner = BETA * (1.0 + 3.0 * KAPPA * square)
    return 0.5 * (1.0 + bent) + 0.5 * x * ((1.0 - bent * bent) * inner)


def elu_slope(x: Array, negative: Array, positive: float, inner: float, is_result: bool) -> Array:
    """The derivative of `positive · x` above zero and of `negative · (exp(inner · x) - 1)` below; or from that."""
    value = value_of(x)
    left = np.where(value > 0, 0.0, x)
    below = inner * (left + negative) if is_result else inner * negative * np.exp(left * inner)
    return np.where(value > 0, positive, below)


@elementwise(
    "EluBackward0 EluBackward1",
    {"self": r"<G> \cdot s \cdot ([x > 0] + <alpha> \cdot c \cdot e^{c x} \cdot [x \leq 0])"},
    "Where the neuron is on, the gradient passes scaled; below zero less and less of it.",
)
def elu(n: NodeValues) -> tuple[Any, ...]:
    alpha, scale, inner = (number(n, name, 1) for name in ("alpha", "scale", "input_scale"))
    in_place = n.has("result")
    x = n.saved("result" if in_place else "self")
    return (either(n, elu_slope(x, rounded(n, alpha * scale), scale, inner, in_place), x, scale),)


@elementwise(
    "CeluBackward0 CeluBackward1",
    {"self": r"<G> \cdot ([x > 0] + e^{x / <alpha>} \cdot [x \leq 0])"},
    "Where the neuron is on, the gradient passes unchanged; below zero less and less of it.",
)
def celu(n: NodeValues) -> tuple[Any, ...]:
    alpha, in_place = number(n, "alpha", 1.0), n.has("result")
    inner = 1.0 / float(np.float32(alpha))  # PyTorch takes it in single precision for all dtypes
    x = n.saved("result" if in_place else "self")
    return (either(n, elu_slope(x, rounded(n, alpha), 1.0, inner, in_place), x, 1.0),)


def _glu_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    x = value_of(n.saved("self"))
    axis = int(n.argument("dim", -1)) % x.ndim
    half = x.shape[axis] // 2
    source = tuple(at % half if place == axis else at for place, at in enumerate(index))
    coefficient = value_of(glu_slopes(n, x, axis))[index]
    return [TermGroup(0, tuple(np.array([at]) for at in source), np.array([coefficient]), "slope")]


def glu_slopes(n: NodeValues, x: Array, axis: int) -> Array:
    """The derivatives of a · σ(b) for both halves a, b of x along `axis`."""
    first, gated = np.split(x, 2, axis=axis)
    gate = underflowing(n, special.sigmoid(gated))
    return np.concatenate([gate, (1.0 - gate) * gate * first], axis=axis)


@rule(
    "GluBackward0",
    {"self": r"\left(G \cdot \sigma(b),\; G \cdot a \cdot \sigma(b) \cdot (1 - \sigma(b))\right)"},
    "One half of the numbers is gated by the other: it gets what the gate lets through; the gate learns by how much.",
    terms=_glu_terms,
)
def glu(n: NodeValues) -> tuple[Any, ...]:
    axis = int(n.argument("dim", -1)) % len(n.saved_shape("self"))
    g = n.grad()
    return (np.concatenate([g, g], axis=axis) * glu_slopes(n, n.saved("self"), axis),)
