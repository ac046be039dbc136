"""From a recording to what rules take: the values of a node, and the gradients that meet at one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from engine.arithmetic.bounded import Floats
from engine.recording.model import KEPT_BY_HOOKS, Edge, Event, Node, Shape, Value
from engine.recording.reader import Recording
from engine.rules.values import DATA_SLOT, NodeValues

OTHER_VALUES = "hooks, or checkpointing, may have given backward other values than the forward had"


@dataclass(frozen=True)
class Contribution:
    """A gradient on its way to a node: `tensor` is what left `node` for its input `slot`."""

    node: int
    slot: int
    tensor: int


@dataclass
class GraphValues:
    """One backward pass as rules see it. Tensors are read when they are asked for, and kept only within `kept()`."""

    recording: Recording
    graph: int
    _tensors: dict[int, Floats | None] = field(default_factory=dict)
    _keeping: bool = False

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that run in the backward pass: operations and parameters, without data leaves."""
        return tuple(node for node in self.recording.nodes(self.graph) if node.kind != "data")

    @cached_property
    def _backward(self) -> Mapping[int, int]:
        return self.recording.timeline.backward_event(self.graph)

    @cached_property
    def _accumulate(self) -> Mapping[int, int]:
        return self.recording.timeline.accumulate_event(self.graph)

    @cached_property
    def _edges_of(self) -> Mapping[int, tuple[Edge, ...]]:
        found: dict[int, list[Edge]] = {}
        for edge in self.recording.edges(self.graph):
            if edge.slot < DATA_SLOT:
                found.setdefault(edge.source, []).append(edge)
        return {node: tuple(edges) for node, edges in found.items()}

    @cached_property
    def _edges_to(self) -> Mapping[tuple[int, int], tuple[Edge, ...]]:
        found: dict[tuple[int, int], list[Edge]] = {}
        for edge in self.recording.edges(self.graph):
            if edge.slot < DATA_SLOT:
                found.setdefault((edge.target, edge.input_number), []).append(edge)
        return {place: tuple(edges) for place, edges in found.items()}

    def event_of(self, node: Node) -> Event | None:
        """The event in which the node ran, or None if it did not run."""
        events = self._accumulate if node.kind == "parameter" else self._backward
        number = events.get(node.id)
        return None if number is None else self.recording.event(number)

    def edges_of(self, node: Node) -> tuple[Edge, ...]:
        """Links to the nodes that its gradients go to, by slot."""
        return self._edges_of.get(node.id, ())

    def values(self, node: Node, *, plain: bool = False) -> NodeValues | None:
        """What the rule of an operation sees, or None if the node did not run. `plain`: arrays instead of bounds."""
        event = self.event_of(node)
        if event is None:
            return None
        tensors = _by_role(self.recording.values(event.id))
        if node.forward_event is not None:
            tensors = _by_role(self.recording.values(node.forward_event)) | tensors
        slots = tuple(edge.slot for edge in self.edges_of(node))
        return NodeValues(self._as_called(node), tensors, self.data, self.describe, edges=slots, plain=plain)

    def _as_called(self, node: Node) -> Node:
        """After a write into a part, autograd makes the view of that part anew, by a node that no operator was called
        for: of the tensor that it is a view of, the write knows the geometry."""
        if node.type != "AsStridedBackward0" or "self_geometry" in node.info.get("args", {}):
            return node
        for edge in self.edges_of(node):
            written = self.recording.node(edge.target).info.get("view")
            if written is not None:
                args = node.info.get("args", {}) | {"self_geometry": written["base"]}
                return node._replace(info={**node.info, "args": args})
        return node

    def contributions(self, node: Node, input_number: int) -> tuple[Contribution, ...]:
        """What other nodes sent to output `input_number` of this one, in the order in which autograd added it."""
        edges = [edge for edge in self._edges_to.get((node.id, input_number), ()) if edge.source in self._backward]
        return tuple(
            Contribution(edge.source, edge.slot, value.tensor)
            for edge in sorted(edges, key=lambda edge: (self._backward[edge.source], edge.slot))
            for value in self.recording.values(self._backward[edge.source])
            if value.role == "grad_input" and value.slot == edge.slot
        )

    def input_name(self, node: Node, position: int) -> str:
        """The user's name for the tensor at argument `position`, which needs no gradient; "" if it has none."""
        for value in self.recording.values(node.forward_event) if node.forward_event is not None else ():
            if value.role == "input" and value.slot == position:
                return value.name
        return ""

    def describe(self, tensor: int) -> tuple[Shape, str]:
        """Shape and dtype of a recorded tensor."""
        found = self.recording.tensor(tensor)
        return found.shape, found.dtype

    def data(self, tensor: int) -> Floats | None:
        """All elements of a recorded tensor, or None if they were not kept in full."""
        if tensor in self._tensors:
            return self._tensors[tensor]
        found = self.recording.data(tensor) if self.recording.tensor(tensor).level == "full" else None
        if self._keeping:
            self._tensors[tensor] = found
        return found

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Read each tensor once while this lasts."""
        self._keeping = True
        try:
            yield
        finally:
            self._keeping = False
            self._tensors.clear()


def kept_by_hooks(node: Node) -> bool:
    """Whether hooks keep what the node saves, as in checkpointing: what the forward had stands in for it.

    It may be another: a hook may give back what it likes, or the tensor may have been written to since. So where what
    is computed with it is not what autograd computed, nothing is known.
    """
    return str(node.info.get("note", "")).startswith(KEPT_BY_HOOKS)


def _by_role(values: tuple[Value, ...]) -> dict[tuple[str, int, str], int]:
    """Inputs keep their argument number only: their names are the user's. Operands with names stand in for saved."""
    return {
        (
            "saved" if value.role == "operand" and value.name else value.role,
            value.slot,
            "" if value.role in ("input", "output") else value.name,
        ): value.tensor
        for value in values
    }
