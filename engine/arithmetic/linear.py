"""The bound of a linear or bilinear map that is written for plain arrays: scatter, fold, convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.arithmetic.bounded import Array, Bounded, Floats, roundings, value_of
from engine.arithmetic.functions import matmul_error
from engine.arithmetic.limits import fit, limited
from engine.arithmetic.ufuncs import unit_of


def linear(function: Callable[[Floats], Floats], array: Array, terms: int) -> Array:
    """`function(array)`, a linear map with coefficients that are not negative, of at most `terms` terms an element.

    On a plain array it is just that; on a `Bounded`, errors and absolute values go through the same map.
    """
    if not isinstance(array, Bounded):
        return function(array)
    error = np.zeros(())
    if terms > 1:
        error = roundings(terms) * array.unit * function(np.abs(array.value))
    if array.error is not None:
        error = error + function(array.error)
    value = function(array.value)
    result = Bounded(value, np.broadcast_to(error, value.shape), array.unit)
    return fit(result, (array,), function(np.abs(array.value))) if limited() and terms > 1 else result


def bilinear(function: Callable[[Floats, Floats], Floats], a: Array, b: Array, terms: int) -> Array:
    """`function(a, b)`, where each element of the result is a sum of `terms` products of one of a and one of b."""
    if not isinstance(a, Bounded) and not isinstance(b, Bounded):
        return function(a, b)
    value = function(value_of(a), value_of(b))
    unit = unit_of((a, b))
    return Bounded(value, matmul_error(function, a, b, terms, value, unit), unit)


def scatter_add(shape: tuple[int, ...], index: Any, source: Array) -> Array:
    """Zeros of `shape` to which `source` is added at `index`; at places that are named several times, all is summed."""

    def scatter(array: Floats) -> Floats:
        total = np.zeros(shape, dtype=array.dtype)
        np.add.at(total, index, array)
        return total

    terms = 1
    if isinstance(source, Bounded) and source.size:
        places = np.zeros(shape)
        np.add.at(places, index, np.ones(source.shape))
        terms = int(places.max(initial=1))
    return linear(scatter, source, terms)
