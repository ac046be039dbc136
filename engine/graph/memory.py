"""What autograd keeps in memory for the backward pass: how much, by which node, from when to when.

**What is counted.** Memory, not references: what two nodes saved, or a node saved of another's result or of a view of
it, is one `Piece` with several holders (engine/graph/storage.py says how the recording tells). A piece has the bytes of
the whole result whose memory it is, since a saved slice keeps all of it. Pieces are of four categories:

- activation: what would be freed at once if no node had saved it: results, masks, statistics of a normalization;
- parameter: there anyway, so no further memory; the same for
- input: data, targets, buffers and other tensors with a name that need no gradient;
- unlisted: of nodes whose backward did not run only a number of bytes was recorded, in which anything may be.

**When.** A piece is there from the forward event of the first node that saved it. A node lets go of what it saved when
its own backward has run; a piece is freed with its last holder. Not so if the same graph was run again later: then the
earlier pass was told to retain it, and nodes let go in the last pass that they ran in, the others at the end. What a
function of the user's put on its context as an attribute (`ctx.x = …`), and what nodes saved that never ran, stays as
long as the graph does, which the recording does not tell: it is kept up to the step's last event, `freed` None.

**What cannot be known.** What the script's own variables keep as well. Whether a graph that was not run again was
retained all the same. Of tensors without readable memory (on the meta device, sparse ones), or in memory that the
script gave to others (`.numpy()`), each meeting has another number: what can be told apart by its shape is, the rest
counts each time. Views of buffers and inputs that no operation read as they were are activations. What torch does not
show is left out: of nodes whose saved values go through hooks (checkpointing, offloading), and of writes to a part of a
tensor; `unread` are those. The workspace of kernels, gradients and the optimizer's state are not saved tensors. Forward
events of a step's second pass stand after the first pass, where they were written down, even if they ran before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.graph import storage as memory
from engine.graph.storage import SavedTensor, Storage, Storages, Tensors
from engine.pace import gently
from engine.recording.model import KEPT_BY_HOOKS, Graph, Node
from engine.recording.reader import Recording

Category = Literal[memory.Category, "unlisted"]
CATEGORIES: tuple[Category, ...] = (*memory.CATEGORIES, "unlisted")
Bytes = npt.NDArray[np.int64]
_PURE_WRITES = ("aten.copy_", "aten.zero_", "aten.fill_")  # they save nothing
_CUSTOM = "saved_tensors"


@dataclass(frozen=True)
class Holder:
    """Node `node` keeps a piece under torch's `name`, from event `saved` until event `freed` has happened.

    `tensor` is the recorded tensor, None if only bytes were recorded. `freed` is None if that was not seen.
    """

    node: int
    name: str
    slot: int
    tensor: int | None
    saved: int
    freed: int | None


@dataclass(frozen=True)
class Piece:
    """Memory of `bytes`, kept by `holders` from the first `saved` to the last `freed`."""

    category: Category
    bytes: int
    holders: tuple[Holder, ...]

    @property
    def saved(self) -> int:
        return min(holder.saved for holder in self.holders)

    @property
    def freed(self) -> int | None:
        """The event after which it is free; None if it stays as long as the graph."""
        ends = [holder.freed for holder in self.holders]
        return None if None in ends else max(end for end in ends if end is not None)


@dataclass(frozen=True)
class MemoryCurve:
    """What is kept for backward over the events `first` to `last` of a training step. Times are event ids."""

    step: int
    first: int
    last: int
    pieces: tuple[Piece, ...]
    unread: tuple[int, ...]

    def held(self, category: Category = "activation") -> Bytes:
        """Bytes that are kept once each event of the step has happened, int64 of shape (last - first + 1,)."""
        return self._by_category[category]

    @property
    def peak(self) -> int:
        """The first event after which most activations are kept."""
        return self.first + int(self.held().argmax())

    @property
    def peak_bytes(self) -> int:
        return int(self.held().max())

    def total(self, category: Category = "activation") -> int:
        """Bytes of all pieces of a category, whether they are there at the same time or not."""
        return sum(piece.bytes for piece in self.pieces if piece.category == category)

    def pieces_at(self, event: int, category: Category = "activation") -> tuple[Piece, ...]:
        """What is kept after `event`, the largest first."""
        place = event - self.first
        found = []
        for piece in self.pieces:
            start, end = self._span(piece)
            if piece.category == category and start <= place < end:
                found.append(piece)
        return tuple(sorted(found, key=lambda piece: -piece.bytes))

    def bytes_of(self, nodes: Iterable[int], category: Category = "activation") -> int:
        """What some nodes keep together (those of a module, say); what two of them keep counts once."""
        wanted: dict[int, int] = {}
        for node in nodes:
            for index in self.pieces_of.get(node, ()):
                if self.pieces[index].category == category:
                    wanted[index] = self.pieces[index].bytes
        return sum(wanted.values())

    @cached_property
    def pieces_of(self) -> Mapping[int, tuple[int, ...]]:
        """Node → indices of its pieces."""
        found: dict[int, dict[int, None]] = {}
        for index, piece in enumerate(self.pieces):
            for holder in piece.holders:
                found.setdefault(holder.node, {})[index] = None
        return {node: tuple(indices) for node, indices in found.items()}

    @cached_property
    def _by_category(self) -> dict[Category, Bytes]:
        length = self.last - self.first + 1
        changes = {category: np.zeros(length + 1, np.int64) for category in CATEGORIES}
        for piece in self.pieces:
            start, end = self._span(piece)
            changes[piece.category][start] += piece.bytes
            changes[piece.category][end] -= piece.bytes
        return {category: np.cumsum(change)[:length] for category, change in changes.items()}

    def _span(self, piece: Piece) -> tuple[int, int]:
        """Positions in the step: kept after events from the first on, free after the second."""
        length = self.last - self.first + 1
        start = min(max(piece.saved - self.first, 0), length)
        freed = piece.freed
        end = length if freed is None else min(max(freed - self.first, start), length)
        return start, end


def saved_bytes(recording: Recording, graph_id: int) -> dict[int, int]:
    """Node of one graph → bytes of activations that it keeps for backward; nodes that keep none are left out.

    Parameters and inputs do not count, and what several nodes keep counts at each of them: so the sum over nodes may be
    more than what is kept (`memory_curve(…).bytes_of(nodes)` says how much that is).
    """
    curve = memory_curve(recording, recording.graph(graph_id).step)
    mine = {node.id for node in recording.nodes(graph_id)}
    found = {node: curve.bytes_of([node]) for node in gently(curve.pieces_of) if node in mine}
    return {node: size for node, size in found.items() if size}


def memory_curve(recording: Recording, step: int) -> MemoryCurve:
    """What is kept over the events of a training step. Raises RecordingError if it has none, or cannot be read."""
    if recording.complete:  # it takes a while: others may read in the meantime
        return _Reading(recording, step).curve()
    with recording.held():
        return _Reading(recording, step).curve()


class _Reading:
    """Gathers the pieces of one step."""

    def __init__(self, recording: Recording, step: int) -> None:
        self._recording = recording
        self._timeline = recording.timeline
        self._first, self._last = next(
            ((found.first_event, found.last_event) for found in recording.steps if found.index == step), (0, -1)
        )
        if self._last < self._first:
            recording.norms(step)  # says that there is no such step
        self._step = step
        self._graphs = [graph for graph in recording.graphs if graph.step == step]
        self._tensors = Tensors()
        self._holders: dict[Storage, list[Holder]] = {}
        self._sizes: dict[Storage, int] = {}
        self._unread: list[int] = []
        self._unlisted: list[Piece] = []

    def curve(self) -> MemoryCurve:
        nodes = {graph.id: self._recording.nodes(graph.id) for graph in self._graphs}
        operations = [node for graph in self._graphs for node in nodes[graph.id] if node.kind == "operation"]
        self._tensors.read(self._recording, self._first, self._last)
        for event in sorted({node.forward_event for node in operations if node.forward_event is not None}):
            if not self._first <= event <= self._last:  # this graph began in an earlier step
                self._tensors.read(self._recording, event, event)
        storages = Storages(self._recording, self._tensors, nodes)
        frees, ran = self._frees(operations)
        for node in gently(operations):
            self._add(node, storages, frees, ran)
        pieces = [
            Piece(memory.category_of(storage), self._sizes[storage], tuple(holders))
            for storage, holders in self._holders.items()
        ]
        return MemoryCurve(self._step, self._first, self._last, (*pieces, *self._unlisted), tuple(self._unread))

    def _frees(self, operations: list[Node]) -> tuple[dict[int, int | None], dict[int, int]]:
        """`grad_fn` (by its forward event) → event in which it lets go; node → event in which it ran."""
        ran: dict[int, int] = {}
        for graph in self._graphs:
            ran |= self._timeline.backward_event(graph.id)
        runs: dict[int, list[Node]] = {}
        for node in gently(operations):
            runs.setdefault(_function(node), []).append(node)
        retained = self._retained(runs.values(), ran)
        frees: dict[int, int | None] = {}
        for function, nodes in gently(runs.items()):
            events = [ran[node.id] for node in nodes if node.id in ran and node.graph not in retained]
            frees[function] = max(events, default=None)
        return frees, ran

    def _retained(self, runs: Iterable[list[Node]], ran: Mapping[int, int]) -> set[int]:
        """Graphs of which a later one holds nodes that ran in both: the earlier one did not free what they saved."""
        retained = set()
        later = self._continued()
        for nodes in gently(runs):
            graphs = sorted(node.graph for node in nodes if node.id in ran)
            retained.update(graphs[:-1])
            if graphs and _function(nodes[0]) in later:
                retained.update(graphs)
        return retained

    def _continued(self) -> set[int]:
        """Nodes of this step (by their forward events) that ran once more in the next one."""
        found: set[int] = set()
        for graph in self._next_graphs():
            ran = self._timeline.backward_event(graph.id)
            for node in gently(self._recording.nodes(graph.id)):
                if node.forward_event is not None and node.forward_event <= self._last and node.id in ran:
                    found.add(node.forward_event)
        return found

    def _next_graphs(self) -> list[Graph]:
        """Of the next step, those that hold nodes made in this one."""
        graphs = [graph for graph in self._recording.graphs if graph.step == self._step + 1]
        return [graph for graph in graphs if self._recording.nodes(graph.id) and self._began_before(graph)]

    def _began_before(self, graph: Graph) -> bool:
        """Whether a graph has fewer forward events of its own than operations."""
        events = self._timeline.events_of_graph(graph.id)
        own = int((self._timeline.kind[events] == 0).sum())
        return own < sum(node.kind == "operation" for node in self._recording.nodes(graph.id))

    def _add(self, node: Node, storages: Storages, frees: Mapping[int, int | None], ran: Mapping[int, int]) -> None:
        saved_at = self._first if node.forward_event is None else node.forward_event
        if _is_unread(node):
            self._unread.append(node.id)
        if node.id not in ran:
            size = node.info.get("saved_bytes")
            if isinstance(size, int) and size > 0 and frees[_function(node)] is None:
                self._unlisted.append(Piece("unlisted", size, (Holder(node.id, "", 0, None, saved_at, None),)))
            return
        tensors = self._tensors.saved.get(ran[node.id], [])
        for saved, storage in zip(tensors, storages.of(node, tensors), strict=True):
            if storage not in self._sizes:
                self._sizes[storage] = storages.bytes_of(storage, saved)
            freed = None if _is_attribute(node, saved) else frees[_function(node)]
            holder = Holder(node.id, saved.name, saved.slot, saved.tensor, saved_at, freed)
            self._holders.setdefault(storage, []).append(holder)


def _function(node: Node) -> int:
    """One `grad_fn` is a node in each graph that it runs in, with the same forward event."""
    return -node.id - 1 if node.forward_event is None else node.forward_event


def _is_unread(node: Node) -> bool:
    """Whether a node may have saved what the recording does not tell."""
    writes = node.type == "CopySlices" and not node.operation.startswith(_PURE_WRITES)
    return writes or str(node.info.get("note", "")).startswith(KEPT_BY_HOOKS)


def _is_attribute(node: Node, saved: SavedTensor) -> bool:
    """Whether a function of the user's keeps it on its context: autograd frees only what `save_for_backward` got."""
    return node.type.endswith("Backward") and saved.name != _CUSTOM
