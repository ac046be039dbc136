"""Reads a recording, while it is being written too, and trusts nothing in it.

What is small (events' order, graphs, parameters, notes) is read when the recording is opened; nodes, values and tensors
are read when they are asked for. Every problem is a RecordingError that says what is wrong and what to do.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from operator import eq, itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from engine.errors import RecordingError
from engine.pace import portions
from engine.recording import beside, database, decode, dtypes, writers
from engine.recording.contents import Contents
from engine.recording.model import (
    Edge,
    Event,
    Graph,
    Node,
    Note,
    Parameter,
    RecordingInfo,
    Shape,
    Source,
    Step,
    Tensor,
    Value,
)
from engine.recording.norms import Norms
from engine.recording.timeline import Timeline

_Item = TypeVar("_Item")
_CACHED = 8192  # rows of one kind that are kept in memory
LARGE = 1 << 18  # elements of a tensor: what has more takes a while to read
_NODES = "SELECT * FROM node WHERE graph = ? ORDER BY id"
_LINES = (
    "SELECT source, line, sum(kind != 'data') FROM node WHERE graph = ? AND source IS NOT NULL GROUP BY source, line"
)
_EDGES = "SELECT * FROM edge WHERE graph = ? ORDER BY source, slot"
_DATA = "SELECT typeof(data), CASE typeof(data) WHEN 'integer' THEN data END FROM tensor WHERE id = ?"
_TENSOR = (
    "SELECT id, shape, dtype, device, level, min, max, mean, std, norm, zeros, nans, infs,"
    " histogram, histogram_low, histogram_high, data_shape FROM tensor WHERE id = ?"
)


def open_recording(path: Path) -> Recording:
    """The recording at `path`. Raises RecordingError if there is none, or if it is damaged or of a newer format."""
    return Recording(Path(path))


def count_events(path: Path) -> int:
    """About how many events the recording at `path` has, without reading it. Raises as `open_recording`."""
    connection = database.connect(Path(path))
    try:
        (last,) = connection.execute("SELECT max(id) FROM event").fetchone()
        return decode.integer(last) + 1 if last is not None else 0
    except (sqlite3.Error, ValueError) as error:
        raise database.explain(path, error) from error
    finally:
        connection.close()


class Recording:
    """A recording, open for reading; `refresh` picks up what was written since.

    While it is being written, the file is not held open between two reads, so that the writer can fold it into one.
    May be used from several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._depth = 0
        self._file: tuple[int, int] | None = None
        self._contents = Contents()
        self._live = True
        self._nodes: dict[int, tuple[Node, ...]] = {}
        self._edges: dict[int, tuple[Edge, ...]] = {}
        self._counts: dict[int, dict[str, int]] = {}
        self._lines: dict[int, dict[tuple[int, int | None], int]] = {}
        self._sources: dict[int, Source] = {}
        self._node: dict[int, Node] = {}
        self._event: dict[int, Event] = {}
        self._tensor: dict[int, Tensor] = {}
        self._norms = Norms(self.apart)
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> RecordingInfo:
        return self._contents.info

    @property
    def identity(self) -> bytes:
        """What the file beside the recording begins with, if there is one."""
        return self._contents.identity

    @property
    def complete(self) -> bool:
        """Whether the writer closed the recording: nothing will be added."""
        return self._contents.complete

    @property
    def live(self) -> bool:
        """Whether it is still being written, as far as is known; if not, and not complete, the writer was killed."""
        return self._live and not self.complete

    @property
    def timeline(self) -> Timeline:
        return self._contents.timeline

    @property
    def steps(self) -> tuple[Step, ...]:
        """The training steps that have events, in order."""
        return self._contents.steps

    @property
    def graphs(self) -> tuple[Graph, ...]:
        return tuple(self._contents.graphs.values())

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(self._contents.parameters.values())

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(self._contents.notes.values())

    def refresh(self) -> bool:
        """Pick up what was committed since. True if there is anything new."""
        if self.complete:
            return False
        with self.held() as connection:
            connection.execute("BEGIN")
            try:
                grown, changed = self._contents.pull(connection)
            finally:
                connection.rollback()
            self._live = writers.runs(self._contents.pid)
            for graph in changed:
                self._nodes.pop(graph, None)
                self._edges.pop(graph, None)
        return grown

    def close(self) -> None:
        """Let go of the file; a later read opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def graph(self, graph_id: int) -> Graph:
        return self._known(self._contents.graphs, graph_id, "graph")

    def parameter(self, parameter_id: int) -> Parameter:
        return self._known(self._contents.parameters, parameter_id, "parameter")

    def source(self, source_id: int) -> Source:
        return self._row(self._sources, source_id, "SELECT * FROM source WHERE id = ?", decode.source, "source")

    def node(self, node_id: int) -> Node:
        return self._row(self._node, node_id, "SELECT * FROM node WHERE id = ?", decode.node, "node")

    def event(self, event_id: int) -> Event:
        return self._row(self._event, event_id, "SELECT * FROM event WHERE id = ?", decode.event, "event")

    def tensor(self, tensor_id: int) -> Tensor:
        """Shape, statistics and histogram; `data` is None (see `data`)."""
        return self._row(self._tensor, tensor_id, _TENSOR, decode.tensor, "tensor")

    def nodes(self, graph_id: int) -> tuple[Node, ...]:
        """Nodes of one graph, data leaves included, ordered by id."""
        known = self._nodes.get(graph_id)
        if known is not None:  # at once: whoever reads something else may hold the file for long
            return known
        if self.complete:
            # Nothing changes any more: other threads may read while the rows become objects, which takes longest.
            nodes = self._rows(_NODES, graph_id, decode.nodes, many=True)
            return self._nodes.setdefault(graph_id, nodes)
        with self._lock:
            if graph_id not in self._nodes:
                self._nodes[graph_id] = self._rows(_NODES, graph_id, decode.nodes)
            return self._nodes[graph_id]

    def lines(self, graph_id: int) -> dict[tuple[int, int | None], int]:
        """(source, line) → how many nodes of a graph it made, data leaves not counted; takes less than `nodes`."""
        known = self._lines.get(graph_id)
        if known is None:
            with self.held() as connection:
                known = {
                    (decode.integer(source), decode.optional_integer(line)): decode.integer(count)
                    for source, line, count in connection.execute(_LINES, (graph_id,))
                }
            if self.complete:
                self._lines[graph_id] = known
        return known

    def node_counts(self, graph_id: int) -> dict[str, int]:
        """How many nodes of each kind a graph has; takes less than `nodes`."""
        known = self._counts.get(graph_id)
        if known is None:
            with self.held() as connection:
                found = connection.execute("SELECT kind, count(*) FROM node WHERE graph = ? GROUP BY kind", (graph_id,))
                known = {decode.text(kind): decode.integer(count) for kind, count in found}
            if self.complete:
                self._counts[graph_id] = known
        return known

    def has_read(self, graph_id: int) -> bool:
        """Whether nodes and edges of a graph are at hand, so that to ask for them takes no time."""
        return graph_id in self._nodes and graph_id in self._edges

    def edges(self, graph_id: int) -> tuple[Edge, ...]:
        """Edges of one graph, those to data leaves included, ordered by source and slot."""
        known = self._edges.get(graph_id)
        if known is not None:
            return known
        if self.complete:
            return self._edges.setdefault(graph_id, self._edges_of(graph_id))
        with self._lock:
            if graph_id not in self._edges:
                with self.held():
                    self._edges[graph_id] = self._edges_of(graph_id)
            return self._edges[graph_id]

    def _edges_of(self, graph_id: int) -> tuple[Edge, ...]:
        rows = self._rows(_EDGES, graph_id, decode.edges, many=self.complete)
        ids = {node.id for node in self.nodes(graph_id)}
        if ids.issuperset([edge.source for edge in rows]) and ids.issuperset([edge.target for edge in rows]):
            return rows
        if self.complete:  # else the nodes are still on their way
            raise database.damaged(self.path, f"an edge of graph {graph_id} leads to a node that is not there")
        return tuple(edge for edge in rows if edge.source in ids and edge.target in ids)

    def values(self, event_id: int) -> tuple[Value, ...]:
        """Which tensors belong to an event, ordered by role, slot and name."""
        return self._rows("SELECT * FROM value WHERE event = ? ORDER BY role, slot, name", event_id, decode.values)

    def data(self, tensor_id: int) -> npt.NDArray[Any] | None:
        """A tensor's elements (at level preview: those of `data_shape`), or None if they were not kept.

        bfloat16 and 8-bit floats come as float32.
        """
        tensor = self.tensor(tensor_id)
        if tensor.level == "stats":
            return None
        shape = tensor.shape if tensor.data_shape is None else tensor.data_shape
        try:
            # Others need not wait for a large one, wherever it is read.
            with self.apart() if tensor.numel > LARGE else self.held() as connection:
                return self._data_of(connection, tensor, shape)
        except OSError:  # it may have been made one file since
            with self._lock:
                if not self._depth:
                    self.close()
        try:
            with self._own() as connection:
                return self._data_of(connection, tensor, shape)
        except OSError as error:
            raise RecordingError(str(error)) from error

    def _data_of(self, connection: sqlite3.Connection, tensor: Tensor, shape: Shape) -> npt.NDArray[Any]:
        if tensor.level == "full" and shape != tensor.shape:
            raise ValueError(f"tensor {tensor.id} has data of another shape")
        kind, place = connection.execute(_DATA, (tensor.id,)).fetchone() or ("null", 0)
        if kind == "integer":
            return dtypes.decode(beside.read(self.path, self.identity, place), tensor.dtype, shape)
        if kind != "blob":
            raise ValueError(f"tensor {tensor.id} has lost its data")
        # As a column of a row it would be copied by Python, too, while no other thread may run.
        with connection.blobopen("tensor", "data", tensor.id, readonly=True) as blob:
            return dtypes.decode(blob.read(), tensor.dtype, shape)

    def norms(self, step: int) -> npt.NDArray[np.float64]:
        """For each event of a training step, the norm of the gradient that it takes in; NaN if there is none.

        Of a backward event that is the gradient which entered the node, the largest if there are several; of an
        accumulation the one that arrived; of an update the one that the optimizer used.
        """
        return self._norms.entering(step, *self.step_bounds(step))[0]

    def odd(self, step: int) -> npt.NDArray[np.uint8]:
        """For the same gradients as `norms`, which count finite elements only: 2 where one is NaN, 1 where one is
        infinite, else 0."""
        return self._norms.entering(step, *self.step_bounds(step))[1]

    def sent_norms(self, step: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """What the nodes of a training step passed on: (k, 2) backward events and slots, in their order, and norms."""
        return self._norms.sent(step, *self.step_bounds(step))

    @contextmanager
    def apart(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for what takes long to read: other threads read on in the meantime.

        Raises RecordingError in place of any error in reading.
        """
        if not self.complete:  # one connection at a time: the writer folds the file into one when it is let go of
            with self.held() as connection:
                yield connection
            return
        with self._own() as own:
            yield own

    @contextmanager
    def _own(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses; raises as `held`."""
        with self._lock:
            own = self._connect()
        try:
            yield own
        except (sqlite3.Error, ValueError, OverflowError, MemoryError) as error:
            raise database.explain(self.path, error) from error
        finally:
            own.close()

    def has_norms(self, step: int) -> bool:
        """Whether `norms` of a step are at hand."""
        return self._norms.has(step)

    @contextmanager
    def held(self) -> Iterator[sqlite3.Connection]:
        """Keep the file open across several reads, which makes each of them quicker while it is being written.

        Raises RecordingError in place of any error in reading.
        """
        with self._lock:
            self._depth += 1
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except (sqlite3.Error, ValueError, OverflowError, MemoryError) as error:
                raise database.explain(self.path, error) from error
            finally:
                self._depth -= 1
                if self._depth == 0 and self.live:
                    self.close()

    def _connect(self) -> sqlite3.Connection:
        connection = database.connect(self.path)
        try:
            file = database.identity(self.path)
            if self._file not in (None, file) and database.recording_identity(connection) != self.identity:
                raise RecordingError(f"{self.path} was replaced by another file; open it again.")
        except BaseException:
            connection.close()
            raise
        self._file = file
        return connection

    def step_bounds(self, step: int) -> tuple[int, int]:
        """First and last event of a training step. Raises RecordingError if it has none, even where it has a graph."""
        try:
            return self.timeline.step_bounds(step)
        except KeyError:
            raise RecordingError(f"{self.path} has no step {step}.") from None

    def _known(self, items: dict[int, _Item], number: int, what: str) -> _Item:
        try:
            return items[number]
        except KeyError:
            raise RecordingError(f"{self.path} has no {what} {number}.") from None

    def _row(
        self, cache: dict[int, _Item], number: int, sql: str, make: Callable[[tuple[Any, ...]], _Item], what: str
    ) -> _Item:
        item = cache.get(number)
        if item is not None:
            return item  # without waiting for what another thread reads
        with self._lock:
            item = cache.get(number)
            if item is None:
                with self.held() as connection:
                    row = connection.execute(sql, (number,)).fetchone()
                    if row is None:
                        raise RecordingError(f"{self.path} has no {what} {number}.")
                    item = make(row)
                if len(cache) >= _CACHED:
                    cache.clear()
                cache[number] = item
            return item

    def _rows(
        self, sql: str, number: int, make: Callable[[list[tuple[Any, ...]]], tuple[_Item, ...]], *, many: bool = False
    ) -> tuple[_Item, ...]:
        """`many` may be read beside what other threads read."""
        items: list[_Item] = []
        last: list[tuple[Any, ...]] = []
        with self.apart() if many else self.held() as connection:
            cursor = connection.execute(sql, (number,))
            for piece in portions(cursor):
                if _twice(last + piece):
                    raise ValueError("a row is stored twice")
                items += make(piece)
                last = piece[-1:]
        return tuple(items)


def _twice(rows: list[tuple[Any, ...]]) -> bool:
    """Whether a row follows itself, as in a page that refers to itself."""
    heads = list(map(itemgetter(slice(4)), rows))
    return any(map(eq, heads, islice(heads, 1, None)))
