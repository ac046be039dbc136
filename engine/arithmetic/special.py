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
from engine.arithmetic.limits import fit, limited

_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
_SQRT_2PI = math.sqrt(2.0 * math.pi)

Function = Callable[[Floats], Floats]
Slope = Callable[[Floats, Floats], Floats]


def bounded(
    function: Function,
    slope: Slope,
    x: Array,
    *,
    ulps: float = 8.0,
    argument: float = 0.0,
    least: float = 0.0,
    absolute: float = 0.0,
    part: Function | None = None,
    periodic: bool = False,
) -> Array:
    """`function(x)`; of a `Bounded` with its bound.

    `slope(x, y)` is the derivative where y = function(x). The error of its own is `ulps` roundings of y and what
    `argument` roundings of x do to it (of an implementation that computes with something like π x or x²), and at least
    the part `least` of y (of an implementation that cuts a series off earlier), and `absolute`. `part` is a factor of
    y that may not fit where y does. A periodic function has a pole at each whole number that is not positive; where
    those roundings of a negative x are a good part of 1, it may be anything.
    """
    if not isinstance(x, Bounded):
        return function(np.asarray(x, dtype=np.float64))
    with np.errstate(all="ignore"):
        value = function(x.value)
        own = max(ulps * x.unit, least) * np.abs(value) + absolute
        steepness = np.abs(slope(x.value, value))
        if argument:
            shift = argument * x.unit * np.abs(x.value)
            own = own + np.nan_to_num(steepness * shift, nan=0.0, posinf=np.inf)
            own = np.where((x.value < 0) & np.isfinite(x.value) & (shift > 2.0**-6) & periodic, np.inf, own)
        inner = None if part is None else np.abs(part(x.value))
        if x.error is None:
            return fit(Bounded(value, own, x.unit), (x,), inner) if limited() else Bounded(value, own, x.unit)
        moved = np.where((x.error == 0.0) | np.isinf(x.value), 0.0, steepness * x.error)
        if periodic:
            low, high = np.ceil(x.value - x.error), np.floor(x.value + x.error)
            moved = np.where((x.error > 0.0) & (low <= high) & (low <= 0.0), np.inf, moved)  # there is a pole within
        steep = x.error > _STEEP * np.abs(x.value)
        if np.any(steep):
            ends = np.fmax(np.abs(function(x.value + x.error) - value), np.abs(function(x.value - x.error) - value))
            moved = np.where(steep & np.isfinite(ends), np.fmax(np.nan_to_num(moved), ends), moved)
        result = Bounded(value, own + moved, x.unit)
        return fit(result, (x,), inner) if limited() else result


def _gauss(x: Floats, _: Floats) -> Floats:
    return np.asarray(_TWO_OVER_SQRT_PI * np.exp(-x * x))


def erf(x: Array) -> Array:
    return bounded(error.erf, _gauss, x)


def erfc(x: Array) -> Array:
    return bounded(error.erfc, _gauss, x, argument=2)


def erfcx(x: Array) -> Array:
    """exp(x²) erfc(x)."""
    return bounded(error.erfcx, lambda x, y: 2 * x * y - _TWO_OVER_SQRT_PI, x, argument=2)


def erfinv(x: Array) -> Array:
    return bounded(error.erfinv, lambda x, y: np.exp(y * y) / _TWO_OVER_SQRT_PI, x)


def ndtr(x: Array) -> Array:
    """The probability that a standard normal number is below x."""
    return bounded(error.ndtr, lambda x, y: np.exp(-x * x / 2) / _SQRT_2PI, x, argument=2)


def log_ndtr(x: Array) -> Array:
    return bounded(error.log_ndtr, lambda x, y: np.exp(-x * x / 2 - y) / _SQRT_2PI, x, argument=2)


def ndtri(p: Array) -> Array:
    return bounded(error.ndtri, lambda p, z: np.exp(z * z / 2) * _SQRT_2PI, p)


def lgamma(x: Array) -> Array:
    return bounded(gamma.lgamma, lambda x, y: gamma.digamma(x), x, argument=2, absolute=4e-15, periodic=True)


def digamma(x: Array) -> Array:
    """The derivative of `lgamma`."""
    return bounded(gamma.digamma, lambda x, y: gamma.polygamma(1, x), x, argument=2, periodic=True)


_TRIGAMMA_CUT = 1e-8
"""PyTorch's `trigamma` leaves out the terms of its series from 1 / (30 x^9) on, where x is at least 6.5."""


def polygamma(n: int, x: Array) -> Array:
    """The derivative of order n of `digamma`."""
    if n == 0:
        return digamma(x)
    return bounded(
        lambda a: gamma.polygamma(n, a),
        lambda a, y: gamma.polygamma(n + 1, a),
        x,
        ulps=8.0 + 4 * n,
        argument=2,
        least=_TRIGAMMA_CUT if n == 1 else 0.0,
        part=lambda a: np.fmax(np.abs(a), 1.0 / np.abs(a)) ** (n + 2),
        periodic=True,
    )


def zeta(s: Array, q: Array) -> Array:
    """Hurwitz' zeta function of exact s."""
    power = value_of(s)
    slope: Slope = lambda a, y: -power * gamma.zeta(power + 1, a)  # noqa: E731
    return bounded(lambda a: gamma.zeta(power, a), slope, q, ulps=16.0, argument=2)


def _grown(x: Floats) -> Floats:
    return np.exp(np.abs(x))


def i0(x: Array) -> Array:
    return bounded(bessel.i0, lambda x, y: bessel.i1(x), x, part=_grown)


def i1(x: Array) -> Array:
    return bounded(bessel.i1, lambda x, y: bessel.i0(x), x, part=_grown)


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
