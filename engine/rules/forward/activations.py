"""Activations, softmax, and other functions of one tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from engine.arithmetic import Array, special, value_of
from engine.rules.forward.model import Forward, Function, Table, spread
from engine.rules.scalars import number
from engine.rules.values import NodeValues


def _of_one(function: Callable[[Array, NodeValues], Array]) -> Function:
    return lambda a, n: function(a[0], n)


def _clamped(x: Array, low: float | None, high: float | None) -> Array:
    value = value_of(x)
    if low is not None:
        x = np.where(value < low, low, x)
    return x if high is None else np.where(value_of(x) > high, high, x)


def _limits(n: NodeValues) -> tuple[float | None, float | None]:
    low, high = ("min_val", "max_val") if n.type == "HardtanhBackward0" else ("min", "max")
    default = -1.0 if n.type == "HardtanhBackward0" else None
    return n.argument(low, default), n.argument(high, None if default is None else -default)


def _gelu(x: Array, n: NodeValues) -> Array:
    if n.argument("approximate", "none") == "tanh":
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + special.erf(x * math.sqrt(0.5)))


def _hard_gate(x: Array) -> Array:
    return _clamped(x + 3.0, 0.0, 6.0) / 6.0


def _elu(x: Array, n: NodeValues) -> Array:
    alpha, scale, inner = (number(n, name, 1) for name in ("alpha", "scale", "input_scale"))
    below = alpha * np.expm1(np.minimum(x, 0.0) * inner)
    return scale * np.where(value_of(x) > 0, x, below)


def _softplus(x: Array, n: NodeValues) -> Array:
    beta = number(n, "beta", 1)
    scaled = x * beta
    return np.where(value_of(scaled) > number(n, "threshold", 20), x, np.log1p(np.exp(scaled)) / beta)


def _shifted(x: Array, axis: int) -> tuple[Array, Array]:
    """(`x` less the largest of its row, which keeps overflow away; e to that power: exactly 0 for minus infinity)."""
    hidden = np.isneginf(value_of(x))
    moved = np.where(hidden, 0.0, x) - np.where(hidden, 0.0, np.max(value_of(x), axis=axis, keepdims=True))
    return np.where(hidden, -np.inf, moved), np.where(hidden, 0.0, np.exp(moved))


def softmax(x: Array, axis: int) -> Array:
    """Of each row along `axis`."""
    if not value_of(x).size:
        return x
    _, powers = _shifted(x, axis)
    return powers / np.sum(powers, axis=axis, keepdims=True)


def log_softmax(x: Array, axis: int) -> Array:
    """Of each row along `axis`."""
    if not value_of(x).size:
        return x
    moved, powers = _shifted(x, axis)
    return moved - np.log(np.sum(powers, axis=axis, keepdims=True))


def _along(function: Callable[[Array, int], Array]) -> Callable[[Sequence[Array], NodeValues], Array]:
    def found(a: Sequence[Array], n: NodeValues) -> Array:
        x = a[0]
        if not np.ndim(value_of(x)):
            return function(np.reshape(x, (1,)), 0).reshape(())
        return function(x, int(n.argument("dim", -1)))

    return found


_HARDTANH = r"\mathrm{clamp}\left(<self>, <:min_val=-1>, <:max_val=1>\right)"
_CLAMP = Forward(
    r"\mathrm{clamp}\left(<self>, <:min=-inf>, <:max=inf>\right)", _of_one(lambda x, n: _clamped(x, *_limits(n)))
)


def _log1p(x: Array) -> Array:
    """Of complex numbers torch takes the plain logarithm."""
    return np.log(1.0 + x) if np.iscomplexobj(value_of(x)) else np.log1p(x)


TABLE: Table = {
    "SiluBackward0": Forward(
        r"\frac{<self>}{1 + e^{-<self>}}", _of_one(lambda x, n: x / (1.0 + np.exp(-x))), (0,)
    ),
    "GeluBackward0": Forward(r"<self> \cdot \Phi\left(<self>\right)", _of_one(_gelu), (0,)),
    "HardtanhBackward0": Forward(_HARDTANH, _CLAMP.function, (0,)),
    "ClampBackward1": Forward(_CLAMP.formula, _CLAMP.function, (0,)),
    "ClampMinBackward0": Forward(
        r"\max\left(<self>, <:min>\right)", _of_one(lambda x, n: _clamped(x, n.argument("min"), None)), (0,)
    ),
    "ClampMaxBackward0": Forward(
        r"\min\left(<self>, <:max>\right)", _of_one(lambda x, n: _clamped(x, None, n.argument("max"))), (0,)
    ),
    "HardsigmoidBackward0": Forward(
        r"\frac{\mathrm{clamp}\left(<self> + 3, 0, 6\right)}{6}", _of_one(lambda x, n: _hard_gate(x)), (0,)
    ),
    "HardswishBackward0": Forward(
        r"<self> \cdot \frac{\mathrm{clamp}\left(<self> + 3, 0, 6\right)}{6}",
        _of_one(lambda x, n: x * _hard_gate(x)), (0,),
    ),
    "LeakyReluBackward0": Forward(
        r"\max\left(<self>, 0\right) + <:negative_slope=0.01> \cdot \min\left(<self>, 0\right)",
        _of_one(lambda x, n: np.where(value_of(x) > 0, x, x * number(n, "negative_slope", 0.01))), (0,),
    ),
    "EluBackward0": Forward(r"\mathrm{elu}\left(<self>\right)", _of_one(_elu), (0,)),
    "SoftplusBackward0": Forward(
        r"\ln\left(1 + e^{<:beta=1> \cdot <self>}\right) / <:beta=1>", _of_one(_softplus), (0,)
    ),
    "MishBackward0": Forward(
        r"<self> \cdot \tanh \ln\left(1 + e^{<self>}\right)",
        _of_one(lambda x, n: x * np.tanh(np.where(value_of(x) > 20, x, np.log1p(np.exp(x))))), (0,),
    ),
    "ErfBackward0": Forward(r"\mathrm{erf}\left(<self>\right)", _of_one(lambda x, n: special.erf(x)), (0,)),
    "RsqrtBackward0": Forward(r"\frac{1}{\sqrt{<self>}}", _of_one(lambda x, n: 1.0 / np.sqrt(x)), (0,)),
    "ReciprocalBackward0": Forward(r"\frac{1}{<self>}", _of_one(lambda x, n: 1.0 / x), (0,)),
    "Log1PBackward0": Forward(r"\ln\left(1 + <self>\right)", _of_one(lambda x, n: _log1p(x)), (0,)),
    "Expm1Backward0": Forward("e^{<self>} - 1", _of_one(lambda x, n: np.expm1(x)), (0,)),
    "Log2Backward0": Forward(r"\log_2 <self>", _of_one(lambda x, n: np.log2(x)), (0,)),
    "Log10Backward0": Forward(r"\log_{10} <self>", _of_one(lambda x, n: np.log10(x)), (0,)),
    "AtanBackward0": Forward(r"\arctan <self>", _of_one(lambda x, n: np.arctan(x)), (0,)),
    **spread(
        "SoftmaxBackward0 SafeSoftmaxBackward0",
        Forward(r"\mathrm{softmax}\left(<self>\right)", _along(softmax), (0,)),
    ),
    "LogSoftmaxBackward0": Forward(r"\ln \mathrm{softmax}\left(<self>\right)", _along(log_softmax), (0,)),
}  # fmt: skip
