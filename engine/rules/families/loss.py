"""Losses: where the gradient begins.

Each compares predictions with targets, element by element, and may take the mean or the sum over all of them, which
only scales or spreads the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.registry import elementwise, rule
from engine.rules.scalars import nearest
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

Index = tuple[int, ...]
MEAN, SUM = 1, 2
IGNORED = 2**63  # where torch's unsigned form of a negative class number begins


def share(n: NodeValues, count: int) -> float:
    """What each of `count` elements counts for: their number, if the loss is a mean."""
    return 1.0 / max(count, 1) if int(n.argument("reduction", MEAN)) == MEAN else 1.0


def _recorded_dtype(n: NodeValues) -> type[np.floating[Any]]:
    """What torch computes in: half precision is computed in single."""
    return np.float64 if n.dtype(n.slots[0]) == "float64" else np.float32


def pair(n: NodeValues) -> tuple[Array, Array]:
    """(prediction, target)."""
    return n.saved("self"), n.saved("target")


def _count(*arrays: Array) -> int:
    return int(np.prod(np.broadcast_shapes(*(value_of(array).shape for array in arrays)), dtype=int))


DISTANCES = "A loss of distances: prediction and target get the same slope with opposite signs, so that they are drawn "
DISTANCES += "together"


@elementwise(
    "MseLossBackward0",
    {
        "self": r"<G> \cdot \frac{2}{<n>} \left( <self> - <target> \right)",
        "target": r"<G> \cdot \frac{2}{<n>} \left( <target> - <self> \right)",
    },
    DISTANCES + ", the more the further they are apart.",
)
def mse_loss(n: NodeValues) -> tuple[Array, ...]:
    x, target = pair(n)
    slope = (2.0 * share(n, _count(x, target))) * (x - target)
    return slope, -slope


@elementwise(
    "L1LossBackward0",
    {
        "self": r"\frac{<G>}{<n>} \cdot \mathrm{sign} \left( <self> - <target> \right)",
        "target": r"\frac{<G>}{<n>} \cdot \mathrm{sign} \left( <target> - <self> \right)",
    },
    DISTANCES + ", with the same force however far they are apart.",
)
def l1_loss(n: NodeValues) -> tuple[Array, ...]:
    x, target = (value_of(array) for array in pair(n))
    slope = share(n, _count(x, target)) * np.sign(x - target)
    return slope, -slope


def _clipped(n: NodeValues, limit: float) -> tuple[Array, Array]:
    """(the difference within ± limit, its sign where it is beyond, else 0)."""
    x, target = pair(n)
    difference = x - target
    beyond = np.sign(value_of(difference)) * (np.abs(value_of(difference)) > limit)
    return np.where(beyond, 0.0, difference), beyond


@elementwise(
    "HuberLossBackward0",
    {
        "self": r"\frac{<G>}{<n>} \cdot \mathrm{clip} \left( <self> - <target>, \pm <delta> \right)",
        "target": r"\frac{<G>}{<n>} \cdot \mathrm{clip} \left( <target> - <self>, \pm <delta> \right)",
    },
    DISTANCES + ", the more the further they are apart, but not beyond delta: outliers pull no harder.",
)
def huber_loss(n: NodeValues) -> tuple[Array, ...]:
    delta = float(n.argument("delta", 1.0))
    within, beyond = _clipped(n, delta)
    slope = (within + delta * beyond) * share(n, _count(*pair(n)))
    return slope, -slope


@elementwise(
    "SmoothL1LossBackward0",
    {
        "self": r"\frac{<G>}{<n>} \cdot \mathrm{clip} \left( \frac{<self> - <target>}{<beta>}, \pm 1 \right)",
        "target": r"\frac{<G>}{<n>} \cdot \mathrm{clip} \left( \frac{<target> - <self>}{<beta>}, \pm 1 \right)",
    },
    DISTANCES + ", with full force from beta on: outliers pull no harder.",
)
def smooth_l1_loss(n: NodeValues) -> tuple[Array, ...]:
    beta = float(n.argument("beta", 1.0))
    within, beyond = _clipped(n, beta)
    slope = ((within / beta if beta else within) + beyond) * share(n, _count(*pair(n)))
    return slope, -slope


# -- two classes -------------------------------------------------------------------------------------------------------

SMALLEST = 1e-12  # torch's least denominator of a binary cross entropy


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(value_of(x) >= 0, 1.0, small) / (1.0 + small)


def weighted(n: NodeValues, slope: Array) -> Array:
    """`slope` times the weight of each element, as a share of the mean if the loss is one."""
    slope = slope * n.saved("weight") if n.has("weight") else slope
    return slope * share(n, _count(*pair(n)))


@elementwise(
    "BinaryCrossEntropyBackward0",
    {
        "self": r"\frac{<G>}{<n>} \cdot \frac{<self> - <target>}{<self> \left( 1 - <self> \right)}",
        "target": r"\frac{<G>}{<n>} \left( \ln \left( 1 - <self> \right) - \ln <self> \right)",
    },
    "A probability is drawn toward its target, the harder the surer it was and wrong.",
)
def binary_cross_entropy(n: NodeValues) -> dict[int, Array]:
    x, target = pair(n)
    found = {}
    if n.needs(0):
        found[0] = weighted(n, (x - target) / np.maximum((1.0 - x) * x, nearest(SMALLEST, n.unit)))
    if n.needs(1):
        found[1] = weighted(n, np.log(1.0 - x) - np.log(x))
    return found


@elementwise(
    "BinaryCrossEntropyWithLogitsBackward0",
    {
        "self": r"\frac{<G>}{<n>} \left( \sigma(<self>) - <target> \right)",
        "target": r"-\frac{<G>}{<n>} \cdot <self>",
    },
    "The gradient of a score is the probability that it stands for, less the target.",
)
def binary_cross_entropy_with_logits(n: NodeValues) -> dict[int, Array]:
    x, target = pair(n)
    positive = n.saved("pos_weight") if n.has("pos_weight") else None
    probability = sigmoid(x)
    found = {}
    if n.needs(0):
        if positive is None:
            found[0] = probability - target
        else:
            found[0] = (positive * target + 1.0 - target) * probability - positive * target
    if n.needs(1):
        if positive is None:
            found[1] = -x
        else:
            found[1] = np.log(1.0 - probability) - positive * np.log(probability)
    return {slot: weighted(n, slope) for slot, slope in found.items()}


@elementwise(
    "SoftMarginLossBackward0",
    {"self": r"-\frac{<G>}{<n>} \cdot \frac{<target>}{1 + e^{<target> \cdot <self>}}"},
    "A score is drawn toward the sign of its target, the less the further it is on the right side.",
)
def soft_margin_loss(n: NodeValues) -> tuple[Array, ...]:
    x, target = pair(n)
    z = np.exp(-target * x)
    return (-(target * z * share(n, _count(x, target))) / (1.0 + z),)  # in torch's order: parts of it may be too large


# -- many classes ------------------------------------------------------------------------------------------------------


def nll_places(n: NodeValues, shape: Index) -> tuple[Any, Array, Any]:
    """(where the right classes are in the prediction of `shape`, their weights, which rows those are: not ignored)."""
    target = np.asarray(n.saved("target"))
    classes = shape[1] if len(shape) > 1 else shape[0]
    ignored = int(n.argument("ignore_index", -100))
    ignored = ignored - 2**64 if ignored >= IGNORED else ignored
    kept = (target != ignored) & (target >= 0) & (target < classes)
    weight = n.saved("weight")[target[kept]] if n.has("weight") else np.ones(int(kept.sum()))
    rows = np.nonzero(kept) if target.ndim else ()
    places = (rows[0], target[kept], *rows[1:]) if len(shape) > 1 else (target[kept],)
    return places, weight, kept


def _nll_parts(n: NodeValues) -> tuple[Any, Array]:
    """(where the right classes are, the local derivatives there). Rows that are ignored are left out."""
    places, weight, _ = nll_places(n, n.saved_shape("self") if n.has("self") else n.shape(0))
    return places, -(weight / n.saved("total_weight") if int(n.argument("reduction", MEAN)) == MEAN else weight)


def _nll_entering(n: NodeValues, places: Any) -> Array:
    """The entering gradient of each row: one for all, unless nothing was reduced."""
    g = n.grad()
    if not len(n.grad_shape()):
        return g
    return g[(places[0], *places[2:])] if len(places) > 1 else g


def _nll_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    places, local = _nll_parts(n)
    here = np.ones(value_of(local).shape, dtype=bool)
    for axis, at in zip(places, index, strict=True):
        here &= axis == at
    if not here.any():
        return []
    coefficient = value_of(local)[here]
    if not len(n.grad_shape()):
        return [TermGroup(0, (), coefficient.reshape(()), "the right class")]
    rows = tuple(np.array([at]) for at in (index[0], *index[2:]))
    return [TermGroup(0, rows if len(index) > 1 else (np.array([0]),), coefficient, "the right class")]


@rule(
    "NllLossBackward0 NllLoss2DBackward0",
    {"self": r"-\frac{w_{t}}{\sum w} \cdot G \quad \mathrm{at\ the\ target\ } t, \quad 0 \mathrm{\ elsewhere}"},
    "Only the right class of each row gets a gradient: it is to become likelier.",
    terms=_nll_terms,
)
def nll_loss(n: NodeValues) -> tuple[Array, ...]:
    places, local = _nll_parts(n)
    filled = n.grad() * np.zeros(()) if not len(n.grad_shape()) else np.zeros_like(n.grad()).ravel()[:1].sum()
    total = filled + np.zeros(n.shape(0))
    total[places] = local * _nll_entering(n, places)
    return (total,)


def _rows(array: Array) -> Array:
    """(rows, classes): a single row is made one of a batch."""
    return np.reshape(array, (-1, np.shape(array)[-1])) if np.ndim(array) else np.reshape(array, (1, 1))


def _per_row(n: NodeValues, rows: int) -> Array:
    """The entering gradient of each row, as a column."""
    g = n.grad()
    return np.broadcast_to(np.reshape(g, (-1, 1)), (rows, 1))


def in_precision(n: NodeValues, array: Array) -> Any:
    """Values in the precision in which they were recorded, to decide what lies beyond a margin as torch did."""
    return value_of(array).astype(_recorded_dtype(n))


@rule(
    "MultiMarginLossBackward0",
    {
        "self": r"\frac{p}{C} \, G \, w_{t} \, \max(0, m - x_t + x_i)^{p - 1}, "
        r"\quad \mathrm{the\ right\ class\ minus\ the\ sum}"
    },
    "Each wrong class that comes too near to the right one is pushed down, and the right one up by as much.",
)
def multi_margin_loss(n: NodeValues) -> tuple[Array, ...]:
    x = _rows(n.saved("self"))
    target = np.asarray(n.saved("target")).reshape(-1)
    margin, p = float(n.argument("margin", 1)), int(n.argument("p", 1))
    rows = np.arange(len(target))
    exact_x = in_precision(n, x)
    wrong = exact_x.dtype.type(margin) - exact_x[rows, target][:, None] + exact_x > 0
    wrong[rows, target] = False
    scale = share(n, len(target)) / x.shape[1]
    slope = np.where(wrong, (margin - x[rows, target][:, None] + x) * (2 * scale) if p == 2 else scale, 0.0)
    if n.has("weight"):
        slope = slope * n.saved("weight")[target][:, None]
    slope = slope * _per_row(n, len(target))
    right = np.zeros(x.shape)
    right[rows, target] = 1.0
    return (np.reshape(slope - right * np.sum(slope, axis=1, keepdims=True), n.shape(0)),)


@rule(
    "MultilabelMarginLossBackward0",
    {"self": r"\frac{G}{C} \left( [\,\mathrm{wrong\ within\ the\ margin}\,] - [\,\mathrm{right\ ones}\,] \right)"},
    "Each wrong class that comes too near to a right one is pushed down, and that one up by as much.",
)
def multilabel_margin_loss(n: NodeValues) -> tuple[Array, ...]:
    x = in_precision(n, _rows(n.saved("self")))
    target = np.asarray(n.saved("target")).reshape(x.shape)
    listed = np.cumprod(target >= 0, axis=1).astype(bool)  # -1 ends the list
    right = np.zeros(x.shape, dtype=bool)
    rows, places = np.nonzero(listed)
    right[rows, target[rows, places]] = True
    labels = target[rows, places]
    near = (1 - x[rows, labels][:, None] + x[rows] > 0) & ~right[rows]
    count = np.zeros(x.shape)
    np.add.at(count, rows, near.astype(np.float64))
    np.subtract.at(count, (rows, labels), near.sum(axis=1))
    scale = share(n, x.shape[0]) / x.shape[1]
    return (np.reshape(_per_row(n, x.shape[0]) * (count * scale), n.shape(0)),)
