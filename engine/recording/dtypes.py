"""Torch's dtypes in NumPy: from the raw little-endian bytes of a tensor to an array.

NumPy has no bfloat16 and no 8-bit floats: they come back as float32, which holds each of their values exactly.
complex32 comes back as complex64. All others keep their type.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class _Float8(NamedTuple):
    """Bits of exponent and mantissa, exponent bias; `special` says which codes are no finite numbers."""

    exponent: int
    mantissa: int
    bias: int
    special: str


_NATIVE = {
    "float64": "<f8", "float32": "<f4", "float16": "<f2",
    "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "<i1",
    "uint64": "<u8", "uint32": "<u4", "uint16": "<u2", "uint8": "<u1",
    "bool": "<u1", "complex64": "<c8", "complex128": "<c16",
}  # fmt: skip

_FLOAT8 = {
    "float8_e5m2": _Float8(5, 2, 15, "ieee"),
    "float8_e4m3fn": _Float8(4, 3, 7, "all ones"),
    "float8_e5m2fnuz": _Float8(5, 2, 16, "negative zero"),
    "float8_e4m3fnuz": _Float8(4, 3, 8, "negative zero"),
}
_SCALE8 = "float8_e8m0fnu"

_ITEMSIZE = {
    **{name: np.dtype(code).itemsize for name, code in _NATIVE.items()},
    **dict.fromkeys((*_FLOAT8, _SCALE8), 1),
    "bfloat16": 2,
    "complex32": 4,
}

NAMES = tuple(_ITEMSIZE)
"""The dtypes whose content can be read."""


def itemsize(dtype: str) -> int:
    """Bytes of one element as stored. Raises ValueError for a dtype that is not in `NAMES`."""
    try:
        return _ITEMSIZE[dtype]
    except KeyError:
        raise ValueError(f"tensors of dtype {dtype} cannot be read") from None


def decode(data: bytes, dtype: str, shape: tuple[int, ...]) -> Array:
    """The array of `shape` that `data` holds; read-only where no conversion was needed.

    Raises ValueError if the dtype is unknown or if the number of bytes does not fit.
    """
    expected = math.prod(shape) * itemsize(dtype)
    if len(data) != expected:
        raise ValueError(f"a {dtype} tensor of shape {list(shape)} takes {expected} bytes, not {len(data)}")
    return _flat(data, dtype).reshape(shape)


def _flat(data: bytes, dtype: str) -> Array:
    if dtype == "bool":
        return np.frombuffer(data, "<u1").astype(np.bool_)
    if dtype == "bfloat16":
        bits = np.frombuffer(data, "<u2").astype(np.uint32)
        floats: Array = np.left_shift(bits, 16, dtype=np.uint32).view(np.float32)
        return floats
    if dtype == "complex32":
        return np.frombuffer(data, "<f2").astype(np.float32).view(np.complex64)
    if dtype in _FLOAT8 or dtype == _SCALE8:
        return np.take(_float8_values(dtype), np.frombuffer(data, "<u1"))
    return np.frombuffer(data, _NATIVE[dtype])


@cache
def _float8_values(dtype: str) -> npt.NDArray[np.float32]:
    """What each of the 256 codes stands for (formats: arXiv 2209.05433, 2206.02915, OCP MX 1.0)."""
    codes = np.arange(256)
    if dtype == _SCALE8:
        return np.where(codes == 255, np.nan, np.exp2(codes - 127.0)).astype(np.float32)
    form = _FLOAT8[dtype]
    exponent = (codes >> form.mantissa) & ((1 << form.exponent) - 1)
    fraction = (codes & ((1 << form.mantissa) - 1)) / (1 << form.mantissa)
    magnitude = np.where(
        exponent == 0, fraction * 2.0 ** (1 - form.bias), (1 + fraction) * np.exp2(exponent - float(form.bias))
    )
    values = np.where(codes >= 128, -magnitude, magnitude)
    if form.special == "ieee":
        top = exponent == (1 << form.exponent) - 1
        values = np.where(top, np.where(fraction == 0, np.copysign(np.inf, values), np.nan), values)
    elif form.special == "all ones":
        values = np.where((codes & 0x7F) == 0x7F, np.nan, values)
    else:
        values = np.where(codes == 0x80, np.nan, values)
    return values.astype(np.float32)
