"""Special functions of arrays and of `Bounded` arrays.

The functions themselves are plain NumPy, in `error_functions`, `gamma_functions` and `bessel_functions`. Here each gets
what a bound needs: its slope, by which an error of the argument is passed on, and the error of its own, in units of
roundoff relative to its value (or, where it crosses zero, to something larger).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from engine.arithmetic import bessel_functions as bessel
from engine.arithmetic import error_functions as error
from engine.arithmetic import gamma_functions as gamma
from engine.arithmetic.bounded import _STEEP, Array, Bounded, Floats, value_of

_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
_SQRT_2PI = math.sqrt(2.0 * math.pi)

Function = Callable[[Floats], Floats]
Slope = Callable[[Floats, Floats], Floats]


def bounded(
    function: Function, slope: Slope, x: Array, *, ulps: float = 8.0, scale: Slope | None = None, truncated: float = 0.0
) -> Array:
    """`function(x)`; of a `Bounded` with its bound.

    `slope(x, y)` is the derivative where y = function(x). The error of its own is `ulps` roundings of `scale(x, y)`
    (|y| if not given), and at least `truncated` of it: for implementations that cut a series off earlier.
    """
    if not isinstance(x, Bounded):
        return function(np.asarray(x, dtype=np.float64))
    with np.errstate(all="ignore"):
        value = function(x.value)
        size = np.abs(value) if scale is None else np.maximum(np.abs(value), np.abs(scale(x.value, value)))
        own = max(ulps * x.unit, truncated) * size
        if x.error is None:
            return Bounded(value, own, x.unit)
        moved = np.abs(slope(x.value, value)) * x.error
        steep = x.error > _STEEP * np.abs(x.value)
        if np.any(steep):
            ends = np.fmax(np.abs(function(x.value + x.error) - value), np.abs(function(x.value - x.error) - value))
            moved = np.where(steep & np.isfinite(ends), np.fmax(np.nan_to_num(moved), ends), moved)
        return Bounded(value, own + moved, x.unit)


def _gauss(x: Floats, _: Floats) -> Floats:
    return np.asarray(_TWO_OVER_SQRT_PI * np.exp(-x * x))


def erf(x: Array) -> Array:
    return bounded(error.erf, _gauss, x)


def erfc(x: Array) -> Array:
    """1 - erf(x). Far out, an implementation may lose digits in exp(-x²), x² units of them."""
    return bounded(error.erfc, _gauss, x, scale=lambda x, y: y * (1 + x * x))


def erfcx(x: Array) -> Array:
    """exp(x²) erfc(x)."""
    return bounded(error.erfcx, lambda x, y: 2 * x * y - _TWO_OVER_SQRT_PI, x, scale=lambda x, y: y * (1 + x * x))


def erfinv(x: Array) -> Array:
    return bounded(error.erfinv, lambda x, y: np.exp(y * y) / _TWO_OVER_SQRT_PI, x)


def ndtr(x: Array) -> Array:
    """The probability that a standard normal number is below x."""
    return bounded(error.ndtr, lambda x, y: np.exp(-x * x / 2) / _SQRT_2PI, x, scale=lambda x, y: y * (1 + x * x))


def log_ndtr(x: Array) -> Array:
    return bounded(error.log_ndtr, lambda x, y: np.exp(-x * x / 2 - y) / _SQRT_2PI, x)


def ndtri(p: Array) -> Array:
    return bounded(error.ndtri, lambda p, z: np.exp(z * z / 2) * _SQRT_2PI, p)


def lgamma(x: Array) -> Array:
    return bounded(gamma.lgamma, lambda x, y: gamma.digamma(x), x, scale=lambda x, y: 1 + np.abs(x * np.log(np.abs(x))))


def digamma(x: Array) -> Array:
    """The derivative of `lgamma`. What is below 1/2 is reflected, which rounds π x."""
    return bounded(gamma.digamma, lambda x, y: gamma.polygamma(1, x), x, scale=_reflected)


def _reflected(x: Floats, y: Floats) -> Floats:
    """How much a rounding of π x shows in π / tan(π x), beside the size of the logarithm."""
    turned = np.where(x < 0.5, np.abs(x) * np.square(math.pi / np.sin(math.pi * x)), 0.0)
    return 1 + np.abs(np.log(np.abs(x) + 1)) + turned


def polygamma(n: int, x: Array) -> Array:
    """The derivative of order n of `digamma`. PyTorch's of order 1 leaves out terms from 1 / (30 x^9) on, x ≥ 6."""

    def turned(x: Floats, y: Floats) -> Floats:
        sine = np.sin(math.pi * x)
        return np.where(x < 0.5, np.abs(x) * 2 * math.pi**3 / np.abs(sine) ** 3, 0.0) + 1 / (np.abs(x) + 1)

    if n == 0:
        return digamma(x)
    return bounded(
        lambda a: gamma.polygamma(n, a),
        lambda a, y: gamma.polygamma(n + 1, a),
        x,
        ulps=8.0 + 4 * n,
        scale=turned if n == 1 else None,
        truncated=1e-8 if n == 1 else 0.0,
    )


def zeta(s: Array, q: Array) -> Array:
    """Hurwitz' zeta function of exact s."""
    power = value_of(s)
    return bounded(lambda a: gamma.zeta(power, a), lambda a, y: -power * gamma.zeta(power + 1, a), q, ulps=16.0)


def i0(x: Array) -> Array:
    return bounded(bessel.i0, lambda x, y: bessel.i1(x), x)


def i1(x: Array) -> Array:
    return bounded(bessel.i1, lambda x, y: bessel.i0(x), x)


def i0e(x: Array) -> Array:
    return bounded(bessel.i0e, lambda x, y: bessel.i1e(x) - np.sign(x) * y, x)


def i1e(x: Array) -> Array:
    return bounded(bessel.i1e, lambda x, y: bessel.i0e(x), x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without an overflow."""
    return bounded(_sigmoid, lambda x, y: y * (1 - y), x)


def _sigmoid(x: Floats) -> Floats:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1.0 + small))
