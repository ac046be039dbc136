"""The gamma function's logarithm, its derivatives and Hurwitz' zeta function, on NumPy arrays, to about 1e-14.

Python has the logarithm. The rest are computed by the same means: the argument is moved up until an asymptotic series
in Bernoulli numbers holds. Formulas: NIST Digital Library of Mathematical Functions, 5.11, 5.15 and 25.11.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.arithmetic.error_functions import Floats

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)  # B2, B4, …
_LARGE = 10.0  # from here on, the series hold
_LARGEST = 2.5e305  # beyond it, the logarithm of the gamma function is infinite
_FEW = 10_000.0  # terms at most, at negative arguments


def lgamma(x: npt.ArrayLike) -> Floats:
    """log |Γ(x)|; infinite at 0 and the negative integers. It is off by 4e-15 at most, or by as much of its value."""
    array = np.asarray(x, dtype=np.float64)
    poles = ((array <= 0) & (array == np.floor(array))) | np.isinf(array) | (array > _LARGEST)
    found = np.frompyfunc(math.lgamma, 1, 1)(np.where(poles, 1.0, array))
    return np.where(poles, np.inf, np.asarray(found, dtype=np.float64))


def digamma(x: npt.ArrayLike) -> Floats:
    """The derivative of log Γ; infinite at 0 (with the other sign), NaN at the negative integers."""
    array = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        low = array < 0.5
        above = _digamma_positive(np.where(low, 1.0 - array, array))
        cotangent = math.pi / np.tan(math.pi * (array - np.round(array)))
        result = np.where(low, above - cotangent, above)
    result = np.where((array < 0) & (array == np.floor(array)), np.nan, result)
    return np.where(array == 0, np.copysign(np.inf, -array), result)


def _digamma_positive(x: Floats) -> Floats:
    total = np.zeros(x.shape)
    z = x.astype(np.float64)
    for _ in range(int(_LARGE)):
        low = z < _LARGE
        total = np.where(low, total - 1.0 / z, total)
        z = np.where(low, z + 1.0, z)
    series = sum(b / (2 * k * z ** (2 * k)) for k, b in enumerate(_BERNOULLI, 1))
    return np.asarray(np.where(np.isinf(z), np.inf, total + np.log(z) - 0.5 / z - series))


def zeta(s: npt.ArrayLike, q: npt.ArrayLike) -> Floats:
    """Hurwitz' zeta function: the sum of 1 / (q + k)^s over all k from 0 on, for s > 1.

    Infinite at s = 1 and where q is 0 or a negative integer; NaN for s < 1, and for negative q unless s is an integer.
    """
    power, array = np.broadcast_arrays(np.asarray(s, dtype=np.float64), np.asarray(q, dtype=np.float64))
    with np.errstate(all="ignore"):
        total = np.zeros(array.shape)
        left_out = np.where(np.isfinite(array), np.minimum(np.floor(array) + _FEW, 0.0), 0.0)  # below 1e-12 of the sum
        z = np.where((power >= 4) & (power == np.floor(power)), array - left_out, array)
        steps = int(_LARGE - np.clip(np.floor(np.nanmin(z, initial=0.0)), -_FEW, 0.0)) + 1
        for _ in range(steps):
            low = z < _LARGE
            total = np.where(low, total + z**-power, total)
            z = np.where(low, z + 1.0, z)
        total = total + z ** (1.0 - power) / (power - 1.0) + 0.5 * z**-power
        factor = power * z ** (-power - 1.0)
        for k, bernoulli in enumerate(_BERNOULLI, 1):
            total = total + bernoulli / math.factorial(2 * k) * factor
            factor = factor * (power + 2 * k - 1) * (power + 2 * k) / (z * z)
        total = np.where((array <= 0) & (power != np.floor(power)), np.nan, total)
    total = np.where((array <= 0) & (array == np.floor(array)), np.inf, total)
    return np.where(power == 1.0, np.inf, np.where(power < 1.0, np.nan, total))


def polygamma(n: int, x: npt.ArrayLike) -> Floats:
    """The derivative of order n of `digamma`; from order 2 on NaN at infinity, as PyTorch's."""
    if n == 0:
        return digamma(x)
    array = np.asarray(x, dtype=np.float64)
    found = _reflected(n, array) if n <= 2 else (-1.0) ** (n + 1) * math.factorial(n) * zeta(float(n + 1), array)
    return np.where(np.isposinf(array), np.nan, found) if n >= 2 else found


def _reflected(n: int, x: Floats) -> Floats:
    """`polygamma` of order 1 or 2, below 1/2 from that at 1 - x and the derivatives of π cot πx."""
    with np.errstate(all="ignore"):
        low = x < 0.5
        above = (-1.0) ** (n + 1) * math.factorial(n) * zeta(float(n + 1), np.where(low, 1.0 - x, x))
        turned = math.pi * (x - np.round(x))
        square = np.square(math.pi / np.sin(turned))
        mirrored = square - above if n == 1 else above - 2 * square * math.pi / np.tan(turned)
    pole = (x <= 0) & (x == np.floor(x))
    return np.where(pole, np.inf if n == 1 else -np.inf, np.where(low, mirrored, above))
