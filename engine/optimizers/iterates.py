"""Muon's Newton–Schulz iteration, proved matrix by matrix.

It runs in bfloat16, which has 8 bits: five rounds of it amplify each rounding hundreds of times, and a bound over all
of them would say nothing. So every matrix that PyTorch computed is recorded, and each is proved from the recorded one
before it: products are summed in float32, and rounded to bfloat16 once, or twice where two of them are added.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.arithmetic import Bounded, compare, exact, unit_roundoff
from engine.optimizers.model import lerp, scaled
from engine.optimizers.muon import COEFFICIENTS
from engine.optimizers.reading import Reading, UnknownError
from engine.optimizers.result import Result

_COARSE, _FINE = unit_roundoff("bfloat16"), unit_roundoff("float32")


def matrices(reading: Reading) -> tuple[Result, ...]:
    """X₀ and the three matrices of each round beside the recorded ones. Raises UnknownError if they are not there."""
    h = reading.hyperparameters
    if len(reading.names("output")) != 1 + 3 * h["ns_steps"]:
        raise UnknownError("the matrices of the Newton–Schulz iteration, in bfloat16, were not recorded")
    computed = [_first(reading)]
    for number in range(h["ns_steps"]):
        computed += _round(reading, 3 * number, h.get("ns_coefficients", COEFFICIENTS))
    return tuple(
        Result("output", _name(slot), slot, compare(found, reading.array("output", "", slot), "bfloat16"))
        for slot, found in enumerate(computed)
    )


def _name(slot: int) -> str:
    return f"Newton–Schulz X{slot // 3}" if slot % 3 == 0 else f"Newton–Schulz {'AP'[slot % 3 - 1]}{slot // 3 + 1}"


def _first(reading: Reading) -> Bounded:
    h = reading.hyperparameters
    g = exact(reading.array("grad"), reading.unit())
    before = (
        reading.bounded("state_before", "momentum_buffer") if reading.has("state_before", "momentum_buffer") else 0 * g
    )
    direction = lerp(before, g, 1 - h["momentum"])
    if h.get("nesterov", True):
        direction = lerp(g, direction, h["momentum"])
    x = _rounded(direction.T if direction.shape[0] > direction.shape[1] else direction)
    size = _rounded(np.maximum(np.sqrt((x * x).sum()), h["eps"]))
    return _rounded(x / size)


def _round(reading: Reading, slot: int, coefficients: tuple[float, float, float]) -> Iterator[Bounded]:
    """A = X·Xᵀ, P = b·A + c·A², X' = a·X + P·X, each from what was recorded."""
    a, b, c = coefficients
    x, gram, polynomial = (exact(reading.array("output", "", slot + number), _FINE) for number in range(3))
    yield _rounded(x @ x.T)
    yield _rounded(scaled(b, gram) + _rounded(scaled(c, gram @ gram)))
    yield _rounded(scaled(a, x) + _rounded(polynomial @ x))


def _rounded(array: Bounded) -> Bounded:
    """Stored as bfloat16, and read again to compute in float32."""
    return Bounded(array.value, array.errors + _COARSE * np.abs(array.value), _FINE)
