"""Arrays that carry a bound of the rounding error that the same computation makes in a smaller dtype.

A `Bounded` holds a value in float64 (or complex128), and for each element how far a computation in the recorded dtype
may end from it. Every operation passes the errors of its operands on (to first order) and adds its own rounding: half
a unit in the last place for `+ - * /` and square roots, a few for transcendental functions, and for a sum of n terms
min(n, 4 √n) roundings of the sum of their absolute values. This is running error analysis: Higham, "Accuracy and
Stability of Numerical Algorithms", chapter 3; the √n is that of Higham and Mary, "A New Approach to Probabilistic
Rounding Error Analysis" (2019).

Arithmetic is written once, as plain NumPy functions. On float64 arrays they compute; on `Bounded` arrays they compute
and bound. Masks and indices must come from recorded (exact) numbers: comparisons look at values only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]
Array = Any
"""A NumPy array or a `Bounded`: what rules take and give."""

UNIT_ROUNDOFF = {
    "float64": 2.0**-53,
    "complex128": 2.0**-53,
    "float32": 2.0**-24,
    "complex64": 2.0**-24,
    "float16": 2.0**-11,
    "complex32": 2.0**-11,
    "bfloat16": 2.0**-8,
}
_ULPS = 4  # of a transcendental function, in units of half a last place
_STEEP = 2.0**-10  # errors below this fraction of a value are passed on to first order


def unit_roundoff(dtype: str) -> float:
    """Half the distance from 1 to the next number of a torch dtype ("float32"); 0 for dtypes that do not round."""
    return UNIT_ROUNDOFF.get(dtype, 0.0)


def exact(value: npt.ArrayLike, unit: float) -> Bounded:
    """`value` as recorded: without an error of its own. `unit` is the unit roundoff of what is computed with it."""
    return Bounded(value, None, unit)


def value_of(array: Array) -> Floats:
    """The numbers themselves: of a `Bounded` its value."""
    return array.value if isinstance(array, Bounded) else np.asarray(array)


def roundings(terms: int) -> float:
    """How many units of roundoff a sum of `terms` products may be off, relative to the sum of absolute values."""
    return float(terms) if terms <= 16 else 4.0 * math.sqrt(terms)


class Bounded(np.lib.mixins.NDArrayOperatorsMixin):
    """`value`: float64 or complex128; `error`: absolute, same shape, None where exact; `unit`: unit roundoff."""

    __slots__ = ("error", "unit", "value")
    __array_priority__ = 1000

    def __init__(self, value: npt.ArrayLike, error: Floats | None, unit: float) -> None:
        array = np.asarray(value)
        self.value: Floats = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64, copy=False)
        self.error = error
        self.unit = unit

    def __repr__(self) -> str:
        return f"Bounded(value={self.value!r}, error={self.error!r}, unit={self.unit})"

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from engine.arithmetic import ufuncs

        return ufuncs.apply(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        from engine.arithmetic import functions

        return functions.apply(function, args, kwargs)

    @property
    def errors(self) -> Floats:
        """`error` as an array, zeros where exact."""
        return np.zeros(self.value.shape) if self.error is None else self.error

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value.dtype

    @property
    def T(self) -> Bounded:
        return self._moved(lambda a: a.T)

    @property
    def mT(self) -> Bounded:
        return self._moved(lambda a: np.swapaxes(a, -1, -2))

    @property
    def real(self) -> Bounded:
        return Bounded(self.value.real, self.error, self.unit)

    @property
    def imag(self) -> Bounded:
        return Bounded(self.value.imag, self.error, self.unit)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, key: Any) -> Bounded:
        return self._moved(lambda a: a[key])

    def __setitem__(self, key: Any, item: Any) -> None:
        """Write into a part; the whole must have been made by `copy`, `np.zeros_like` or arithmetic."""
        self.value[key] = value_of(item)
        if isinstance(item, Bounded) and item.error is not None:
            if self.error is None:
                self.error = np.zeros(self.value.shape)
            self.error[key] = item.error
        elif self.error is not None:
            self.error[key] = 0.0

    def copy(self) -> Bounded:
        return self._moved(np.copy)

    def conj(self) -> Bounded:
        return Bounded(np.conj(self.value), self.error, self.unit)

    def reshape(self, *shape: Any) -> Bounded:
        return self._moved(lambda a: a.reshape(*shape))

    def transpose(self, *axes: Any) -> Bounded:
        return self._moved(lambda a: a.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Bounded:
        return self._moved(lambda a: np.swapaxes(a, first, second))

    def squeeze(self, axis: Any = None) -> Bounded:
        return self._moved(lambda a: np.squeeze(a, axis))

    def ravel(self) -> Bounded:
        return self._moved(np.ravel)

    def flatten(self) -> Bounded:
        return self._moved(np.ravel)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Bounded:
        return np.sum(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload, no-any-return]

    def mean(self, axis: Any = None, keepdims: bool = False) -> Bounded:
        return np.mean(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload, no-any-return]

    def astype(self, dtype: Any) -> Bounded:
        """Between real and complex; the precision stays."""
        return Bounded(self.value.astype(dtype), self.error, self.unit)

    def item(self) -> Any:
        return self.value.item()

    def _moved(self, function: Callable[[Floats], Any]) -> Bounded:
        """`function` moves elements about and computes nothing."""
        return Bounded(function(self.value), None if self.error is None else function(self.error), self.unit)
