"""Which tensors of a training step lie in the same memory.

The recording knows contents, not memory: a tensor's number stands for one place (storage, offset, shape, strides,
dtype) at one version, as it was while the step ran. Two meetings of the same tensor have the same number; a view has
another than its base. So a tensor is followed to the operation that put it out, and on through views and in-place
operations, along the edges, to the operation, parameter or input whose memory it is.

Views of what was written to before (all parameters were, when they were initialized) have another number where they are
made than where they are saved, and tensors without readable memory have one for each meeting. Those are found at the
edges of the node that saved them, by shape and dtype.

A tensor that needs no gradient is an input if it had a name when an operation read it (a buffer's, a variable's), or
the very same elements as one that had, of which it is taken to be a view. Without a name it was made for this one
operation, like the mask of a dropout, and would be gone if it were not saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from engine import pace
from engine.recording import decode, dtypes
from engine.recording.model import Edge, Node, Shape
from engine.recording.reader import Recording

Category = Literal["activation", "parameter", "input"]
CATEGORIES: tuple[Category, ...] = ("activation", "parameter", "input")

DATA_SLOT = 1000  # edges to data leaves begin here
# Operators whose results lie in the memory of their first argument, whether autograd calls them views or not.
VIEWS = frozenset(
    {"_conj", "_neg_view", "_reshape_alias", "_unsafe_view", "alias", "as_strided", "detach", "diagonal", "expand",
     "lift_fresh", "permute", "select", "slice", "split", "split_with_sizes", "squeeze", "t", "transpose", "unbind",
     "unfold", "unsafe_split", "unsafe_split_with_sizes", "unsqueeze", "view", "view_as_complex", "view_as_real"}
)  # fmt: skip
# Of two arguments that look the same, saved under these names: the later one.
_LATER = frozenset({"other", "mat2", "batch2", "tensor2", "vec", "vec2", "weight", "exponent", "key", "value"})
_RESULT = re.compile(r"result(\d?)")
_COMPARED = 4 * 2**20  # bytes up to which the elements of two tensors are compared
_BUFFERS = ("running_mean", "running_var")  # batch norm writes to them after it has read them, so they change numbers
_VALUES = (
    "SELECT value.event, value.role, value.slot, value.name, value.tensor FROM value"
    " WHERE value.event BETWEEN ? AND ? AND value.role IN ('input', 'output', 'saved', 'param_before')"
)
_SIZES = (
    "SELECT DISTINCT tensor.id, tensor.shape, tensor.dtype, tensor.norm IS NULL AND tensor.nans + tensor.infs = 0,"
    " tensor.device, min, max, mean, std, norm, zeros, nans, infs FROM value JOIN tensor ON tensor.id = value.tensor"
    " WHERE value.event BETWEEN ? AND ? AND value.role IN ('input', 'saved')"
)


class Storage(NamedTuple):
    """Memory, by what it belongs to. `owner`: of "node" a forward event (`part` is the number of its output), of
    "parameter" a parameter, of "input" and "made" (for one operation, or by it) a tensor.
    """

    kind: Literal["node", "parameter", "input", "made"]
    owner: int
    part: int = 0


class SavedTensor(NamedTuple):
    """What one node kept under torch's `name` (`slot`: its place, where the name stands for a list)."""

    name: str
    slot: int
    tensor: int


@dataclass
class Tensors:
    """What some events say of tensors: sizes are of those that were saved or went in without needing a gradient."""

    saved: dict[int, list[SavedTensor]] = field(default_factory=dict)  # by event
    outputs: dict[int, tuple[int, int]] = field(default_factory=dict)  # tensor → (forward event, output number)
    inputs: dict[int, str] = field(default_factory=dict)  # tensor → name
    parameters: dict[int, int] = field(default_factory=dict)  # tensor → event that is of the parameter
    sizes: dict[int, tuple[Shape, str]] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)  # every meeting of these has a number of its own
    statistics: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    def read(self, recording: Recording, first: int, last: int) -> None:
        """Add events `first` to `last`."""
        with recording.apart() as connection:
            for event, role, slot, name, tensor in pace.rows(connection.execute(_VALUES, (first, last))):
                if role == "saved":
                    saved = SavedTensor(decode.text(name), decode.integer(slot), decode.integer(tensor))
                    self.saved.setdefault(event, []).append(saved)
                elif role == "output":
                    self.outputs.setdefault(decode.integer(tensor), (event, decode.integer(slot)))
                elif role == "input":
                    self.inputs[decode.integer(tensor)] = self.inputs.get(tensor) or decode.text(name)
                else:
                    self.parameters.setdefault(decode.integer(tensor), event)
            sizes = connection.execute(_SIZES, (first, last))
            for tensor, shape, dtype, unreadable, *statistics in pace.rows(sizes):
                self.sizes[decode.integer(tensor)] = size = (decode.shape(shape), decode.text(dtype))
                if unreadable:
                    self.unreadable.add(tensor)
                elif statistics[1] != statistics[2]:  # all elements the same says nothing
                    self.statistics[tensor] = (nbytes(*size), dtype, *statistics)

    def named(self) -> dict[tuple[Any, ...], int]:
        """Statistics → an input that has them, and a name."""
        return {self.statistics[tensor]: tensor for tensor, name in reversed(self.inputs.items()) if name
                and tensor in self.statistics}  # fmt: skip


@lru_cache(maxsize=4096)  # a recording has few different shapes
def nbytes(shape: Shape, dtype: str) -> int:
    """Bytes of so many elements, without gaps; 0 if the dtype is not known."""
    if dtype not in dtypes.NAMES:
        return 0
    count = dtypes.itemsize(dtype)
    for length in shape:
        count *= length
    return count


class Storages:
    """Finds the memory of what the nodes of some graphs of one step saved."""

    def __init__(self, recording: Recording, tensors: Tensors, graphs: Iterable[int]) -> None:
        self._recording = recording
        self._tensors = tensors
        self._nodes: dict[int, Node] = {}
        self._made_by: dict[int, int] = {}  # forward event → a node of it
        self._named = tensors.named()
        self._edges: dict[int, list[Edge]] = {}  # of a node, those of its arguments, then those to data leaves
        for graph in graphs:
            self._add(graph)

    def _add(self, graph: int) -> None:
        for node in pace.gently(self._recording.nodes(graph)):
            self._nodes[node.id] = node
            if node.kind == "operation" and node.forward_event is not None:
                self._made_by.setdefault(node.forward_event, node.id)
        for edge in pace.gently(self._recording.edges(graph)):
            self._edges.setdefault(edge.source, []).append(edge)

    def of(self, node: Node, saved: Sequence[SavedTensor]) -> list[Storage]:
        """The memory of each tensor that `node` saved."""
        found: list[Storage] = []
        for tensor in saved:
            known = self._met_before(tensor) or self._own(node, tensor) or self._argument(node, tensor, found)
            found.append(known or Storage("made", tensor.tensor))
        return found

    def _met_before(self, saved: SavedTensor) -> Storage | None:
        """By the tensor's number."""
        made = self._tensors.outputs.get(saved.tensor)
        if made is not None:
            maker = self._made_by.get(made[0])
            return Storage("node", *made) if maker is None else self._of_output(maker, made[1])
        event = self._tensors.parameters.get(saved.tensor)
        if event is not None and (parameter := int(self._recording.timeline.parameter[event])) >= 0:
            return Storage("parameter", parameter)
        if saved.tensor in self._tensors.inputs:
            return self._input(saved.tensor)
        return Storage("input", saved.tensor) if saved.name in _BUFFERS else None

    def _input(self, tensor: int) -> Storage:
        """A tensor that needs no gradient."""
        if self._tensors.inputs.get(tensor):
            return Storage("input", tensor)
        base = self._named.get(self._tensors.statistics.get(tensor, ()))
        is_view = base is not None and self._may_be_view(tensor, base)
        return Storage("input", base) if base is not None and is_view else Storage("made", tensor)

    def _may_be_view(self, tensor: int, base: int) -> bool:
        """Whether two tensors with the same elements can lie in the same memory: not if both shape and order differ."""
        (shape, dtype), (other, _) = self._tensors.sizes[tensor], self._tensors.sizes[base]
        if sorted(shape) == sorted(other) or nbytes(shape, dtype) > _COMPARED:
            return True
        mine, its = self._recording.data(tensor), self._recording.data(base)
        return mine is None or its is None or mine.size != its.size or mine.tobytes() == its.tobytes()

    def _own(self, node: Node, saved: SavedTensor) -> Storage | None:
        """A result of the node itself, which torch calls result, or result0 and so on; what an in-place operation
        overwrites, it clones first.
        """
        if saved.name == "self" and is_in_place(node):
            return Storage("made", saved.tensor)
        found = _RESULT.fullmatch(saved.name)
        if found is None:
            return None
        part = int(found[1] or 0)
        is_output = _output(node, part) == self._tensors.sizes.get(saved.tensor)
        return self._of_output(node.id, part) if is_output else Storage("made", saved.tensor)

    def _argument(self, node: Node, saved: SavedTensor, taken: Sequence[Storage]) -> Storage | None:
        """An argument of the same shape and dtype: a parameter, or a view; of unreadable tensors, any other too."""
        size, unreadable = self._tensors.sizes.get(saved.tensor), saved.tensor in self._tensors.unreadable
        found = []
        for edge in self._edges.get(node.id, ()):
            target = self._nodes[edge.target]
            alike = _output(target, edge.input_number) == size
            if alike and (
                unreadable or target.kind == "parameter" or (target.kind != "data" and shares_memory(target))
            ):
                found.append(self._of_output(edge.target, edge.input_number))
        if saved.name in _LATER:
            found.reverse()
        return next((storage for storage in found if storage not in taken), found[0] if found else None)

    def _of_output(self, node_id: int, part: int) -> Storage:
        """The memory of a node's output: followed through views and in-place operations."""
        seen = set()
        while True:
            node = self._nodes[node_id]
            if node.kind == "parameter" and node.parameter is not None:
                return Storage("parameter", node.parameter)
            if node.kind == "data":
                return self._input(int(node.info.get("tensor", -1)))
            edge = next((edge for edge in self._edges.get(node_id, ()) if edge.slot % DATA_SLOT == 0), None)
            if edge is None or node_id in seen or not shares_memory(node):
                return Storage("node", -1 if node.forward_event is None else node.forward_event, part)
            seen.add(node_id)
            node_id, part = edge.target, edge.input_number

    def bytes_of(self, storage: Storage, saved: SavedTensor) -> int:
        """Of the whole memory, where it is known what made it; else of the tensor itself."""
        if storage.kind == "parameter":
            parameter = self._recording.parameter(storage.owner)
            return nbytes(parameter.shape, parameter.dtype)
        if storage.kind == "node":
            maker = self._made_by.get(storage.owner)
            found = None if maker is None else _output(self._nodes[maker], storage.part)
            if found is not None:
                return nbytes(*found)
        size = self._tensors.sizes.get(storage.owner if storage.kind != "node" else saved.tensor)
        size = size or self._tensors.sizes.get(saved.tensor)
        return 0 if size is None else nbytes(*size)


def shares_memory(node: Node) -> bool:
    """Whether a node's results lie in the memory of its first argument: a view, or an in-place operation."""
    return node.type == "CopySlices" or is_in_place(node) or _operator(node) in VIEWS


def is_in_place(node: Node) -> bool:
    """Whether its operator overwrites its first argument: "aten.relu_"."""
    name = _operator(node)
    return name.endswith("_") and not name.endswith("__")


def _operator(node: Node) -> str:
    """ "aten.relu_.default" → "relu_"; of a function of the user's "", since that is only the last that ran inside."""
    parts = node.operation.split(".")
    return "" if node.type.endswith("Backward") else parts[1] if len(parts) > 1 else parts[0]


def category_of(storage: Storage) -> Category:
    """Parameters and inputs are there anyway; all other memory would be free if it were not saved."""
    kinds: dict[str, Category] = {"parameter": "parameter", "input": "input"}
    return kinds.get(storage.kind, "activation")


def _output(node: Node, part: int) -> tuple[Shape, str] | None:
    outputs = node.info.get("outputs")
    if isinstance(outputs, list) and part < len(outputs):
        shape, dtype = outputs[part]
        return tuple(shape), str(dtype)
    return None if node.shape is None or node.dtype is None or part else (node.shape, node.dtype)
