"""Plain values (numbers, text, lists, dicts) as strict JSON and back.

JSON has no NaN and no infinity: they are written as `{"$float": "NaN"}`, `{"$float": "Infinity"}` and
`{"$float": "-Infinity"}`, which any JSON reader accepts. A tuple comes back as a list. What JSON cannot say at all
is written as its text (`str(value)`). In REAL columns, SQLite keeps infinities but turns NaN into NULL, so there a
NaN is the text 'NaN'.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=str).encode


def dumps(value: Any) -> str:
    """JSON text of `value`; never fails for finite trees of plain values."""
    if not value and isinstance(value, Mapping):
        return "{}"
    try:
        return _encode(value)
    except (ValueError, TypeError):  # a NaN or infinity, or a key that is no text
        return _encode(_without_specials(value))


def loads(text: str) -> Any:
    """The value that `dumps` was given. Raises ValueError if `text` is not such JSON."""
    if text == "{}":
        return {}
    try:
        return _decode(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


def _without_specials(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, Mapping):
        return {str(key): _without_specials(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_specials(item) for item in value]
    return value


def _restore(mapping: dict[str, Any]) -> Any:
    if len(mapping) == 1 and "$float" in mapping:
        name = mapping["$float"]
        if not isinstance(name, str) or name not in _FLOATS:
            raise ValueError(f"unknown number {name!r}")
        return _FLOATS[name]
    return mapping


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(object_hook=_restore, parse_constant=_refuse).decode
