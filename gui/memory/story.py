"""What the panel tells of a training step: the curve, and a tree of modules and nodes. Made outside the UI thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from engine.recording.model import Node, Phase
from gui.proof.worker import Desk

if TYPE_CHECKING:
    from engine.graph.memory import Bytes, MemoryCurve

ROOT = 0


@dataclass
class Row:
    """A module, or one node (`node`); `pieces` are indices of what it keeps, `name` is what stands below its parent.

    `saved` and `freed` are event ids, `freed` None if it stays; `bytes` counts what several of its nodes keep once.
    """

    number: int
    parent: int
    name: str
    path: str = ""
    node: int | None = None
    children: list[int] = field(default_factory=list)
    pieces: set[int] = field(default_factory=set)
    bytes: int = 0
    saved: int = 0
    freed: int | None = None


@dataclass(frozen=True)
class Story:
    """One training step. `rows[ROOT]` stands above all; `spans` are its phases, each with its first and last event."""

    curve: MemoryCurve
    held: Bytes
    spans: tuple[tuple[Phase, int, int], ...]
    rows: tuple[Row, ...]

    @cached_property
    def row_of(self) -> dict[int, int]:
        """Node → number of its row."""
        return {row.node: row.number for row in self.rows if row.node is not None}

    def held_after(self, event: int) -> int:
        """Bytes that are kept once `event` has happened; 0 outside of the step."""
        place = event - self.curve.first
        return int(self.held[place]) if 0 <= place < len(self.held) else 0


def read(desk: Desk, step: int) -> Story:
    """Raises RecordingError."""
    from engine.graph.memory import memory_curve  # here: the window does not wait for it

    recording = desk.recording
    recording.refresh()
    curve = memory_curve(recording, step)
    with recording.held():
        graphs = [graph.id for graph in recording.graphs if graph.step == step]
        nodes = {node.id: node for graph in graphs for node in recording.nodes(graph)}
    return Story(curve, curve.held(), recording.timeline.phase_spans(step), tuple(_Tree(curve, nodes).rows))


class _Tree:
    """Modules within modules, with the nodes that keep something; a module that is one node is that node's row."""

    def __init__(self, curve: MemoryCurve, nodes: dict[int, Node]) -> None:
        from engine.graph.labels import Labels

        self._curve = curve
        self._nodes = nodes
        self._labels = Labels(nodes.values())
        self.rows = [Row(ROOT, -1, "")]
        self._modules: dict[str, int] = {"": ROOT}
        self._add_nodes()
        self._join_single()
        for row in self.rows:
            self._measure(row)

    def _add_nodes(self) -> None:
        kept: dict[int, set[int]] = {}
        for node, pieces in self._curve.pieces_of.items():
            mine = {index for index in pieces if self._curve.pieces[index].category == "activation"}
            if mine:
                kept[node] = mine
        for node in sorted(kept, key=self._order):
            parent = self._module(self._nodes[node].module)
            number = self._row(parent, self._labels.title(self._nodes[node]), self._nodes[node].module, node).number
            while number >= 0:
                self.rows[number].pieces |= kept[node]
                number = self.rows[number].parent

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
            parent = self._row(parent, inner.rpartition(".")[2], inner).number
            self._modules[inner] = parent
        return parent

    def _row(self, parent: int, name: str, path: str, node: int | None = None) -> Row:
        row = Row(len(self.rows), parent, name, path, node)
        self.rows.append(row)
        self.rows[parent].children.append(row.number)
        return row

    def _join_single(self) -> None:
        for row in reversed(self.rows):  # the innermost first
            row.children = [self._only(child) for child in row.children]
            for child in row.children:
                self.rows[child].parent = row.number

    def _only(self, number: int) -> int:
        """The row itself, or, for a module with a single node and nothing else, that node's."""
        row = self.rows[number]
        if row.node is None and len(row.children) == 1 and self.rows[row.children[0]].node is not None:
            node = self.rows[row.children[0]]
            between = " · " if node.path == row.path else "."
            row.children = []  # no longer part of the tree
            node.name = row.name + between + node.name.removeprefix(f"{row.path} · ")
            return node.number
        return number

    def _measure(self, row: Row) -> None:
        pieces = [self._curve.pieces[index] for index in row.pieces]
        row.bytes = sum(piece.bytes for piece in pieces)
        row.saved = min((piece.saved for piece in pieces), default=self._curve.first)
        ends = [piece.freed for piece in pieces]
        row.freed = None if None in ends else max((end for end in ends if end is not None), default=self._curve.last)
