"""Dimensions as operators were given them, and where the elements of a reduced tensor came from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic import Array
from engine.recording.model import Shape
from engine.rules.values import NodeValues

Integers = npt.NDArray[np.int64]


def signed(number: int) -> int:
    """A 64-bit integer as meant: nodes give -1 as 2**64 - 1."""
    return number - 2**64 if number >= 2**63 else number


def axis(n: NodeValues, name: str, ndim: int, default: int | None = None) -> int:
    """Argument `name`, a dimension of a tensor with `ndim` of them, counted from 0; 0 for a scalar."""
    given = n.argument(name) if default is None else n.argument(name, default)
    return signed(given) % ndim if ndim else 0


def axes(n: NodeValues, ndim: int, name: str = "dim") -> tuple[int, ...]:
    """Argument `name`, the dimensions that were reduced: one, a list, or none at all, which means every one."""
    given = n.argument(name, None)
    if given is None or given == [] or not ndim:
        return tuple(range(ndim))
    return tuple(signed(one) % ndim for one in (given if isinstance(given, list) else [given]))


def kept(shape: Shape, reduced: Sequence[int]) -> Shape:
    """`shape` with length 1 where it was reduced."""
    return tuple(1 if position in reduced else length for position, length in enumerate(shape))


def restored(array: Array, shape: Shape, reduced: Sequence[int]) -> Array:
    """A reduced array with its dimensions back, of length 1, so that it broadcasts against `shape`."""
    return np.reshape(array, kept(shape, reduced))


def reduced_index(index: tuple[int, ...], reduced: Sequence[int], ndim: int) -> tuple[Any, ...]:
    """Where element `index` went: its place in the reduced array, which has `ndim` dimensions."""
    if ndim == len(index):
        return tuple(np.array([0 if position in reduced else place]) for position, place in enumerate(index))
    return tuple(np.array([place]) for position, place in enumerate(index) if position not in reduced)


def numbered(shape: Shape) -> Integers:
    """An array of `shape` whose elements are their own flat places."""
    return np.arange(math.prod(shape)).reshape(shape)


def along(shape: Shape, dim: int, index: npt.NDArray[Any]) -> Integers:
    """Flat places in a tensor of `shape` of what `gather(dim, index)` reads."""
    if not shape:
        return np.zeros(index.shape, dtype=np.int64)
    strides = [math.prod(shape[position + 1 :]) for position in range(len(shape))]
    places = np.zeros(index.shape, dtype=np.int64)
    for position, stride in enumerate(strides):
        if position == dim:
            places += index.astype(np.int64) * stride
        else:
            own = [1] * len(shape)
            own[position] = -1
            places += np.arange(index.shape[position]).reshape(own) * stride
    return places


def selected(shape: Shape, dim: int, index: npt.NDArray[Any]) -> Integers:
    """Flat places in a tensor of `shape` of what `index_select(dim, index)` reads; `index` is one-dimensional."""
    if not shape:
        return np.zeros(index.shape, dtype=np.int64)
    return np.asarray(np.take(numbered(shape), index.reshape(-1).astype(np.int64), axis=dim))


def key_along(dim: int, part: Any) -> tuple[Any, ...]:
    """The index that takes `part` (a number or a slice) of dimension `dim`, and all of the others."""
    return (*[slice(None)] * dim, part)
