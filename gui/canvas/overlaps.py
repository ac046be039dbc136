"""Links that lie on each other: where hundreds share a bus, what lies on the same pixels is painted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gui.canvas.routes import Pieces

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WEIGHTS = np.sqrt(np.array([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0]))


@dataclass(frozen=True, eq=False)
class Overlaps:
    """`line` (p) is equal for pieces on one upright or level line, and for others of exactly the same shape; `low` and
    `high` (p) are how far a piece reaches along its line, 0 and 1 of others."""

    line: Ints
    low: Floats
    high: Floats

    def merged(self, key: Ints) -> tuple[Ints, Floats, Floats, Ints]:
        """What remains of pieces where those of equal `key` (p, from 0 on) that overlap are one: a piece of each, from
        where to where it reaches now, and the number (p) of what each piece has become a part of. Those that only touch
        stay apart."""
        code = self.line * (int(key.max(initial=0)) + 1) + key
        order = np.lexsort((self.low, code))
        code, low, high = code[order], self.low[order], self.high[order]
        apart = float(high.max(initial=0.0) - low.min(initial=0.0)) + 1.0
        group = np.cumsum(np.diff(code, prepend=code[:1]) != 0) * apart  # none reaches into the next line
        reached = np.maximum.accumulate(high + group)
        begins = np.ones(len(code), dtype=np.bool_)
        begins[1:] = low[1:] + group[1:] >= reached[:-1]
        first = np.flatnonzero(begins)
        whole = np.empty(len(code), dtype=np.int64)
        whole[order] = np.cumsum(begins) - 1
        return order[first], low[first], np.maximum.reduceat(high, first) if len(first) else high, whole


def overlaps_of(pieces: Pieces) -> Overlaps:
    left, top, right, bottom = pieces.span
    upright, aligned = pieces.upright, pieces.aligned
    places = np.where(aligned, np.where(upright, [left, right], [top, bottom]), 0.0)
    rows = np.column_stack([np.where(aligned[:, None], 0.0, pieces.curve), *places, upright & aligned, aligned])
    line = _alike(rows)
    low, high = (
        np.where(aligned, np.where(upright, a, b), end) for a, b, end in ((top, left, 0.0), (bottom, right, 1.0))
    )
    return Overlaps(line, low, high)


def _alike(rows: Floats) -> Ints:
    """A number for each row, the same for equal ones. Sorted by one sum of all columns: by each of them takes long."""
    weights = np.resize(_WEIGHTS, rows.shape[1]) * (1.0 + np.arange(rows.shape[1]) // len(_WEIGHTS))
    total = np.zeros(len(rows))
    for column, weight in zip(rows.T, weights.tolist(), strict=True):
        total += column * weight  # not a product of matrices: that does not promise equal sums for equal rows
    order = np.argsort(total, kind="stable")
    changes = (rows[order[1:]] != rows[order[:-1]]).any(axis=1)
    number = np.zeros(len(rows), dtype=np.int64)
    number[order[1:]] = np.cumsum(changes)
    return number
