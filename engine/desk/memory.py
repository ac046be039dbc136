"""What a training step keeps for backward, as the window shows it: a curve, and a tree of modules and operations.

Sent as columns, packed into text: a graph of twenty thousand nodes must not keep the window busy taking it apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.desk.columns import packed, unpacked
from engine.graph.labels import Labels
from engine.graph.memory import CATEGORIES, Holder, MemoryCurve, memory_curve
from engine.recording.model import Node
from engine.recording.reader import Recording

Column = npt.NDArray[np.int64]
ROOT = 0
STAYS = -1  # in `freed`: not seen to be freed
NO_NODE = -1  # in `node`: a module
_NUMBERS = ("parent", "node", "bytes", "saved", "freed", "pieces", "tensors", "tensor")
_TEXTS = ("names", "paths", "tensor_names")


@dataclass(frozen=True, eq=False)
class StepMemory:
    """One training step, in columns; times are event ids.

    `held` has a row for each of CATEGORIES: bytes after each event from `first` on. The tree's rows, each after its
    parent, ROOT above all: `parent`, `node` (or NO_NODE), `bytes` (what several nodes of a module keep counts once),
    `saved`, `freed` (or STAYS), `pieces` (how many), `names`, `paths` (of modules). Row r saved the tensors `tensor[i]`
    under `tensor_names[i]` for i from `tensors[r]` to `tensors[r + 1]`. `totals` are bytes by category.
    """

    step: int
    first: int
    held: Column
    totals: tuple[int, ...]
    unread: int
    parent: Column
    node: Column
    bytes: Column
    saved: Column
    freed: Column
    pieces: Column
    tensors: Column
    tensor: Column
    names: tuple[str, ...]
    paths: tuple[str, ...]
    tensor_names: tuple[str, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.held[0]) - 1

    @property
    def peak(self) -> int:
        """The first event after which most activations are kept."""
        return self.first + int(self.held[0].argmax())

    @property
    def peak_bytes(self) -> int:
        return int(self.held[0].max())

    def held_after(self, event: int) -> int:
        """Bytes of activations that are kept once `event` has happened; 0 outside of the step."""
        return int(self.held[0, event - self.first]) if self.first <= event <= self.last else 0


def pack(memory: StepMemory) -> tuple[object, ...]:
    """As what the desk can send."""
    numbers = {name: packed(getattr(memory, name)) for name in ("held", *_NUMBERS)}
    texts = {name: "\n".join(getattr(memory, name)) for name in _TEXTS}
    return (memory.step, memory.first, memory.totals, memory.unread, numbers, texts)


def unpack(sent: tuple[object, ...]) -> StepMemory:
    """Back from `pack`. Raises ValueError for anything else."""
    try:
        step, first, totals, unread, numbers, texts = sent
        columns = {name: unpacked(text) for name, text in dict(numbers).items()}  # type: ignore[call-overload]
        columns["held"] = columns["held"].reshape(len(CATEGORIES), -1)
        names = {name: tuple(text.split("\n")) if text else () for name, text in dict(texts).items()}  # type: ignore[call-overload]
        return StepMemory(step, first, totals=totals, unread=unread, **columns, **names)  # type: ignore[arg-type]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"not the memory of a step: {error}") from error


def step_memory(recording: Recording, step: int) -> StepMemory:
    """What a step keeps. Raises RecordingError."""
    curve = memory_curve(recording, step)
    with recording.held():
        graphs = [graph.id for graph in recording.graphs if graph.step == step]
        nodes = {node.id: node for graph in graphs for node in recording.nodes(graph)}
    return _columns(curve, _Tree(curve, nodes).rows)


@dataclass
class _Row:
    """A module, or one node; `pieces` are indices of what it keeps."""

    number: int
    parent: int
    name: str
    path: str
    node: int | None = None
    children: list[int] = field(default_factory=list)
    pieces: set[int] = field(default_factory=set)


class _Tree:
    """Modules within modules, with the nodes that keep something; a module that is one node is that node's row."""

    def __init__(self, curve: MemoryCurve, nodes: Mapping[int, Node]) -> None:
        self._curve = curve
        self._nodes = nodes
        self._labels = Labels(nodes.values())
        self._rows = [_Row(ROOT, -1, "", "")]
        self._modules: dict[str, int] = {"": ROOT}
        self._add_nodes()
        for row in reversed(self._rows):  # the innermost first
            row.children = [self._joined(child) for child in row.children]
        self.rows = list(self._in_order())

    def _add_nodes(self) -> None:
        kept: dict[int, set[int]] = {}
        for node, pieces in self._curve.pieces_of.items():
            mine = {index for index in pieces if self._curve.pieces[index].category == "activation"}
            if mine:
                kept[node] = mine
        for node in sorted(kept, key=self._order):
            row = self._nodes[node]
            number = self._add(self._module(row.module), self._labels.title(row), row.module, node)
            while number >= 0:
                self._rows[number].pieces |= kept[node]
                number = self._rows[number].parent

    def _order(self, node: int) -> tuple[int, int]:
        event = self._nodes[node].forward_event
        return (-1 if event is None else event, node)

    def _module(self, path: str) -> int:
        """The row of a module, made with those around it."""
        missing = []
        while path not in self._modules:
            missing.append(path)
            path = path.rpartition(".")[0]
        parent = self._modules[path]
        for inner in reversed(missing):
            parent = self._add(parent, inner.rpartition(".")[2], inner)
            self._modules[inner] = parent
        return parent

    def _add(self, parent: int, name: str, path: str, node: int | None = None) -> int:
        row = _Row(len(self._rows), parent, name, path, node)
        self._rows.append(row)
        self._rows[parent].children.append(row.number)
        return row.number

    def _joined(self, number: int) -> int:
        """The row itself, or, for a module with a single node and nothing else, that node's."""
        row = self._rows[number]
        if row.node is not None or len(row.children) != 1 or self._rows[row.children[0]].node is None:
            return number
        node = self._rows[row.children[0]]
        between = " · " if node.path == row.path else "."
        node.name = row.name + between + node.name.removeprefix(f"{row.path} · ")
        return node.number

    def _in_order(self) -> Iterable[_Row]:
        """What is left of the rows, numbered anew, each after its parent."""
        waiting = [(ROOT, -1)]
        for count, (number, parent) in enumerate(waiting):
            row = self._rows[number]
            row.number, row.parent = count, parent
            waiting += [(child, count) for child in row.children]
            yield row


def _columns(curve: MemoryCurve, rows: list[_Row]) -> StepMemory:
    tensors, found = [0], list[Holder]()
    for row in rows:
        found += [holder for index in sorted(row.pieces) if row.node is not None
                  for holder in curve.pieces[index].holders
                  if holder.node == row.node and holder.tensor is not None]  # fmt: skip
        tensors.append(len(found))
    times = [_times(curve, row) for row in rows]
    return StepMemory(
        curve.step,
        curve.first,
        np.stack([curve.held(category) for category in CATEGORIES]),
        tuple(curve.total(category) for category in CATEGORIES),
        len(curve.unread),
        np.array([row.parent for row in rows], np.int64),
        np.array([NO_NODE if row.node is None else row.node for row in rows], np.int64),
        np.array([sum(curve.pieces[index].bytes for index in row.pieces) for row in rows], np.int64),
        np.array([saved for saved, _ in times], np.int64),
        np.array([freed for _, freed in times], np.int64),
        np.array([len(row.pieces) for row in rows], np.int64),
        np.array(tensors, np.int64),
        np.array([holder.tensor for holder in found], np.int64),
        tuple(row.name.replace("\n", " ") for row in rows),
        tuple(row.path.replace("\n", " ") for row in rows),
        tuple(holder.name.replace("\n", " ") for holder in found),
    )


def _times(curve: MemoryCurve, row: _Row) -> tuple[int, int]:
    """When the first of a row's pieces was saved, and when the last is freed."""
    pieces = [curve.pieces[index] for index in row.pieces]
    ends = [piece.freed for piece in pieces]
    freed = STAYS if None in ends else max((end for end in ends if end is not None), default=curve.first)
    return min((piece.saved for piece in pieces), default=curve.first), freed
