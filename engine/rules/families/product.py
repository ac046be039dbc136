"""Products of vectors and matrices.

Three kinds of product, each with the terms of an element: of vectors (inner and outer), of matrices with any number of
leading batch dimensions, and PyTorch's forms of both that add a tensor (`addmm` is `nn.Linear`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.arithmetic import Array, value_of
from engine.arithmetic.bounded import Floats
from engine.rules.registry import rule, unbroadcast
from engine.rules.scalars import number
from engine.rules.terms import TermGroup, broadcast_sources
from engine.rules.values import NodeValues

Index = tuple[int, ...]
LEFT = r"G \cdot {B}^\mathsf{{T}}"
RIGHT = r"{A}^\mathsf{{T}} \cdot G"
LINEAR = (
    "Each factor gets the entering gradient multiplied by the other factor, turned on its side: a row of weights is "
)
LINEAR += "answerable for what it multiplied, and what it multiplied for the weights that it met."


def adjoint(matrix: Array) -> Array:
    """Conjugated, with the last two dimensions exchanged."""
    return np.conj(np.swapaxes(matrix, -1, -2))


def matrix_left(g: Array, right: Array, scale: Any = 1) -> Array:
    """The gradient of A in A · B: (…, n, p) and (…, m, p) to (…, n, m)."""
    return _scaled(g @ adjoint(right), scale)


def matrix_right(g: Array, left: Array, scale: Any = 1) -> Array:
    """The gradient of B in A · B: (…, n, p) and (…, n, m) to (…, m, p)."""
    return _scaled(adjoint(left) @ g, scale)


def _scaled(array: Array, scale: Any) -> Array:
    return array if scale == 1 else array * np.conj(scale)


def _factor(n: NodeValues, name: str) -> Any:
    """`alpha` or `beta`; torch saves only those that it needs, and leaves out the ones that are 1."""
    return number(n, name, 1)


def _left_terms(right: Floats, index: Index, scale: Any, dimensions: int) -> TermGroup:
    """`dimensions` of the result: `addbmm` adds up all products, so that its result has no batch dimension."""
    *batch, row, column = index
    coefficients = np.conj(right[tuple(batch)][column] * scale)
    return TermGroup(0, (*batch[: dimensions - 2], row, np.arange(len(coefficients))), coefficients, "other factor")


def _right_terms(left: Floats, index: Index, scale: Any, dimensions: int) -> TermGroup:
    *batch, row, column = index
    coefficients = np.conj(left[tuple(batch)][:, row] * scale)
    return TermGroup(0, (*batch[: dimensions - 2], np.arange(len(coefficients)), column), coefficients, "other factor")


def _added_terms(n: NodeValues, index: Index) -> TermGroup:
    """The tensor that is added, which is broadcast to the shape of the result."""
    at = broadcast_sources(index, n.shape(0), n.grad_shape())
    count = len(at[0]) if at else 1
    return TermGroup(0, at, np.full(count, np.conj(_factor(n, "beta"))), "beta")


def _product_terms(left: str, right: str, first: int) -> Callable[[NodeValues, int, Index], list[TermGroup]]:
    """Of `left @ right`, whose slots are `first` and the next; a slot before them is added to the product."""

    def terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
        if slot < first:
            return [_added_terms(n, index)]
        scale = _factor(n, "alpha") if first else 1
        dimensions = len(n.grad_shape())
        if slot == first:
            return [_left_terms(value_of(n.saved(right)), index, scale, dimensions)]
        return [_right_terms(value_of(n.saved(left)), index, scale, dimensions)]

    return terms


@rule(
    "MmBackward0 BmmBackward0",
    {"self": LEFT.format(B="B"), "mat2": RIGHT.format(A="A")},
    LINEAR,
    terms=_product_terms("self", "mat2", 0),
)
def mm(n: NodeValues) -> dict[int, Array]:
    found = {}
    if n.needs(0):
        found[0] = matrix_left(n.grad(), n.saved("mat2"))
    if n.needs(1):
        found[1] = matrix_right(n.grad(), n.saved("self"))
    return found


def _added_product(n: NodeValues, left: str, right: str) -> dict[int, Array]:
    g = n.grad()
    found = {}
    if n.needs(0):
        found[0] = unbroadcast(_scaled(g, _factor(n, "beta")), n.shape(0))
    if n.needs(1):
        found[1] = matrix_left(g, n.saved(right), _factor(n, "alpha"))
    if n.needs(2):
        found[2] = matrix_right(g, n.saved(left), _factor(n, "alpha"))
    return found


@rule(
    "AddmmBackward0",
    {
        "self": r"\beta \sum_{n} G_{n}",
        "mat1": r"\alpha \, G \cdot B^\mathsf{T}",
        "mat2": r"\alpha \, A^\mathsf{T} \cdot G",
    },
    "This is a linear layer with its bias. " + LINEAR + " The bias gets the sum over all rows.",
    terms=_product_terms("mat1", "mat2", 1),
)
def addmm(n: NodeValues) -> dict[int, Array]:
    return _added_product(n, "mat1", "mat2")


def _stored(n: NodeValues) -> Any:
    """Where a sparse factor has elements. Recorded as a dense one it does not tell a stored zero from none; but only
    what is stored gets a gradient."""
    return (value_of(n.saved("mat1")) != 0) | (n.recorded(1) != 0)


def _sparse_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    return [] if slot == 1 and not _stored(n)[index] else _product_terms("mat1", "mat2", 1)(n, slot, index)


@rule(
    "SparseAddmmBackward0",
    {
        "self": r"\beta \, G",
        "mat1": r"\alpha \, G \cdot B^\mathsf{T} \mathrm{\ where\ } A \mathrm{\ has\ elements}",
        "mat2": r"\alpha \, A^\mathsf{T} \cdot G",
    },
    "A sparse matrix times a dense one. " + LINEAR + " What is not there gets no gradient.",
    terms=_sparse_terms,
)
def sparse_addmm(n: NodeValues) -> dict[int, Array]:
    found = _added_product(n, "mat1", "mat2")
    return found | ({1: np.where(_stored(n), found[1], 0.0)} if 1 in found else {})


@rule(
    "AddbmmBackward0 BaddbmmBackward0",
    {
        "self": r"\beta \, G",
        "batch1": r"\alpha \, G \cdot B_i^\mathsf{T}",
        "batch2": r"\alpha \, A_i^\mathsf{T} \cdot G",
    },
    "A product for each pair of matrices of two batches, and a tensor that is added. " + LINEAR,
    terms=_product_terms("batch1", "batch2", 1),
)
def baddbmm(n: NodeValues) -> dict[int, Array]:
    return _added_product(n, "batch1", "batch2")


# -- a matrix and a vector -------------------------------------------------------------------------------------------


def _matrix_vector_terms(matrix: str, vector: str, first: int) -> Callable[[NodeValues, int, Index], list[TermGroup]]:
    def terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
        if slot < first:
            return [_added_terms(n, index)]
        scale = _factor(n, "alpha") if first else 1
        if slot == first:
            row, column = index
            coefficient = np.conj(value_of(n.saved(vector))[column] * scale)
            return [TermGroup(0, (np.array([row]),), np.array([coefficient]), "vector")]
        coefficients = np.conj(value_of(n.saved(matrix))[:, index[0]] * scale)
        return [TermGroup(0, (np.arange(len(coefficients)),), coefficients, "matrix")]

    return terms


def _matrix_vector(n: NodeValues, matrix: str, vector: str, first: int, scale: Any) -> dict[int, Array]:
    found = {}
    if n.needs(first):
        found[first] = _scaled(np.outer(n.grad(), np.conj(n.saved(vector))), scale)
    if n.needs(first + 1):
        found[first + 1] = _scaled(adjoint(n.saved(matrix)) @ n.grad(), scale)
    return found


@rule(
    "MvBackward0",
    {"self": r"G \cdot v^\mathsf{T}", "vec": r"A^\mathsf{T} \cdot G"},
    LINEAR,
    terms=_matrix_vector_terms("self", "vec", 0),
)
def mv(n: NodeValues) -> dict[int, Array]:
    return _matrix_vector(n, "self", "vec", 0, 1)


@rule(
    "AddmvBackward0",
    {"self": r"\beta \, G", "mat": r"\alpha \, G \cdot v^\mathsf{T}", "vec": r"\alpha \, A^\mathsf{T} \cdot G"},
    "A matrix times a vector, and a vector that is added. " + LINEAR,
    terms=_matrix_vector_terms("mat", "vec", 1),
)
def addmv(n: NodeValues) -> dict[int, Array]:
    found = _matrix_vector(n, "mat", "vec", 1, _factor(n, "alpha"))
    if n.needs(0):
        found[0] = unbroadcast(_scaled(n.grad(), _factor(n, "beta")), n.shape(0))
    return found


def _addr_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    if slot == 0:
        return [_added_terms(n, index)]
    other = value_of(n.saved("vec2" if slot == 1 else "vec1"))
    along = np.arange(len(other))
    at = (index[0], along) if slot == 1 else (along, index[0])
    return [TermGroup(0, at, np.conj(other * _factor(n, "alpha")), "other vector")]


@rule(
    "AddrBackward0",
    {"self": r"\beta \, G", "vec1": r"\alpha \, G \cdot v_2", "vec2": r"\alpha \, G^\mathsf{T} \cdot v_1"},
    "Every element of one vector times every element of the other: each gets the gradients of its row or column, each "
    "times the other factor.",
    terms=_addr_terms,
)
def addr(n: NodeValues) -> dict[int, Array]:
    g = n.grad()
    found = {}
    if n.needs(0):
        found[0] = unbroadcast(_scaled(g, _factor(n, "beta")), n.shape(0))
    if n.needs(1):
        found[1] = _scaled(g @ np.conj(n.saved("vec2")), _factor(n, "alpha"))
    if n.needs(2):
        found[2] = _scaled(np.swapaxes(g, 0, 1) @ np.conj(n.saved("vec1")), _factor(n, "alpha"))
    return found


# -- inner products --------------------------------------------------------------------------------------------------


def _dot_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    factor = value_of(n.saved("self" if slot else "tensor"))[index]
    return [TermGroup(0, (), np.asarray(np.conj(factor)), "other vector")]


def _vdot_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    factor = value_of(n.saved("self" if slot else "other"))[index]
    return [TermGroup(0, (), np.asarray(factor), "other vector", conjugated=slot == 0)]


@rule(
    "DotBackward0",
    {"self": r"G \cdot b", "tensor": r"G \cdot a"},
    "Each element gets the one gradient times the element that it was multiplied with.",
    terms=_dot_terms,
)
def dot(n: NodeValues) -> dict[int, Array]:
    g = n.grad()
    found = {}
    if n.needs(0):
        found[0] = g * np.conj(n.saved("tensor"))
    if n.needs(1):
        found[1] = g * np.conj(n.saved("self"))
    return found


@rule(
    "VdotBackward0",
    {"self": r"\overline{G} \cdot b", "other": r"G \cdot a"},
    "Each element gets the one gradient times the element that it was multiplied with; the first vector is conjugated.",
    terms=_vdot_terms,
)
def vdot(n: NodeValues) -> dict[int, Array]:
    g = n.grad()
    found = {}
    if n.needs(0):
        found[0] = np.conj(g) * n.saved("other")
    if n.needs(1):
        found[1] = g * n.saved("self")
    return found


# -- three factors ---------------------------------------------------------------------------------------------------


def trilinear_letters(n: NodeValues) -> list[str]:
    """The dimensions, as letters, of the result and of the three factors."""
    without = [n.argument(name) for name in ("sumdim", "expand1", "expand2", "expand3")]
    full = len(n.grad_shape()) + len(without[0])
    return ["".join(chr(97 + axis) for axis in range(full) if axis not in absent) for absent in without]


def _trilinear_terms(n: NodeValues, slot: int, index: Index) -> list[TermGroup]:
    result, *factors = trilinear_letters(n)
    at = dict(zip(factors[slot], index, strict=True))
    parts = [
        value_of(n.saved(f"i{other + 1}"))[tuple(at.get(letter, slice(None)) for letter in factors[other])]
        for other in range(3)
        if other != slot
    ]
    left, right = ("".join(x for x in factors[other] if x not in at) for other in range(3) if other != slot)
    free = [letter for letter in result if letter not in at]
    summed = np.einsum(f"{left},{right}->{''.join(x for x in free if x in left + right)}", *parts)
    sizes = dict(zip(result, n.grad_shape(), strict=True))
    kept = tuple(slice(None) if letter in left + right else None for letter in free)
    coefficients = np.conj(np.broadcast_to(summed[kept], [sizes[letter] for letter in free]))
    grid = dict(zip(free, np.indices(coefficients.shape), strict=True)) | at
    return [TermGroup(0, tuple(grid[letter] for letter in result), coefficients, "other factors")]


@rule(
    "TrilinearBackward0",
    {"i1": r"\sum G \cdot i_2 \cdot i_3", "i2": r"\sum G \cdot i_1 \cdot i_3", "i3": r"\sum G \cdot i_1 \cdot i_2"},
    "Each of three factors gets the gradient times the product of the two others, summed wherever it was used again.",
    terms=_trilinear_terms,
)
def trilinear(n: NodeValues) -> dict[int, Array]:
    result, *factors = trilinear_letters(n)
    found = {}
    for slot in filter(n.needs, range(3)):
        first, second = (other for other in range(3) if other != slot)
        wanted = set(factors[slot]) | set(factors[second])
        between = "".join(sorted((set(result) | set(factors[first])) & wanted))
        part = np.einsum(f"{result},{factors[first]}->{between}", n.grad(), np.conj(n.saved(f"i{first + 1}")))
        found[slot] = np.einsum(
            f"{between},{factors[second]}->{factors[slot]}", part, np.conj(n.saved(f"i{second + 1}"))
        )
    return found
