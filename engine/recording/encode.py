"""Rows of a recording as the tuples that SQLite stores.

The writer's thread runs this while the user's script wants the interpreter, so it does as little as it can.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from struct import Struct
from typing import Any, NamedTuple

from engine.recording import plain
from engine.recording.beside import Placed
from engine.recording.database import MAX_LENGTH
from engine.recording.measurement import FIGURES, Content
from engine.recording.model import (
    Edge,
    Event,
    Graph,
    Histogram,
    Node,
    Note,
    Parameter,
    Row,
    Shape,
    Source,
    Statistics,
    StepStart,
    Tensor,
    Value,
)

Columns = tuple[Any, ...]
_MAX_INTEGER = 2**63 - 1
WITH_BLOB = frozenset({Tensor, Content})
_FIGURES = Struct(f"={FIGURES}d")
_ROW_OVERHEAD = 4096  # room for the other columns of a row that holds a blob


class Table(NamedTuple):
    """How rows of one type are stored: table name, its columns in SQL, row → columns."""

    name: str
    values: str
    encode: Callable[[Any], Columns]


@lru_cache(maxsize=4096)  # the same few come in every step
def shape_text(shape: Shape) -> str:
    return f"[{','.join(map(str, shape))}]"


def real(value: float | None) -> float | str | None:
    """A number for a REAL column; SQLite would turn NaN into NULL."""
    return "NaN" if value is not None and value != value else value


def text(value: str) -> str:
    """Text that UTF-8 can hold: a path or source may have stray surrogates."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _source(row: Source) -> Columns:
    return row.id, text(row.path), text(row.text)


def _parameter(row: Parameter) -> Columns:
    return row.id, text(row.name), text(row.module), shape_text(row.shape), row.dtype


def _graph(row: Graph) -> Columns:
    return row.id, row.step, row.kind, row.root, real(row.loss)


def _node(row: Node) -> Columns:
    number = row.sequence_nr  # torch gives an AccumulateGrad the largest unsigned number: it has none
    return (
        row.id, row.graph, row.kind, text(row.type), text(row.operation), text(row.name), text(row.module),
        text(row.module_type), row.source, row.line, text(row.function),
        None if row.shape is None else shape_text(row.shape), row.dtype,
        number if number is None or number <= _MAX_INTEGER else None,
        row.parameter, row.forward_event, plain.dumps(row.info),
    )  # fmt: skip


def _event(row: Event) -> Columns:
    return row.id, row.step, row.graph, row.kind, row.node, row.parameter, row.time, plain.dumps(row.info)


def _tensor(row: Tensor) -> Columns:
    return _tensor_columns(row, _measured(row.statistics, row.histogram))


def _content(row: Content) -> Columns:
    figures = row.measurement.figures()
    if figures is not None:
        low, high, mean, std, norm, zeros, nans, infs = _FIGURES.unpack_from(figures.data)
        if low <= high and mean == mean and std == std and norm == norm:
            counts = figures[FIGURES:].tobytes()
            measured = (low, high, mean, std, norm, int(zeros), int(nans), int(infs), counts, low, high)
            return _tensor_columns(row, measured)
    return _tensor_columns(row, _measured(*row.measurement.result()))


def _measured(s: Statistics, histogram: Histogram | None) -> Columns:
    bins: Columns = (None, None, None)
    if histogram is not None:
        bins = (histogram.counts.tobytes(), real(histogram.low), real(histogram.high))
    return real(s.min), real(s.max), real(s.mean), real(s.std), real(s.norm), s.zeros, s.nans, s.infs, *bins


def _tensor_columns(row: Tensor | Content, measured: Columns) -> Columns:
    level, data_shape, data = row.level, row.data_shape, row.data
    if data is not None and size_of(row) > MAX_LENGTH - _ROW_OVERHEAD:
        level, data_shape, data = "stats", None, None
    return (
        row.id, shape_text(row.shape), row.dtype, row.device, level, *measured,
        None if data_shape is None else shape_text(data_shape), data,
    )  # fmt: skip


def _note(row: Note) -> Columns:
    return row.id, row.step, text(row.text)


def size_of(row: Row | Content | Columns) -> int:
    """Bytes of the blob that the row carries, or that were written already."""
    data = row.data if isinstance(row, Tensor | Content) else None
    if data is None:
        return 0
    if type(data) is Placed:
        return data.nbytes
    return len(data) if type(data) is bytes else memoryview(data).nbytes


def weight_of(row: Row | Content | Columns) -> int:
    """Bytes of memory that the row keeps until it is written, as far as they may be many; only one `WITH_BLOB` does."""
    if not isinstance(row, Content):
        return size_of(row)
    return row.held if type(row.data) is Placed else size_of(row) + row.held


def _table(name: str, columns: int, encode: Callable[[Any], Columns]) -> Table:
    return Table(name, f"({','.join('?' * columns)})", encode)


TABLES: dict[type[Any], Table] = {
    Source: _table("source", 3, _source),
    Parameter: _table("parameter", 5, _parameter),
    StepStart: _table("step", 2, attrgetter("index", "started")),
    Graph: _table("graph", 5, _graph),
    Node: _table("node", 17, _node),
    Edge: _table("edge", 5, tuple),
    Event: _table("event", 8, _event),
    Value: _table("value", 5, tuple),
    Tensor: _table("tensor", 18, _tensor),
    Content: _table("tensor", 18, _content),
    tuple: _table("value", 5, tuple),  # a Value as it is stored, which costs the garbage collector nothing
    Note: _table("note", 3, _note),
}
