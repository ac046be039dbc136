"""Plain numbers among a node's values, and numbers that the node's dtype cannot hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, Bounded
from engine.rules.values import NodeValues

_LARGEST = {2.0**-11: 65504.0, 2.0**-8: 3.39e38, 2.0**-24: 3.40e38, 2.0**-53: 1.79e308}  # by unit roundoff


def number(n: NodeValues, name: str, default: Any = None) -> Any:
    """The argument `name`, which may be complex. Without a default, it must have been recorded."""
    found = n.argument(name) if default is None else n.argument(name, default)
    return complex(*found) if isinstance(found, list) else found


def rounded(n: NodeValues, value: float) -> Array:
    """A number as an implementation has it that first rounds it to the dtype of the tensors."""
    if n.plain or isinstance(value, int) or float(value).is_integer():
        return value
    return Bounded(np.asarray(value), np.asarray(n.unit * abs(value)), n.unit)


def underflowing(n: NodeValues, array: Array) -> Array:
    """`array` of 1 / (1 + e^x): where e^x is too large for the dtype, an implementation has zero instead."""
    largest = _LARGEST.get(n.unit)
    if largest is None or not isinstance(array, Bounded):
        return array
    return Bounded(array.value, array.errors + 1.0 / largest, array.unit)


def nearest(value: Any, unit: float) -> Any:
    """The number next to each of `value` in the dtype with unit roundoff `unit`."""
    if unit == 2.0**-8:  # the first half of a float32, to even
        bits = np.asarray(value, dtype=np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32).astype(np.float64)
    return np.asarray(value).astype({2.0**-11: "f2", 2.0**-24: "f4"}.get(unit, "f8")).astype(np.float64)


def limit(n: NodeValues, name: str) -> float:
    """The argument `name` as the dtype of the tensor `self` has it, for comparisons with its numbers."""
    found = float(number(n, name))
    dtype = {"float32": "f4", "float16": "f2", "bfloat16": "f4"}.get(n.saved_dtype("self"), "f8")
    return float(np.asarray(found, dtype=dtype))


def ones(n: NodeValues) -> Any:
    """A slope of one everywhere."""
    return np.ones(n.output_shape())
