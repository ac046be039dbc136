"""From stored columns back to rows, with every value checked: a recording may be damaged, or forged.

Each function raises ValueError with a short reason; the reader turns that into a RecordingError.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from types import NoneType
from typing import Any, TypeVar, cast, get_args

import numpy as np

from engine.recording import plain
from engine.recording.model import (
    EVENT_KINDS,
    FORMAT_VERSION,
    HISTOGRAM_BINS,
    LEVELS,
    Edge,
    Event,
    Graph,
    GraphKind,
    Histogram,
    Node,
    NodeKind,
    Note,
    Parameter,
    RecordingInfo,
    Role,
    Shape,
    Source,
    Statistics,
    Tensor,
    Value,
)

Choice = TypeVar("Choice")
Columns = tuple[Any, ...]
MAX_DIMENSIONS = 64  # torch's and NumPy's limit
_MAX_ELEMENTS = 2**62
_LONG = 2000  # characters: longer texts are not kept
_ROLES = frozenset(get_args(Role))
_NODE_KINDS = frozenset(get_args(NodeKind))
_node: Callable[[Columns], Node] = partial(tuple.__new__, Node)  # without counting the columns of each
_edge: Callable[[Columns], Edge] = partial(tuple.__new__, Edge)


def integer(value: object) -> int:
    """A number that is not negative: ids, line numbers, counts."""
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a number, found {_short(value)}")
    return value


def optional_integer(value: object) -> int | None:
    return None if value is None else integer(value)


def text(value: object) -> str:
    if type(value) is not str:
        raise ValueError(f"expected text, found {_short(value)}")
    return value


def real(value: object) -> float:
    """A REAL column; NaN is stored as the text 'NaN'."""
    if value == "NaN":
        return float("nan")
    if type(value) is not float and type(value) is not int:
        raise ValueError(f"expected a number, found {_short(value)}")
    return float(value)


def optional_real(value: object) -> float | None:
    return None if value is None else real(value)


def one_of(value: Any, choices: tuple[Choice, ...]) -> Choice:
    try:
        return choices[choices.index(value)]
    except ValueError:
        raise ValueError(f"unknown kind {_short(value)}") from None


def shape(value: object) -> Shape:
    return _shape(text(value))


@lru_cache(maxsize=4096)  # a recording has few different shapes
def _shape(value: str) -> Shape:
    try:
        lengths = json.loads(value)
    except RecursionError as error:
        raise ValueError("a shape nested too deeply") from error
    if type(lengths) is not list or len(lengths) > MAX_DIMENSIONS:
        raise ValueError(f"not a shape: {_short(value)}")
    elements = 1
    for length in lengths:
        elements *= max(integer(length), 1)
        if elements > _MAX_ELEMENTS:
            raise ValueError(f"not a shape: {_short(value)}")
    return tuple(lengths)


def optional_shape(value: object) -> Shape | None:
    return None if value is None else shape(value)


def mapping(value: object) -> Mapping[str, Any]:
    found = text(value)
    return _mapping(found) if len(found) > _LONG else _known_mapping(found)


@lru_cache(maxsize=2048)  # the nodes of a network of equal blocks have few different ones; nobody writes into them
def _known_mapping(value: str) -> Mapping[str, Any]:
    return _mapping(value)


def _mapping(value: str) -> Mapping[str, Any]:
    result = plain.loads(value)
    if type(result) is not dict:
        raise ValueError(f"expected a JSON object, found {_short(value)}")
    return result


def info(meta: Mapping[str, str]) -> RecordingInfo:
    """`meta` as RecordingInfo."""
    missing = {"script", "argv", "cwd", "torch", "python", "created", "tensors", "budget"} - meta.keys()
    if missing:
        raise ValueError(f"no {min(missing)} in its table meta")
    argv = plain.loads(meta["argv"])
    if type(argv) is not list or not all(type(argument) is str for argument in argv):
        raise ValueError("argv is not a list of texts")
    return RecordingInfo(
        script=meta["script"],
        argv=tuple(argv),
        cwd=meta["cwd"],
        torch=meta["torch"],
        python=meta["python"],
        created=float(meta["created"]),
        tensors=one_of(meta["tensors"], LEVELS),
        budget=int(meta["budget"]),
        format_version=int(meta.get("format_version", FORMAT_VERSION)),
    )


def source(row: Columns) -> Source:
    return Source(integer(row[0]), text(row[1]), text(row[2]))


def parameter(row: Columns) -> Parameter:
    return Parameter(integer(row[0]), text(row[1]), text(row[2]), shape(row[3]), text(row[4]))


def graph(row: Columns) -> Graph:
    kind = one_of(row[2], cast("tuple[GraphKind, ...]", ("backward", "grad")))
    return Graph(integer(row[0]), integer(row[1]), kind, integer(row[3]), optional_real(row[4]))


def node(row: Columns) -> Node:
    kind = one_of(row[2], cast("tuple[NodeKind, ...]", ("operation", "parameter", "data")))
    return Node(
        id=integer(row[0]),
        graph=integer(row[1]),
        kind=kind,
        type=text(row[3]),
        operation=text(row[4]),
        name=text(row[5]),
        module=text(row[6]),
        module_type=text(row[7]),
        source=optional_integer(row[8]),
        line=optional_integer(row[9]),
        function=text(row[10]),
        shape=optional_shape(row[11]),
        dtype=None if row[12] is None else text(row[12]),
        sequence_nr=optional_integer(row[13]),
        parameter=optional_integer(row[14]),
        forward_event=optional_integer(row[15]),
        info=mapping(row[16]),
    )


def nodes(rows: Sequence[Columns]) -> tuple[Node, ...]:
    """`node` of each; where nothing is wrong, column by column."""
    columns = list(zip(*rows, strict=True))
    if not _are_nodes(columns):
        return tuple(map(node, rows))
    for number, read in ((11, optional_shape), (16, mapping)):
        known = {text: read(text) for text in set(columns[number])}
        columns[number] = tuple(known[text] for text in columns[number])
    return tuple(map(_node, zip(*columns, strict=True)))


def _are_nodes(columns: Sequence[Columns]) -> bool:
    if len(columns) != len(Node._fields) or not set(columns[2]) <= _NODE_KINDS:
        return False
    optional = [columns[number] for number in (8, 9, 13, 14, 15)]
    return (
        all(_are(columns[number], int) and min(columns[number]) >= 0 for number in (0, 1))
        and all(_are(columns[number], str) for number in (3, 4, 5, 6, 7, 10, 16))
        and all(_are(columns[number], str, NoneType) for number in (11, 12))
        and all(_are(column, int, NoneType) and min(filter(None, column), default=0) >= 0 for column in optional)
    )


def _are(column: Columns, *types: type) -> bool:
    return set(map(type, column)) <= set(types)


def edge(row: Columns) -> Edge:
    return Edge(*map(integer, row))


def edges(rows: Sequence[Columns]) -> tuple[Edge, ...]:
    """`edge` of each; where nothing is wrong, column by column."""
    columns = list(zip(*rows, strict=True))
    right = len(columns) == len(Edge._fields) and all(_are(column, int) and min(column) >= 0 for column in columns)
    return tuple(map(_edge if right else edge, rows))


def values(rows: Sequence[Columns]) -> tuple[Value, ...]:
    return tuple(map(value, rows))


def event(row: Columns) -> Event:
    return Event(
        id=integer(row[0]),
        step=integer(row[1]),
        graph=optional_integer(row[2]),
        kind=one_of(row[3], EVENT_KINDS),
        node=optional_integer(row[4]),
        parameter=optional_integer(row[5]),
        time=real(row[6]),
        info=mapping(row[7]),
    )


def value(row: Columns) -> Value:
    if row[1] not in _ROLES:
        raise ValueError(f"unknown role {_short(row[1])}")
    return Value(integer(row[0]), cast("Role", row[1]), integer(row[2]), text(row[3]), integer(row[4]))


def tensor(row: Columns) -> Tensor:
    """A tensor without its data; `row` has the columns up to data_shape."""
    return Tensor(
        id=integer(row[0]),
        shape=shape(row[1]),
        dtype=text(row[2]),
        device=text(row[3]),
        level=one_of(row[4], LEVELS),
        statistics=_statistics(row[5:13]),
        histogram=_histogram(row[13:16]),
        data_shape=optional_shape(row[16]),
    )


def note(row: Columns) -> Note:
    return Note(integer(row[0]), optional_integer(row[1]), text(row[2]))


def _statistics(row: Columns) -> Statistics:
    low, high, mean, std, norm = map(optional_real, row[:5])
    zeros, nans, infs = map(integer, row[5:])
    return Statistics(low, high, mean, std, norm, zeros, nans, infs)


def _histogram(row: Columns) -> Histogram | None:
    blob, low, high = row
    if blob is None:
        return None
    if type(blob) is not bytes or len(blob) != HISTOGRAM_BINS * 8:
        raise ValueError(f"a histogram is not {HISTOGRAM_BINS} counts")
    counts = np.frombuffer(blob, "<i8")
    if counts.min() < 0:
        raise ValueError("a histogram has a negative count")
    return Histogram(counts, real(low), real(high))


def _short(value: object) -> str:
    found = repr(value if not isinstance(value, (str, bytes)) else value[:40])
    return found if len(found) <= 60 else f"{found[:60]}…"
