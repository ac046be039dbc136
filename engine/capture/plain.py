"""Values that are no tensors, as a recording keeps them."""

from __future__ import annotations

from typing import Any

import torch

_PLAIN = (int, float, bool, str, type(None))
_NAMED = (torch.dtype, torch.device, torch.memory_format, torch.layout)
_SYMBOLS = (torch.SymInt, torch.SymFloat, torch.SymBool)
_MAX_ITEMS = 16


def plain_value(value: Any) -> Any:
    """`value` as JSON can hold it, or None if it cannot: numbers, strings, dtypes, devices, short lists of them."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, torch.Tensor):
        return None
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, _NAMED):
        return str(value).removeprefix("torch.")
    if isinstance(value, _SYMBOLS):
        return str(value)
    if isinstance(value, list | tuple) and len(value) <= _MAX_ITEMS:
        items = [plain_value(item) for item in value]
        return (
            items
            if all(item is not None or original is None for item, original in zip(items, value, strict=True))
            else None
        )
    return None
