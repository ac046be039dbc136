"""Walks the `grad_fn` chains of a backward pass and writes down its nodes and edges."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from engine.capture.guard import Quiet
from engine.capture.measure import byte_size, dtype_name
from engine.capture.operations import ALIAS, REMADE, Input, Operation
from engine.capture.plain import plain_value
from engine.recording.measurement import Content
from engine.recording.model import KEPT_BY_HOOKS, Edge, Graph, GraphKind, Node, Row, Shape

if TYPE_CHECKING:
    from engine.capture.recorder import Recorder

DATA_SLOT = 1000
_SAVED_NAMES: dict[type, tuple[tuple[str, str], ...]] = {}  # "_saved_self", and "_raw_saved_self" if it is a tensor
_STAND_INS = ": what the forward had stands in for them"
_UNREAD = " (checkpointing or offloading) and were not read"


@dataclass(slots=True)
class GraphNode:
    """A live `grad_fn` and what the recording calls it."""

    id: int
    fn: Any
    type: str
    variable: torch.Tensor | None
    outputs: list[tuple[Shape, str]] = field(default_factory=list)  # shape and dtype of what its forward gave
    parameter: int | None = None
    operation: Operation | None = None
    forward_event: int | None = None
    saved: list[tuple[str, int, int]] = field(default_factory=list)  # (name, slot, tensor)
    hooked: tuple[str, ...] = ()  # names of those that hooks keep
    info: dict[str, Any] = field(default_factory=dict)


def walk(roots: Iterable[Any]) -> list[Any]:
    """Every node reachable from `roots` through `next_functions`, roots first, each once."""
    seen = dict.fromkeys(roots)
    stack = list(seen)
    while stack:
        for child, _ in stack.pop().next_functions:
            if child is not None and child not in seen:
                seen[child] = None
                stack.append(child)
    return list(seen)


def type_name(fn: Any) -> str:
    """torch's name for the node without its C++ namespace: "AddmmBackward0"."""
    return str(fn.name()).rsplit("::", 1)[-1]


def output_metadata(fn: Any) -> list[tuple[Shape, str]]:
    """Shape and dtype of each forward output, that is, of each gradient that enters the node."""
    try:
        return [(tuple(int(n) for n in entry.shape), dtype_name(entry.dtype)) for entry in fn._input_metadata]
    except (AttributeError, RuntimeError):
        return []


def read_saved(recorder: Recorder, node: GraphNode) -> None:
    """Values that the node kept from its forward. The engine frees them once the node has run: read before."""
    plain: dict[str, Any] = {}
    size = 0
    for name, value in _saved_items(node):
        members = value if isinstance(value, list | tuple) and _has_tensor(value) else (value,)
        for slot, member in enumerate(members):
            if isinstance(member, torch.Tensor):
                node.saved.append((name, slot, recorder.store.take(member)))
                size += byte_size(member)
            elif (item := plain_value(member)) is not None:
                plain[name] = item
    if plain:
        node.info["saved"] = plain
    if size:
        node.info["saved_bytes"] = size
    operation = node.operation
    # A write to a view shows nothing of what it saved.
    if node.hooked or (node.type == "CopySlices" and operation is not None and operation.hooked):
        stand_ins = any(operand.name in node.hooked for operand in (operation.operands if operation else ()))
        node.info["note"] = KEPT_BY_HOOKS + (_STAND_INS if stand_ins else _UNREAD)


def _has_tensor(values: Sequence[Any]) -> bool:
    return any(isinstance(value, torch.Tensor) for value in values)


def _saved_items(node: GraphNode) -> Iterable[tuple[str, Any]]:
    fn = node.fn
    kind = type(fn)
    if kind not in _SAVED_NAMES:
        names = [name for name in dir(kind) if name.startswith("_saved_")]
        _SAVED_NAMES[kind] = tuple((name, f"_raw{name}" if hasattr(kind, f"_raw{name}") else "") for name in names)
    attributes: tuple[tuple[str, str], ...] = _SAVED_NAMES[kind]
    if isinstance(fn, torch.autograd.function.BackwardCFunction):
        yield from vars(fn).items()
        attributes = (("saved_tensors", "_raw_saved_tensors"),)
    for name, raw in attributes:
        try:
            if raw and _is_hooked(getattr(fn, raw)):
                node.hooked += (name.removeprefix("_saved_"),)
            else:
                yield name.removeprefix("_saved_"), getattr(fn, name)
        except RuntimeError as error:
            node.info["note"] = f"{name} could not be read: {str(error).splitlines()[0]}"


def _is_hooked(raw: Any) -> bool:
    """Whether a hook keeps a saved tensor, or one of several. To read it would call the hook once more than without."""
    if isinstance(raw, tuple):
        return any(each.unpack_hook is not None for each in raw)
    return raw.unpack_hook is not None


class GraphWriter:
    """Writes one backward pass's graph and the forward events that led to it."""

    def __init__(self, recorder: Recorder, graph: int) -> None:
        self._recorder = recorder
        self.graph = graph
        self.nodes: dict[Any, GraphNode] = {}

    def write(self, roots: Sequence[Any], kind: GraphKind, loss: float | None) -> None:
        """Nodes, edges and graph go to the recording, then the forward events in the order in which they ran."""
        recorder = self._recorder
        for fn in walk(roots):
            self.nodes[fn] = GraphNode(recorder.new_node(), fn, type_name(fn), getattr(fn, "variable", None))
        names = self._variable_names()
        forwards = []
        for node in self.nodes.values():
            if node.variable is not None:
                node.parameter = recorder.parameter(node.variable)
                continue
            number = node.fn._sequence_nr()
            node.outputs = output_metadata(node.fn)
            node.operation = recorder.operations.find(number, node.type, node.outputs)
            node.forward_event = recorder.operations.claimed.get(number)
            if node.forward_event is None:
                forwards.append((number, node))
            with Quiet():
                read_saved(recorder, node)
        forwards.sort(key=lambda pair: pair[0])
        for _, node in forwards:
            if node.operation is None:
                node.operation = self._unseen(node)
        with recorder.lock:  # no event of another thread comes between
            first = recorder.next_event
            for offset, (number, node) in enumerate(forwards):
                node.forward_event = recorder.operations.claimed[number] = first + offset
            self._put_rows(names)
            recorder.put(Graph(self.graph, recorder.step, kind, self.nodes[roots[0]].id, loss))
            for _, node in forwards:
                self._forward_event(node)

    def _unseen(self, node: GraphNode) -> Operation | None:
        """Of a node that no operator made: a view through which somebody has written, a tensor in another class."""
        operations = self._recorder.operations
        fn: Any = node.fn
        base, output = fn.next_functions[0] if node.type in (REMADE, ALIAS) else (None, 0)
        if base is None or base not in self.nodes:
            return None
        if node.type == REMADE:
            geometry = [list(fn._saved_size), list(fn._saved_stride), fn._saved_storage_offset]
            return operations.rest_of_write(base._sequence_nr(), geometry) if type_name(base) == "CopySlices" else None
        made = self.nodes[base].operation
        return None if made is None else operations.alias_of(made, base._sequence_nr(), output, fn._sequence_nr())

    def _variable_names(self) -> dict[int, str]:
        """Names of the tensors in the user's frames, by the identity of their `grad_fn`."""
        found: dict[int, str] = {}
        with Quiet():
            for name, tensor in self._recorder.names.variables():
                fn = tensor.grad_fn
                if fn is not None and fn in self.nodes:
                    found.setdefault(id(fn), name)
        return found

    def _put_rows(self, names: Mapping[int, str]) -> None:
        rows: list[Row | Content] = []
        data: dict[tuple[int, str], int] = {}
        for node in self.nodes.values():
            rows.append(self._row(node, names))
            for slot, (child, input_number) in enumerate(node.fn.next_functions):
                if child is not None:
                    rows.append(Edge(self.graph, node.id, slot, self.nodes[child].id, input_number))
            for item in node.operation.inputs if node.operation else ():
                key = (item.tensor, item.name)
                if key not in data:
                    data[key] = self._recorder.new_node()
                    rows += self._data_leaf(data[key], item, node.forward_event)
                rows.append(Edge(self.graph, node.id, DATA_SLOT + item.slot, data[key], 0))
        self._recorder.put(*rows)

    def _data_leaf(self, number: int, item: Input, forward_event: int | None) -> list[Row | Content]:
        """Rows for an input that needs no gradient; its forward event is that of the operation that read it first."""
        node = Node(
            number,
            self.graph,
            "data",
            "Data",
            name=item.name,
            shape=item.shape,
            dtype=item.dtype,
            forward_event=forward_event,
            info={"tensor": item.tensor},
        )
        return [*self._recorder.store.referred(item.tensor), node]

    def _row(self, node: GraphNode, names: Mapping[int, str]) -> Node:
        if node.variable is not None and node.parameter is not None:
            leaf = self._recorder.parameters[node.parameter]
            return Node(
                node.id,
                self.graph,
                "parameter",
                node.type,
                name=leaf.name,
                module=leaf.module,
                shape=leaf.shape,
                dtype=leaf.dtype,
                parameter=leaf.id,
            )
        shape, dtype = node.outputs[0] if node.outputs else (None, None)
        operation = node.operation
        if len(node.outputs) > 1:
            node.info["outputs"] = [[list(size), kind] for size, kind in node.outputs]
        row = Node(
            node.id,
            self.graph,
            "operation",
            node.type,
            name=names.get(id(node.fn), ""),
            shape=shape,
            dtype=dtype,
            sequence_nr=node.fn._sequence_nr(),
            forward_event=node.forward_event,
            info=node.info,
        )
        return row if operation is None else self._with_operation(row, operation)

    def _with_operation(self, row: Node, operation: Operation) -> Node:
        place = operation.place
        info = dict(row.info)
        if operation.arguments:
            info["args"] = dict(operation.arguments)
        if operation.view is not None and row.type == "CopySlices":
            info["view"] = dict(operation.view)
        if operation.during_backward:
            info["during_backward"] = True
        if place is not None and place.library is not None:
            info["library"] = list(place.library)
        return Node(
            row.id,
            row.graph,
            row.kind,
            row.type,
            operation.operation,
            row.name or operation.name,
            operation.module,
            operation.module_type,
            self._recorder.source(place.path) if place else None,
            place.line if place else None,
            place.function if place else "",
            row.shape,
            row.dtype,
            row.sequence_nr,
            None,
            row.forward_event,
            info,
        )

    def _forward_event(self, node: GraphNode) -> None:
        operation = node.operation
        values: list[tuple[str, int, str, int]] = []
        if operation is not None:
            values += [("input", item.slot, item.name, item.tensor) for item in operation.inputs]
            # Of several results, those that gradients come back for; of a write to a view, the whole base.
            values += [
                ("output", slot, "", tensor)
                for slot, tensor, shape, dtype in self._recorder.operations.outputs(operation, node.fn._sequence_nr())
                if (shape, dtype) in node.outputs
            ]
            values += [
                ("operand", operand.slot, operand.name, operand.tensor)
                for operand in operation.operands
                if not operand.name or operand.name in node.hooked
            ]
            if operation.view is not None and operation.operands:
                values += [("written", slot, "", tensor) for slot, tensor, _, _ in operation.outputs]
        when = operation.time if operation is not None else time.time()
        event = self._recorder.event("forward", values, graph=self.graph, node=node.id, time=when)
        if operation is not None:
            operation.event = event
