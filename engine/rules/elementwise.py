"""Arithmetic on single numbers: sums, products, quotients, powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import value_of
from engine.rules.registry import elementwise
from engine.rules.values import NodeValues


@elementwise(
    "AddBackward0",
    {"self": r"<G>", "other": r"<alpha> \cdot <G>"},
    "A sum hands the same gradient to each of its addends.",
)
def add(n: NodeValues) -> tuple[Any, ...]:
    one = np.ones(n.output_shape())
    return one, one * n.argument("alpha", 1)


@elementwise(
    "SubBackward0",
    {"self": r"<G>", "other": r"-<alpha> \cdot <G>"},
    "A difference hands the gradient on as it is, and with the sign turned to what is taken away.",
)
def sub(n: NodeValues) -> tuple[Any, ...]:
    one = np.ones(n.output_shape())
    return one, -one * n.argument("alpha", 1)


@elementwise(
    "MulBackward0",
    {"self": r"<G> \cdot <other>", "other": r"<G> \cdot <self>"},
    "Each factor gets the gradient times the other factor.",
)
def mul(n: NodeValues) -> tuple[Any, ...]:
    return (n.saved("other") if n.needs(0) else None, n.saved("self") if n.needs(1) else None)


@elementwise(
    "PowBackward0",
    {"self": r"<G> \cdot <exponent> \cdot <self>^{<exponent> - 1}"},
    "The exponent comes down in front, and the power goes down by one.",
)
def power(n: NodeValues) -> tuple[Any, ...]:
    exponent = n.argument("exponent")
    x = n.saved("self")
    if exponent == 0:
        return (np.zeros(value_of(x).shape),)
    return (exponent * x if exponent == 2 else exponent * np.power(x, exponent - 1),)
