"""Norms of the gradients of a training step, read together and kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt

from engine import pace
from engine.recording import decode

Floats = npt.NDArray[np.float64]
_ENTERING = (
    "SELECT value.event, max(tensor.norm), max(CASE WHEN tensor.nans > 0 THEN 2 WHEN tensor.infs > 0 THEN 1 ELSE 0 END)"
    " FROM value JOIN tensor ON tensor.id = value.tensor"
    " JOIN event ON event.id = value.event WHERE value.event BETWEEN ? AND ? AND value.role ="
    " CASE event.kind WHEN 'backward' THEN 'grad_output' WHEN 'accumulate' THEN 'grad_input' ELSE 'grad' END"
    " GROUP BY value.event"
)
_SENT = (
    "SELECT value.event, value.slot, tensor.norm FROM value JOIN tensor ON tensor.id = value.tensor"
    " JOIN event ON event.id = value.event WHERE value.event BETWEEN ? AND ? AND value.role = 'grad_input'"
    " AND event.kind = 'backward' AND tensor.norm IS NOT NULL ORDER BY value.event, value.slot"
)


class Norms:
    """A step that is still being written is read again when it has grown. May be used from several threads."""

    def __init__(self, connect: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        """`connect` opens the recording for what takes long to read."""
        self._connect = connect
        self._entering: dict[int, tuple[Floats, npt.NDArray[np.uint8]]] = {}
        self._sent: dict[int, tuple[int, npt.NDArray[np.int64], Floats]] = {}

    def has(self, step: int) -> bool:
        """Whether `entering` of a step is at hand."""
        return step in self._entering

    def entering(self, step: int, first: int, last: int) -> tuple[Floats, npt.NDArray[np.uint8]]:
        """`Recording.norms` and `Recording.odd` of a step whose events are `first` to `last`."""
        known = self._entering.get(step)
        if known is None or len(known[0]) != last - first + 1:
            norms = np.full(last - first + 1, np.nan)
            odd = np.zeros(len(norms), dtype=np.uint8)
            with self._connect() as connection:
                rows = [*pace.rows(connection.execute(_ENTERING, (first, last)))]
                places = [decode.integer(event) - first for event, _, _ in rows]
                norms[places] = [np.nan if norm is None else decode.real(norm) for _, norm, _ in rows]
                odd[places] = [decode.integer(is_odd) for _, _, is_odd in rows]
            norms.flags.writeable = odd.flags.writeable = False
            known = self._entering[step] = norms, odd
        return known

    def sent(self, step: int, first: int, last: int) -> tuple[npt.NDArray[np.int64], Floats]:
        """`Recording.sent_norms` of a step whose events are `first` to `last`."""
        known = self._sent.get(step)
        if known is None or known[0] != last:
            with self._connect() as connection:
                rows = [*pace.rows(connection.execute(_SENT, (first, last)))]
                places = [(decode.integer(event), decode.integer(slot)) for event, slot, _ in rows]
                norms = np.array([decode.real(norm) for _, _, norm in rows], dtype=np.float64)
            known = self._sent[step] = last, np.array(places, dtype=np.int64).reshape(-1, 2), norms
        return known[1:]
