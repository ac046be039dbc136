"""Embeddings: rows of a table by number, one by one or in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import Array, scatter_add
from engine.recording.model import Shape
from engine.rules.registry import moving, rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues, UnsupportedError
from engine.rules.windows import Integers, add_into_planes

_SUM, _MEAN, MAX = 0, 1, 2


def _add_rows(rows: Array, numbers: Integers, shape: Shape) -> Array:
    """Zeros of `shape`, to whose rows of these numbers `rows` are added."""
    width = shape[1]
    places = numbers[:, None] * width + np.arange(width)
    return add_into_planes(rows, places, shape)


def _shares(n: NodeValues, numbers: Integers) -> Any:
    """By looked-up row: 0 for the padding, 1 / how often it was looked up if the caller wants that, 1 otherwise."""
    shares = np.where(numbers == n.argument("padding_idx", -1), 0.0, 1.0)
    if n.argument("scale_grad_by_freq", False):
        shares = shares / np.bincount(numbers, minlength=1)[numbers]
    return shares


def _embedding_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    indices = n.saved("indices")
    found = np.flatnonzero(indices.ravel() == index[0])
    shares = _shares(n, indices.ravel())[found]
    at = np.unravel_index(found, indices.shape) if indices.ndim else ()
    return [TermGroup(0, (*at, np.full(found.size, index[1])), shares, "a place where it was looked up")]


@rule(
    "EmbeddingBackward0",
    {"weight": r"\sum_{t \,:\, \mathrm{index}_t = i} G_t"},
    "A row of the table gets the sum of the gradients of all places where it was looked up; rows that were not looked "
    "up, and the padding, get zero.",
    terms=_embedding_terms,
)
def embedding(n: NodeValues) -> tuple[Any, ...]:
    numbers = n.saved("indices").ravel()
    rows = np.reshape(n.grad(), (numbers.size, n.shape(0)[1]))
    return (_add_rows(rows * _shares(n, numbers)[:, None], numbers, n.shape(0)),)


@moving(
    "EmbeddingDenseBackwardBackward0",
    {"grad_output": r"G_{\mathrm{index}_t}"},
    "The backward of an embedding added up the gradients of each row: all of them get that row's gradient.",
)
def embedding_backward(n: NodeValues) -> tuple[Any, ...]:
    if n.argument("scale_grad_by_freq", False):
        raise UnsupportedError("the second derivative of an embedding that is scaled by frequency")
    indices = n.saved("indices")
    rows = n.grad()[indices.ravel()] * (indices.ravel() != n.argument("padding_idx", -1))[:, None]
    return (np.reshape(rows, n.shape(0)),)


def bag_rows(n: NodeValues) -> tuple[Integers, Integers, Array]:
    """Of every looked-up row: its number, the bag it went into, and its factor there."""
    numbers, bags = n.saved("indices").ravel(), _bags(n)
    factors: Array = np.where(numbers == n.argument("padding_idx", -1), 0.0, 1.0)
    if n.argument("mode") == _MEAN:
        factors = factors / np.maximum(n.saved("result2").ravel(), 1)[bags]
    if n.argument("scale_grad_by_freq", False):
        factors = factors / np.bincount(numbers, minlength=1)[numbers]
    if n.has("per_sample_weights"):
        factors = factors * n.saved("per_sample_weights").ravel()
    return numbers, bags, factors


def _bags(n: NodeValues) -> Integers:
    """The bag of every looked-up row, from where the bags begin."""
    begin = n.saved("offsets").ravel()
    count = n.grad_shape()[0]
    return np.searchsorted(begin[:count], np.arange(n.saved("indices").size), side="right") - 1


def _bag_terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
    if slot == 1:
        numbers, bags, _ = bag_rows(n)
        row = n.saved("weight")[numbers[index[0]]] * (numbers[index[0]] != n.argument("padding_idx", -1))
        return [TermGroup(0, (np.full(row.size, bags[index[0]]), np.arange(row.size)), row, "weight")]
    if n.argument("mode") == MAX:
        bags = np.flatnonzero(largest_rows(n)[:, index[1]] == index[0])
        factors = np.ones(bags.size)
    else:
        numbers, bags, factors = bag_rows(n)
        chosen = numbers == index[0]
        bags, factors = bags[chosen], factors[chosen]
    return [TermGroup(0, (bags, np.full(bags.size, index[1])), factors, "a bag that it is in")]


def largest_rows(n: NodeValues) -> Integers:
    """The row that each number of each bag came from, -1 where the bag is empty."""
    empty = (n.saved("result2").ravel() == 0)[:, None]
    return np.where(empty, -1, n.saved("result3"))


@rule(
    "EmbeddingBagBackward0",
    {"weight": r"\sum_{t \,:\, \mathrm{index}_t = i} f_t \, G_{\mathrm{bag}(t)}", "per_sample_weights": r"W_t \cdot G"},
    "A row of the table gets the gradient of each bag that it went into, times its factor there.",
    terms=_bag_terms,
)
def embedding_bag(n: NodeValues) -> tuple[Any, ...]:
    g = n.grad()
    if n.argument("mode") == MAX:
        rows = largest_rows(n)
        columns = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
        used = rows >= 0
        return (scatter_add(n.shape(0), (rows[used], columns[used]), g[used]),)
    numbers, bags, factors = bag_rows(n)
    weight = samples = None
    if n.needs(0):
        weight = _add_rows(g[bags] * np.reshape(factors, (-1, 1)), numbers, n.shape(0))
    if n.needs(1):
        kept = (numbers != n.argument("padding_idx", -1)).astype(np.float64)
        samples = np.sum(g[bags] * n.saved("weight")[numbers], axis=1) * kept
    return weight, np.reshape(samples, n.shape(1)) if samples is not None else None
