"""Sums, products and functions of single numbers, as one line of NumPy each way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.export.script.registry import BACKWARD, FORWARD, Template, backward, forward
from engine.export.script.writing import NodeText, NoTemplateError, number

Mask = npt.NDArray[np.bool_]

# type: (the output, the gradient), with x the input, y the output, g the gradient that entered
_FUNCTIONS = {
    "NegBackward0": ("-{x}", "-{g}"),
    "ExpBackward0": ("np.exp({x})", "{g} * {y}"),
    "Exp2Backward0": ("np.exp2({x})", "{g} * {y} * 0.6931471805599453"),
    "Expm1Backward0": ("np.expm1({x})", "{g} * ({y} + 1)"),
    "LogBackward0": ("np.log({x})", "{g} / {x}"),
    "Log2Backward0": ("np.log2({x})", "{g} / ({x} * 0.6931471805599453)"),
    "Log10Backward0": ("np.log10({x})", "{g} / ({x} * 2.302585092994046)"),
    "Log1PBackward0": ("np.log1p({x})", "{g} / ({x} + 1)"),
    "SqrtBackward0": ("np.sqrt({x})", "{g} / (2 * {y})"),
    "RsqrtBackward0": ("1 / np.sqrt({x})", "{g} * -0.5 * {y}**3"),
    "ReciprocalBackward0": ("1 / {x}", "{g} * -{y} * {y}"),
    "SinBackward0": ("np.sin({x})", "{g} * np.cos({x})"),
    "CosBackward0": ("np.cos({x})", "{g} * -np.sin({x})"),
    "TanBackward0": ("np.tan({x})", "{g} * (1 + {y} * {y})"),
    "SinhBackward0": ("np.sinh({x})", "{g} * np.cosh({x})"),
    "CoshBackward0": ("np.cosh({x})", "{g} * np.sinh({x})"),
    "TanhBackward0": ("np.tanh({x})", "{g} * (1 - {y} * {y})"),
    "AsinBackward0": ("np.arcsin({x})", "{g} / np.sqrt(1 - {x} * {x})"),
    "AcosBackward0": ("np.arccos({x})", "-{g} / np.sqrt(1 - {x} * {x})"),
    "AtanBackward0": ("np.arctan({x})", "{g} / (1 + {x} * {x})"),
    "SigmoidBackward0": ("1 / (1 + np.exp(-{x}))", "{g} * {y} * (1 - {y})"),
    "AbsBackward0": ("np.abs({x})", "{g} * np.sign({x})"),
}


def _function(out: str, gradient: str) -> tuple[Template, Template]:
    def write_forward(n: NodeText) -> None:
        n.put(out.format(x=n.x()))

    def write_backward(n: NodeText) -> None:
        n.give(0, gradient.format(x=n.x(), y=n.out, g=n.g))

    return write_forward, write_backward


for _type, (_out, _gradient) in _FUNCTIONS.items():
    FORWARD[_type], BACKWARD[_type] = _function(_out, _gradient)


def _times(factor: float, text: str) -> str:
    return text if factor == 1 else f"-{text}" if factor == -1 else f"{number(factor)} * {text}"


def _other(n: NodeText) -> str:
    return n.x(1, name="other")


@forward("AddBackward0 AddBackward1")
def add(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} + {_times(n.argument('alpha', 1), _other(n))}")


@backward("AddBackward0 AddBackward1")
def add_backward(n: NodeText) -> None:
    n.give(0, n.g)
    n.give(1, _times(n.argument("alpha", 1), n.g))


@forward("SubBackward0 SubBackward1")
def sub(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} - {_times(n.argument('alpha', 1), _other(n))}")


@backward("SubBackward0 SubBackward1")
def sub_backward(n: NodeText) -> None:
    n.give(0, n.g)
    n.give(1, _times(-n.argument("alpha", 1), n.g))


@forward("RsubBackward0 RsubBackward1")
def rsub(n: NodeText) -> None:
    n.put(f"{_other(n)} - {_times(n.argument('alpha', 1), n.x(0))}")


@backward("RsubBackward0 RsubBackward1")
def rsub_backward(n: NodeText) -> None:
    n.give(0, _times(-n.argument("alpha", 1), n.g))
    n.give(1, n.g)


@forward("MulBackward0 MulBackward1")
def mul(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} * {_other(n)}")


@backward("MulBackward0 MulBackward1")
def mul_backward(n: NodeText) -> None:
    if n.needs(0):
        n.give(0, f"{n.g} * {_other(n)}")
    if n.needs(1):
        n.give(1, f"{n.g} * {n.x(0, name='self')}")


@forward("DivBackward0 DivBackward1")
def div(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')} / {_other(n)}")


@backward("DivBackward0 DivBackward1")
def div_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} / {_other(n)}")
    if n.needs(1):
        n.give(1, f"-{n.g} * {n.out} / {_other(n)}")


@forward("PowBackward0")
def power(n: NodeText) -> None:
    n.put(f"{n.x()}**{n.argument('exponent')!r}")


@backward("PowBackward0")
def power_backward(n: NodeText) -> None:
    exponent = n.argument("exponent")
    if exponent == 2:
        n.give(0, f"{n.g} * 2 * {n.x()}")
    elif exponent == 0:
        n.give(0, f"0 * {n.g}")
    else:
        n.give(0, f"{n.g} * {number(exponent)} * {n.x()}**{exponent - 1!r}")


@forward("PowBackward1")
def power_of_tensors(n: NodeText) -> None:
    n.put(f"{n.x(0, name='self')}**{n.x(1, name='exponent')}")


@backward("PowBackward1")
def power_of_tensors_backward(n: NodeText) -> None:
    base, exponent = n.x(0, name="self"), n.x(1, name="exponent")
    n.give(0, f"{n.g} * {exponent} * {base} ** ({exponent} - 1)")
    n.give(1, f"{n.g} * {n.out} * np.log({base})")


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


def _positive(n: NodeText) -> str:
    x = n.input_array(0)
    return choose(n, f"{n.out} > 0", None if x is None else x > 0, 0.0)


@forward("ReluBackward0")
def relu(n: NodeText) -> None:
    n.put(f"np.maximum({n.x()}, 0)")


@backward("ReluBackward0")
def relu_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * {_positive(n)}")


@forward("LeakyReluBackward0")
def leaky_relu(n: NodeText) -> None:
    n.put(f"np.where({n.x()} > 0, {n.x()}, {number(n.argument('negative_slope', 0.01))} * {n.x()})")


@backward("LeakyReluBackward0")
def leaky_relu_backward(n: NodeText) -> None:
    x = n.input_array(0)
    positive = choose(n, f"{n.x()} > 0", None if x is None else x > 0, 0.0)
    positive = positive[1:-1] if positive.startswith("(") else positive
    n.give(0, f"{n.g} * np.where({positive}, 1, {number(n.argument('negative_slope', 0.01))})")


@forward("HardtanhBackward0 ClampBackward1")
def clamp(n: NodeText) -> None:
    low, high = _limits(n)
    n.put(f"np.clip({n.x()}, {low}, {high})")


@backward("HardtanhBackward0 ClampBackward1")
def clamp_backward(n: NodeText) -> None:
    low, high = _limits(n)
    inclusive = "=" if n.type == "ClampBackward1" else ""
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
    n.give(0, f"{n.g} * {choose(n, _all(conditions), passed, *borders)}")


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


@forward("EluBackward0")
def elu(n: NodeText) -> None:
    if n.argument("scale", 1) != 1 or n.argument("input_scale", 1) != 1:
        raise NoTemplateError("a scaled ELU")
    n.put(f"np.where({n.x()} > 0, {n.x()}, {number(n.argument('alpha', 1.0))} * np.expm1(np.minimum({n.x()}, 0)))")


@backward("EluBackward0")
def elu_backward(n: NodeText) -> None:
    alpha = number(n.argument("alpha", 1.0))
    n.give(0, f"{n.g} * np.where({n.x()} > 0, 1, {alpha} * np.exp(np.minimum({n.x()}, 0)))")


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
    if n.argument("beta", 1) != 1:
        raise NoTemplateError("softplus with a beta of its own")
    n.put(f"np.where({n.x()} > {n.argument('threshold', 20)}, {n.x()}, np.logaddexp({n.x()}, 0))")


@backward("SoftplusBackward0")
def softplus_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * np.where({n.x()} > {n.argument('threshold', 20)}, 1, 1 / (1 + np.exp(-{n.x()})))")


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
    n.give(0, f"{n.g} * (np.abs({n.x()}) < 3) / 6")


@forward("WhereBackward0")
def where(n: NodeText) -> None:
    n.put(f"np.where({n.given(0)}, {n.x(0, 1, 'self')}, {n.x(1, 2, 'other')})")


@backward("WhereBackward0")
def where_backward(n: NodeText) -> None:
    n.give(0, f"np.where({n.given(0)}, {n.g}, 0)")
    n.give(1, f"np.where({n.given(0)}, 0, {n.g})")


@forward("MaskedFillBackward0")
def masked_fill(n: NodeText) -> None:
    n.put(f"np.where({n.given(1)}, number({number(n.argument('value'))}), {n.x()})")


@backward("MaskedFillBackward0")
def masked_fill_backward(n: NodeText) -> None:
    n.give(0, f"np.where({n.given(1)}, 0, {n.g})")


@forward("NativeDropoutBackward0")
def dropout(n: NodeText) -> None:
    n.put(f"{n.x()} * {n.saved('result1')} / {number(1 - n.argument('p', 0.5))}")


@backward("NativeDropoutBackward0")
def dropout_backward(n: NodeText) -> None:
    n.give(0, f"{n.g} * {n.saved('result1')} / {number(1 - n.argument('p', 0.5))}")


@forward("CloneBackward0 AliasBackward0 ToCopyBackward0 ViewAsBackward0 LiftFreshBackward0")
def same(n: NodeText) -> None:
    n.put(n.x())


@backward("CloneBackward0 AliasBackward0 ToCopyBackward0 ViewAsBackward0 LiftFreshBackward0")
def same_backward(n: NodeText) -> None:
    n.give(0, n.g)
