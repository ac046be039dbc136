"""Sequences of different lengths, packed without what pads them."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import Array
from engine.rules.registry import moving
from engine.rules.values import NodeValues


@moving(
    "PackPaddedSequenceBackward0",
    {"input": r"G_{\mathrm{place}(t, b)}, \quad 0 \mathrm{\ where\ sequence\ } b \mathrm{\ has\ ended}"},
    "What stands in the packed sequence gives its gradient back to its own place; what was padding gets none.",
)
def pack_padded_sequence(n: NodeValues) -> tuple[Array, ...]:
    g = n.grad()
    sizes = np.asarray(n.saved("result1"))  # how many sequences go on at each time
    shape = n.shape(0)
    first = bool(n.argument("batch_first", False))
    times, batch = (shape[1], shape[0]) if first else shape[:2]
    started = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    place = np.full((times, batch), len(g))
    for time, (start, size) in enumerate(zip(started, sizes, strict=True)):
        place[time, :size] = start + np.arange(size)
    padded = np.concatenate([g, np.zeros((1, *g.shape[1:]))])[place]
    return (np.swapaxes(padded, 0, 1) if first else padded,)
