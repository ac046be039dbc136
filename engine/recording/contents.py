"""The part of a recording that is kept in memory: its run, steps, graphs and parameters, and the order of events."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

from engine import pace
from engine.recording import decode
from engine.recording.database import CLOSED, IDENTITY, PID
from engine.recording.model import EVENT_KINDS, Graph, Note, Parameter, RecordingInfo, Step
from engine.recording.timeline import Timeline

_EVENTS = (
    "SELECT id, step, coalesce(graph, -1), coalesce(node, -1), coalesce(parameter, -1), kind"
    " FROM event WHERE id >= ? ORDER BY id"
)
_OPTIMIZERS = (
    "SELECT step, json_extract(info, '$.optimizer') FROM event WHERE id >= ? AND kind = 'update'"
    " GROUP BY 1, 2 ORDER BY min(id)"
)
_KIND_CODES = {kind: code for code, kind in enumerate(EVENT_KINDS)}
_PIECE = 1000  # events that are taken in together: other threads get their turn in between


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


_Item = TypeVar("_Item", bound=_Numbered)


class Contents:
    """Grows with every `pull`."""

    def __init__(self) -> None:
        self.info: RecordingInfo
        self.complete = False
        self.pid = 0
        self.identity = b""
        self.timeline = Timeline()
        self.steps: tuple[Step, ...] = ()
        self.graphs: dict[int, Graph] = {}
        self.parameters: dict[int, Parameter] = {}
        self.notes: dict[int, Note] = {}
        self._optimizers: dict[int, list[str]] = {}
        self._graph_sizes: dict[int, tuple[int, int]] = {}

    def pull(self, connection: sqlite3.Connection) -> tuple[bool, list[int]]:
        """Read what is new. Returns whether anything is, and the graphs whose nodes or edges may have changed.

        Raises ValueError or sqlite3.Error if the recording is damaged.
        """
        before = (len(self.timeline), len(self.graphs), len(self.parameters), len(self.notes), self.complete)
        self._pull_meta(connection)
        _extend(connection, "graph", self.graphs, decode.graph)
        _extend(connection, "parameter", self.parameters, decode.parameter)
        _extend(connection, "note", self.notes, decode.note)
        self._pull_events(connection)
        changed = self._changed_graphs(connection)
        after = (len(self.timeline), len(self.graphs), len(self.parameters), len(self.notes), self.complete)
        if before != after:
            self.steps = self._make_steps()
        return before != after or bool(changed), changed

    def _pull_meta(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT key, value FROM meta LIMIT 1000").fetchall()
        meta = {decode.text(key): decode.text(value) for key, value in rows}
        self.info = decode.info(meta)
        self.complete = CLOSED in meta
        self.pid = int(meta.get(PID, 0))
        self.identity = bytes.fromhex(meta.get(IDENTITY, ""))

    def _pull_events(self, connection: sqlite3.Connection) -> None:
        start = len(self.timeline)
        cursor = connection.execute(_EVENTS, (start,))
        pieces: list[Timeline] = []
        for rows in pace.portions(cursor, _PIECE):
            pieces.append(_events(rows, start + _PIECE * len(pieces)))
        if not pieces:
            return
        timeline = self.timeline.extended(*pieces)
        if (np.diff(timeline.step) < 0).any():
            raise ValueError("training steps are out of order")
        self.timeline = timeline
        for index, optimizer in pace.rows(connection.execute(_OPTIMIZERS, (start,))):
            names = self._optimizers.setdefault(index, [])
            if isinstance(optimizer, str) and optimizer not in names:
                names.append(optimizer)

    def _changed_graphs(self, connection: sqlite3.Connection) -> list[int]:
        """Only the graphs of the last two steps can still grow."""
        last = max((graph.step for graph in self.graphs.values()), default=0)
        changed = []
        for graph in reversed(self.graphs.values()):
            if graph.step < last - 1:
                break
            sizes = tuple(
                connection.execute(f"SELECT count(*) FROM {table} WHERE graph = ?", (graph.id,)).fetchone()[0]
                for table in ("node", "edge")
            )
            if self._graph_sizes.get(graph.id, sizes) != sizes:
                changed.append(graph.id)
            self._graph_sizes[graph.id] = (sizes[0], sizes[1])
        return changed

    def _make_steps(self) -> tuple[Step, ...]:
        losses = {
            graph.step: graph.loss
            for graph in self.graphs.values()
            if graph.kind == "backward" and graph.loss is not None
        }
        steps = self.timeline.step
        starts = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist()] if len(steps) else []
        ends = [*starts[1:], len(steps)]
        return tuple(
            Step(
                index := int(steps[first]),
                first,
                end - 1,
                losses.get(index),
                ", ".join(self._optimizers.get(index, ())) or None,
            )
            for first, end in zip(starts, ends[: len(starts)], strict=True)
        )


def _events(rows: list[tuple[Any, ...]], start: int) -> Timeline:
    """Rows of _EVENTS, of which the first should have the number `start`."""
    *numbers, kinds = zip(*rows, strict=True)
    if any(set(map(type, column)) != {int} for column in numbers):
        raise ValueError("an event has something else where a number belongs")
    ids, step, graph, node, parameter = (np.array(column, np.int64) for column in numbers)
    if not np.array_equal(ids, np.arange(start, start + len(rows))):
        raise ValueError("events are missing")
    codes = [*map(_KIND_CODES.get, kinds)]
    if None in codes or min(step.min(), graph.min() + 1, node.min() + 1, parameter.min() + 1) < 0:
        raise ValueError("an event of an unknown kind, or with a negative number")
    return Timeline(np.array(codes, np.uint8), step, graph, node, parameter)


def _extend(
    connection: sqlite3.Connection, table: str, items: dict[int, _Item], make: Callable[[tuple[Any, ...]], _Item]
) -> None:
    """Add the rows after the last one that is known; ids ascend."""
    last = next(reversed(items), -1)
    for row in pace.rows(connection.execute(f"SELECT * FROM {table} WHERE id > ? ORDER BY id", (last,))):
        item = make(row)
        if item.id <= last:
            raise ValueError(f"rows of {table} are out of order")
        last = item.id
        items[item.id] = item
