"""A linear layer and its cross entropy in one node, as torch computes them in chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

Index = tuple[int, ...]
STASHED = {0: "_gi", 1: "_gw", 3: "_gb"}
INPUT, WEIGHT, TARGET, BIAS, CLASS_WEIGHT = range(5)  # what the node saved, in this order


def _stashed_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    return [TermGroup(0, (), np.asarray(value_of(n.saved(STASHED[slot]))[index]), "computed on the way forward")]


@rule(
    "GeneratedBackwardFor_torch_nn__linear_cross_entropy_batch_chunked_defaultBackward",
    {"input": r"G \cdot g_{x}", "linear_weight": r"G \cdot g_{w}", "linear_bias": r"G \cdot g_{b}"},
    "The gradients of the one number that comes out were computed on the way forward, chunk by chunk, so that the "
    "scores need not be kept; what is left to do is to multiply them by the gradient of that number.",
    terms=_stashed_terms,
)
def linear_cross_entropy(n: NodeValues) -> dict[int, Array]:
    return {slot: n.grad() * n.saved(name) for slot, name in STASHED.items() if n.needs(slot)}


def _scores(n: NodeValues) -> tuple[Array, Any, Array]:
    """(probabilities, which class is right, the weight of each row: 0 where it is ignored)."""
    x, weight = n.saved("saved_tensors", INPUT), n.saved("saved_tensors", WEIGHT)
    target = np.asarray(n.saved("saved_tensors", TARGET))
    logits = x @ np.swapaxes(weight, 0, 1)
    if n.has("saved_tensors", BIAS):
        logits = logits + n.saved("saved_tensors", BIAS)
    powers = np.exp(logits - np.max(value_of(logits), axis=1, keepdims=True))
    kept = target != int(n.argument("_ignore_index", -100))
    inside = np.where(kept, target, 0)
    right = inside[:, None] == np.arange(value_of(weight).shape[0])
    rows: Array = kept.astype(np.float64)
    if n.has("saved_tensors", CLASS_WEIGHT):
        rows = n.saved("saved_tensors", CLASS_WEIGHT)[inside] * rows
    return powers / np.sum(powers, axis=1, keepdims=True), right.astype(np.float64), rows


def _each_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    probability, right, rows = (value_of(part) for part in _scores(n))
    slope = (probability - right) * rows[:, None]
    if slot == 0:
        factor = value_of(n.saved("saved_tensors", WEIGHT))[:, index[1]]
        return [TermGroup(0, (np.array([index[0]]),), np.array([slope[index[0]] @ factor]), "all scores")]
    coefficients = slope[:, index[0]]
    if slot == 1:
        coefficients = coefficients * value_of(n.saved("saved_tensors", INPUT))[:, index[1]]
    return [TermGroup(0, (np.arange(len(coefficients)),), coefficients, "row")]


@rule(
    "GeneratedBackwardFor_torch_nn__linear_cross_entropy_batch_chunked_no_reduction_defaultBackward",
    {
        "input": r"G \left( p - y \right) \cdot W",
        "linear_weight": r"\left( G \left( p - y \right) \right)^\mathsf{T} \cdot x",
        "linear_bias": r"\sum_{n} G_n \left( p_n - y_n \right)",
    },
    "The gradient of a score is its probability, minus one for the right class; a linear layer passes it on to its "
    "rows and its weights.",
    terms=_each_terms,
)
def linear_cross_entropy_each(n: NodeValues) -> dict[int, Array]:
    probability, right, rows = _scores(n)
    by_row = np.reshape(n.grad() * rows, (-1, 1))
    parts = (probability * by_row, right * -by_row)  # torch adds the second to what it made of the first
    found = {}
    if n.needs(0):
        weight = n.saved("saved_tensors", WEIGHT)
        found[0] = parts[0] @ weight + parts[1] @ weight
    if n.needs(1):
        x = n.saved("saved_tensors", INPUT)
        found[1] = np.swapaxes(parts[0], 0, 1) @ x + np.swapaxes(parts[1], 0, 1) @ x
    if n.needs(3):
        found[3] = np.sum(parts[0], axis=0) + np.sum(parts[1], axis=0)
    return found
