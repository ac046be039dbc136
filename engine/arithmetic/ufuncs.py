"""What NumPy's element-by-element functions do to the bound of a `Bounded`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.arithmetic.bounded import _STEEP, _ULPS, Bounded, Floats, roundings, value_of
from engine.arithmetic.limits import fit, limited

Operands = tuple[Floats, Floats | None]


def unit_of(inputs: Any) -> float:
    """The coarsest unit roundoff among the operands."""
    return max((item.unit for item in inputs if isinstance(item, Bounded)), default=0.0)


def split(item: Any) -> Operands:
    """(value, error or None) of a `Bounded`, an array or a number."""
    if isinstance(item, Bounded):
        return item.value, item.error
    return np.asarray(item), None


def apply(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """`Bounded.__array_ufunc__`. Comparisons give plain bools; a function that is not bounded here raises TypeError."""
    if method == "reduce" and ufunc in (np.add, np.maximum, np.minimum):
        from engine.arithmetic import functions

        named: Any = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}[ufunc]
        wanted = {key: kwargs[key] for key in ("axis", "keepdims") if key in kwargs}
        return functions.apply(named, inputs, {"axis": 0} | wanted)
    if method != "__call__" or kwargs.get("out") is not None:
        return NotImplemented
    if ufunc in _PLAIN:
        return ufunc(*(value_of(item) for item in inputs), **kwargs)
    unit = unit_of(inputs)
    with np.errstate(all="ignore"):
        if ufunc is np.matmul:
            from engine.arithmetic import functions

            return functions.matmul(*inputs)
        if ufunc in _EXACT:
            result = _exact(ufunc, inputs, unit)
            return fit(result, inputs) if limited() and value_of(inputs[0]).dtype.kind == "c" else result
        if ufunc in _BINARY:
            value = ufunc(*(value_of(item) for item in inputs))
            result = Bounded(value, _BINARY[ufunc](value, split(inputs[0]), split(inputs[1]), unit), unit)
        elif ufunc in _SLOPES:
            result = _unary(ufunc, inputs[0], unit)
        else:
            return NotImplemented
        return fit(result, inputs, _inside(ufunc, inputs)) if limited() else result


def _inside(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Floats | None:
    """How large the numbers get of which a complex product or quotient is made."""
    values = [value_of(item) for item in inputs]
    if ufunc is np.multiply and any(value.dtype.kind == "c" for value in values):
        return np.asarray(np.abs(values[0]) * np.abs(values[1]))
    if ufunc is np.divide and any(value.dtype.kind == "c" for value in values):
        square = np.square(np.abs(values[1]))
        return np.asarray(np.maximum(np.abs(values[0]), 1.0) * np.maximum(square, 1.0 / square))
    return None


def _exact(ufunc: np.ufunc, inputs: tuple[Any, ...], unit: float) -> Bounded:
    """Functions that do not round: signs, absolute values, the larger of two."""
    values = [value_of(item) for item in inputs]
    errors = [error for _, error in map(split, inputs) if error is not None]
    value = ufunc(*values)
    if not errors:
        return Bounded(value, None, unit)
    return Bounded(value, np.broadcast_to(np.maximum.reduce(np.broadcast_arrays(*errors)), value.shape), unit)


def _unary(ufunc: np.ufunc, item: Any, unit: float) -> Bounded:
    """f(x ± e) = f(x) ± |f'(x)| e, and some units of its own. Where e is large, the function is tried at both ends."""
    x, e = split(item)
    value = ufunc(x)
    error = (1 if ufunc is np.sqrt or ufunc is np.square else _ULPS) * unit * np.abs(value)
    if e is not None:
        moved = np.where(e == 0, 0.0, _SLOPES[ufunc](x, value) * e)
        if ufunc in _WAVES:  # far out an argument may be off by whole turns
            moved = moved + np.square(e) / 2 * (np.cosh(x.imag) if x.dtype.kind == "c" else 1.0)
        steep = e > _STEEP * np.abs(x)
        if x.dtype.kind != "c" and np.any(steep):
            ends = np.fmax(np.abs(ufunc(x + e) - value), np.abs(ufunc(x - e) - value))
            moved = np.where(steep & np.isfinite(ends), np.fmax(moved * np.isfinite(moved), ends), moved)
        error = error + moved
    return Bounded(value, error, unit)


def _add(value: Floats, a: Operands, b: Operands, unit: float) -> Floats:
    error = unit * np.abs(value)
    for _, e in (a, b):
        if e is not None:
            error = error + e
    return error


def product_roundings(value: Floats) -> int:
    """A complex product is four real ones and two sums."""
    return 3 if value.dtype.kind == "c" else 1


def _multiply(value: Floats, a: Operands, b: Operands, unit: float) -> Floats:
    error = product_roundings(value) * unit * np.abs(value)
    if a[1] is not None:
        error = error + np.abs(b[0]) * a[1]
    if b[1] is not None:
        error = error + np.abs(a[0]) * b[1]
        if a[1] is not None:
            error = error + a[1] * b[1]
    # nan comes of 0 · inf only, and an infinite factor has no error worth naming
    return np.nan_to_num(error, nan=0.0, posinf=np.inf) if np.isnan(error).any() else error


def _divide(value: Floats, a: Operands, b: Operands, unit: float) -> Floats:
    error = 2 * product_roundings(value) * unit * np.abs(value)
    if a[1] is not None:
        error = error + a[1] / np.abs(b[0])
    if b[1] is not None:
        room = np.abs(b[0]) - b[1]
        moved = np.where(room > 0, np.abs(value) * b[1] / np.where(room > 0, room, 1.0), np.inf)
        error = error + np.where(np.isinf(b[0]), 0.0, moved)
    return np.where(np.isnan(error), 0.0, error)


def _power(value: Floats, a: Operands, b: Operands, unit: float) -> Floats:
    error = 2 * _ULPS * unit * np.abs(value)
    if a[1] is not None:
        slope = np.abs(b[0]) * np.abs(np.power(a[0], b[0] - 1))
        error = error + np.where(np.isfinite(slope), slope, 0.0) * a[1]
    if b[1] is not None:
        moved = np.abs(value) * np.abs(np.log(np.abs(a[0]))) * b[1]
        error = error + np.where(np.isnan(moved), 0.0, moved)  # 0 · log 0
    return error


def _arctan2(value: Floats, a: Operands, b: Operands, unit: float) -> Floats:
    error = _ULPS * unit * np.abs(value)
    size = np.square(a[0]) + np.square(b[0])
    for other, (_, e) in ((b[0], a), (a[0], b)):
        if e is not None:
            error = error + np.abs(other) / size * e
    return error


_PLAIN = {
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.logical_and, np.logical_or, np.logical_not,
    np.sign, np.floor, np.ceil, np.rint, np.trunc,
}  # fmt: skip
_EXACT = {np.negative, np.positive, np.absolute, np.fabs, np.conjugate, np.maximum, np.minimum, np.fmax, np.fmin}
_BINARY: Mapping[np.ufunc, Callable[[Floats, Operands, Operands, float], Floats]] = {
    np.add: _add,
    np.subtract: _add,
    np.multiply: _multiply,
    np.divide: _divide,
    np.power: _power,
    np.float_power: _power,
    np.arctan2: _arctan2,
}
_SLOPES: Mapping[np.ufunc, Callable[[Floats, Floats], Floats]] = {  # |f'(x)| from x and f(x)
    np.square: lambda x, y: 2 * np.abs(x),
    np.sqrt: lambda x, y: 0.5 / np.abs(y),
    np.cbrt: lambda x, y: 1 / (3 * np.square(y)),
    np.reciprocal: lambda x, y: np.abs(y) ** 2,
    np.exp: lambda x, y: np.abs(y),
    np.exp2: lambda x, y: np.log(2) * y,
    np.expm1: lambda x, y: np.abs(y + 1),
    np.log: lambda x, y: 1 / np.abs(x),
    np.log2: lambda x, y: 1 / (np.log(2) * np.abs(x)),
    np.log10: lambda x, y: 1 / (np.log(10) * np.abs(x)),
    np.log1p: lambda x, y: 1 / np.abs(1 + x),
    np.sin: lambda x, y: np.abs(np.cos(x)),
    np.cos: lambda x, y: np.abs(np.sin(x)),
    np.tan: lambda x, y: np.abs(1 + y * y),
    np.arcsin: lambda x, y: 1 / np.abs(np.sqrt(1 - x * x)),
    np.arccos: lambda x, y: 1 / np.abs(np.sqrt(1 - x * x)),
    np.arctan: lambda x, y: 1 / np.abs(1 + x * x),
    np.sinh: lambda x, y: np.abs(np.cosh(x)),
    np.cosh: lambda x, y: np.abs(np.sinh(x)),
    np.tanh: lambda x, y: np.abs(1 - y * y),
    np.arcsinh: lambda x, y: 1 / np.abs(np.sqrt(1 + x * x)),
    np.arccosh: lambda x, y: 1 / np.abs(np.sqrt(x * x - 1)),
    np.arctanh: lambda x, y: 1 / np.abs(1 - x * x),
}
_WAVES = {np.sin, np.cos}  # as steep as the other is high
__all__ = ["apply", "product_roundings", "roundings", "split", "unit_of"]
