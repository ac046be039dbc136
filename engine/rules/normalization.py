"""Normalizations: batch, layer, group, instance (which torch computes as a batch norm) and root mean square.

Each divides what deviates from a mean by a standard deviation, so that a number acts in three ways: by itself, through
the mean, and through the variance. The three are the parts of its gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.arithmetic.bounded import Floats
from engine.arithmetic.normalization import normalized_gradient
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

Index = tuple[int, ...]
NORMALIZED = {
    "input": r"\frac{1}{\sigma} \left( G' - \overline{G'} - \hat{x} \cdot \overline{G' \hat{x}} \right), "
    r"\quad G' = G \cdot \gamma",
    "weight": r"\sum G \cdot \hat{x}",
    "bias": r"\sum G",
}
WORDS = (
    "What all inputs of a {set} have in common is taken out: the gradient loses its mean, and its part along the "
    "normalized values. The weight gets what the normalized values earned, the bias the sum."
)


def _three_parts(
    x: Floats, mean: Floats, invstd: Floats, weight: Floats, at: Index, members: tuple[Any, ...], own: int
) -> list[TermGroup]:
    """The parts of the gradient of one of `x`, the members of its set in one dimension, which lie `at` (indices).

    `weight` is that of each member, `own` the number of the one.
    """
    normalized = (x - mean) * invstd
    share = -weight * invstd / len(x)
    single = tuple(np.asarray(axis)[..., own].reshape(1) if np.ndim(axis) else axis for axis in members)
    return [
        TermGroup(0, single, weight[own : own + 1] * invstd, "by itself"),
        TermGroup(0, members, share, "through the mean"),
        TermGroup(0, members, share * normalized * normalized[own], "through the variance"),
    ]


# -- batch norm ------------------------------------------------------------------------------------------------------


def _batch_statistics(n: NodeValues, dimensions: int) -> tuple[bool, Array, Array]:
    """(whether they are those of this batch, mean, 1 / standard deviation), shaped to go with the input."""
    training = bool(n.argument("training", "WithUpdate" in n.type))
    if training:
        mean, invstd = n.saved("result1"), n.saved("result2")
    else:
        epsilon = float(n.argument("eps", n.argument("epsilon", 1e-5)))
        mean, invstd = n.saved("running_mean"), 1.0 / np.sqrt(n.saved("running_var") + epsilon)
    shape = (-1, *[1] * (dimensions - 2))
    return training, mean.reshape(shape), invstd.reshape(shape)


def _batch_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    x = value_of(n.saved("input"))
    training, mean, invstd = _batch_statistics(n, x.ndim)
    channel = index[1] if slot == 0 else index[0]
    places = np.indices((x.shape[0], *x.shape[2:])).reshape(x.ndim - 1, -1)
    members = (places[0], np.full(places.shape[1], channel), *places[1:])
    flat_mean, flat_invstd = value_of(mean).ravel()[channel], value_of(invstd).ravel()[channel]
    if slot == 2:
        return [TermGroup(0, members, np.ones(places.shape[1]), "bias")]
    if slot == 1:
        return [TermGroup(0, members, (x[members] - flat_mean) * flat_invstd, "normalized input")]
    weight = value_of(n.saved("weight"))[channel] if n.has("weight") else 1.0
    if not training:
        return [TermGroup(0, tuple(np.array([at]) for at in index), np.array([weight * flat_invstd]), "by itself")]
    own = int(np.ravel_multi_index((index[0], *index[2:]), (x.shape[0], *x.shape[2:])))
    return _three_parts(x[members], flat_mean, flat_invstd, np.full(places.shape[1], weight), index, members, own)


@rule(
    "NativeBatchNormBackward0 NativeBatchNormLegitBackward0 NativeBatchNormLegitBackward1 "
    "NativeBatchNormLegitNoTrainingBackward0 BatchNormWithUpdateBackward0 BatchNormNoUpdateBackward0 "
    "CudnnBatchNormBackward0 MiopenBatchNormBackward0",
    NORMALIZED,
    WORDS.format(set="channel (over all images and places)"),
    terms=_batch_terms,
)
def batch_norm(n: NodeValues) -> dict[int, Array]:
    g, x = n.grad(), n.saved("input")
    axes = (0, *range(2, x.ndim))
    training, mean, invstd = _batch_statistics(n, x.ndim)
    found: dict[int, Array] = {}
    if n.needs(0):
        whole = normalized_gradient(g, x, mean, invstd, axes) if training else g * invstd
        found[0] = whole * n.saved("weight").reshape(invstd.shape) if n.has("weight") else whole
    if n.needs(1):
        found[1] = np.sum(g * (x - mean), axis=axes) * invstd.reshape(-1)
    if n.needs(2):
        found[2] = np.sum(g, axis=axes)
    return found
