"""The error function and its relatives, on NumPy arrays, to about 1e-15: NumPy and nothing else.

Where an argument is small, `erf(x) / x` is a Chebyshev series in x². Elsewhere all come from
`erfcx(x) = exp(x²) erfc(x)`, which is smooth on the whole half line: `(1 + 2x) erfcx(x)` is a Chebyshev series in
t = (x - k) / (x + k).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_K = 3.75
_BLOCK = 1 << 14  # elements that fit in the cache with everything that a series needs
_SQRT_2 = math.sqrt(2.0)
_SQRT_PI = math.sqrt(math.pi)
_ERF = (
    0.9754769393826541, -0.14226120510371365, 0.010035582187599796, -0.0005768764699767485, 2.741993125219606e-05,
    -1.1043175507344507e-06, 3.8488755420345036e-08, -1.1808582533875466e-09, 3.2334215826050907e-11,
    -7.991015947004549e-13, 1.7990725113961456e-14, -3.718635487818693e-16, 7.103599003714253e-18,
)  # fmt: skip
_ERFCX = (
    1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189, -0.026658668435305753,
    0.009074997670705265, -0.002413163540417608, 0.0004907758365258086, -6.916973302501207e-05, 4.13902798607301e-06,
    7.74038306619849e-07, -2.1886401049234397e-07, 1.076499946567091e-08, 4.521959811218287e-09,
    -7.754400208831351e-10, -6.318088340886684e-11, 2.86879501093067e-11, 1.9455868545777347e-13,
    -9.65469674843344e-13, 3.25254814814874e-14, 3.3478119482868056e-14, -1.864562880419313e-15,
    -1.2507950530688648e-15, 7.418235256624043e-17, 5.068148904796111e-17, -2.237056659436e-18,
    -2.187342944303018e-18,
)  # fmt: skip


def chebyshev(coefficients: tuple[float, ...], t: npt.ArrayLike) -> Floats:
    """The sum of `coefficients[k]` T_k(t), for t from -1 to 1, by Clenshaw's recurrence."""
    array = np.asarray(t, dtype=np.float64)
    flat = np.ravel(array)
    result = np.empty(flat.shape)
    for start in range(0, flat.size, _BLOCK):
        part = flat[start : start + _BLOCK]
        twice = 2.0 * part
        now, before = np.zeros(part.shape), np.zeros(part.shape)
        for coefficient in coefficients[:0:-1]:
            np.subtract(twice * now, before, out=before)
            before += coefficient
            now, before = before, now
        result[start : start + _BLOCK] = part * now - before + coefficients[0]
    return result.reshape(array.shape)


def _choose(x: npt.ArrayLike, threshold: float, near: Any, far: Any) -> Floats:
    """`near(x)` where |x| < threshold, `far(x)` elsewhere (and for NaN), each called with its own elements only."""
    array = np.asarray(x, dtype=np.float64)
    flat = np.ravel(array)
    close = np.abs(flat) < threshold
    result = np.empty(flat.shape)
    with np.errstate(all="ignore"):
        result[close] = near(flat[close])
        result[~close] = far(flat[~close])
    return result.reshape(array.shape)


def _gauss(x: Floats, sign: float = -1.0) -> Floats:
    """exp(sign x²) without the rounding of x²: the leading half of x has an exact square."""
    head = np.clip(x, -1e18, 1e18).astype(np.float32).astype(np.float64)
    rest = np.where(np.isinf(x), 0.0, (x - head) * (x + head))
    return np.asarray(np.exp(sign * head * head) * np.exp(sign * rest))


def _erfcx_positive(x: Floats) -> Floats:
    t = np.where(np.isinf(x), 1.0, (x - _K) / (x + _K))
    return chebyshev(_ERFCX, t) / (1.0 + 2.0 * x)


def _erf_near(x: Floats) -> Floats:
    return x * chebyshev(_ERF, 2.0 * x * x - 1.0)


def _erf_far(x: Floats) -> Floats:
    size = np.abs(x)
    return np.copysign(1.0 - _gauss(size) * _erfcx_positive(size), x)


def _erfc_far(x: Floats) -> Floats:
    size = np.abs(x)
    tail = _gauss(size) * _erfcx_positive(size)
    return np.where(x < 0, 2.0 - tail, tail)


def _erfcx_far(x: Floats) -> Floats:
    size = np.abs(x)
    positive = _erfcx_positive(size)
    return np.where(x < 0, 2.0 * _gauss(size, 1.0) - positive, positive)


def erf(x: npt.ArrayLike) -> Floats:
    """2/√π times the integral of exp(-t²) from 0 to x."""
    return _choose(x, 1.0, _erf_near, _erf_far)


def erfc(x: npt.ArrayLike) -> Floats:
    """1 - erf(x), without losing digits where that is small."""
    return _choose(x, 0.5, lambda a: 1.0 - _erf_near(a), _erfc_far)


def erfcx(x: npt.ArrayLike) -> Floats:
    """exp(x²) erfc(x)."""
    return _choose(x, 0.0, _erfcx_far, _erfcx_far)


def ndtr(x: npt.ArrayLike) -> Floats:
    """Φ(x): the probability that a standard normal number is below x."""
    return 0.5 * erfc(-np.asarray(x, dtype=np.float64) / _SQRT_2)


def log_ndtr(x: npt.ArrayLike) -> Floats:
    """log Φ(x), also far out where Φ(x) is no longer a float."""

    def near(a: Floats) -> Floats:
        low = np.log(erfcx(-a / _SQRT_2) / 2.0) - a * a / 2.0
        return np.where(a < -1.0, low, np.log1p(-0.5 * erfc(a / _SQRT_2)))

    return _choose(x, np.inf, near, lambda a: np.where(a > 0, 0.0, a))


def erfinv(x: npt.ArrayLike) -> Floats:
    """The number whose erf is x; infinite at ±1, NaN beyond."""
    y = np.asarray(x, dtype=np.float64)
    size = np.abs(y)
    with np.errstate(all="ignore"):
        found = _inverse(size)
        found = np.where(size == 1.0, np.inf, np.where(size > 1.0, np.nan, found))
    return np.copysign(found, y)


def _inverse(y: Floats) -> Floats:
    """Winitzki's first guess, then Halley's method; near 1 with erfc, so that no digit of 1 - y is lost."""
    a = 0.147
    log = np.log1p(-y * y)
    half = 2.0 / (math.pi * a) + log / 2.0
    z = np.sqrt(np.sqrt(half * half - log / a) - half)
    for _ in range(3):
        wrong = np.where(y < 0.5, erf(z) - y, (1.0 - y) - erfc(z))
        step = wrong / (2.0 / _SQRT_PI * np.exp(-z * z))
        z = np.where(wrong == 0.0, z, z - step / (1.0 + z * step))
    return np.asarray(z)


def ndtri(p: npt.ArrayLike) -> Floats:
    """The number below which a standard normal one is with probability p."""
    q = np.asarray(p, dtype=np.float64)
    with np.errstate(all="ignore"):
        tail = np.minimum(q, 1.0 - q)
        log = np.log(tail)
        far = -np.sqrt(-2.0 * log - np.log(-4.0 * math.pi * log))
        z = np.where(tail < 0.01, far, -_SQRT_2 * erfinv(1.0 - 2.0 * tail))
        for _ in range(4):  # Newton's method on log Φ, which stays nearly straight far out
            below = log_ndtr(z)
            step = (below - log) * math.sqrt(2.0 * math.pi) * np.exp(z * z / 2.0 + below)
            z = np.where(np.abs(step) < np.inf, z - step, z)
        z = np.where(tail == 0.0, -np.inf, np.where(tail < 0.0, np.nan, z))
    return np.where(q > 0.5, -z, z)
