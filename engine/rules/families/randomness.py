"""Dropout, and numbers drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.rules.registry import elementwise, not_differentiable
from engine.rules.values import NodeValues

DROPPED = "What was dropped gets nothing; what was kept is scaled as it was on the way forward."


@elementwise("NativeDropoutBackward0", {"input": r"<G> \cdot \frac{<result1>}{1 - p}"}, DROPPED)
def native_dropout(n: NodeValues) -> tuple[Any, ...]:
    p = float(n.argument("p"))
    scale = 1.0 if not n.argument("train", True) else 0.0 if p == 1 else 1.0 / (1.0 - p)
    return (n.saved("result1").astype(np.float64) * scale,)


@elementwise("NativeDropoutBackwardBackward0", {"grad_output": r"<G> \cdot <mask> \cdot <scale>"}, DROPPED)
def native_dropout_backward(n: NodeValues) -> tuple[Any, ...]:
    return (n.saved("mask").astype(np.float64) * float(n.argument("scale")),)


not_differentiable(
    "NormalBackward0 NormalBackward1 NormalBackward2 NormalBackward3 BernoulliBackward0 BernoulliBackward1 "
    "BernoulliBackward2 BinomialBackward0 CauchyBackward0 ExponentialBackward0 GeometricBackward0 LogNormalBackward0 "
    "PoissonBackward0 RandomBackward0 RandomBackward1 RandomBackward2 UniformBackward0",
    "A number drawn at random is not a smooth function of what it was drawn with: torch passes zeros on.",
)
