"""The product of groups of rows, each with a matrix of its own, as the experts of a mixture have it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.arithmetic import Array, value_of
from engine.rules.families.product import LEFT, RIGHT, matrix_left, matrix_right
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues, UnsupportedError

Index = tuple[int, ...]


def _groups(n: NodeValues) -> Iterator[tuple[int, slice]]:
    """Each group's number and its rows. `offs` says where the rows of each end, where those of the next begin."""
    if not n.has("offs") or [_rank(n, 0, "self"), _rank(n, 1, "mat2")] != [2, 3]:
        raise UnsupportedError("only rows in groups, with a matrix for each group, can be multiplied by hand")
    ends = value_of(n.saved("offs")).astype(int)
    if ends[-1:].tolist() != [n.grad_shape()[0]]:
        raise UnsupportedError("some rows are in no group: torch does not say what is in their gradients")
    for number, (start, end) in enumerate(zip((0, *ends[:-1]), ends, strict=True)):
        yield number, slice(int(start), int(end))


def _rank(n: NodeValues, slot: int, name: str) -> int:
    """How many dimensions a factor has. One that gets no gradient was saved for the other's."""
    return len(n.shape(slot)) if n.needs(slot) else value_of(n.saved(name)).ndim


def _terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    number, rows = next(
        (number, rows)
        for number, rows in _groups(n)
        if (number == index[0] if slot else rows.start <= index[0] < rows.stop)
    )
    if slot == 0:
        row, feature = index
        weights = value_of(n.saved("mat2"))[number][feature]
        return [TermGroup(0, (row, np.arange(len(weights))), weights, "the group's matrix")]
    _, feature, column = index
    met = value_of(n.saved("self"))[rows, feature]
    return [TermGroup(0, (np.arange(rows.start, rows.stop), column), met, "rows of the group")]


@rule(
    "GroupedMmBackward0",
    {"self": LEFT.format(B="B_e"), "mat2": RIGHT.format(A="A_e")},
    "Each group of rows is multiplied by a matrix of its own, and its gradients are those of that product: a matrix "
    "that no row came to gets zero.",
    terms=_terms,
)
def grouped_mm(n: NodeValues) -> dict[int, Array]:
    g, groups = n.grad(), list(_groups(n))
    found = {}
    if n.needs(0):
        matrices = n.saved("mat2")
        found[0] = np.concatenate([matrix_left(g[rows], matrices[number]) for number, rows in groups])
    if n.needs(1):
        left = n.saved("self")
        found[1] = np.stack([matrix_right(g[rows], left[rows]) for _, rows in groups])
    return found
