"""Scaled dot product attention as one node.

The probabilities are not kept: they are found again from the scores and the logarithm of their sums, which are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.arithmetic.bounded import Floats
from engine.rules.registry import rule, unbroadcast
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues, UnsupportedError

Index = tuple[int, ...]


def attention_gradients(
    g: Array, query: Array, key: Array, value: Array, output: Array, probability: Array, scale: float
) -> tuple[Array, Array, Array, Array]:
    """The gradients of query, key, value and scores, where `output` = `probability` @ value got the gradient `g`.

    All are (…, positions, features); `probability` is softmax(scale · query @ keyᵀ), (…, queries, keys).
    """
    shared = np.sum(g * output, axis=-1, keepdims=True)
    scores = probability * (g @ np.swapaxes(value, -1, -2) - shared)
    of_query = scores @ key * scale
    of_key = np.swapaxes(scores, -1, -2) @ query * scale
    return of_query, of_key, np.swapaxes(probability, -1, -2) @ g, scores


def for_each_head(tensor: Array, heads: int) -> Array:
    """Keys or values, (batch, groups, positions, features), with those of each group repeated for its query heads."""
    groups = value_of(tensor).shape[1]
    return tensor if groups in (heads, 0) else np.repeat(tensor, heads // groups, axis=1)


def _for_each_group(gradient: Array, groups: int) -> Array:
    """The gradients of the heads of each group, added up."""
    batch, heads, *rest = value_of(gradient).shape
    if groups in (heads, 0):
        return gradient
    return np.sum(np.reshape(gradient, (batch, groups, heads // groups, *rest)), axis=2)


def _mask(n: NodeValues) -> Array | None:
    for name in ("attn_mask", "attn_bias"):
        if n.has(name):
            return n.saved(name)
    return None


def _scale(n: NodeValues) -> float:
    scale = n.argument("scale", None)
    return 1.0 / math.sqrt(n.saved_shape("query")[-1]) if scale is None else float(scale)


def _operands(n: NodeValues) -> tuple[Array, Array, Array]:
    """Query, key and value, with as many heads each. Several heads of the query may share those of key and value."""
    query = n.saved("query")
    heads = value_of(query).shape[1]
    return query, for_each_head(n.saved("key"), heads), for_each_head(n.saved("value"), heads)


def _probability(n: NodeValues) -> Array:
    if float(n.argument("dropout_p", 0.0)):
        raise UnsupportedError("what attention dropped at random was not recorded")
    query, key, _ = _operands(n)
    scores = query @ np.swapaxes(key, -1, -2) * _scale(n)
    mask = _mask(n)
    allowed = np.ones(value_of(scores).shape, dtype=bool)
    if mask is not None and value_of(mask).dtype == bool:
        allowed = allowed & value_of(mask)
    elif mask is not None:
        allowed = allowed & ~np.isneginf(value_of(mask))
        scores = scores + np.where(np.isneginf(value_of(mask)), 0.0, mask)
    if n.argument("is_causal", False):
        allowed = np.tril(allowed)
    name = "logsumexp" if n.has("logsumexp") else "log_sumexp"
    if n.has(name):
        total = n.saved(name)
        width = value_of(scores).shape[-2]
        powers = np.exp(scores - total.reshape(*value_of(total).shape[:2], -1)[..., :width, None])
        return np.where(allowed, powers, 0.0)
    raise UnsupportedError(f"{n.type}: the logarithms of the sums were not recorded")


def _terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    """Each feature of the outputs that the element took part in: through the values, and through the sum."""
    operands = (*map(value_of, _operands(n)), value_of(n.saved("output")), value_of(_probability(n)))
    batch, head, position, feature = index
    shared = 1 if slot == 0 else n.saved_shape("query")[1] // n.shape(slot)[1]
    groups = []
    for own in range(head * shared, (head + 1) * shared):
        of_head = [operand[batch, own] for operand in operands]
        groups += _terms_of_head(slot, (batch, own), (position, feature), of_head, _scale(n))
    return groups


def _terms_of_head(slot: int, place: Index, element: Index, of_head: Sequence[Floats], scale: float) -> list[TermGroup]:
    """`place` is (batch, head), `element` (position, feature)."""
    query, key, value, output, probability = of_head
    position, feature = element
    places = np.indices(output.shape).reshape(2, -1)
    if slot == 2:
        rows = np.arange(len(output))
        return [TermGroup(0, (*place, rows, feature), probability[:, position], "probability")]
    by_value: Floats = np.zeros(output.shape)
    by_sum = by_value.copy()
    if slot == 0:
        shares = probability[position] * key[:, feature] * scale
        by_value[position], by_sum[position] = shares @ value, -shares.sum() * output[position]
    else:
        shares = probability[:, position] * query[:, feature] * scale
        by_value, by_sum = shares[:, None] * value[position], -shares[:, None] * output
    at: tuple[Any, ...] = (*place, *places)
    return [
        TermGroup(0, at, by_value.ravel(), "through the scores"),
        TermGroup(0, at, by_sum.ravel(), "through the sum"),
    ]


def _gradients(n: NodeValues) -> tuple[Array, Array, Array, Array]:
    found = attention_gradients(n.grad(), *_operands(n), n.saved("output"), _probability(n), _scale(n))
    of_query, of_key, of_value, of_scores = found
    groups = n.saved_shape("key")[1]
    return of_query, _for_each_group(of_key, groups), _for_each_group(of_value, groups), of_scores


FORMULAS = {
    "query": r"s \, S \cdot K, \quad S = P \left( G V^\mathsf{T} - \sum_{e} G_e \, y_e \right)",
    "key": r"s \, S^\mathsf{T} \cdot Q",
    "value": r"P^\mathsf{T} \cdot G",
}
WORDS = (
    "A value gets the gradient of every position that looked at it, each by how much it looked. A query and a key are "
    "answerable for having met: more of a value that would have helped, less of all the others."
)


@rule(
    "ScaledDotProductFlashAttentionForCpuBackward0 ScaledDotProductFlashAttentionBackward0 "
    "ScaledDotProductCudnnAttentionBackward0",
    FORMULAS,
    WORDS,
    terms=_terms,
)
def flash_attention(n: NodeValues) -> dict[int, Array]:
    return dict(enumerate(_gradients(n)[:3]))


@rule(
    "ScaledDotProductEfficientAttentionBackward0 ScaledDotProductFusedAttentionOverrideableBackward0",
    FORMULAS | {"attn_bias": "S"},
    WORDS,
)
def biased_attention(n: NodeValues) -> dict[int, Array]:
    found = dict(enumerate(_gradients(n)))
    if n.needs(3):
        found[3] = unbroadcast(found[3], n.shape(3))
    return found
