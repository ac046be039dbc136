"""Forward operations that have run and wait for the backward pass that they belong to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

from engine.capture.frames import Place
from engine.recording.model import Shape

_KEPT = 200_000
_CLAIMED = 5_000
_TOLD = 5_000
REMADE = "AsStridedBackward0"
ALIAS = "AliasBackward0"
_UNSEEN = (REMADE, ALIAS)  # torch may make these without an operator


@dataclass(slots=True)
class Input:
    """A tensor that went in and needs no gradient."""

    slot: int
    tensor: int
    name: str
    shape: Shape
    dtype: str


class Operand(NamedTuple):
    """A tensor that went in and may need a gradient, where the arithmetic of the node asks for it.

    With a `name` it went in, or came out, where hooks keep what the node saves under that name, and `slot` is its place
    in a list.
    """

    slot: int
    tensor: int
    name: str = ""


class Output(NamedTuple):
    """A tensor that came out."""

    slot: int
    tensor: int
    shape: Shape
    dtype: str


@dataclass(slots=True)
class Operation:
    """One operator call that made a node. `number` is the node's sequence number, as far as the call could tell."""

    number: int
    operation: str
    module: str
    module_type: str
    place: Place | None
    time: float
    during_backward: bool
    hooked: bool
    inputs: list[Input]
    arguments: Mapping[str, Any]
    operands: list[Operand] = field(default_factory=list)
    view: Mapping[str, Any] | None = None
    outputs: tuple[Output, ...] = ()
    name: str = ""
    event: int | None = None

    @property
    def stands_in(self) -> bool:
        """Whether the operands, which have names, stand in for what hooks keep for the node."""
        return bool(self.operands and self.operands[0].name)


class Operations:
    """The last 200,000 of them, by sequence number; several may have run under one number, or none.

    What a graph has claimed is kept as long as graphs meet it in each training step, and the last 5,000 beyond that: a
    long run would else keep all that it did in thousands of steps. `claimed` still tells their events.
    """

    def __init__(self) -> None:
        self._by_number: dict[int, list[Operation]] = {}
        self._order: deque[int] = deque()
        self._met: dict[int, int] = {}  # of those that a graph has claimed, the step in which one met them last
        self._steps = 0
        self._told: dict[int, dict[int, Output]] = {}
        self.claimed: dict[int, int | None] = {}

    def add(self, operation: Operation) -> None:
        bucket = self._by_number.get(operation.number)
        if bucket is not None:
            bucket.append(operation)
            return
        self._by_number[operation.number] = [operation]
        self._order.append(operation.number)
        if len(self._order) > _KEPT:
            oldest = self._order.popleft()
            self._by_number.pop(oldest, None)
            self._met.pop(oldest, None)
            self.claimed.pop(oldest, None)

    def end_step(self) -> None:
        """A training step is over: let go of what has not been met for long."""
        self._steps += 1
        for number in list(islice(self._met, max(len(self._met) - _CLAIMED, 0))):
            if self._met[number] >= self._steps - 1:
                break  # and so were all behind it
            del self._met[number]
            self._by_number.pop(number, None)

    def expect(self, number: int) -> None:
        """What the node with this number gives, only those will tell who read it: `gives`."""
        self._told[number] = {}
        if len(self._told) > _TOLD:
            del self._told[next(iter(self._told))]

    @property
    def expects(self) -> bool:
        """Whether there is any such node."""
        return bool(self._told)

    def gives(self, number: int, slot: int) -> bool:
        """Whether this is the number of such a node, of whose output `slot` nothing is known yet."""
        return slot not in self._told.get(number, {slot: None})

    def give(self, number: int, output: Output) -> None:
        """What came out of the node with this number."""
        self._told[number][output.slot] = output

    def outputs(self, operation: Operation, number: int) -> list[Output]:
        """What came out of an operation, of which the node has this number; of some only what was read."""
        view = operation.view
        is_part = view is not None and view["view"] != view["base"]  # the node, a CopySlices, gives the whole
        found = {output.slot: output for output in (() if is_part else operation.outputs)}
        found |= self._told.get(number, {})
        return [found[slot] for slot in sorted(found)]

    def find(self, number: int, type_name: str, shapes: Iterable[tuple[Shape, str]]) -> Operation | None:
        """The operation that made the node with this sequence number, type and output metadata.

        A number that no operation ran under belongs to the next one: an in-place operation whose node saves the value
        that it overwrites clones it first, and the clone takes a number of its own. A write to a view ends with a
        CopySlices, numbered after the operation that wrote. (That may have cloned first, too.) The view that was
        written through gets a new node when it is next used, which no operator makes: `rest_of_write`. Nor does one
        make the aliases as which tensors change to another class.
        """
        if type_name == "CopySlices":
            writes = [item for item in self._by_number.get(number - 1, ()) if item.view is not None]
            return self._meet(writes[-1]) if writes else None
        wanted = set(shapes)
        own = self._by_number.get(number, [])
        if type_name in _UNSEEN:
            own = [item for item in own if same_name(item.operation, type_name)]
            return self._meet(own[-1]) if own else None
        for bucket in (own, [] if own else self._by_number.get(number + 1, [])):
            ranked = sorted(bucket, key=lambda item: _likeness(item, type_name, wanted))
            if ranked and (bucket is own or same_name(ranked[-1].operation, type_name)):
                return self._meet(ranked[-1])
        return None

    def rest_of_write(self, number: int, geometry: list[Any]) -> Operation | None:
        """What a write through a view, whose CopySlices has this number, left in the part with this geometry.

        None if that is not the part that was written: what is there now nobody has read.
        """
        write = self.find(number, "CopySlices", ())
        if write is None or write.view is None or write.view["view"] != geometry:
            return None
        return replace(
            write, number=number + 1, operation="aten.as_strided.default", inputs=[], operands=[], view=None, name="",
            event=None,
        )  # fmt: skip

    def alias_of(self, operation: Operation, of: int, output: int, number: int) -> Operation:
        """In the node `number`, the same numbers again as output `output` of the operation of the node `of`."""
        outputs = tuple(each._replace(slot=0) for each in self.outputs(operation, of) if each.slot == output)
        return replace(
            operation, number=number, operation="aten.alias.default", inputs=[], operands=[], view=None, name="",
            event=None, outputs=outputs,
        )  # fmt: skip

    def _meet(self, operation: Operation) -> Operation:
        self._met.pop(operation.number, None)  # those met last stand behind
        self._met[operation.number] = self._steps
        return operation


def _likeness(operation: Operation, type_name: str, wanted: set[tuple[Shape, str]]) -> tuple[bool, bool]:
    """Sorts the better candidate last; among equals, Python's stable sort leaves the later call last."""
    fits = any((shape, dtype) in wanted for _, _, shape, dtype in operation.outputs)
    return same_name(operation.operation, type_name), fits


def same_name(operation: str, type_name: str) -> bool:
    """Whether "aten.mul_.Tensor" may have made a "MulBackward0"."""
    parts = operation.split(".")
    packet = parts[1] if len(parts) > 1 else parts[0]
    return packet.replace("_", "").lower() == type_name.split("Backward")[0].replace("_", "").lower()
