"""Normalizations: batch, layer, group, instance (which torch computes as a batch norm) and root mean square.

Each divides what deviates from a mean by a standard deviation, so that a number acts in three ways: by itself, through
the mean, and through the variance. The three are the parts of its gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.arithmetic.bounded import Floats
from engine.arithmetic.normalization import expanded_gradient, normalized_gradient, rms_gradient
from engine.recording.model import Shape
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


def _places(shape: Shape) -> Floats:
    """The index of every element of an array of `shape`: (dimensions, elements)."""
    return np.indices(shape).reshape(len(shape), math.prod(shape))


def _three_parts(
    x: Floats, mean: Floats, invstd: Floats, weight: Floats, members: tuple[Any, ...], own: int
) -> list[TermGroup]:
    """The parts of the gradient of number `own` of `x`, the members of its set in one dimension.

    `weight` is that of each member, `members` are their indices.
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
    places = _places((x.shape[0], *x.shape[2:]))
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
    return _three_parts(x[members], flat_mean, flat_invstd, np.full(places.shape[1], weight), members, own)


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


# -- layer norm, group norm: the sets do not mix images, and the weights differ within them ----------------------------


def _weighted(g: Array, weight: Array | None) -> Array:
    return g if weight is None else g * weight


def _set_gradient(n: NodeValues, g: Array, x: Array, mean: Array, invstd: Array, axes: tuple[int, ...]) -> Array:
    """A proof goes through torch's formula, a reader through the textbook's."""
    return (normalized_gradient if n.plain else expanded_gradient)(g, x, mean, invstd, axes)


def _layer_axes(n: NodeValues, dimensions: int) -> tuple[int, ...]:
    return tuple(range(dimensions - len(n.argument("normalized_shape")), dimensions))


def _layer_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    x, g = value_of(n.saved("input")), n.grad_shape()
    axes = _layer_axes(n, x.ndim)
    if slot:
        places = _places(g[: axes[0]])
        members = (*places, *index)
        if slot == 2:
            return [TermGroup(0, members, np.ones(places.shape[1]), "bias")]
        rows = tuple(places) + (0,) * len(axes)
        normalized = (x[members] - value_of(n.saved("result1"))[rows]) * value_of(n.saved("result2"))[rows]
        return [TermGroup(0, members, normalized, "normalized input")]
    row = (*index[: axes[0]], *[0] * len(axes))
    mean, invstd = value_of(n.saved("result1"))[row], value_of(n.saved("result2"))[row]
    places = _places(g[axes[0] :])
    members = (*index[: axes[0]], *places)
    weight = value_of(n.saved("weight")).ravel() if n.has("weight") else np.ones(places.shape[1])
    own = int(np.ravel_multi_index(index[axes[0] :], g[axes[0] :]))
    return _three_parts(x[members], mean, invstd, weight, members, own)


@rule("NativeLayerNormBackward0", NORMALIZED, WORDS.format(set="row"), terms=_layer_terms)
def layer_norm(n: NodeValues) -> dict[int, Array]:
    g, x = n.grad(), n.saved("input")
    mean, invstd = n.saved("result1"), n.saved("result2")
    axes = _layer_axes(n, x.ndim)
    found: dict[int, Array] = {}
    if n.needs(0):
        weighted = _weighted(g, n.saved("weight") if n.has("weight") else None)
        found[0] = _set_gradient(n, weighted, x, mean, invstd, axes)
    rows = tuple(range(axes[0])) if axes else tuple(range(x.ndim))
    if n.needs(1):
        normalized = (x - mean) * invstd if n.plain else x * invstd - mean * invstd
        found[1] = np.sum(g * normalized, axis=rows)
    if n.needs(2):
        found[2] = np.sum(g, axis=rows)
    return found


def _by_group(n: NodeValues, x: Array) -> Array:
    """(images, groups, members of a group)."""
    images, channels, places, groups = (int(n.argument(name)) for name in ("N", "C", "HxW", "group"))
    return x.reshape(images, groups, channels // groups * places)


def _group_weight(n: NodeValues) -> Array | None:
    """The weight of each member of each group: (1, groups, members)."""
    if not n.has("weight"):
        return None
    weight = np.repeat(n.saved("weight"), int(n.argument("HxW")))
    return weight.reshape(1, int(n.argument("group")), -1)


def _group_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    shape = n.saved_shape("input")
    x = _by_group(n, value_of(n.saved("input")))
    mean, invstd = value_of(n.saved("result1")).reshape(x.shape[:2]), value_of(n.saved("result2")).reshape(x.shape[:2])
    positions = shape[2:]
    if slot:
        places = _places((shape[0], *positions))
        members = (places[0], index[0], *places[1:])
        if slot == 2:
            return [TermGroup(0, members, np.ones(places.shape[1]), "bias")]
        group = index[0] * x.shape[1] // shape[1]
        values = value_of(n.saved("input"))[members]
        coefficients = (values - mean[places[0], group]) * invstd[places[0], group]
        return [TermGroup(0, members, coefficients, "normalized input")]
    image, group = index[0], index[1] * x.shape[1] // shape[1]
    first = group * shape[1] // x.shape[1]
    places = _places((shape[1] // x.shape[1], *positions))
    members = (image, places[0] + first, *places[1:])
    weights = _group_weight(n)
    weight = np.ones(x.shape[2]) if weights is None else value_of(weights)[0, group]
    own = int(np.ravel_multi_index((index[1] - first, *index[2:]), (shape[1] // x.shape[1], *positions)))
    found = _three_parts(x[image, group], mean[image, group], invstd[image, group], weight, members, own)
    through = (
        (1, np.array([1.0])),
        (2, -(invstd[image, group] ** 3) * (x[image, group, own : own + 1] - mean[image, group])),
    )
    for output, coefficient in through:
        if n.has_grad(output):
            found.append(TermGroup(output, (image, group), coefficient / x.shape[2], "through a saved output"))
    return found


@rule("NativeGroupNormBackward0", NORMALIZED, WORDS.format(set="group of channels"), terms=_group_terms)
def group_norm(n: NodeValues) -> dict[int, Array]:
    shape = n.saved_shape("input")
    x = _by_group(n, n.saved("input"))
    g = _by_group(n, n.grad(like=shape))
    mean, invstd = n.saved("result1").reshape(*x.shape[:2], 1), n.saved("result2").reshape(*x.shape[:2], 1)
    found: dict[int, Array] = {}
    if n.needs(0):
        whole = _set_gradient(n, _weighted(g, _group_weight(n)), x, mean, invstd, (2,))
        if n.has_grad(1):
            whole = whole + n.grad(1).reshape(mean.shape) / x.shape[2]
        if n.has_grad(2):
            whole = whole - n.grad(2).reshape(mean.shape) * invstd * invstd * invstd * (x - mean) / x.shape[2]
        found[0] = whole.reshape(shape)
    channels = (shape[0], x.shape[1], shape[1] // x.shape[1], int(n.argument("HxW")))
    if n.needs(1):
        by_channel = np.sum((g * x).reshape(channels), axis=3) - np.sum(g.reshape(channels), axis=3) * mean
        found[1] = np.sum(by_channel * invstd, axis=0).reshape(-1)
    if n.needs(2):
        found[2] = np.sum(g.reshape(channels), axis=(0, 3)).reshape(-1)
    return found


# -- root mean square -------------------------------------------------------------------------------------------------


@rule(
    "FusedRmsNormBackward0",
    {
        "input": r"\frac{1}{\mathrm{rms}} \left( G' - \hat{x} \cdot \overline{G' \hat{x}} \right), "
        r"\quad G' = G \cdot \gamma",
        "weight": r"\sum G \cdot \hat{x}",
    },
    "A row is divided by its root mean square: the gradient loses its part along the normalized values. The weight "
    "gets what the normalized values earned.",
)
def rms_norm(n: NodeValues) -> dict[int, Array]:
    x, inverse = n.saved("input"), n.saved("result1")
    g = n.grad(like=x.shape)
    axes = _layer_axes(n, x.ndim)
    found: dict[int, Array] = {}
    if n.needs(0):
        found[0] = rms_gradient(_weighted(g, n.saved("weight") if n.has("weight") else None), x, inverse, axes)
        if n.has_grad(1):
            count = math.prod(x.shape[axis] for axis in axes)
            found[0] = found[0] - n.grad(1) * inverse * inverse * inverse * x / count
    if n.needs(1):
        found[1] = np.sum(g * x * inverse, axis=tuple(range(axes[0])))
    return found
