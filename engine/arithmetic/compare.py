"""A computed array beside a recorded one: how far apart, and whether rounding explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic.bounded import Array, Bounded, Floats, unit_roundoff
from engine.arithmetic.limits import limited

SAFETY = 4.0
"""Times the running error bound: another order of the same operations may be that much worse than ours."""

_LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38,
            "complex64": 3.4028234663852886e38, "float64": np.finfo(np.float64).max,
            "complex128": np.finfo(np.float64).max}  # fmt: skip
_TINIEST = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "complex64": 2.0**-149}
_PIECE = 1 << 16  # elements
_SUBNORMALS = 64.0  # units of the smallest number: what underflow may add
_UNBOUNDED = "its error cannot be bounded: a divisor may be zero"
_OUT_OF_RANGE = "a number on the way there may be too large or too small for {}"


@dataclass(frozen=True)
class Comparison:
    """`holds`: every element is within its bound. `max_abs`, `max_rel`: the largest errors.

    `max_rel` is relative to the largest absolute value recorded. `worst` is the index of the element that is furthest
    beyond its bound (or nearest to it), `computed`, `recorded` and `bound` are the numbers there. `reason` says what
    is wrong with shapes or bounds where there are no such numbers. `undecided`: it is the bounds, so that the numbers
    are neither proved nor wrong.
    """

    holds: bool
    max_abs: float
    max_rel: float
    worst: tuple[int, ...]
    computed: complex
    recorded: complex
    bound: float
    reason: str = ""
    undecided: bool = False


def compare(computed: Array, recorded: npt.ArrayLike, dtype: str) -> Comparison:
    """Compare element by element. `dtype` is torch's name for that of `recorded`; shapes must be equal."""
    there = np.asarray(recorded)
    value = computed.value if isinstance(computed, Bounded) else np.asarray(computed)
    if value.shape != there.shape:
        return _refused(f"its shape is {tuple(there.shape)}, by hand it is {tuple(value.shape)}")
    if there.size == 0:
        return Comparison(True, 0.0, 0.0, (), 0.0, 0.0, 0.0)
    error = computed.error if isinstance(computed, Bounded) else None
    flat, flat_there = np.ravel(value), np.ravel(there)
    flat_error = None if error is None else np.ravel(np.broadcast_to(error, value.shape))
    worst = _Worst()
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, _PIECE):
            piece = slice(start, start + _PIECE)
            if not worst.take(start, flat[piece], flat_there[piece], None if flat_error is None else flat_error[piece],
                              dtype):  # fmt: skip
                return _refused(_UNBOUNDED, undecided=True)
    found = worst.comparison(value.shape)
    return _refused(_OUT_OF_RANGE.format(dtype), undecided=True) if found.holds and worst.undecided else found


class _Worst:
    """The largest errors so far, of pieces that are small enough to stay in the cache."""

    def __init__(self) -> None:
        self._excess = -1.0
        self._largest = self._scale = 0.0
        self._place = 0
        self._numbers: tuple[complex, complex, float] = (0.0, 0.0, 0.0)
        self.undecided = False
        """Whether some number is beyond its rounding, but was computed from what may not fit into its dtype."""

    def take(self, start: int, value: Floats, recorded: Floats, error: Floats | None, dtype: str) -> bool:
        """Compare one piece; False if a number in it has no bound."""
        there = recorded.astype(np.complex128 if recorded.dtype.kind == "c" else np.float64)
        if value.dtype.kind == "c" and there.dtype.kind != "c":
            value = value.real
        bound = allowed(value, error, dtype)
        open_ = ~np.isfinite(bound)
        if limited():
            bound = np.where(open_, allowed(value, None, dtype), bound)
        elif not np.all(~open_ | ~np.isfinite(value)):
            return False
        difference = np.abs(there - value)
        excess = difference / bound
        if not np.isfinite(difference.sum()):  # some number is infinite or NaN, on either side
            excess, difference = _settled(value, there, bound, dtype, excess, difference)
            sizes = np.abs(there[np.isfinite(there)])
        else:
            sizes = np.abs(there)
        if limited():
            self.undecided |= bool(np.any(open_ & (excess > 1.0)))
            excess = np.where(open_, np.minimum(excess, 1.0), excess)
        self._scale = max(self._scale, float(sizes.max(initial=0.0)))
        self._largest = max(self._largest, float(difference.max()))
        place = int(np.argmax(excess))
        if excess[place] > self._excess:
            self._excess, self._place = float(excess[place]), start + place
            self._numbers = (value[place].item(), there[place].item(), float(bound[place]))
        return True

    def comparison(self, shape: tuple[int, ...]) -> Comparison:
        at = tuple(int(axis) for axis in np.unravel_index(self._place, shape))
        relative = self._largest / self._scale if self._scale else (0.0 if self._largest == 0 else math.inf)
        return Comparison(self._excess <= 1.0, self._largest, relative, at, *self._numbers)


def allowed(value: Floats, error: Floats | None, dtype: str) -> Floats:
    """How far a recorded number of `dtype` may be from `value`, whose running error bound is `error`."""
    unit = unit_roundoff(dtype)
    bound = 2 * unit * np.abs(value) + _SUBNORMALS * _TINIEST.get(dtype, 2.0**-1074)
    return bound if error is None else bound + SAFETY * error


def _settled(
    value: Floats, there: Floats, bound: Floats, dtype: str, excess: Floats, difference: Floats
) -> tuple[Floats, Floats]:
    """No error where both are NaN, or infinite with one sign, or the dtype overflowed; an infinite one elsewhere."""
    same = (np.isnan(there) & np.isnan(value)) | (there == value) | _overflowed(value, there, bound, dtype)
    excess = np.where(same, 0.0, np.where(np.isfinite(difference), excess, np.inf))
    return excess, np.where(same, 0.0, difference)


def _overflowed(value: Floats, there: Floats, bound: Floats, dtype: str) -> Any:
    """Infinite where the number by hand is too large for the dtype, with the same sign."""
    largest = _LARGEST.get(dtype, np.inf)
    if there.dtype.kind == "c":
        return np.isinf(there) & (np.abs(value) + bound >= largest)
    return np.isinf(there) & (np.abs(value) + bound >= largest) & (np.sign(there) == np.sign(value))


def _refused(reason: str, *, undecided: bool = False) -> Comparison:
    return Comparison(False, np.inf, np.inf, (), np.nan, np.nan, 0.0, reason, undecided)
