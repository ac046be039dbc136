"""What NumPy's functions over whole arrays do to the bound of a `Bounded`.

Three kinds: those that move elements about (values and errors move alike), those that sum, and products of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.arithmetic.bounded import _ULPS, Bounded, Floats, roundings, value_of
from engine.arithmetic.limits import fit, limited, reach
from engine.arithmetic.ufuncs import product_roundings, split, unit_of


def apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """`Bounded.__array_function__`; TypeError for a function whose bound is not known here."""
    with np.errstate(all="ignore"):
        if function in _MOVES:
            return _moved(function, args, dict(kwargs))
        if function in _OWN:
            return _OWN[function](*args, **kwargs)
        if function in _LOOKS:
            return function(*_values(args), **kwargs)
        if function in _FOURIER:
            return _fourier(function, *args, **kwargs)
    return NotImplemented


def _values(item: Any) -> Any:
    """The arguments with every `Bounded` replaced by its value."""
    if isinstance(item, list | tuple):
        return type(item)(_values(member) for member in item)
    return item.value if isinstance(item, Bounded) else item


def _errors(item: Any) -> Any:
    if isinstance(item, list | tuple):
        return type(item)(_errors(member) for member in item)
    if isinstance(item, Bounded):
        return item.errors
    return np.zeros(item.shape) if isinstance(item, np.ndarray) and item.dtype.kind in "fc" else item


def _leaves(item: Any) -> list[Bounded]:
    if isinstance(item, list | tuple):
        return [leaf for member in item for leaf in _leaves(member)]
    return [item] if isinstance(item, Bounded) else []


def _moved(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Values and errors through the same function."""
    found = _leaves(args)
    unit = unit_of(found)
    value = function(*_values(args), **kwargs)
    error = None
    if any(leaf.error is not None for leaf in found):
        error = function(*_errors(args), **{key: item for key, item in kwargs.items() if key != "constant_values"})
    if isinstance(value, list | tuple):
        pairs = zip(value, error if error is not None else [None] * len(value), strict=True)
        return [Bounded(one, other, unit) for one, other in pairs]
    return Bounded(value, error, unit)


def _like(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(array: Bounded, *args: Any, **kwargs: Any) -> Bounded:
        return Bounded(function(array.value, *args, **kwargs), None, array.unit)

    return made


def _count(before: tuple[int, ...], after: int) -> int:
    return max(1, math.prod(before) // max(1, after))


def _sum(array: Bounded, axis: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
    value = np.sum(array.value, axis=axis, keepdims=keepdims)
    terms = _count(array.shape, np.size(value))
    absolute = np.sum(np.abs(array.value), axis=axis, keepdims=keepdims)
    error = roundings(terms - 1) * array.unit * absolute
    if array.error is not None:
        error = error + np.sum(array.error, axis=axis, keepdims=keepdims)
    return _fitting(Bounded(value, np.asarray(error), array.unit), array, absolute=absolute)


def _mean(array: Bounded, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
    total = _sum(array, axis, keepdims)
    return total / float(_count(array.shape, total.size)) if array.size else total * math.nan


def _var(array: Bounded, axis: Any = None, ddof: int = 0, keepdims: bool = False, **_: Any) -> Any:
    centred = array - _mean(array, axis, keepdims=True)
    total = _sum(np.abs(centred) * np.abs(centred), axis, keepdims)
    return total / float(_count(array.shape, total.size) - ddof)


def _cumsum(array: Bounded, axis: Any = None, **_: Any) -> Bounded:
    value = np.cumsum(array.value, axis=axis)
    terms = array.size if axis is None else array.shape[axis]
    absolute = np.cumsum(np.abs(array.value), axis=axis)
    error = roundings(terms) * array.unit * absolute
    if array.error is not None:
        error = error + np.cumsum(array.error, axis=axis)
    return _fitting(Bounded(value, error, array.unit), array, absolute=absolute)


def _prod(array: Bounded, axis: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
    """Relative errors add; where a factor is zero, products with the factors enlarged by their errors bound it."""
    value = np.prod(array.value, axis=axis, keepdims=keepdims)
    larger = np.prod(np.abs(array.value) + array.errors, axis=axis, keepdims=keepdims)
    terms = _count(array.shape, np.size(value))
    error = np.asarray(larger - np.abs(value) + terms * array.unit * larger)
    if not limited():
        return Bounded(value, error, array.unit)
    reached = reach(array.value, lambda parts: np.asarray(np.prod(parts, axis=axis, keepdims=keepdims)))
    return fit(Bounded(value, error, array.unit), (array,), reached)


def _cumprod(array: Bounded, axis: Any = None, **_: Any) -> Bounded:
    value = np.cumprod(array.value, axis=axis)
    larger = np.cumprod(np.abs(array.value) + array.errors, axis=axis)
    terms = array.size if axis is None else array.shape[axis]
    found = Bounded(value, larger - np.abs(value) + terms * array.unit * larger, array.unit)
    return fit(found, (array,), reach(array.value, lambda parts: np.cumprod(parts, axis=axis))) if limited() else found


def _fitting(result: Bounded, *operands: Any, absolute: Floats) -> Bounded:
    """`result`, or what `fit` makes of it where range counts."""
    return fit(result, operands, absolute) if limited() else result


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def found(array: Bounded, axis: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
        value = function(array.value, axis=axis, keepdims=keepdims)
        error = None if array.error is None else np.max(array.error, axis=axis, keepdims=keepdims)
        return Bounded(value, error, array.unit)

    return found


def _where(condition: Any, chosen: Any, other: Any) -> Bounded:
    mask = value_of(condition)
    unit = unit_of((chosen, other))
    (a, ea), (b, eb) = split(chosen), split(other)
    error = None
    if ea is not None or eb is not None:
        error = np.where(mask, 0.0 if ea is None else ea, 0.0 if eb is None else eb)
    return Bounded(np.where(mask, a, b), error, unit)


def _clip(array: Bounded, low: Any, high: Any) -> Bounded:
    return Bounded(np.clip(array.value, low, high), array.error, array.unit)


def matmul_error(
    multiply: Callable[[Floats, Floats], Floats], a: Any, b: Any, terms: int, value: Floats, unit: float
) -> Floats:
    """The bound of any sum of products a · b: |a| eb + ea |b|, and the roundings of `terms` products and their sum."""
    (x, ex), (y, ey) = split(a), split(b)
    absolute = multiply(np.abs(x), np.abs(y))
    error = (roundings(terms) + product_roundings(value) - 1) * unit * absolute
    if ex is not None:
        error = error + multiply(ex, np.abs(y))
    if ey is not None:
        error = error + multiply(np.abs(x), ey)
        if ex is not None:
            error = error + multiply(ex, ey)
    return fit(Bounded(value, error, unit), (a, b), absolute).errors if limited() else error


def matmul(a: Any, b: Any) -> Bounded:
    """`a @ b` where at least one is `Bounded`."""
    x, y = value_of(a), value_of(b)
    value = np.matmul(x, y)
    unit = unit_of((a, b))
    return Bounded(value, matmul_error(np.matmul, a, b, x.shape[-1], value, unit), unit)


def _einsum(subscripts: str, *operands: Any, **_: Any) -> Bounded:
    """Pairs are multiplied from the left; one operand is a rearrangement or a sum."""
    unit = unit_of(operands)
    if len(operands) == 1:
        item = operands[0]
        value = np.einsum(subscripts, item.value)
        terms = _count(item.shape, value.size)
        absolute = np.einsum(subscripts, np.abs(item.value))
        error = roundings(terms - 1) * unit * absolute + np.einsum(subscripts, item.errors)
        return _fitting(Bounded(value, error, unit), item, absolute=absolute)
    if len(operands) > 2:
        raise TypeError("np.einsum of Bounded arrays takes one or two operands: multiply step by step")
    inputs, _arrow, output = subscripts.replace(" ", "").partition("->")
    first, second = operands
    x, y = value_of(first), value_of(second)
    sizes: dict[str, int] = {}
    for names, array in zip(inputs.split(","), (x, y), strict=True):
        sizes.update(zip(names, array.shape, strict=True))
    terms = math.prod(length for letter, length in sizes.items() if letter not in output)

    def multiply(a: Floats, b: Floats) -> Floats:
        return np.asarray(np.einsum(subscripts, a, b, optimize=True))

    value = multiply(x, y)
    return Bounded(value, matmul_error(multiply, first, second, terms, value, unit), unit)


def _fourier(function: Callable[..., Any], array: Bounded, *args: Any, **kwargs: Any) -> Bounded:
    """Each result is a sum of all elements times factors of absolute value 1: log2 n roundings of the absolute sum."""
    value = function(array.value, *args, **kwargs)
    scale = value.size / max(1, array.size)
    size = float(np.sqrt(np.sum(np.square(np.abs(array.value)))))
    moved = float(np.sqrt(np.sum(np.square(array.errors))))
    grown = float(np.sqrt(np.sum(np.square(np.abs(value))))) / size if size else 1.0
    rounding = 4 * array.unit * (1 + math.log2(max(2, array.size)))
    error = np.full(value.shape, max(grown, 1.0, scale) * (rounding * size + moved))
    return _fitting(Bounded(value, error, array.unit), array, absolute=np.asarray(np.sum(np.abs(array.value))))


_MOVES: set[Callable[..., Any]] = {
    np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.flip, np.roll,
    np.pad, np.take, np.take_along_axis, np.tile, np.repeat, np.concatenate, np.stack, np.split, np.array_split,
    np.diagonal, np.tril, np.triu, np.ravel, np.rot90, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.vstack,
    np.hstack, np.dstack, np.copy, np.fliplr, np.flipud, np.delete, np.diag, np.append, np.column_stack,
    np.ascontiguousarray, np.lib.stride_tricks.sliding_window_view,
}  # fmt: skip
_LOOKS: set[Callable[..., Any]] = {
    np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.iscomplexobj, np.isrealobj, np.any, np.all,
    np.result_type,
}  # fmt: skip
_FOURIER: set[Callable[..., Any]] = {
    np.fft.fft, np.fft.ifft, np.fft.fftn, np.fft.ifftn, np.fft.rfft, np.fft.irfft, np.fft.rfftn, np.fft.irfftn,
    np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2, np.fft.hfft, np.fft.ihfft,
}  # fmt: skip


def _trace(array: Bounded, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Bounded:
    return _sum(_moved(np.diagonal, (array, offset, axis1, axis2), {}), -1)


def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


_OWN: Mapping[Callable[..., Any], Callable[..., Any]] = {
    np.sum: _sum,
    np.mean: _mean,
    np.var: _var,
    np.std: lambda *args, **kwargs: np.sqrt(_var(*args, **kwargs)),
    np.cumsum: _cumsum,
    np.prod: _prod,
    np.cumprod: _cumprod,
    np.max: _extreme(np.max),
    np.min: _extreme(np.min),
    np.amax: _extreme(np.max),
    np.amin: _extreme(np.min),
    np.where: _where,
    np.clip: _clip,
    np.dot: lambda a, b: matmul(a, b) if np.ndim(a) and np.ndim(b) else a * b,
    np.einsum: _einsum,
    np.outer: _outer,
    np.trace: _trace,
    np.real: lambda array: array.real,
    np.imag: lambda array: array.imag,
    np.zeros_like: _like(np.zeros_like),
    np.ones_like: _like(np.ones_like),
    np.empty_like: _like(np.zeros_like),
    np.full_like: _like(np.full_like),
    np.sinc: lambda array: Bounded(np.sinc(array.value), _ULPS * array.unit + 4 * array.errors, array.unit),
    np.nan_to_num: lambda array, **_: Bounded(np.nan_to_num(array.value), array.error, array.unit),
}
