"""What travels along each edge of a backward pass, and when: values forward, gradients back.

A value runs along an edge, from its target to its source, when the source's operation runs forward. The gradient
leaves when the source runs backward, waits at the target until everything that meets there has come, and is taken in
when the target runs (a parameter: when it is accumulated). Gradients that meet are added in the order they came in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from engine.pace import integers, portions
from engine.recording import decode
from engine.recording.model import EVENT_KINDS, Edge, EventKind, Node
from engine.recording.reader import Recording

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NEVER = np.iinfo(np.int64).max  # the event of what does not happen
DATA_SLOT = 1000  # edges to data leaves are numbered from here on
ROLES = ("grad_input", "output", "input", "param_before")
KEPT = 16  # graphs of one recording
_MOST_SLOTS = 1 << 20
_ROWS = (
    "SELECT value.event, value.role, value.slot, tensor.norm, tensor.mean, tensor.shape, tensor.dtype,"
    " tensor.nans + tensor.infs FROM value JOIN tensor ON tensor.id = value.tensor"
    " WHERE value.event BETWEEN ? AND ? AND value.role IN ('grad_input', 'output', 'input', 'param_before')"
)


@dataclass(frozen=True, eq=False)
class Contributions:
    """Arrays by edge (e), in the order of `Recording.edges`, those to data leaves included.

    `source`, `slot`, `target`, `input_number` are the edge's own. Events are NEVER where nothing happened: the value
    ran along it at `forward`; the gradient left the source at `sent`, and the target took it in at `taken`.
    `norm` is that of the gradient this edge brought, `value` the gradient itself where it is one real number,
    `forward_norm` and `forward_value` the same of the value that ran along it; NaN is unknown.
    `rank` counts the gradients that meet at one output of one target, from 0, in the order in which they came, and
    `branches` says how many they are (0 for edges along which no gradient runs).
    """

    source: Ints
    slot: Ints
    target: Ints
    input_number: Ints
    forward: Ints
    sent: Ints
    taken: Ints
    norm: Floats
    value: Floats
    forward_norm: Floats
    forward_value: Floats
    rank: Ints
    branches: Ints

    def into(self, node: int) -> Ints:
        """Edges that brought a gradient to this node, in the order in which it came."""
        edges = self._grouped(node, self._by_target, self.target)
        edges = edges[self.branches[edges] > 0]
        return edges[np.lexsort((self.slot[edges], self.sent[edges]))]

    def out_of(self, node: int) -> Ints:
        """Edges along which values ran into this node's operation, by slot."""
        return self._grouped(node, self._by_source, self.source)

    @cached_property
    def _by_target(self) -> Ints:
        return np.argsort(self.target, kind="stable")

    @cached_property
    def _by_source(self) -> Ints:
        return np.argsort(self.source, kind="stable")

    @staticmethod
    def _grouped(node: int, order: Ints, column: Ints) -> Ints:
        low, high = np.searchsorted(column, [node, node + 1], sorter=order)
        return order[low:high]


_known: WeakKeyDictionary[Recording, dict[int, tuple[int, Contributions]]] = WeakKeyDictionary()


def contributions(recording: Recording, graph_id: int) -> Contributions:
    """What travels in one backward pass. Worked out once for as long as the recording does not grow.

    Raises RecordingError.
    """
    kept = _known.setdefault(recording, {})
    events = len(recording.timeline)
    found = kept.get(graph_id)
    if found is None or found[0] != events:
        while len(kept) >= KEPT:
            kept.pop(next(iter(kept)), None)  # another thread may have done it
        found = kept[graph_id] = (events, _contributions(recording, graph_id))
    return found[1]


def _contributions(recording: Recording, graph_id: int) -> Contributions:
    edges, nodes = recording.edges(graph_id), recording.nodes(graph_id)
    places = _Places(recording, graph_id, nodes)
    source, slot, target, number = _columns(edges)
    at_source, at_target = places.of(source), places.of(target)
    forward = places.forward[at_source]
    sent, taken = places.backward[at_source], places.taken[at_target]
    table = _Table(recording, graph_id)
    norm, value = table.find("grad_input", sent, slot)
    arrives = (sent != NEVER) & ~places.data[at_target]
    rank, branches = _ranks(target, number, sent, slot, arrives)
    output = table.find("output", places.forward[at_target], number)
    held = table.find("param_before", places.told[at_target], np.zeros(len(slot), dtype=np.int64))
    given = table.find("input", np.where(places.data[at_target], forward, NEVER), np.maximum(slot - DATA_SLOT, 0))
    forward_norm, forward_value = (
        np.where(np.isnan(a), np.where(np.isnan(b), c, b), a) for a, b, c in zip(output, held, given, strict=True)
    )
    return Contributions(
        source, slot, target, number, forward, sent, np.where(arrives, taken, NEVER), norm, value,
        forward_norm, forward_value, rank, branches,
    )  # fmt: skip


def _columns(edges: tuple[Edge, ...]) -> tuple[Ints, Ints, Ints, Ints]:
    rows = ((edge.source, edge.slot, edge.target, edge.input_number) for edge in edges)
    source, slot, target, number = integers(rows, 4)
    return source, slot, target, number


class _Places:
    """Nodes of a graph by their place in the list, and the events of each."""

    def __init__(self, recording: Recording, graph_id: int, nodes: tuple[Node, ...]) -> None:
        self._ids = np.array([node.id for node in nodes], dtype=np.int64)  # ascending
        self._timeline = recording.timeline
        self._events = self._timeline.events_of_graph(graph_id)
        self.data = np.array([node.kind == "data" for node in nodes], dtype=np.bool_)
        self.forward = np.array([_or_never(node.forward_event) for node in nodes], dtype=np.int64)
        self.backward = self._of_kind("backward")
        accumulate, update = self._of_kind("accumulate"), self._of_kind("update")
        self.taken = np.minimum(self.backward, accumulate)
        self.told = np.where(update == NEVER, accumulate, update)  # the event that tells what a parameter was

    def of(self, nodes: Ints) -> Ints:
        return np.searchsorted(self._ids, nodes)

    def _of_kind(self, kind: EventKind) -> Ints:
        """The last event of this kind of each node."""
        found = np.full(len(self._ids), NEVER, dtype=np.int64)
        mine = self._events[self._timeline.kind[self._events] == EVENT_KINDS.index(kind)]
        nodes = self._timeline.node[mine]
        place = np.minimum(self.of(nodes), max(len(self._ids) - 1, 0))
        known = self._ids[place] == nodes if len(self._ids) else np.zeros(len(nodes), dtype=np.bool_)
        found[place[known]] = mine[known]
        return found


def _or_never(event: int | None) -> int:
    return NEVER if event is None else event


def _ranks(target: Ints, number: Ints, sent: Ints, slot: Ints, arrives: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Of each edge that brings a gradient: the how manieth it is where it meets others, and how many they are."""
    rank, branches = np.zeros(len(target), dtype=np.int64), np.zeros(len(target), dtype=np.int64)
    mine = np.flatnonzero(arrives)
    mine = mine[np.lexsort((slot[mine], sent[mine], number[mine], target[mine]))]
    if len(mine):
        new = np.diff(target[mine]).astype(np.bool_) | np.diff(number[mine]).astype(np.bool_)
        first = np.concatenate([[0], np.flatnonzero(new) + 1])
        count = np.diff(np.concatenate([first, [len(mine)]]))
        rank[mine] = np.arange(len(mine)) - np.repeat(first, count)
        branches[mine] = np.repeat(count, count)
    return rank, branches


class _Table:
    """Norms, and the numbers of those tensors that are one, by (role, event, slot), for the step of a graph."""

    def __init__(self, recording: Recording, graph_id: int) -> None:
        pieces: dict[str, list[tuple[Ints, Floats]]] = {role: [] for role in ROLES}
        events = recording.timeline.events_of_graph(graph_id)
        if len(events):
            with recording.apart() as connection:
                cursor = connection.execute(_ROWS, (int(events[0]), int(events[-1])))
                for rows in portions(cursor):
                    for role, keys, reals in _by_role(rows):
                        pieces[role].append((keys, reals))
        self._rows = {
            role: (np.concatenate([keys for keys, _ in found]), np.concatenate([reals for _, reals in found]))
            for role, found in pieces.items()
            if found
        }

    def find(self, role: str, event: Ints, slot: Ints) -> tuple[Floats, Floats]:
        """(norm, number) of what played `role` in each event; NaN where nothing did."""
        norm, value = np.full(len(event), np.nan), np.full(len(event), np.nan)
        if role not in self._rows:
            return norm, value
        keys, rows = self._rows[role]
        order = np.argsort(keys, kind="stable")
        wanted = np.where(event == NEVER, -1, np.where(event == NEVER, 0, event) * _MOST_SLOTS + slot)
        place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
        hit = keys[order[place]] == wanted
        norm[hit], value[hit] = rows[order[place[hit]], 0], rows[order[place[hit]], 1]
        return norm, value


def _by_role(rows: list[tuple[Any, ...]]) -> Iterator[tuple[str, Ints, Floats]]:
    """(role, keys, norms and numbers) of rows of _ROWS."""
    found: dict[str, tuple[list[int], list[tuple[float, float]]]] = {}
    for event, role, slot, norm, mean, shape, dtype, odd in rows:
        keys, reals = found.setdefault(role, ([], []))
        keys.append(decode.integer(event) * _MOST_SLOTS + decode.integer(slot))
        one = not odd and mean is not None and not dtype.startswith("complex") and _is_one(shape)
        reals.append((np.nan if norm is None else decode.real(norm), decode.real(mean) if one else np.nan))
    for role, (keys, reals) in found.items():
        yield role, np.array(keys, dtype=np.int64), np.array(reals, dtype=np.float64)


@lru_cache(maxsize=4096)  # a recording has few different shapes
def _is_one(shape: str) -> bool:
    """Whether a tensor of this shape is one number."""
    return all(length == 1 for length in decode.shape(shape))


def log_shares(values: Floats, among: Floats, fewest: float = 3.0, most: float = 8.0) -> Floats:
    """Magnitudes as 0..1 on a log scale: 1 is the largest of `among`, 0 what is nothing beside it; NaN stays.

    The scale spans `fewest` to `most` powers of ten: small differences do not look large, nothing drowns in the rest.
    """
    positive = among[np.isfinite(among) & (among > 0)]
    if not len(positive):
        return np.where(np.isnan(values), np.nan, 0.0)
    high = np.log10(positive.max())
    low = min(max(np.log10(positive.min()), high - most), high - fewest)
    with np.errstate(divide="ignore"):
        shares: Floats = np.where(np.isnan(values), np.nan, np.clip((np.log10(values) - low) / (high - low), 0.0, 1.0))
    return shares
