"""Numbers and sums as they are written in a program."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.errors import ChainruleError
from engine.recording.model import Shape

_WRAPPED = 2**63  # torch shows negative sizes and dimensions among saved values as unsigned


class NoTemplateError(ChainruleError):
    """The node cannot be done by hand: its numbers are taken as recorded, for this reason."""


def plain(value: Any) -> Any:
    """A recorded argument, with negative sizes as they were. It becomes part of a program: no other text gets in."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and not value.isidentifier():
        raise NoTemplateError("an argument is text")
    if not isinstance(value, (int, float, str, type(None))):
        raise NoTemplateError("an argument is not a plain value")
    return value - 2**64 if isinstance(value, int) and value >= _WRAPPED else value


def number(value: complex) -> str:
    """A number as it is written in a formula."""
    if isinstance(value, float) and not np.isfinite(value):
        return "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "(-np.inf)"
    return f"({value!r})" if isinstance(value, (int, float)) and value < 0 else repr(value)


def times(factor: float, text: str) -> str:
    """A product, without the factor where that is 1."""
    return text if factor == 1 else f"-{text}" if factor == -1 else f"{number(factor)} * {text}"


def summed(expression: str, shape: Shape, onto: Shape) -> str:
    """`expression`, of `shape`, summed over the dimensions along which a tensor of shape `onto` was broadcast."""
    if shape == onto:
        return expression
    extra = len(shape) - len(onto)
    if extra < 0:
        return f"np.broadcast_to({expression}, {onto})"
    axes = [axis for axis in range(len(shape)) if axis < extra or (onto[axis - extra] == 1 and shape[axis] != 1)]
    atom = expression if expression.isidentifier() else f"({expression})"
    if not onto or axes == list(range(len(shape))):
        total = f"{atom}.sum()"
        return total if not onto else f"{total}.reshape({onto})"
    listed = str(axes[0]) if len(axes) == 1 else str(tuple(axes))
    if all(axis < extra for axis in axes):
        return f"{atom}.sum(axis={listed})"
    total = f"{atom}.sum(axis={listed}, keepdims=True)"
    return f"{total}.reshape({onto})" if extra else total
