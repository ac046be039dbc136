"""Two-dimensional slices of n-dimensional tensors, and how a large one is shrunk. No Qt.

The last two dimensions are shown; each leading dimension longer than one gets an index to choose. A tensor with one
long dimension only (a bias, one row of logits) is shown as a strip, a long strip is folded into lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
STRIP = 32


@dataclass(frozen=True)
class Plane:
    """What is shown of a tensor of `shape`: the slice at `leading` (one index per dimension but the last two).

    A strip (`length` elements in one dimension, the only one longer than 1) is folded into lines of `columns`.
    """

    shape: tuple[int, ...]
    leading: tuple[int, ...]
    rows: int
    columns: int
    folded: bool

    def index(self, row: int, column: int) -> tuple[int, ...] | None:
        """The element's index in the tensor; None in the unused end of a folded strip or outside."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            return None
        if not self.folded:
            return (*self.leading, row, column)[len(self.leading) + 2 - len(self.shape) :]
        position = row * self.columns + column
        if position >= int(np.prod(self.shape, dtype=np.int64)):
            return None
        return tuple(int(place) for place in np.unravel_index(position, self.shape))

    def place(self, index: Sequence[int]) -> tuple[int, int] | None:
        """Row and column of an element; None if it is in another slice or does not exist. The reverse of `index`."""
        if len(index) != len(self.shape) or any(not 0 <= at < n for at, n in zip(index, self.shape, strict=True)):
            return None
        if self.folded:
            flat = int(np.ravel_multi_index(tuple(index), self.shape)) if index else 0
            return divmod(flat, self.columns)
        row, column = (0, *index)[-2:]
        return (row, column) if tuple(index[:-2]) == self.leading else None

    def take(self, data: Array) -> Array:
        """The slice as an array (rows, columns), without copying where possible; unused places hold zero."""
        if not self.folded:
            return np.asarray(data[self.leading]).reshape(self.rows, self.columns)
        flat = data.reshape(-1)
        missing = self.rows * self.columns - flat.size
        if missing:
            flat = np.concatenate([flat, np.zeros(missing, flat.dtype)])
        return flat.reshape(self.rows, self.columns)

    @property
    def unused(self) -> int:
        """Places at the end of the last line that stand for no element."""
        return self.rows * self.columns - int(np.prod(self.shape, dtype=np.int64)) if self.folded else 0


def plane(shape: Sequence[int], wanted: Sequence[int] = (), *, fold: bool = True) -> Plane:
    """The slice of a tensor of `shape` at the `wanted` leading indices, clamped to what there is.

    With `fold` a strip longer than `STRIP` becomes about twice as wide as high (in a table it is one column instead).
    """
    shape = tuple(shape)
    long = [length for length in shape if length != 1]
    if len(long) <= 1 and 0 not in shape:
        count = long[0] if long else 1
        columns = (count if count <= STRIP else int(np.ceil(np.sqrt(2 * count)))) if fold else 1
        return Plane(shape, (0,) * max(len(shape) - 2, 0), -(-count // columns), columns, folded=True)
    lead = shape[:-2]
    wanted = (*wanted, *(0 for _ in lead))[: len(lead)]
    leading = tuple(max(min(place, length - 1), 0) for place, length in zip(wanted, lead, strict=True))
    rows, columns = shape[-2:] if len(shape) >= 2 else (1, *shape)
    return Plane(shape, leading, rows, columns, folded=False)


def choices(shape: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The leading dimensions among which one can choose, as (dimension, length)."""
    if sum(length != 1 for length in shape) <= 1:
        return ()
    return tuple((dimension, length) for dimension, length in enumerate(shape[:-2]) if length > 1)


def magnitudes(data: Array) -> Array:
    """Numbers that can be drawn: complex as absolute values, bool as 0 and 1, whole numbers as float64."""
    if np.iscomplexobj(data):
        return np.abs(data)
    return data if data.dtype.kind == "f" else data.astype(np.float64)


def max_abs_pool(values: Array, rows: int, columns: int) -> Array:
    """Shrink a real 2-d array to at most (rows, columns): of each block the element furthest from zero.

    A block with a NaN becomes NaN; infinities win over finite values.
    """
    for axis, limit in ((0, rows), (1, columns)):
        length = values.shape[axis]
        if length > limit:
            starts = np.arange(limit) * length // limit
            high = np.maximum.reduceat(values, starts, axis=axis)
            low = np.minimum.reduceat(values, starts, axis=axis)
            values = np.where(np.abs(low) > np.abs(high), low, high)
    return values
