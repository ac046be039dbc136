"""One training step as a recording has it: operations in order, gradients, updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.arithmetic.bounded import UNIT_ROUNDOFF
from engine.errors import UsageError
from engine.recording.model import Edge, Event, Node, Shape, Value
from engine.recording.reader import Recording
from engine.rules.values import DATA_SLOT

Array = npt.NDArray[Any]
Place = tuple[int, int]
"""An operation, by the number of its forward event, and one of its outputs."""

_REAL = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}


@dataclass(frozen=True)
class Operation:
    """A node with its tensors by number. `inputs`: by argument position; `edges`: by slot; `saved`: (name, index)."""

    node: Node
    edges: Mapping[int, Edge]
    inputs: Mapping[int, Value]
    outputs: Mapping[int, int]
    saved: Mapping[tuple[str, int], int]
    grad_outputs: Mapping[int, int]
    grad_inputs: Mapping[int, int]
    ran: int | None
    """The event of its backward."""

    @property
    def key(self) -> int:
        """One number for each forward run, even if two graphs contain it."""
        return self.node.id if self.node.forward_event is None else self.node.forward_event


@dataclass(frozen=True)
class Pass:
    """One backward pass: `operations` in the order in which they ran forwards."""

    graph: int
    operations: tuple[Operation, ...]
    nodes: Mapping[int, Node]
    accumulated: Mapping[int, Event]

    @property
    def backward(self) -> tuple[Operation, ...]:
        """Those that ran, in the order in which they ran backwards."""
        ran = [operation for operation in self.operations if operation.ran is not None]
        return tuple(sorted(ran, key=lambda operation: operation.ran or 0))


@dataclass(frozen=True)
class TrainingStep:
    """What a program is written from."""

    recording: Recording
    index: int
    passes: tuple[Pass, ...]
    updates: tuple[Event, ...]

    def array(self, tensor: int) -> Array:
        """All elements. Raises UsageError if they were not kept."""
        found = self.recording.tensor(tensor)
        data = self.recording.data(tensor) if found.level == "full" else None
        if data is None or data.shape != found.shape:
            raise UsageError(
                f"{self.recording.path} does not have every element of what training step {self.index} computed with: "
                "record it again with `--tensors full`, and with a larger `--budget` if it was full already."
            )
        return data

    def kept(self, tensor: int) -> Array | None:
        """The same, or None if they were not kept."""
        return self.recording.data(tensor) if self.recording.tensor(tensor).level == "full" else None

    def shape(self, tensor: int) -> Shape:
        return self.recording.tensor(tensor).shape

    def dtype(self, tensor: int) -> str:
        return self.recording.tensor(tensor).dtype

    def values(self, event: Event) -> Mapping[tuple[str, int, str], int]:
        """Tensors of an event by (role, slot, name)."""
        return {(value.role, value.slot, value.name): value.tensor for value in self.recording.values(event.id)}

    def coarsest(self) -> str:
        """The real dtype with the largest unit roundoff among those that the step was computed in."""
        found = {operation.node.dtype or "" for each in self.passes for operation in each.operations}
        found |= {parameter.dtype for parameter in self.recording.parameters}
        real = {_REAL.get(dtype, dtype) for dtype in found}
        return max(real & set(UNIT_ROUNDOFF), key=lambda dtype: UNIT_ROUNDOFF[dtype], default="float32")


def read_step(recording: Recording, index: int) -> TrainingStep:
    """Training step `index`. Raises UsageError if it has no backward pass, or no elements were kept."""
    graphs = [graph for graph in recording.graphs if graph.step == index]
    if not graphs:
        raise UsageError(f"training step {index} has no backward pass, so there is nothing to do by hand.")
    if recording.info.tensors != "full":
        raise UsageError(
            f"{recording.path} was recorded with `--tensors {recording.info.tensors}`: a program needs every element. "
            "Record it again with `--tensors full`."
        )
    passes = tuple(_read_pass(recording, graph.id) for graph in graphs)
    if not any(operation.ran is not None for one in passes for operation in one.operations) and not any(
        one.accumulated for one in passes
    ):
        raise UsageError(f"the backward pass of training step {index} did not run to any parameter.")
    first, last = recording.timeline.step_bounds(index)
    kinds = np.flatnonzero(recording.timeline.kind[first : last + 1] == 3) + first
    updates = tuple(recording.event(int(number)) for number in kinds)
    return TrainingStep(recording, index, passes, updates)


def _read_pass(recording: Recording, graph: int) -> Pass:
    nodes = {node.id: node for node in recording.nodes(graph)}
    edges: dict[int, dict[int, Edge]] = {}
    for edge in recording.edges(graph):
        if edge.slot < DATA_SLOT:
            edges.setdefault(edge.source, {})[edge.slot] = edge
    backward = recording.timeline.backward_event(graph)
    operations = [
        _read_operation(recording, node, edges.get(node.id, {}), backward.get(node.id))
        for node in nodes.values()
        if node.kind == "operation"
    ]
    operations.sort(key=lambda operation: (operation.key, operation.node.id))
    accumulated = {
        node: recording.event(event) for node, event in sorted(recording.timeline.accumulate_event(graph).items())
    }
    return Pass(graph, tuple(operations), nodes, accumulated)


def _read_operation(recording: Recording, node: Node, edges: Mapping[int, Edge], ran: int | None) -> Operation:
    forward = () if node.forward_event is None else recording.values(node.forward_event)
    backward = () if ran is None else recording.values(ran)

    def by_slot(values: tuple[Value, ...], role: str) -> dict[int, int]:
        return {value.slot: value.tensor for value in values if value.role == role}

    return Operation(
        node,
        edges,
        {value.slot: value for value in forward if value.role == "input"},
        by_slot(forward, "output"),
        {(value.name, value.slot): value.tensor for value in backward if value.role == "saved"},
        by_slot(backward, "grad_output"),
        by_slot(backward, "grad_input"),
        ran,
    )
