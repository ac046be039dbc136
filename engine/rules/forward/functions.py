"""Functions of single numbers, and of two or three at the same place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from engine.arithmetic import Array, Bounded, exact, special, value_of
from engine.rules.forward.model import Forward, Function, Table, spread
from engine.rules.scalars import nearest, number
from engine.rules.values import NodeValues, UnsupportedError

Operands = Sequence[Array]


def _of_one(formula: str, function: Callable[[Array], Array]) -> Forward:
    return Forward(formula, lambda a, n: function(a[0]), (0,))


def _named(name: str, function: Callable[[Array], Array]) -> Forward:
    return _of_one(rf"\mathrm{{{name}}}\left(<self>\right)", function)


def _of_two(formula: str, function: Callable[[Array, Array], Array]) -> Forward:
    return Forward(formula, lambda a, n: function(a[0], a[1]), (0, 1))


def _shrunk(x: Array, n: NodeValues) -> Array:
    border = float(n.argument("lambd", 0.5))
    value = value_of(x)
    return np.where(value > border, x - border, np.where(value < -border, x + border, 0.0 * x))


def _cut(x: Array, n: NodeValues) -> Array:
    return np.where(np.abs(value_of(x)) <= float(n.argument("lambd", 0.5)), 0.0, x)


def _celu(x: Array, n: NodeValues) -> Array:
    alpha = number(n, "alpha", 1.0)
    return np.where(value_of(x) > 0, x, alpha * np.expm1(np.minimum(x, 0.0) / alpha))


def _replaced(x: Array, n: NodeValues) -> Array:
    """What is not a number, or endless, replaced by numbers that were given; by zero, if it is not a number."""
    value = value_of(x)
    found = np.where(np.isnan(value), float(n.argument("nan", 0.0)), x)
    for name, where in (("posinf", np.isposinf(value)), ("neginf", np.isneginf(value))):
        if where.any():
            if n.argument(name, None) is None:
                raise UnsupportedError("an endless number became the largest of its dtype")
            found = np.where(where, float(n.argument(name)), found)
    return found


def _with_noise(x: Array, n: NodeValues) -> Array:
    if n.argument("training", False):
        return np.where(value_of(x) > 0, x, x * n.saved("noise"))
    slope = (number(n, "lower", 0.125) + number(n, "upper", 1.0 / 3.0)) / 2.0
    return np.where(value_of(x) > 0, x, x * slope)


def _gated(x: Array, n: NodeValues) -> Array:
    """The first half times the sigmoid of the second."""
    first, second = np.split(x, 2, axis=int(n.argument("dim", -1)))
    return first / (1.0 + np.exp(-second))


def _rounded(x: Array, n: NodeValues) -> Array:
    if n.argument("decimals", 0):
        raise UnsupportedError("rounded to decimals")
    return np.rint(x)


def _between(start: Array, end: Array, weight: Array) -> Array:
    """Reckoned from the end that is nearer, as torch does."""
    near = value_of(weight) < 0.5
    return np.where(near, start + weight * (end - start), end - (end - start) * (1.0 - weight))


def _lerp(a: Operands, n: NodeValues) -> Array:
    return _between(a[0], a[1], np.float64(number(n, "weight")))


def _log_sum(base: float) -> Callable[[Array, Array], Array]:
    """The logarithm of the sum of two powers of `base`; the larger is taken out, so that nothing overflows."""

    def found(a: Array, b: Array) -> Array:
        apart = np.abs(a - b) * math.log(base)
        return np.maximum(a, b) + np.log1p(np.exp(-apart)) / math.log(base)

    return found


def _fmod(a: Array, b: Array) -> Array:
    """What is left of a number, with its own sign, is not rounded."""
    return exact(np.fmod(value_of(a), value_of(b)), _unit(a))


def _mod(a: Array, b: Array) -> Array:
    """With the sign of `b`: `b` may have been added."""
    value = np.asarray(np.mod(value_of(a), value_of(b)))
    return Bounded(value, _unit(a) * np.abs(value_of(b)) + 0.0 * value, _unit(a))


def _unit(a: Array) -> float:
    return a.unit if isinstance(a, Bounded) else 2.0**-53


def _by_number(function: Callable[[Array, Array], Array]) -> Function:
    return lambda a, n: function(a[0], nearest(float(number(n, "other")), n.unit))


def _sign_of(a: Array, b: Array) -> Array:
    return np.where(np.signbit(value_of(b)), -np.abs(a), np.abs(a))


def _xlogy(a: Array, b: Array) -> Array:
    return np.where((value_of(a) == 0) & ~np.isnan(value_of(b)), 0.0 * a, a * np.log(b))


def _scaled(a: Operands, n: NodeValues) -> Array:
    return a[0] + np.float64(number(n, "value", 1)) * (a[1] * a[2])


def _divided(a: Operands, n: NodeValues) -> Array:
    return a[0] + np.float64(number(n, "value", 1)) * (a[1] / a[2])


TABLE: Table = {
    "Exp2Backward0": _of_one("2^{<self>}", np.exp2),
    "TanBackward0": _of_one(r"\tan <self>", np.tan),
    "AsinBackward0": _of_one(r"\arcsin <self>", np.arcsin),
    "AcosBackward0": _of_one(r"\arccos <self>", np.arccos),
    "SinhBackward0": _of_one(r"\sinh <self>", np.sinh),
    "CoshBackward0": _of_one(r"\cosh <self>", np.cosh),
    "AsinhBackward0": _named("arsinh", np.arcsinh),
    "AcoshBackward0": _named("arcosh", np.arccosh),
    "AtanhBackward0": _named("artanh", np.arctanh),
    "ErfcBackward0": _of_one(r"1 - \mathrm{erf}\left(<self>\right)", special.erfc),
    "ErfinvBackward0": _of_one(r"\mathrm{erf}^{-1}\left(<self>\right)", special.erfinv),
    "LgammaBackward0": _of_one(r"\ln \left|\Gamma\left(<self>\right)\right|", special.lgamma),
    "DigammaBackward0": _of_one(r"\psi\left(<self>\right)", special.digamma),
    "SincBackward0": _named("sinc", np.sinc),
    "Deg2RadBackward0": _of_one(r"\frac{\pi}{180} <self>", lambda x: x * (math.pi / 180.0)),
    "Rad2DegBackward0": _of_one(r"\frac{180}{\pi} <self>", lambda x: x * (180.0 / math.pi)),
    "FracBackward0": _of_one(r"<self> - \mathrm{trunc}\left(<self>\right)", lambda x: x - np.trunc(value_of(x))),
    "FloorBackward0": _of_one(r"\lfloor <self> \rfloor", np.floor),
    "CeilBackward0": _of_one(r"\lceil <self> \rceil", np.ceil),
    "TruncBackward0": _named("trunc", np.trunc),
    "RoundBackward0": Forward(r"\mathrm{round}\left(<self>\right)", lambda a, n: _rounded(a[0], n), (0,)),
    "SignBackward0": _named("sgn", np.sign),
    "SgnBackward0": _named("sgn", np.sign),
    "LogSigmoidBackward0": _of_one(
        r"-\ln\left(1 + e^{-<self>}\right)", lambda x: np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))
    ),
    **spread("CeluBackward0 CeluBackward1",
             Forward(r"\mathrm{celu}\left(<self>\right)", lambda a, n: _celu(a[0], n), (0,))),
    "HardshrinkBackward0": Forward(r"\mathrm{hardshrink}\left(<self>\right)", lambda a, n: _cut(a[0], n), (0,)),
    "SoftshrinkBackward0": Forward(r"\mathrm{softshrink}\left(<self>\right)", lambda a, n: _shrunk(a[0], n), (0,)),
    **spread("ThresholdBackward0 ThresholdBackward1", Forward(
        r"\mathrm{threshold}\left(<self>\right)",
        lambda a, n: np.where(value_of(a[0]) <= number(n, "threshold"), float(number(n, "value")), a[0]), (0,),
    )),
    **spread("RreluWithNoiseBackward0 RreluWithNoiseBackward1 RreluWithNoiseFunctionalBackward0",
             Forward(r"\mathrm{rrelu}\left(<self>\right)", lambda a, n: _with_noise(a[0], n), (0,))),
    "PreluKernelBackward0": _of_two(
        r"\max\left(<self>, 0\right) + <weight> \cdot \min\left(<self>, 0\right)",
        lambda x, slope: np.where(value_of(x) > 0, x, slope * x)
    ),
    "GluBackward0": Forward(r"\mathrm{glu}\left(<self>\right)", lambda a, n: _gated(a[0], n), (0,)),
    "NanToNumBackward0": Forward(r"\mathrm{finite}\left(<self>\right)", lambda a, n: _replaced(a[0], n), (0,)),
    **spread("ToCopyBackward0 BackwardHookFunctionBackward", _of_one("<self>", lambda x: x)),
    "CopyBackwards": Forward(
        r"<self> \leftarrow <src>", lambda a, n: np.broadcast_to(a[1], n.output_shape()), (0, 1)
    ),
    "ZeroBackward0": Forward("0", lambda a, n: np.zeros(n.output_shape()), (0,)),
    "Atan2Backward0": _of_two(r"\mathrm{atan2}\left(<self>, <other>\right)", np.arctan2),
    "HypotBackward0": _of_two(r"\sqrt{<self>^2 + <other>^2}", lambda a, b: np.sqrt(a * a + b * b)),
    "LogaddexpBackward0": _of_two(r"\ln\left(e^{<self>} + e^{<other>}\right)", _log_sum(math.e)),
    "Logaddexp2Backward0": _of_two(r"\log_2\left(2^{<self>} + 2^{<other>}\right)", _log_sum(2.0)),
    "XlogyBackward0": _of_two(r"<self> \ln <other>", _xlogy),
    "CopysignBackward0": _of_two(r"|<self>| \cdot \mathrm{sgn}\left(<other>\right)", _sign_of),
    "FmaxBackward0": _of_two(r"\max\left(<self>, <other>\right)", np.fmax),
    "FminBackward0": _of_two(r"\min\left(<self>, <other>\right)", np.fmin),
    "PowBackward2": Forward(r"<:self>^{<exponent>}", lambda a, n: np.power(np.float64(number(n, "self")), a[0]), (1,)),
    "RemainderBackward0": Forward(r"<self> \bmod <:other>", _by_number(_mod), (0,)),
    "RemainderBackward1": _of_two(r"<self> \bmod <other>", _mod),
    "FmodBackward0": Forward(r"\mathrm{fmod}\left(<self>, <:other>\right)", _by_number(_fmod), (0,)),
    "FmodBackward1": _of_two(r"\mathrm{fmod}\left(<self>, <other>\right)", _fmod),
    "RsubBackward0": Forward(
        r"<other> - <:alpha=1> \cdot <self>", lambda a, n: a[1] - n.argument("alpha", 1) * a[0], (0, 1)
    ),
    "LerpBackward0": Forward(r"<self> + <:weight> \cdot \left(<end> - <self>\right)", _lerp, (0, 1)),
    "LerpBackward1": Forward(
        r"<self> + \left(<end> - <self>\right) \cdot <weight>", lambda a, n: _between(a[0], a[1], a[2]), (0, 1, 2)
    ),
    "AddcmulBackward0": Forward(r"<self> + <:value=1> \cdot <tensor1> \cdot <tensor2>", _scaled, (0, 1, 2)),
    "AddcdivBackward0": Forward(r"<self> + <:value=1> \cdot <tensor1> / <tensor2>", _divided, (0, 1, 2)),
}  # fmt: skip
