"""The program under construction, and what a template sees of the node that it writes.

A template says how one type of node is done by hand; see `engine.export.script.operations` for how to add one. It gets
a `NodeText`, with the names of the variables that the node reads and writes, and hands lines back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.arithmetic.bounded import unit_roundoff
from engine.export.script import names
from engine.export.script.expressions import NoTemplateError, number, plain, summed
from engine.export.script.reading import Array, Operation, Pass, TrainingStep
from engine.recording.model import Shape

Strided = tuple[Shape, tuple[int, ...], int]
_ROOM = 100  # columns for the names on the left of one line


@dataclass
class Program:
    """What has been written so far. `values`: variables that the program is given, by name."""

    step: TrainingStep
    names: names.Names
    values: dict[str, Array] = field(default_factory=dict)
    recorded: dict[str, Array] = field(default_factory=dict)
    kernels: set[str] = field(default_factory=set)
    as_recorded: list[str] = field(default_factory=list)
    variables: dict[tuple[int, int], str] = field(default_factory=dict)
    parameters: dict[int, str] = field(default_factory=dict)
    current: dict[int, str] = field(default_factory=dict)
    """Parameters by number: before the step, and as they are in the pass that is written."""
    gradients: dict[tuple[int, int], list[tuple[str, int]]] = field(default_factory=dict)
    grads: dict[int, str] = field(default_factory=dict)
    after: dict[int, str] = field(default_factory=dict)
    written: set[int] = field(default_factory=set)
    optimizers: list[str] = field(default_factory=list)
    local: dict[int, dict[str, str]] = field(default_factory=dict)
    _tensors: dict[int, str] = field(default_factory=dict)
    _reserved: dict[int, str] = field(default_factory=dict)

    def value(self, name: str, array: Array) -> str:
        """A new variable that the program is given."""
        name = self.names.new(name)
        self.values[name] = array
        return name

    def tensor(self, number: int, name: str) -> str:
        """The variable of a recorded tensor that the program is given; one tensor has one variable."""
        if number not in self._tensors:
            array = self.step.array(number)
            name = self._tensors[number] = self._reserved.get(number) or self.names.new(name)
            self.values[name] = array
        return self._tensors[number]

    def reserve(self, number: int, name: str) -> None:
        """Keep the user's name of a tensor for it, should the program be given it."""
        if name and number not in self._reserved and number not in self._tensors:
            self._reserved[number] = self.names.new(name)

    @property
    def reserved_names(self) -> frozenset[str]:
        """Names that the user gave to what needs no gradient."""
        return frozenset(self._reserved.values())

    def optimizer_name(self, name: str) -> str:
        """A name for an optimizer's function; the first has the optimizer's own."""
        if name in self.optimizers:
            name = self.names.new(f"{name}_{len(self.optimizers) + 1}")
        self.optimizers.append(name)
        return name

    def remember(self, number: int, name: str) -> None:
        """The recorded tensor has a variable already."""
        self._tensors.setdefault(number, name)

    def parameter(self, number: int, tensor: int) -> str:
        """The variable of a parameter, as it was before the step."""
        if number not in self.parameters:
            name = self.step.recording.parameter(number).name or "leaf"
            self.parameters[number] = self.value(name, self.step.array(tensor))
        return self.parameters[number]


class NodeText:
    """One node as a template sees it: names of variables, plain arguments, shapes. Collects lines."""

    def __init__(self, program: Program, of: Pass, operation: Operation) -> None:
        self._program = program
        self._pass = of
        self._operation = operation
        self.lines: list[str] = []
        self.local = program.local.setdefault(operation.key, {})
        self.contributions: list[tuple[tuple[int, int], str, int]] = []
        self.given_slots: set[int] = set()

    @property
    def type(self) -> str:
        return self._operation.node.type

    @property
    def is_complex(self) -> bool:
        """Whether any of its tensors is: templates are of real numbers."""
        step, node = self._program.step, self._operation.node
        inputs = [value.tensor for value in self._operation.inputs.values()]
        rest = (self._operation.outputs, self._operation.grad_outputs, self._operation.grad_inputs)
        dtypes = {node.dtype or "", *(step.dtype(tensor) for tensor in inputs)}
        dtypes |= {step.dtype(tensor) for tensors in rest for tensor in tensors.values()}
        return any(dtype.startswith("complex") for dtype in dtypes)

    @property
    def is_empty(self) -> bool:
        """Whether any of its tensors has no elements."""
        step, operation = self._program.step, self._operation
        rest = (operation.outputs, operation.grad_outputs, operation.grad_inputs)
        tensors = [
            *(value.tensor for value in operation.inputs.values()),
            *(t for found in rest for t in found.values()),
        ]
        return any(0 in step.shape(tensor) for tensor in tensors)

    @property
    def module_type(self) -> str:
        return self._operation.node.module_type

    @property
    def operation(self) -> str:
        return self._operation.node.operation

    def view(self) -> tuple[Strided, Strided]:
        """Of a write into a part of a tensor: shape, stride and offset of the whole and of the part."""
        found = self._operation.node.info.get("view", {})
        try:
            sides = [found[side] for side in ("base", "view")]
            whole, part = ((tuple(map(int, a)), tuple(map(int, b)), int(c)) for a, b, c in sides)
        except (TypeError, ValueError, KeyError):
            raise NoTemplateError("it was not recorded where it wrote to") from None
        return whole, part

    # Arguments

    def argument(self, name: str, default: Any = None) -> Any:
        """A plain value: as the operator was called, or as the node saved it, else `default`."""
        for source in ("args", "saved"):
            found = self._operation.node.info.get(source, {})
            if name in found:
                return plain(found[name])
        return default

    def axis(self, name: str = "dim", default: int = 0, ndim: int | None = None) -> int:
        """A dimension, counted from the front."""
        axis = int(self.argument(name, default))
        length = len(self.shape(0)) if ndim is None else ndim
        if not length:
            raise NoTemplateError("a dimension of a single number")
        return axis + length if axis < 0 else axis

    # Shapes

    @property
    def out_shape(self) -> Shape:
        return self.output_shape(0)

    def output_shape(self, number: int) -> Shape:
        for found in (self._operation.grad_outputs, self._operation.outputs):
            if number in found:
                return self._program.step.shape(found[number])
        if number == 0 and self._operation.node.shape is not None:
            return self._operation.node.shape
        raise NoTemplateError(f"the shape of output {number} is not known")

    def shape(self, slot: int, position: int | None = None) -> Shape:
        """Shape of the tensor at `slot`."""
        if slot in self._operation.grad_inputs:
            return self._program.step.shape(self._operation.grad_inputs[slot])
        if slot in self._operation.edges:
            node = self._pass.nodes[self._operation.edges[slot].target]
            if node.shape is not None and self._operation.edges[slot].input_number == 0:
                return node.shape
        found = self._operation.inputs.get(slot if position is None else position)
        if found is not None:
            return self._program.step.shape(found.tensor)
        if self.argument(("self", "other")[slot] if slot < 2 else "") is not None:
            return ()
        raise NoTemplateError(f"the shape of input {slot} is not known")

    # Variables

    def x(self, slot: int = 0, position: int | None = None, name: str = "") -> str:
        """The variable, or number, at `slot`; `position` and `name` are those of the operator's argument."""
        edge = self._operation.edges.get(slot)
        if edge is not None:
            return self._source(edge.target, edge.input_number)
        position = slot if position is None else position
        if position in self._operation.inputs:
            return self.given(position)
        plain = self.argument(name) if name else None
        if isinstance(plain, (int, float)) and not isinstance(plain, bool):
            return number(plain)
        raise NoTemplateError(f"argument {position} was not recorded")

    def _source(self, target: int, output: int) -> str:
        node = self._pass.nodes[target]
        if node.kind == "parameter" and node.parameter is not None:
            if node.parameter not in self._program.current:
                raise NoTemplateError(f"the value of {node.name} was not recorded")
            return self._program.current[node.parameter]
        key = node.id if node.forward_event is None else node.forward_event
        found = self._program.variables.get((key, output))
        if found is None:
            raise NoTemplateError(f"{node.type} did not run before it")
        return found

    def has(self, slot: int, position: int | None = None) -> bool:
        """Whether there is a tensor at `slot`."""
        return slot in self._operation.edges or (slot if position is None else position) in self._operation.inputs

    def needs_gradient(self, slot: int) -> bool:
        """Whether there is a tensor at `slot` that a gradient goes to."""
        return slot in self._operation.edges

    @property
    def slots(self) -> list[int]:
        """Those that gradients go to."""
        return sorted(self._operation.edges)

    def given(self, position: int) -> str:
        """The variable of a tensor that needed no gradient."""
        value = self._operation.inputs.get(position)
        if value is None:
            raise NoTemplateError(f"argument {position} was not recorded")
        if value.name:
            return self._program.tensor(value.tensor, value.name)
        array = self._program.step.kept(value.tensor)
        is_mask = array is not None and array.size > 1 and np.unique(array).size <= 2
        return self._program.tensor(value.tensor, f"{self.out}_{'mask' if is_mask else 'input'}")

    def given_positions(self, first: int) -> list[int]:
        """Positions of the members of a list of tensors that starts at argument `first`."""
        return sorted(position for position in self._operation.inputs if position % 100 == first)

    def given_array(self, position: int) -> Array | None:
        """Its elements, to decide what to write."""
        value = self._operation.inputs.get(position)
        return None if value is None else self._program.step.kept(value.tensor)

    def saved(self, name: str, index: int = 0) -> str:
        """The variable of a tensor that the node kept, which the program is given as recorded."""
        tensor = self._operation.saved.get((name, index))
        if tensor is None:
            raise NoTemplateError(f"{name} was not recorded")
        return self._program.tensor(tensor, f"{self.out}_{name}")

    def has_saved(self, name: str) -> bool:
        return (name, 0) in self._operation.saved

    def saved_array(self, name: str) -> Array | None:
        tensor = self._operation.saved.get((name, 0))
        return None if tensor is None else self._program.step.kept(tensor)

    def input_array(self, slot: int = 0) -> Array | None:
        """The recorded elements of an input that came from an operation of this step, or None."""
        edge = self._operation.edges.get(slot)
        if edge is None:
            return self.given_array(slot)
        node = self._pass.nodes[edge.target]
        if node.kind != "operation" or node.forward_event is None:
            return None
        event = self._program.step.recording.event(node.forward_event)
        tensor = self._program.step.values(event).get(("output", edge.input_number, ""))
        return None if tensor is None else self._program.step.kept(tensor)

    def value(self, name: str, array: Array) -> str:
        """A variable that the program is given: `name` follows the node's own."""
        return self._program.value(f"{self.out}_{name}", array)

    @property
    def unit(self) -> float:
        """Unit roundoff of the node's dtype."""
        return unit_roundoff(self._operation.node.dtype or "float32") or unit_roundoff("float32")

    def new(self, name: str) -> str:
        """A variable of the node's own, remembered as `n.local[name]` for its backward."""
        self.local[name] = self._program.names.new(f"{self.out}_{name}")
        return self.local[name]

    def kept(self, name: str) -> str:
        """What `new` was called with in the forward."""
        if name not in self.local:
            raise NoTemplateError("its forward was not done by hand")
        return self.local[name]

    @property
    def out(self) -> str:
        return self.output(0)

    def output(self, index: int) -> str:
        """The variable of an output."""
        found = self._program.variables.get((self._operation.key, index))
        if found is None:
            raise NoTemplateError("its result is not known")
        return found

    def is_used(self, index: int) -> bool:
        """Whether something in this step reads output `index`."""
        return (self._operation.key, index) in self._program.variables

    @property
    def g(self) -> str:
        """The gradient that entered for output 0."""
        return self.grad(0)

    def grad(self, index: int) -> str:
        found = self._program.gradients.get((self._operation.node.id, index))
        if not found:
            raise NoTemplateError(f"no gradient entered for output {index}")
        return found[0][0]

    def has_grad(self, index: int) -> bool:
        return bool(self._program.gradients.get((self._operation.node.id, index)))

    def call(self, kernel: str, *arguments: str, **options: Any) -> str:
        """A call of one of the program's own functions; `options` that are None are left out."""
        self._program.kernels.add(kernel)
        named = [f"{name}={value}" for name, value in options.items() if value is not None]
        return f"{kernel}({', '.join([*arguments, *named])})"

    # Results

    def line(self, text: str) -> None:
        self.lines.append(text)

    def put(self, expression: str) -> None:
        """Forward: the output is `expression`."""
        self.line(f"{self.out} = {expression}")

    def unpack(self, targets: list[str], call: str) -> None:
        """Several results of one call."""
        together = ", ".join(targets)
        if len(together) <= _ROOM:
            self.line(f"{together} = {call}")
            return
        results = self.new("results")
        self.line(f"{results} = {call}")
        for index, target in enumerate(targets):
            if target != "_":
                self.line(f"{target} = {results}[{index}]")

    def needs(self, slot: int) -> bool:
        """Whether autograd sent a gradient for `slot`."""
        return slot in self._operation.grad_inputs and slot in self._operation.edges

    def target(self, slot: int) -> str:
        """Backward: the variable for the gradient of `slot`, to be written to by the lines that follow."""
        edge = self._operation.edges[slot]
        place = (edge.target, edge.input_number)
        try:
            base = f"grad_{self._source(edge.target, edge.input_number)}"
        except NoTemplateError:
            base = f"grad_{self._pass.nodes[edge.target].name or self.type}"
        name = self._program.names.new(
            base if self._senders(place) == 1 else f"{base}_from_{self._sender(edge.target)}"
        )
        self.contributions.append((place, name, self._operation.grad_inputs[slot]))
        self.given_slots.add(slot)
        return name

    def _sender(self, target: int) -> str:
        """The node's name as its neighbour in the same module says it."""
        module = self._operation.node.module
        name = self._program.variables.get((self._operation.key, 0), self.type)
        prefix = f"{names.identifier(module)}_" if module else ""
        same = module and self._pass.nodes[target].module == module
        return name.removeprefix(prefix) if same else name

    def _senders(self, place: tuple[int, int]) -> int:
        return sum(
            (edge.target, edge.input_number) == place and slot in other.grad_inputs
            for other in self._pass.operations
            for slot, edge in other.edges.items()
        )

    def give(self, slot: int, expression: str, *, broadcast: bool = True) -> None:
        """Backward: the gradient of `slot`; summed where the input was broadcast to the shape of the output."""
        if self.needs(slot):
            if broadcast:
                expression = summed(expression, self.out_shape, self.shape(slot))
            self.line(f"{self.target(slot)} = {expression}")

    def give_several(self, expressions: Mapping[int, str] | Iterable[tuple[int, str]]) -> None:
        for slot, expression in dict(expressions).items():
            self.give(slot, expression, broadcast=False)

    def give_written(self, slot: int, write: Callable[[str], str]) -> None:
        """Backward: zeros of the input's shape, into which one line writes."""
        if self.needs(slot):
            name = self.target(slot)
            self.line(f"{name} = np.zeros({self.shape(slot)}, number)")
            self.line(write(name))
