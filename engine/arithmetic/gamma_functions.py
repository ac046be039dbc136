"""The gamma function's logarithm, its derivatives and Hurwitz' zeta function, on NumPy arrays, to about 1e-14.

All by the same means: the argument is moved up until an asymptotic series in Bernoulli numbers holds. Formulas: NIST
Digital Library of Mathematical Functions, 5.5, 5.11, 5.15 and 25.11.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.arithmetic.error_functions import Floats

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)  # B2, B4, …
_LARGE = 10.0  # from here on, the series hold


def lgamma(x: npt.ArrayLike) -> Floats:
    """log |Γ(x)|; infinite at 0 and the negative integers."""
    array = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        low = array < 0.5
        above = _lgamma_positive(np.where(low, 1.0 - array, array))
        sine = np.abs(np.sin(math.pi * (array - np.round(array))))
        result = np.where(low, math.log(math.pi) - np.log(sine) - above, above)
    pole = (array <= 0) & (array == np.floor(array))
    return np.where(pole | np.isinf(array), np.inf, result)


def _lgamma_positive(x: Floats) -> Floats:
    product = np.ones(x.shape)
    z = x.astype(np.float64)
    for _ in range(int(_LARGE)):
        low = z < _LARGE
        product = np.where(low, product * z, product)
        z = np.where(low, z + 1.0, z)
    series = sum(b / (2 * k * (2 * k - 1) * z ** (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1))
    stirling = (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi) + series
    return np.asarray(stirling - np.log(product))


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
        z = array.astype(np.float64)
        steps = int(_LARGE - np.clip(np.floor(np.nanmin(array, initial=0.0)), -10_000.0, 0.0)) + 1
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
    """The derivative of order n of `digamma`."""
    if n == 0:
        return digamma(x)
    return (-1.0) ** (n + 1) * math.factorial(n) * zeta(float(n + 1), x)
