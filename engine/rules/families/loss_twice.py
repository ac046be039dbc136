"""The backward passes of losses as nodes themselves: what a gradient of a gradient goes through.

Such a node computed `grad_output · f'(x)` in an earlier backward pass, for each element of the loss. To the gradient
that entered there it hands `G · f'(x)`, and to x it hands `G · grad_output · f''(x)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.families.loss import (
    SMALLEST,
    huber_loss,
    in_precision,
    mse_loss,
    nll_places,
    pair,
    share,
    smooth_l1_loss,
    soft_margin_loss,
    weighted,
)
from engine.rules.registry import elementwise, rule
from engine.rules.scalars import nearest
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

Index = tuple[int, ...]
_WORDS = "The backward pass of a loss, passed again: its slope for the gradient that entered, its curvature for the "
_WORDS += "prediction, and as much with the opposite sign for the target."
_CURVED = r"\frac{<G>}{<n>} \cdot <grad_output>"
_SLOPE = r"\frac{<G>}{<n>} \cdot"


def _with_curvature(n: NodeValues, slope: Array, curvature: Any) -> tuple[Array, ...]:
    """Local derivatives of grad_output, prediction and target."""
    bent = n.saved("grad_output") * (curvature * share(n, value_of(n.saved("self")).size))
    return slope, bent, -bent


@elementwise(
    "MseLossBackwardBackward0",
    {
        "grad_output": _SLOPE + r"2 \left( <self> - <target> \right)",
        "self": _CURVED + r"\cdot 2",
        "target": "-" + _CURVED + r"\cdot 2",
    },
    _WORDS,
)
def mse_loss_twice(n: NodeValues) -> tuple[Array, ...]:
    return _with_curvature(n, mse_loss(n)[0], 2.0)


def _near(n: NodeValues, limit: float) -> Any:
    """1 where the difference is less than `limit`, which is where the loss is curved."""
    x, target = (in_precision(n, array) for array in pair(n))
    return (np.abs(x - target) < limit).astype(np.float64)


@elementwise(
    "HuberLossBackwardBackward0",
    {
        "grad_output": _SLOPE + r"\mathrm{clip} \left( <self> - <target>, \pm <delta> \right)",
        "self": _CURVED + r"\cdot \left[ |<self> - <target>| < <delta> \right]",
        "target": "-" + _CURVED + r"\cdot \left[ |<self> - <target>| < <delta> \right]",
    },
    _WORDS,
)
def huber_loss_twice(n: NodeValues) -> tuple[Array, ...]:
    return _with_curvature(n, huber_loss(n)[0], _near(n, float(n.argument("delta", 1.0))))


@elementwise(
    "SmoothL1LossBackwardBackward0",
    {
        "grad_output": _SLOPE + r"\mathrm{clip} \left( \frac{<self> - <target>}{<beta>}, \pm 1 \right)",
        "self": _CURVED + r"\cdot \frac{\left[ |<self> - <target>| < <beta> \right]}{<beta>}",
        "target": "-" + _CURVED + r"\cdot \frac{\left[ |<self> - <target>| < <beta> \right]}{<beta>}",
    },
    _WORDS,
)
def smooth_l1_loss_twice(n: NodeValues) -> tuple[Array, ...]:
    beta = float(n.argument("beta", 1.0))
    return _with_curvature(n, smooth_l1_loss(n)[0], _near(n, beta) / beta if beta else 0.0)


@elementwise(
    "SoftMarginLossBackwardBackward0",
    {
        "grad_output": "-" + _SLOPE + r"\frac{<target>}{1 + e^{<target> \cdot <self>}}",
        "self": _CURVED + r"\cdot \frac{<target>^2 \, z}{(1 + z)^2}, \quad z = e^{-<target> \cdot <self>}",
    },
    _WORDS,
)
def soft_margin_loss_twice(n: NodeValues) -> tuple[Array, ...]:
    x, target = pair(n)
    z = np.exp(-target * x)
    squared = (1.0 + z) * (1.0 + z)
    overflows = value_of(squared) > np.finfo(in_precision(n, x).dtype).max  # torch divides by infinity there
    return _with_curvature(n, soft_margin_loss(n)[0], np.where(overflows, 0.0, target * target * z / squared))[:2]


@elementwise(
    "BinaryCrossEntropyBackwardBackward0",
    {
        "grad_output": _SLOPE + r"\frac{<self> - <target>}{<self> \left( 1 - <self> \right)}",
        "self": _CURVED + r"\cdot \frac{<self>^2 - 2 \cdot <self> \cdot <target> + <target>}"
        r"{<self>^2 \left( 1 - <self> \right)^2}",
        "target": "-" + _CURVED + r"\cdot \frac{1}{<self> \left( 1 - <self> \right)}",
    },
    "The backward pass of a cross entropy, passed again: its slope for the gradient that entered, its curvature for "
    "the probability and for the target.",
)
def binary_cross_entropy_twice(n: NodeValues) -> dict[int, Array]:
    x, target = pair(n)
    spread = (x + SMALLEST) * (1.0 - x + SMALLEST)  # torch's way round a division by zero
    entering = n.saved("grad_output")
    found: dict[int, Array] = {}
    if n.needs(0):
        found[0] = weighted(n, (x - target) / spread)
    if n.needs(1):
        found[1] = weighted(n, entering * (x * x - 2.0 * x * target + target) / (spread * spread))
    if n.needs(2):
        found[2] = weighted(n, -entering / np.maximum((1.0 - x) * x, nearest(SMALLEST, n.unit)))
    return found


def _nll_slopes(n: NodeValues) -> tuple[Any, Array, Any]:
    """(where the right classes are, the local derivatives there, which rows are kept)."""
    places, weight, kept = nll_places(n, n.grad_shape())
    return places, -(weight / np.sum(weight) if int(n.argument("reduction", 1)) == 1 else weight), kept


def _nll_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    if slot:
        return []
    places, local, kept = _nll_slopes(n)
    if not n.shape(0):
        return [TermGroup(0, places, value_of(local), "the right class")]
    if not np.atleast_1d(kept)[index]:
        return []
    row = int(np.count_nonzero(np.atleast_1d(kept).ravel()[: int(np.ravel_multi_index(index, np.shape(kept) or (1,)))]))
    at = tuple(np.atleast_1d(axis)[row : row + 1] for axis in places)
    return [TermGroup(0, at, np.atleast_1d(value_of(local))[row : row + 1], "the right class")]


@rule(
    "NllLossBackwardBackward0 NllLoss2DBackwardBackward0",
    {"grad_output": r"-\frac{w_{t}}{\sum w} \cdot G_t", "self": "0"},
    "The backward pass put each row's gradient at its right class: from there it comes back. A likelihood's logarithm "
    "enters a loss as it is, so there is no curvature.",
    terms=_nll_terms,
)
def nll_loss_twice(n: NodeValues) -> tuple[Any, ...]:
    zeros = np.zeros(n.shape(1)) if n.needs(1) else None
    if not n.needs(0):
        return None, zeros
    places, local, kept = _nll_slopes(n)
    taken = n.grad()[places] * local
    if not n.shape(0):
        return np.sum(taken), zeros
    rows = np.cumsum(np.atleast_1d(kept).ravel()) - 1
    spread = np.reshape(taken, (-1,))[np.maximum(rows, 0)] if rows.size and np.any(kept) else np.zeros(rows.shape)
    return np.reshape(np.where(np.ravel(kept), spread, 0.0), n.shape(0)), zeros
