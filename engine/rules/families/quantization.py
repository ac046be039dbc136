"""Numbers rounded to what an integer type could hold, for training that takes quantization into account."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Array
from engine.rules.registry import elementwise
from engine.rules.values import NodeValues


@elementwise(
    "FakeQuantizePerTensorAffineCachemaskBackward0 FakeQuantizePerChannelAffineCachemaskBackward0 "
    "FakeQuantizePerTensorAffineCachemaskTensorQparamsBackward0 FusedMovingAvgObsFqHelperBackward0",
    {"self": r"<G> \cdot <mask>"},
    "Rounding has no slope of its own: it is passed as if it were not there, but not where the number was cut off at "
    "the end of the range.",
)
def fake_quantize(n: NodeValues) -> tuple[Array, ...]:
    return (np.asarray(n.saved("mask")).astype(np.float64),)
