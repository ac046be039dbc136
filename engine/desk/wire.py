"""Results as JSON and back: plain numbers, text, tuples, lists, mappings, and the dataclasses named here.

A tuple is a JSON array; a list, a complex number and a dataclass are objects with their kind under `KIND`. Every float
comes back bit for bit, infinities and NaN included. What is not listed is refused on both sides: a line that came in
never decides what code is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

KIND = "!"
DATACLASSES: Mapping[str, str] = {
    "Element": "engine.desk.element",
    "Explanation": "engine.desk.explain",
    "Line": "engine.desk.explain",
    "TermRow": "engine.desk.explain",
    "Breakdown": "engine.desk.explain",
    "Proof": "engine.rules.verify",
    "Check": "engine.rules.verify",
    "Comparison": "engine.arithmetic.compare",
    "Walk": "engine.rules.upstream",
    "Place": "engine.rules.upstream",
    "Anatomy": "engine.desk.anatomy",
    "Part": "engine.desk.anatomy",
    "Remembered": "engine.desk.anatomy",
    "Histories": "engine.desk.anatomy",
    "manual.Place": "engine.manual",
    "manual.Line": "engine.manual",
    "Formula": "engine.desk.typeset",
}


def dump(value: Any) -> str:
    """A value as one line of JSON. Raises TypeError for what cannot be sent."""
    return json.dumps(_plain(value), separators=(",", ":"))


def load(line: str | bytes) -> Any:
    """The value that `dump` wrote. Raises ValueError for a line that it did not write."""
    try:
        return _value(json.loads(line))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a line of the desk: {error}") from error


def warm_up() -> None:
    """Import what the values of the first line are made of."""
    for module in dict.fromkeys(DATACLASSES.values()):
        import_module(module)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, list):
        return {KIND: "list", "of": [_plain(item) for item in value]}
    if isinstance(value, complex):
        return {KIND: "complex", "of": [value.real, value.imag]}
    if isinstance(value, Mapping):
        return {KIND: "dict", "of": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if is_dataclass(value) and (name := _names().get(type(value))):
        return {KIND: name, "of": [_plain(getattr(value, field)) for field in _fields(name)]}
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(_value(item) for item in plain)
    if not isinstance(plain, dict):
        return plain
    kind, items = plain[KIND], plain["of"]
    if kind == "list":
        return [_value(item) for item in items]
    if kind == "complex":
        return complex(*items)
    if kind == "dict":
        return {_value(key): _value(item) for key, item in items}
    return _class(kind)(**dict(zip(_fields(kind), map(_value, items), strict=True)))


@cache
def _class(name: str) -> Any:
    return getattr(import_module(DATACLASSES[name]), name.rpartition(".")[2])


@cache
def _fields(name: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(_class(name)))


@cache
def _names() -> dict[type, str]:
    return {_class(name): name for name in DATACLASSES}
