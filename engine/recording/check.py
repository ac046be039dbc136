"""Whether a recording agrees with itself: what refers to something finds it, and blobs are as long as shapes say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from engine.errors import RecordingError
from engine.recording import beside, dtypes
from engine.recording.model import Event, Graph, Node, Tensor
from engine.recording.reader import Recording

MOST_PROBLEMS = 100
_SIZES = """
    SELECT id, CASE typeof(data) WHEN 'integer' THEN data END, CASE typeof(data) WHEN 'blob' THEN length(data) END
    FROM tensor ORDER BY id
"""


class _Known(NamedTuple):
    graphs: set[int]
    parameters: set[int]
    nodes: dict[int, Node]


def check(recording: Recording) -> list[str]:
    """What is inconsistent, one sentence each, at most `MOST_PROBLEMS`; empty if all is well."""
    try:
        with recording.held():
            return list(islice(_problems(recording), MOST_PROBLEMS))
    except RecordingError as error:
        return [str(error)]


def _problems(recording: Recording) -> Iterator[str]:
    nodes: dict[int, Node] = {}
    known = _Known({graph.id for graph in recording.graphs}, {row.id for row in recording.parameters}, nodes)
    for graph in recording.graphs:
        yield from _graph_problems(recording, graph, nodes)
    for number in range(len(recording.timeline)):
        yield from _event_problems(recording, recording.event(number), known)
    for node in nodes.values():
        yield from _node_problems(recording, node, known)
    yield from _tensor_problems(recording)


def _graph_problems(recording: Recording, graph: Graph, nodes: dict[int, Node]) -> Iterator[str]:
    mine = {node.id: node for node in recording.nodes(graph.id)}
    nodes.update(mine)
    if graph.root not in mine:
        yield f"graph {graph.id}: its root {graph.root} is not one of its nodes"
    for edge in recording.edges(graph.id):
        if mine[edge.source].kind != "operation":
            yield f"graph {graph.id}: an edge starts at leaf {edge.source}"


def _node_problems(recording: Recording, node: Node, known: _Known) -> Iterator[str]:
    if node.source is not None:
        try:
            recording.source(node.source)
        except RecordingError:
            yield f"node {node.id}: there is no source {node.source}"
    if (node.kind == "parameter") != (node.parameter is not None):
        yield f"node {node.id}: a {node.kind} whose parameter is {node.parameter}"
    elif node.parameter is not None and node.parameter not in known.parameters:
        yield f"node {node.id}: there is no parameter {node.parameter}"
    event = node.forward_event
    if event is not None and not (event < len(recording.timeline) and recording.event(event).kind == "forward"):
        yield f"node {node.id}: event {event} is not its forward"


def _event_problems(recording: Recording, event: Event, known: _Known) -> Iterator[str]:
    if event.graph is not None and event.graph not in known.graphs:
        yield f"event {event.id}: there is no graph {event.graph}"
    if event.node is not None and event.node not in known.nodes:
        yield f"event {event.id}: there is no node {event.node}"
    elif event.node is not None and event.graph is not None and known.nodes[event.node].graph != event.graph:
        yield f"event {event.id}: node {event.node} is not in graph {event.graph}"
    if event.parameter is not None and event.parameter not in known.parameters:
        yield f"event {event.id}: there is no parameter {event.parameter}"
    for value in recording.values(event.id):
        try:
            recording.tensor(value.tensor)
        except RecordingError as error:
            yield f"event {event.id}: {value.role} {value.slot}: {error}"


def _tensor_problems(recording: Recording) -> Iterator[str]:
    with recording.held() as connection:
        rows = connection.execute(_SIZES).fetchall()
        stray = connection.execute("SELECT DISTINCT event FROM value WHERE event >= ?", (len(recording.timeline),))
        stray_events = [row[0] for row in stray]
    for number, place, length in rows:
        if place is not None:
            try:
                length = beside.size_at(recording.path, recording.identity, place)
            except (OSError, ValueError) as error:
                yield f"tensor {number}: {error}"
                continue
        yield from _content_problems(recording.tensor(number), length)
    if recording.complete:
        yield from (f"there are values of event {event}, but no such event" for event in stray_events)


def _content_problems(tensor: Tensor, length: int | None) -> Iterator[str]:
    if (tensor.level == "stats") != (length is None):
        yield f"tensor {tensor.id}: level {tensor.level}, but {'no' if length is None else 'some'} data"
    elif length is not None and tensor.dtype in dtypes.NAMES:
        shape = tensor.shape if tensor.data_shape is None else tensor.data_shape
        if math.prod(shape) * dtypes.itemsize(tensor.dtype) != length:
            yield f"tensor {tensor.id}: {length} bytes do not fit {tensor.dtype} {list(shape)}"
    if tensor.data_shape is not None and math.prod(tensor.data_shape) > tensor.numel:
        yield f"tensor {tensor.id}: more data than elements"
    if tensor.histogram is not None and tensor.histogram.counts.sum() > tensor.numel:
        yield f"tensor {tensor.id}: more elements counted than there are"
    statistics = tensor.statistics
    if statistics.zeros + statistics.nans + statistics.infs > tensor.numel:
        yield f"tensor {tensor.id}: more zeros, NaNs and infinities than elements"
