"""Activations: what a neuron lets through."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.arithmetic.bounded import unit_roundoff
from engine.export.script.expressions import NoTemplateError, number, times
from engine.export.script.registry import backward, forward
from engine.export.script.writing import NodeText

Mask = npt.NDArray[np.bool_]


def choose(n: NodeText, condition: str, chosen: Mask | None, *borders: float) -> str:
    """`condition`, but what PyTorch chose where an input is so near a border that rounding decides.

    `chosen`: the condition on the recorded input. Rounding is taken to move a number by less than 256 units of
    roundoff of the largest one.
    """
    x = n.input_array(0)
    if x is None or chosen is None or x.size == 0 or not np.isfinite(x).all():
        return f"({condition})"
    width = min(256 * n.unit, 0.1) * float(np.abs(x).max())
    close = np.zeros(x.shape, bool)
    for border in borders:
        close |= np.abs(x - border) <= width
    where = np.flatnonzero(close)
    if where.size == 0:
        return f"({condition})"
    return n.call("settled", condition, n.value("close", where), n.value("choice", chosen.reshape(-1)[where]))


def _stopped(n: NodeText) -> str:
    x = n.input_array(0)
    return choose(n, f"{n.out} <= 0", None if x is None else x <= 0, 0.0)


def _bare(condition: str) -> str:
    """Without the brackets round it, as an argument by itself."""
    return condition[1:-1] if condition.startswith("(") else condition


@forward("ReluBackward0")
def relu(n: NodeText) -> None:
    n.put(f"np.maximum({n.x()}, 0)")


@backward("ReluBackward0")
def relu_backward(n: NodeText) -> None:
    n.give(0, f"np.where({_bare(_stopped(n))}, 0, {n.g})")


@forward("LeakyReluBackward0 LeakyReluBackward1")
def leaky_relu(n: NodeText) -> None:
    n.put(f"np.where({n.x()} > 0, {n.x()}, {number(n.argument('negative_slope', 0.01))} * {n.x()})")


@backward("LeakyReluBackward0 LeakyReluBackward1")
def leaky_relu_backward(n: NodeText) -> None:
    x = n.input_array(0)
    positive = choose(n, f"{n.x()} > 0", None if x is None else x > 0, 0.0)
    n.give(0, f"np.where({_bare(positive)}, {n.g}, {number(n.argument('negative_slope', 0.01))} * {n.g})")


_CLAMPS = "HardtanhBackward0 ClampBackward1 ClampMinBackward0 ClampMaxBackward0"


@forward(_CLAMPS)
def clamp(n: NodeText) -> None:
    low, high = _limits(n)
    n.put(f"np.clip({n.x()}, {low}, {high})")


@backward(_CLAMPS)
def clamp_backward(n: NodeText) -> None:
    low, high = _limits(n)
    inclusive = "" if n.type == "HardtanhBackward0" else "="
    conditions, borders = [], []
    x = n.input_array(0)
    passed = None if x is None else np.ones(x.shape, bool)
    for limit, sign in ((low, ">"), (high, "<")):
        if limit != "None":
            border = float(limit.strip("()"))
            borders.append(border)
            conditions.append(f"({n.x()} {sign}{inclusive} {limit})")
            if passed is not None and x is not None:
                inside = x > border if sign == ">" else x < border
                passed &= inside | (x == border) if inclusive else inside
    n.give(0, f"np.where({_bare(choose(n, _all(conditions), passed, *borders))}, {n.g}, 0)")


def _all(conditions: list[str]) -> str:
    return conditions[0][1:-1] if len(conditions) == 1 else " & ".join(conditions)


def _limits(n: NodeText) -> tuple[str, str]:
    names = ("min_val", "max_val") if n.type == "HardtanhBackward0" else ("min", "max")
    defaults = (-1.0, 1.0) if n.type == "HardtanhBackward0" else (None, None)
    found = [n.argument(name, default) for name, default in zip(names, defaults, strict=True)]
    if any(isinstance(limit, str) for limit in found):
        raise NoTemplateError("its limits were not recorded as numbers")
    low, high = ("None" if limit is None else number(float(limit)) for limit in found)
    return low, high


def _number(n: NodeText, name: str, default: float) -> str:
    found = n.argument(name, default)
    if not isinstance(found, (int, float)):
        raise NoTemplateError(f"its {name} was not recorded as a number")
    return number(float(found))


@forward("SoftshrinkBackward0")
def soft_shrink(n: NodeText) -> None:
    n.put(f"np.sign({n.x()}) * np.maximum(np.abs({n.x()}) - {_number(n, 'lambd', 0.5)}, 0)")


@forward("HardshrinkBackward0")
def hard_shrink(n: NodeText) -> None:
    n.put(f"np.where(np.abs({n.x()}) <= {_number(n, 'lambd', 0.5)}, 0, {n.x()})")


@backward("SoftshrinkBackward0 HardshrinkBackward0")
def shrink_backward(n: NodeText) -> None:
    n.give(0, f"np.where(np.abs({n.x()}) <= {_number(n, 'lambd', 0.5)}, 0, {n.g})")


@forward("ThresholdBackward0")
def threshold(n: NodeText) -> None:
    n.put(f"np.where({n.x()} <= {_number(n, 'threshold', 0)}, {_number(n, 'value', 0)}, {n.x()})")


@backward("ThresholdBackward0")
def threshold_backward(n: NodeText) -> None:
    n.give(0, f"np.where({n.x()} <= {_number(n, 'threshold', 0)}, 0, {n.g})")


@forward("EluBackward0 EluBackward1")
def elu(n: NodeText) -> None:
    alpha, scale, within = _elu(n)
    below = times(within, f"np.minimum({n.x()}, 0)")
    n.put(f"np.where({n.x()} > 0, {times(scale, n.x())}, {times(scale * alpha, f'np.expm1({below})')})")


@backward("EluBackward0 EluBackward1")
def elu_backward(n: NodeText) -> None:
    alpha, scale, within = _elu(n)
    below = times(within, f"np.minimum({n.x()}, 0)")
    slope = times(scale * alpha * within, f"np.exp({below})")
    if n.type == "EluBackward1":  # in place: all that is left is the result
        slope = times(within, f"({n.out} + {number(scale * alpha)})")
    n.give(0, f"{n.g} * np.where({n.x()} <= 0, {slope}, {number(scale)})")


def _elu(n: NodeText) -> tuple[float, float, float]:
    """What multiplies the power, everything, and the input."""
    found = [n.argument(name, 1) for name in ("alpha", "scale", "input_scale")]
    if any(isinstance(factor, str) for factor in found):
        raise NoTemplateError("its factors were not recorded as numbers")
    alpha, scale, within = found
    return alpha, scale, within


@forward("CeluBackward0 CeluBackward1")
def celu(n: NodeText) -> None:
    alpha = number(n.argument("alpha", 1.0))
    n.put(f"np.where({n.x()} > 0, {n.x()}, {alpha} * np.expm1(np.minimum({n.x()}, 0) / {alpha}))")


@backward("CeluBackward0 CeluBackward1")
def celu_backward(n: NodeText) -> None:
    alpha = number(n.argument("alpha", 1.0))
    slope = f"np.exp(np.minimum({n.x()}, 0) / {alpha})"
    if n.type == "CeluBackward1":  # in place: all that is left is the result
        slope = f"({n.out} + {alpha}) / {alpha}"
    n.give(0, f"{n.g} * np.where({n.x()} <= 0, {slope}, 1)")


@forward("GeluBackward0")
def gelu(n: NodeText) -> None:
    n.put(n.call(_gelu(n), n.x()))


@backward("GeluBackward0")
def gelu_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * {n.call(_gelu(n) + '_slope', n.x())}")


def _gelu(n: NodeText) -> str:
    return "gelu" if n.argument("approximate", "none") == "none" else "gelu_tanh"


@forward("ErfBackward0")
def erf(n: NodeText) -> None:
    n.put(n.call("erf", n.x()))


@backward("ErfBackward0")
def erf_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * 1.1283791670955126 * np.exp(-({n.x()}**2))")


@forward("SiluBackward0")
def silu(n: NodeText) -> None:
    n.put(f"{n.x()} / (1 + np.exp(-{n.x()}))")


@backward("SiluBackward0")
def silu_backward(n: NodeText) -> None:
    gate = n.new("gate")
    n.line(f"{gate} = 1 / (1 + np.exp(-{n.x()}))")
    n.give(0, f"{n.g} * {gate} * (1 + {n.x()} * (1 - {gate}))")


@forward("SoftplusBackward0")
def softplus(n: NodeText) -> None:
    x, limit, beta = _softplus(n)
    n.put(f"np.where({x} > {limit}, {n.x()}, np.logaddexp({x}, 0){'' if beta == '1.0' else f' / {beta}'})")


@backward("SoftplusBackward0")
def softplus_backward(n: NodeText) -> None:
    x, limit, _ = _softplus(n)
    exponent = f"-{x}" if x.isidentifier() else f"-({x})"
    n.give(0, f"{n.g} * np.where({x} > {limit}, 1, 1 / (1 + np.exp({exponent})))")


def _softplus(n: NodeText) -> tuple[str, str, str]:
    """β · x, from where on it is taken as it is, and β."""
    beta = _number(n, "beta", 1)
    return n.x() if beta == "1.0" else f"{beta} * {n.x()}", _number(n, "threshold", 20), beta


@forward("HardswishBackward0")
def hardswish(n: NodeText) -> None:
    n.put(f"{n.x()} * np.clip({n.x()} + 3, 0, 6) / 6")


@backward("HardswishBackward0")
def hardswish_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * np.where({n.x()} <= -3, 0, np.where({n.x()} >= 3, 1, {n.x()} / 3 + 0.5))")


@forward("HardsigmoidBackward0")
def hardsigmoid(n: NodeText) -> None:
    n.put(f"np.clip({n.x()} + 3, 0, 6) / 6")


@backward("HardsigmoidBackward0")
def hardsigmoid_backward(n: NodeText) -> None:
    single = n.unit < unit_roundoff("float32")  # PyTorch has one sixth in single precision for all dtypes
    sixth = f"{n.g} * {float(np.float32(1 / 6))!r}" if single else f"{n.g} / 6"
    n.give(0, f"np.where(np.abs({n.x()}) < 3, {sixth}, 0)")


@forward("MishBackward0")
def mish(n: NodeText) -> None:
    n.put(f"{n.x()} * np.tanh(np.logaddexp({n.x()}, 0))")


@backward("MishBackward0")
def mish_backward(n: NodeText) -> None:
    t = n.new("tanh")
    n.line(f"{t} = np.tanh(np.logaddexp({n.x()}, 0))")
    n.give(0, f"{n.g} * ({t} + {n.x()} * (1 - {t} * {t}) / (1 + np.exp(-{n.x()})))")


@forward("LogSigmoidBackward0")
def log_sigmoid(n: NodeText) -> None:
    n.put(f"-np.logaddexp(-{n.x()}, 0)")


@backward("LogSigmoidBackward0")
def log_sigmoid_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} / (1 + np.exp({n.x()}))")


@forward("PreluKernelBackward0")
def prelu(n: NodeText) -> None:
    n.put(f"np.where({n.x()} > 0, {n.x()}, {n.x(1)} * {n.x()})")


@backward("PreluKernelBackward0")
def prelu_backward(n: NodeText) -> None:
    n.give(0, f"np.where({n.x()} > 0, {n.g}, {n.x(1)} * {n.g})")
    n.give(1, f"np.where({n.x()} > 0, 0, {n.g} * {n.x()})")
