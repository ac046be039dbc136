"""Columns of numbers as text: long ones are sent so, for they arrive without being taken apart one by one."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import numpy.typing as npt

_DTYPES = {"i": "<i8", "u": "<u1", "f": "<f8"}


def packed(column: npt.NDArray[Any]) -> str:
    """A column of integers, bytes or floats."""
    kind = column.dtype.kind
    return kind + b64encode(np.ascontiguousarray(column, _DTYPES[kind]).tobytes()).decode("ascii")


def unpacked(text: str) -> npt.NDArray[Any]:
    """The column that `packed` wrote, flat and read-only. Raises ValueError or KeyError for anything else."""
    return np.frombuffer(b64decode(text[1:]), _DTYPES[text[:1]])
