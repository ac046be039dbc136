"""Numbers that leave the range of their dtype on the way: too large for it, or too small to keep all their digits.

A `Bounded` knows rounding, not range: its value is a float64, which holds what a float32 cannot. Where an intermediate
result does not fit, an operator's own result may be infinite, NaN or zero, which depends on the order in which it
computes. A proof that fails is therefore tried again `within_limits`: every operation adds the smallest number of the
dtype to its bound (the η of Higham's fl(a · b) = (a · b)(1 + δ) + η); what does not fit becomes infinite or zero, as
in that dtype, and its bound infinite, as is that of everything that is computed from it. Where the numbers then agree,
the same formula has been computed in the same range. Where they do not, nothing is known: the operator may have taken
the steps in another order.

That costs time, so it is done for proofs that fail only. It makes no bound of ordinary numbers looser than that η.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.arithmetic.bounded import Bounded, Floats

_LIMITS = {2.0**-11: (65504.0, 2.0**-24), 2.0**-8: (3.3895313892515355e38, 2.0**-133),
           2.0**-24: (3.4028234663852886e38, 2.0**-149), 2.0**-53: (1.7976931348623157e308, 2.0**-1074)}  # fmt: skip
_active: ContextVar[bool] = ContextVar("within_limits", default=False)


@contextmanager
def within_limits() -> Iterator[None]:
    """Bounds that know the range of their dtype, for what is computed meanwhile."""
    token = _active.set(True)
    try:
        yield
    finally:
        _active.reset(token)


def limited() -> bool:
    """Whether bounds have to know the range of their dtype now."""
    return _active.get()


def limits(unit: float) -> tuple[float, float]:
    """(largest, smallest) number of the dtype with unit roundoff `unit`."""
    return _LIMITS.get(unit, (np.inf, 0.0))


def smallest_normal(unit: float) -> float:
    """The smallest number of the dtype with unit roundoff `unit` that has all its digits."""
    return limits(unit)[1] / (2.0 * unit)


def fit(result: Bounded, operands: Sequence[Any], absolute: Floats | None = None) -> Bounded:
    """`result`, computed from `operands`, with the bound that the range of its dtype asks for.

    `absolute`: of a sum, that of the absolute values of its terms: a part of it may not fit where the whole does.
    """
    from engine.arithmetic.bounded import Bounded

    largest, smallest = limits(result.unit)
    value = result.value
    some = (value != 0) | _each(operands, _not_zero, value.shape, np.logical_and)
    error = result.errors + smallest * some  # a zero is made of zeros, cancels exactly, or was too small for float64
    with np.errstate(all="ignore"):
        error = np.where(np.isfinite(value), error, 0.0)  # infinities that were recorded are exact
        beyond = np.isnan(error) | (np.abs(value) + error > largest) & np.isfinite(value)
        if absolute is not None:
            beyond = beyond | (absolute > largest) & np.isfinite(absolute)
        beyond = beyond | ~np.isfinite(value) & _each(operands, _finite, value.shape, np.logical_and)
        beyond = beyond | _each(operands, _open, value.shape, np.logical_or)
        value = _in_range(value, largest, smallest)
    return Bounded(value, np.where(beyond, np.inf, error), result.unit)


def in_any_order(product: Bounded, factors: Sequence[Any]) -> Bounded:
    """`product`, made of `factors`, open where another order of multiplying and dividing may leave the range.

    Of factors that do not broadcast to it, the largest number counts everywhere.
    """
    from engine.arithmetic.bounded import Bounded, value_of

    largest, _ = limits(product.unit)
    high, low = np.ones(()), np.ones(())
    with np.errstate(all="ignore"):
        for factor in factors:
            size = np.abs(value_of(factor))
            size = np.where(np.isfinite(size) & (size > 0), size, 1.0)
            if _broadcasts(size.shape, product.shape):
                high, low = high * np.fmax(size, 1.0), low * np.fmin(size, 1.0)
            else:
                high = high * size.max(initial=1.0)
        far = np.isfinite(product.value) & ((high > largest) | (low * largest < 1.0))
    return Bounded(product.value, np.where(far, np.inf, product.errors), product.unit)


def reach(factors: Floats, multiply: Callable[[Floats], Floats]) -> Floats:
    """How large a product of some of `factors` may be, or one over it. `multiply` is how all of them are multiplied."""
    size = np.abs(factors)
    low = multiply(np.where(size > 0, np.minimum(size, 1.0), 1.0))
    return np.asarray(np.maximum(multiply(np.maximum(size, 1.0)), 1.0 / low))


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(shape[::-1], to[::-1], strict=False))


def _in_range(value: Floats, largest: float, smallest: float) -> Floats:
    """Infinite where it is too large, zero where it is too small."""
    if value.dtype.kind == "c":
        parts = np.empty(value.shape, np.complex128)
        parts.real, parts.imag = (_in_range(part, largest, smallest) for part in (value.real, value.imag))
        return parts
    size = np.abs(value)
    return np.where(size > largest, np.copysign(np.inf, value), np.where(size <= smallest / 2, 0.0 * value, value))


def _finite(item: Any) -> Any:
    return np.isfinite(item.value if hasattr(item, "error") else np.asarray(item))


def _not_zero(item: Any) -> Any:
    return (item.value if hasattr(item, "error") else np.asarray(item)) != 0


def _open(item: Any) -> Any:
    """Where a number may already be anything."""
    return np.isinf(item.error) if getattr(item, "error", None) is not None else np.zeros((), bool)


def _each(operands: Sequence[Any], asked: Any, shape: tuple[int, ...], join: np.ufunc) -> Any:
    """The answers of all operands, element by element where they broadcast to `shape`, else one of each for all."""
    found: Any = join.identity
    for item in operands:
        answer = asked(item)
        try:
            answer = np.broadcast_to(answer, shape)
        except ValueError:
            answer = join.reduce(answer, axis=None)
        found = join(found, answer)
    return found
