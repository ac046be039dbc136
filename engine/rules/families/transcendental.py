"""Exponentials, logarithms, angles: functions of one number, and of two, with a slope from the textbook."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import special, value_of
from engine.rules.registry import elementwise
from engine.rules.scalars import underflowing
from engine.rules.values import NodeValues


@elementwise("ExpBackward0", {"self": r"<G> \cdot <result>"}, "The exponential function is its own slope.")
def exp(n: NodeValues) -> tuple[Any, ...]:
    return (n.saved("result"),)


@elementwise("Exp2Backward0", {"self": r"<G> \cdot <result> \cdot \ln 2"}, "A power of two grows by ln 2 of itself.")
def exp2(n: NodeValues) -> tuple[Any, ...]:
    return (n.saved("result") * math.log(2.0),)


@elementwise("Expm1Backward0", {"self": r"<G> \cdot (<result> + 1)"}, "The slope of exp(x) - 1 is exp(x).")
def expm1(n: NodeValues) -> tuple[Any, ...]:
    return (n.saved("result") + 1.0,)


@elementwise("LogBackward0", {"self": r"\frac{<G>}{<self>}"}, "The smaller the number, the steeper its logarithm.")
def log(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / n.saved("self"),)


@elementwise("Log2Backward0", {"self": r"\frac{<G>}{<self> \cdot \ln 2}"}, "The slope of the logarithm to base 2.")
def log2(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / (n.saved("self") * math.log(2.0)),)


@elementwise("Log10Backward0", {"self": r"\frac{<G>}{<self> \cdot \ln 10}"}, "The slope of the logarithm to base 10.")
def log10(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / (n.saved("self") * math.log(10.0)),)


@elementwise("Log1PBackward0", {"self": r"\frac{<G>}{1 + <self>}"}, "The slope of log(1 + x) is one over 1 + x.")
def log1p(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / (n.saved("self") + 1.0),)


@elementwise("SinBackward0", {"self": r"<G> \cdot \cos <self>"}, "The slope of the sine is the cosine.")
def sin(n: NodeValues) -> tuple[Any, ...]:
    return (np.cos(n.saved("self")),)


@elementwise("CosBackward0", {"self": r"-<G> \cdot \sin <self>"}, "The slope of the cosine is minus the sine.")
def cos(n: NodeValues) -> tuple[Any, ...]:
    return (-np.sin(n.saved("self")),)


@elementwise("TanBackward0", {"self": r"<G> \cdot (1 + <result>^{2})"}, "The steeper, the larger the tangent is.")
def tan(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 + np.square(n.saved("result")),)


@elementwise("SinhBackward0", {"self": r"<G> \cdot \cosh <self>"}, "The slope of the hyperbolic sine is the cosine.")
def sinh(n: NodeValues) -> tuple[Any, ...]:
    return (np.cosh(n.saved("self")),)


@elementwise("CoshBackward0", {"self": r"<G> \cdot \sinh <self>"}, "The slope of the hyperbolic cosine is the sine.")
def cosh(n: NodeValues) -> tuple[Any, ...]:
    return (np.sinh(n.saved("self")),)


@elementwise(
    "AsinBackward0",
    {"self": r"\frac{<G>}{\sqrt{1 - <self>^{2}}}"},
    "The angle moves faster and faster towards the ends, where the sine stands still.",
)
def asin(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (1.0 / np.sqrt(1.0 - x * x),)


@elementwise(
    "AcosBackward0",
    {"self": r"-\frac{<G>}{\sqrt{1 - <self>^{2}}}"},
    "The angle moves faster and faster towards the ends, where the cosine stands still.",
)
def acos(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (-1.0 / np.sqrt(1.0 - x * x),)


@elementwise(
    "AtanBackward0",
    {"self": r"\frac{<G>}{1 + <self>^{2}}"},
    "The farther out, the less the angle moves.",
)
def atan(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    return (1.0 / (x * x + 1.0),)


@elementwise(
    "AsinhBackward0",
    {"self": r"\frac{<G>}{\sqrt{1 + <self>^{2}}}"},
    "The slope is one over the root of 1 + x².",
)
def asinh(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / np.sqrt(np.square(n.saved("self")) + 1.0),)


@elementwise(
    "AcoshBackward0",
    {"self": r"\frac{<G>}{\sqrt{<self>^{2} - 1}}"},
    "The slope is one over the root of x² - 1.",
)
def acosh(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    if np.iscomplexobj(value_of(x)):
        return (1.0 / (np.sqrt(x + 1.0) * np.sqrt(x - 1.0)),)
    return (1.0 / np.sqrt(x * x - 1.0),)


@elementwise("AtanhBackward0", {"self": r"\frac{<G>}{1 - <self>^{2}}"}, "The slope is one over 1 - x².")
def atanh(n: NodeValues) -> tuple[Any, ...]:
    return (1.0 / (1.0 - np.square(n.saved("self"))),)


@elementwise(
    "Atan2Backward0",
    {
        "self": r"<G> \cdot \frac{<other>}{<self>^{2} + <other>^{2}}",
        "other": r"-<G> \cdot \frac{<self>}{<self>^{2} + <other>^{2}}",
    },
    "The angle of a point turns with each coordinate in proportion to the other one, less and less farther out.",
)
def atan2(n: NodeValues) -> tuple[Any, ...]:
    y, x = n.saved("self"), n.saved("other")
    size = y * y + x * x
    origin = (value_of(y) == 0) & (value_of(x) == 0)
    scale = np.where(origin, 0.0, 1.0 / np.where(origin, 1.0, size))
    return x * scale, -y * scale


@elementwise(
    "SincBackward0",
    {"self": r"<G> \cdot \frac{\pi <self> \cos \pi <self> - \sin \pi <self>}{\pi <self>^{2}}"},
    "The slope of sin(πx) / (πx), which is zero at zero.",
    stops=True,
)
def sinc(n: NodeValues) -> tuple[Any, ...]:
    x = n.saved("self")
    turned = x * math.pi
    square = x * x * math.pi
    zero = value_of(square) == 0
    slope = (turned * np.cos(turned) - np.sin(turned)) / np.where(zero, 1.0, square)
    return (np.where(zero, 0.0, slope),)


@elementwise(
    "LogaddexpBackward0",
    {
        "self": r"\frac{<G>}{1 + e^{<other> - <self>}}",
        "other": r"\frac{<G>}{1 + e^{<self> - <other>}}",
    },
    "Both addends share the gradient in proportion to what they add to the sum of exponentials.",
)
def logaddexp(n: NodeValues) -> tuple[Any, ...]:
    x, y = n.saved("self"), n.saved("other")
    if np.iscomplexobj(value_of(x)):
        return 1.0 / (1.0 + np.exp(y - x)), 1.0 / (1.0 + np.exp(x - y))
    return tuple(underflowing(n, special.sigmoid(difference)) for difference in (x - y, y - x))


@elementwise(
    "Logaddexp2Backward0",
    {
        "self": r"\frac{<G>}{1 + 2^{<other> - <self>}}",
        "other": r"\frac{<G>}{1 + 2^{<self> - <other>}}",
    },
    "Both addends share the gradient in proportion to what they add to the sum of powers of two.",
)
def logaddexp2(n: NodeValues) -> tuple[Any, ...]:
    x, y = n.saved("self"), n.saved("other")
    scale = math.log(2.0)
    return tuple(underflowing(n, special.sigmoid(scale * difference)) for difference in (x - y, y - x))


def _times_logarithm(n: NodeValues, logarithm: Any, y: Any, pole: float) -> Any:
    """The slope of x · log y for x: log y, but nothing where x is zero, or where no gradient comes (0 · log 0 = 0)."""
    zero = value_of(n.saved("self")) == 0
    limit = value_of(y)
    quiet = (value_of(n.grad()) == 0) & ~np.isnan(limit)
    return np.where((zero & (limit <= pole)) | quiet, 0.0, logarithm)


def _operand(n: NodeValues, name: str) -> Any:
    return n.saved(name) if n.has(name) else np.asarray(float(n.argument(name)))


@elementwise(
    "XlogyBackward0 XlogyBackward2",
    {"self": r"<G> \cdot \ln <other>", "other": r"<G> \cdot \frac{<self>}{<other>}"},
    "The factor gets the logarithm, the number under the logarithm gets one over itself times the factor.",
)
def xlogy(n: NodeValues) -> tuple[Any, ...]:
    y = _operand(n, "other")
    first = _times_logarithm(n, np.log(y), y, 0.0) if n.needs(0) else None
    return first, _operand(n, "self") / y if n.needs(1) else None


@elementwise(
    "XlogyBackward1",
    {"other": r"<G> \cdot \frac{<self>}{<other>}"},
    "The number under the logarithm gets one over itself times the factor.",
)
def xlogy_of_number(n: NodeValues) -> tuple[Any, ...]:
    return (_operand(n, "self") / n.saved("other"),)


@elementwise(
    "SpecialXlog1PyBackward0 SpecialXlog1PyBackward2",
    {"self": r"<G> \cdot \ln(1 + <other>)", "other": r"<G> \cdot \frac{<self>}{<other> + 1}"},
    "The factor gets the logarithm, the number under the logarithm gets the factor over what stands there.",
)
def xlog1py(n: NodeValues) -> tuple[Any, ...]:
    y = _operand(n, "other")
    first = _times_logarithm(n, np.log1p(y), y, -1.0) if n.needs(0) else None
    return first, _operand(n, "self") / (y + 1.0) if n.needs(1) else None


@elementwise(
    "SpecialXlog1PyBackward1",
    {"other": r"<G> \cdot \frac{<self>}{<other> + 1}"},
    "The number under the logarithm gets the factor over what stands there.",
)
def xlog1py_of_number(n: NodeValues) -> tuple[Any, ...]:
    return (_operand(n, "self") / (n.saved("other") + 1.0),)
