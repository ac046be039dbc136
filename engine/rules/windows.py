"""What pooling, resampling and padding share: maps along one axis after another, and moves within planes.

A map along an axis is a matrix with a row for each place of the input and a column for each place of the output:
`matrix[i, o]` is the weight with which input i went into output o, which is also that with which the gradient of output
o comes back to input i. Planes are the last axes of a tensor, taken as one; what stands before is batch and channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Array, bilinear, linear, value_of
from engine.arithmetic.bounded import Floats
from engine.recording.model import Shape
from engine.rules.registry import rule
from engine.rules.terms import TermGroup
from engine.rules.values import NodeValues

Integers = npt.NDArray[Any]
Matrices = Callable[[NodeValues], Sequence[Array]]


def along(matrix: Array, array: Array, axis: int) -> Array:
    """`matrix @ array` along one axis (counted from the end): that axis becomes as long as `matrix` has rows."""

    def multiply(a: Floats, b: Floats) -> Floats:
        return np.asarray(np.moveaxis(np.moveaxis(b, axis, -1) @ a.T, -1, axis))

    terms = int(np.count_nonzero(value_of(matrix), axis=1).max(initial=1))
    return bilinear(multiply, matrix, array, terms)


def separable(matrices: Sequence[Array], array: Array) -> Array:
    """Each matrix along one of the last axes, in order."""
    for axis, matrix in enumerate(matrices, start=-len(matrices)):
        array = along(matrix, array, axis)
    return array


def separable_terms(matrices: Sequence[Array], index: Shape, label: str) -> list[TermGroup]:
    """The terms of element `index` of `separable(matrices, grad_output)`."""
    batch, place = index[: len(index) - len(matrices)], index[len(index) - len(matrices) :]
    rows = [value_of(matrix)[at] for matrix, at in zip(matrices, place, strict=True)]
    used = [np.flatnonzero(row) for row in rows]
    grids = np.meshgrid(*used, indexing="ij")
    coefficients = np.ones(grids[0].shape)
    for row, grid in zip(rows, grids, strict=True):
        coefficients = coefficients * row[grid]
    at = [np.full(coefficients.size, one) for one in batch] + [grid.ravel() for grid in grids]
    return [TermGroup(0, tuple(at), coefficients.ravel(), label)]


class _Turned(NodeValues):
    """A backward pass seen as a node: what it was given has the shape of the output, what it made that of the input."""

    def __init__(self, values: NodeValues) -> None:
        vars(self).update(vars(values))

    def shape(self, slot: int) -> Shape:
        return super().grad_shape(slot)

    def grad_shape(self, slot: int = 0) -> Shape:
        return super().shape(slot)


def _turned(matrices: Matrices, n: NodeValues) -> list[Array]:
    return [np.swapaxes(matrix, 0, 1) for matrix in matrices(_Turned(n))]


def rule_of_separable(types: str, matrices: Matrices, formula: str, words: str, *, label: str) -> None:
    """Register the rule of maps that were made of matrices along axes; `label` says what a term of it is."""

    @rule(types, {"self": formula}, words, terms=lambda n, slot, index: separable_terms(matrices(n), index, label))
    def passed_on(n: NodeValues) -> tuple[Any, ...]:
        return (separable(matrices(n), n.grad()),)


def rule_of_separable_twice(
    types: str, matrices: Matrices, formulas: Mapping[str, str], words: str, *, label: str
) -> None:
    """Register the rule of the backward passes of such maps, as nodes: the map itself for the gradient that one was
    given, and nothing for the number at which it was taken, if it was given that too: a linear map has no curvature."""

    def terms(n: NodeValues, slot: int, index: Shape) -> list[TermGroup]:
        return separable_terms(_turned(matrices, n), index, label) if slot == 0 else []

    @rule(types, formulas, words, terms=terms)
    def passed_on_twice(n: NodeValues) -> tuple[Any, ...]:
        given = separable(_turned(matrices, n), n.grad()) if n.needs(0) else None
        return given, np.zeros(n.shape(1)) if n.needs(1) else None


def add_into_planes(array: Array, index: Integers, plane: Shape) -> Array:
    """Zeros with planes of shape `plane`, to whose flat places `index` the elements of `array` are added.

    `array` and `index` have the same shape; as many of its last axes as `plane` has are the plane.
    """
    batch = array.shape[: array.ndim - len(plane)]
    size = math.prod(plane)
    count = math.prod(batch)
    starts = np.arange(count).reshape(*batch, *(1,) * len(plane)) * size
    places = (index + starts).ravel()

    def add(values: Floats) -> Floats:
        if values.dtype.kind == "c":
            return np.asarray(add(values.real) + 1j * add(values.imag))
        return np.bincount(places, values.ravel(), minlength=count * size).reshape(*batch, *plane)

    terms = int(np.bincount(places).max(initial=1))
    return linear(add, array, terms)


def take_from_planes(array: Array, index: Integers, rank: int) -> Array:
    """The elements at flat places `index` of each plane (the last `rank` axes), in the shape of `index`."""
    planes = np.reshape(array, (*array.shape[: array.ndim - rank], math.prod(array.shape[array.ndim - rank :])))
    places = index.reshape(*planes.shape[:-1], math.prod(index.shape[index.ndim - rank :]))
    return np.reshape(np.take_along_axis(planes, places, -1), index.shape)


def plane_terms(index: Shape, places: Integers, plane: Shape, label: str) -> list[TermGroup]:
    """The terms of element `index` of `add_into_planes`: all that were added at its place."""
    batch, own = index[: len(index) - len(plane)], index[len(index) - len(plane) :]
    found = np.nonzero(places[batch] == np.ravel_multi_index(own, plane))
    count = found[0].size
    at = [np.full(count, one) for one in batch] + list(found)
    return [TermGroup(0, tuple(at), np.ones(count), label)]
