"""Functions made of pieces, where their argument is NaN, which is in no piece."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Array, Bounded, value_of
from engine.rules.values import NodeValues


def either(n: NodeValues, slope: Array, x: Array, other: float) -> Array:
    """`slope`, or where `x` is NaN `other`, if the recorded gradient is made of that. For `elementwise` rules of
    functions of one argument.

    To torch NaN is neither below nor above anything, but which of the two is asked differs between its vector code and
    its code for single elements. So a function takes NaN for one piece here and for another there, by the processor and
    by how many elements are left over at a tensor's end.
    """
    odd = np.isnan(value_of(x))
    if not odd.any():
        return slope
    recorded = n.recorded(0)
    with np.errstate(all="ignore"):
        passed = value_of(n.grad()) * other
        near = np.isfinite(passed) & (np.abs(passed - recorded) <= 4 * n.unit * np.abs(passed))
    there = odd & (near | (passed == recorded) | np.isnan(passed) & np.isnan(recorded))
    if isinstance(slope, Bounded):
        return Bounded(np.where(there, other, slope.value), np.where(there, 0.0, slope.errors), slope.unit)
    return np.where(there, other, slope)
