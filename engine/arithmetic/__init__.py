"""Arithmetic that knows how far rounding may have taken it, and the comparison with what was recorded."""

from engine.arithmetic.bounded import Array, Bounded, exact, unit_roundoff, value_of
from engine.arithmetic.compare import Comparison, compare
from engine.arithmetic.linear import bilinear, linear, scatter_add

__all__ = [
    "Array",
    "Bounded",
    "Comparison",
    "bilinear",
    "compare",
    "exact",
    "linear",
    "scatter_add",
    "unit_roundoff",
    "value_of",
]
