"""Losses: one number for each element, and then perhaps the mean or the sum of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.forward.model import Forward, Function, Table, spread
from engine.rules.values import NodeValues

MEAN, SUM = 1, 2


def _reduced(each: Callable[[Sequence[Array], NodeValues], Array]) -> Function:
    def found(a: Sequence[Array], n: NodeValues) -> Array:
        losses = each(a, n)
        reduction = int(n.argument("reduction", MEAN))
        return np.mean(losses) if reduction == MEAN else np.sum(losses) if reduction == SUM else losses

    return found


def _smooth(a: Sequence[Array], n: NodeValues) -> Array:
    distance, beta = np.abs(a[0] - a[1]), float(n.argument("beta", 1.0))
    if not beta:
        return distance
    return np.where(value_of(distance) < beta, 0.5 * distance * distance / beta, distance - 0.5 * beta)


def _huber(a: Sequence[Array], n: NodeValues) -> Array:
    distance, delta = np.abs(a[0] - a[1]), float(n.argument("delta", 1.0))
    near = value_of(distance) <= delta
    return np.where(near, 0.5 * distance * distance, delta * (distance - 0.5 * delta))


def _with_logits(a: Sequence[Array], n: NodeValues) -> Array:
    x, target, weight, positive = a
    small = np.log1p(np.exp(-np.abs(x)))
    below = np.maximum(-x, 0.0) + small
    if positive is None:
        losses = (1.0 - target) * x + below
    else:
        losses = (1.0 - target) * x + ((positive - 1.0) * target + 1.0) * below
    return losses if weight is None else losses * weight


def _entropy(a: Sequence[Array], n: NodeValues) -> Array:
    x, target, weight = a
    losses = (target - 1.0) * np.maximum(np.log1p(-x), -100.0) - target * np.maximum(np.log(x), -100.0)
    return losses if weight is None else losses * weight


def _nll(a: Sequence[Array], n: NodeValues) -> Array:
    """Minus the logarithm of the right class's probability; the mean counts each row by its weight."""
    x = a[0]
    target = value_of(n.saved("target")).astype(np.int64)
    kept = target != int(n.argument("ignore_index", -100))
    classes = 1 if value_of(x).ndim > 1 else 0
    inside = np.where(kept, target, 0)
    picked = np.squeeze(np.take_along_axis(x, np.expand_dims(inside, classes), classes), classes)
    weight: Array = kept.astype(np.float64)
    if n.has("weight"):
        weight = n.saved("weight")[inside] * weight
    losses = -picked * weight
    reduction = int(n.argument("reduction", MEAN))
    if reduction == MEAN:
        return np.sum(losses) / np.sum(weight)
    return np.sum(losses) if reduction == SUM else losses


def _soft_margin(a: Sequence[Array], n: NodeValues) -> Array:
    return np.log(1.0 + np.exp(-(a[0] * a[1])))  # as torch has it: the power may be too large


TABLE: Table = {
    "SoftMarginLossBackward0": Forward(
        r"<:reduction>\left(\ln\left(1 + e^{-<self> \cdot <target>}\right)\right)", _reduced(_soft_margin), (0, 1)
    ),
    "SmoothL1LossBackward0": Forward(
        r"<:reduction>\ \mathrm{smooth}\left(|<self> - <target>|\right)", _reduced(_smooth), (0, 1)
    ),
    "HuberLossBackward0": Forward(
        r"<:reduction>\ \mathrm{huber}\left(<self> - <target>\right)", _reduced(_huber), (0, 1)
    ),
    "BinaryCrossEntropyBackward0": Forward(
        r"-<:reduction>\left(<target> \ln <self> + (1 - <target>) \ln (1 - <self>)\right)",
        _reduced(_entropy), (0, 1, 2),
    ),
    "BinaryCrossEntropyWithLogitsBackward0": Forward(
        r"<:reduction>\left(\ln(1 + e^{<self>}) - <target> \cdot <self>\right)", _reduced(_with_logits), (0, 1, 2, 3)
    ),
    **spread("NllLossBackward0 NllLoss2DBackward0", Forward(r"-<:reduction>\ <self>[\,y\,]", _nll, (0,))),
}  # fmt: skip
