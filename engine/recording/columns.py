"""What is known of many events at once, as NumPy columns: for whoever looks at a whole backward pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine import pace
from engine.recording import decode
from engine.recording.model import Role

if TYPE_CHECKING:
    from engine.recording.reader import Recording

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

AT_A_TIME = 2000  # events: the recording is let go of in between, so that others can read

_TENSORS = (
    "SELECT value.event, value.slot, tensor.norm, tensor.zeros, tensor.nans + tensor.infs, tensor.shape"
    " FROM value JOIN tensor ON tensor.id = value.tensor WHERE value.event BETWEEN ? AND ? AND value.role IN ({roles})"
    " ORDER BY value.event, value.role, value.slot"
)
_TIMES = "SELECT time FROM event WHERE id BETWEEN ? AND ? ORDER BY id"


@dataclass(frozen=True, eq=False)
class TensorColumns:
    """One row for each tensor that played a role, ordered by event.

    `norm` is the L2 norm of the finite elements (NaN where there are none), `elements` how many there are, `zeros` and
    `not_finite` how many of them are zero, NaN or infinite.
    """

    event: Ints
    slot: Ints
    norm: Floats
    elements: Ints
    zeros: Ints
    not_finite: Ints


def tensors_of(recording: Recording, first: int, last: int, roles: Iterable[Role]) -> TensorColumns:
    """The tensors that played one of `roles` in the events from `first` to `last`. Raises RecordingError."""
    names = tuple(roles)
    sql = _TENSORS.format(roles=", ".join("?" * len(names)))
    numbers: list[tuple[int, int, int, int, int]] = []
    norms: list[float] = []
    for start in range(first, last + 1, AT_A_TIME):
        with recording.apart() as connection:
            cursor = connection.execute(sql, (start, min(start + AT_A_TIME - 1, last), *names))
            for event, slot, norm, zeros, bad, shape in pace.rows(cursor):
                size = _elements(decode.shape(shape))
                integer = decode.integer
                numbers.append((integer(event), integer(slot), size, integer(zeros), integer(bad)))
                norms.append(np.nan if norm is None else decode.real(norm))
    columns = np.array(numbers, dtype=np.int64).reshape(-1, 5).T
    return TensorColumns(columns[0], columns[1], np.array(norms), columns[2], columns[3], columns[4])


def event_times(recording: Recording, first: int, last: int) -> Floats:
    """When each event from `first` to `last` had happened, in seconds since the epoch. Raises RecordingError."""
    times: list[float] = []
    for start in range(first, last + 1, AT_A_TIME):
        with recording.apart() as connection:
            cursor = connection.execute(_TIMES, (start, min(start + AT_A_TIME - 1, last)))
            times += [decode.real(time) for (time,) in pace.rows(cursor)]
    return np.array(times, dtype=np.float64)


def _elements(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count
