"""A training step, written as a program in plain Python and NumPy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import PurePath

import numpy as np

from engine.export.script import names
from engine.export.script.expressions import NoTemplateError
from engine.export.script.layout import assemble
from engine.export.script.reading import Array, Operation, Pass, TrainingStep
from engine.export.script.registry import BACKWARD, FORWARD, Template
from engine.export.script.source import functions
from engine.export.script.update import OPTIMIZERS
from engine.export.script.updates import write_updates
from engine.export.script.writing import NodeText, Program
from engine.recording.model import Event
from engine.rules.reading import OTHER_VALUES, GraphValues, kept_by_hooks
from engine.rules.verify import verify_node
from engine.source_text import unix_lines

_FAMILIES = (
    "activations",
    "copying",
    "elementwise",
    "losses",
    "networks",
    "picking",
    "reductions",
    "resizing",
    "shapes",
)
for _family in _FAMILIES:  # they register their templates
    import_module(f"engine.export.script.{_family}")
_OWN = frozenset({"distance", "compare", "compare_numbers", "RECORDED"})
_NAME = re.compile(r"[^\W\d]\w*")


def write_program(step: TrainingStep, values_file: str) -> tuple[str, dict[str, Array]]:
    """The program's text, and the arrays that it reads from `values_file` (none if it says all of them itself)."""
    reserved = _OWN | functions().keys() | {name.lower() for name in OPTIMIZERS}
    program = Program(step, names.Names(frozenset(reserved)))
    _name_parameters(program)
    _name_data(program)
    forward: list[str] = []
    backward: list[str] = []
    for one in step.passes:
        _name_outputs(program, one)
    for number, one in enumerate(step.passes):
        _find_parameters(program, one)
        forward += [*_passed(number, "Forward"), *_forward(program, one)]
        backward = [*_passed(number, "Backward"), *_backward(program, one)]
        forward += ["", *backward]
    update = write_updates(program)
    return assemble(program, forward, update, values_file)


def _passed(number: int, what: str) -> list[str]:
    again = f", backward pass {number + 1}" if number else ""
    return [f"# ---- {what}{again}"] if what == "Forward" else ["# ---- Backward, from the loss to the parameters"]


def _name_parameters(program: Program) -> None:
    """Every parameter of the step, as it was before its first update, in the order in which they are used."""
    events = [event for one in program.step.passes for event in one.accumulated.values()]
    tensors: dict[int, int] = {}
    for event in sorted([*events, *program.step.updates], key=lambda event: event.id):
        tensor = program.step.values(event).get(("param_before", 0, ""))
        if event.parameter is not None and tensor is not None:
            tensors.setdefault(event.parameter, tensor)
    used = [
        one.nodes[edge.target].parameter
        for one in program.step.passes
        for operation in one.operations
        for _, edge in sorted(operation.edges.items())
    ]
    for parameter in dict.fromkeys([*used, *tensors]):
        if parameter is not None and parameter in tensors:
            program.remember(tensors[parameter], program.parameter(parameter, tensors[parameter]))


def _find_parameters(program: Program, one: Pass) -> None:
    """What the parameters are in this pass: an optimizer with a closure may have moved them within the step."""
    program.current = dict(program.parameters)
    for event in one.accumulated.values():
        tensor = program.step.values(event).get(("param_before", 0, ""))
        if event.parameter in program.parameters and tensor is not None:
            before = program.parameters[event.parameter]
            name = program.tensor(tensor, f"{before}_moved")
            program.current[event.parameter] = name
            remark = "the parameters as the optimizer moved them between two backward passes"
            if name != before and remark not in program.as_recorded:
                program.as_recorded.append(remark)


def _name_data(program: Program) -> None:
    """The user's names for what needs no gradient belong to it, even where the user gives them away again later."""
    for one in program.step.passes:
        for operation in one.operations:
            for value in operation.inputs.values():
                program.reserve(value.tensor, value.name)


def _name_outputs(program: Program, one: Pass) -> None:
    used = {(edge.target, edge.input_number) for operation in one.operations for edge in operation.edges.values()}
    used.add((program.step.recording.graph(one.graph).root, 0))
    modules = {operation.node.module for operation in one.operations}
    inner = {".".join(path.split(".")[:count]) for path in modules for count in range(1, path.count(".") + 1)}
    following = [*one.operations, None][1:]
    for operation, after in zip(one.operations, following, strict=True):
        node = operation.node
        last = node.module not in inner and (after is None or after.node.module != node.module)
        wanted = names.of_output(node, last_of_module=last)
        outputs = sorted({index for target, index in used if target == node.id} | {0})
        for index in outputs:
            if (operation.key, index) not in program.variables:
                name = program.names.new(wanted if index == 0 and len(outputs) == 1 else f"{wanted}_{index}")
                program.variables[operation.key, index] = name


class _Places:
    """Comments that say where in the user's program one is, each time that changes."""

    def __init__(self, program: Program) -> None:
        self._recording = program.step.recording
        self._line: tuple[int | None, int | None] | None = None
        self._module = ""

    def of(self, operation: Operation) -> list[str]:
        node, found = operation.node, []
        if (node.source, node.line) != self._line and node.source is not None and node.line is not None:
            source = self._recording.source(node.source)
            lines = unix_lines(source.text).split("\n")
            text = lines[node.line - 1] if 0 < node.line <= len(lines) else ""
            found.append(f"# {names.comment(PurePath(source.path).name, 40)}:{node.line}  {names.comment(text, 70)}")
            self._line, self._module = (node.source, node.line), ""
        if node.module and node.module != self._module:
            found.append(f"# {names.comment(node.module, 60)} · {names.comment(node.module_type, 40)}")
        self._module = node.module
        return found


def _write(template: Template | None, text: NodeText) -> str | None:
    """Let the template write; if it cannot, nothing was written, and the reason is returned."""
    if template is None:
        return "no template"
    if text.is_complex:
        return "complex numbers"
    if text.is_empty:
        return "a tensor without elements"
    try:
        template(text)
    except NoTemplateError as reason:
        found = str(reason)
    except (ValueError, TypeError, LookupError, ArithmeticError) as fault:  # of what no template has thought
        found = f"a case without a template: {type(fault).__name__}"
    else:
        return None
    text.lines.clear()
    text.contributions.clear()
    return found


def _forward(program: Program, one: Pass) -> Iterator[str]:
    places = _Places(program)
    for operation in one.operations:
        if operation.key in program.written:
            continue
        program.written.add(operation.key)
        yield from places.of(operation)
        text = NodeText(program, one, operation)
        reason = _write(FORWARD.get(operation.node.type), text)
        if reason is not None:
            text.local.clear()
            yield from _recorded_outputs(program, operation, reason)
        else:
            yield from _with_type(program, text.lines, operation, [operation.outputs.get(0)])
            results = {program.variables.get((operation.key, index)): t for index, t in operation.outputs.items()}
            yield from _overflowed(program, [(name, tensor) for name, tensor in results.items() if name])
            yield from _recorded_outputs(program, operation, "no template for this result", text.lines)


def _overflowed(program: Program, results: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Where what was recorded left the range of float16, what is computed by hand leaves it too."""
    for name, tensor in results:
        array = program.step.kept(tensor) if program.step.dtype(tensor) == "float16" else None
        if array is not None and not np.isfinite(array).all():
            program.kernels.add("overflowed")
            yield f"{name} = overflowed({name})  # some of it is too large for float16"


def _with_type(program: Program, lines: list[str], operation: Operation, results: list[int | None]) -> list[str]:
    """The lines of a node, with its type at the end of the first, and, where they are single numbers, the results."""
    found = []
    for position, line in enumerate(lines):
        remarks = [names.comment(operation.node.type)] if position == 0 else []
        tensor = results[position] if len(results) == len(lines) else None
        if tensor is not None and program.step.shape(tensor) == ():
            value = program.step.kept(tensor)
            remarks += [] if value is None else [f"= {value[()]}"]
        found.append(f"{line}  # {' '.join(remarks)}" if remarks and "  # " not in line else line)
    return found


def _words(lines: Sequence[str]) -> set[str]:
    return {word for line in lines for word in _NAME.findall(line)}


def _recorded_outputs(program: Program, operation: Operation, reason: str, lines: Sequence[str] = ()) -> Iterator[str]:
    """The outputs that are used and that `lines` do not compute."""
    computed = _words(lines)
    missing = {
        index: name for (key, index), name in program.variables.items() if key == operation.key and name not in computed
    }
    if not missing:
        return
    what = f"forward of {operation.node.type}"
    program.as_recorded.append(f"{what} ({reason})")
    yield f"# AS RECORDED, not by hand: {names.comment(what)} ({names.comment(reason)})"
    for index, name in missing.items():
        if index in operation.outputs:
            yield f"{name} = {program.tensor(operation.outputs[index], f'{name}_recorded')}"
        else:
            del program.variables[operation.key, index]  # what reads it cannot be done by hand either
            yield f"# nor was its result recorded: there is no {name}"


def _backward(program: Program, one: Pass) -> Iterator[str]:
    places = _Places(program)
    steps: list[Operation | Event] = [*one.backward, *one.accumulated.values()]
    steps.sort(key=lambda item: item.id if isinstance(item, Event) else item.ran or 0)
    for item in steps:
        if isinstance(item, Event):
            yield from _accumulate(program, item)
            continue
        yield from places.of(item)
        for index, tensor in sorted(item.grad_outputs.items()):
            yield from _entering(program, one, item, index, tensor)
        text = NodeText(program, one, item)
        reason = _other_values(program, one, item) or _write(BACKWARD.get(item.node.type), text)
        missing = {slot for slot in item.grad_inputs if slot in item.edges} - text.given_slots
        unread = {
            index for index in item.grad_outputs if text.has_grad(index) and text.grad(index) not in _words(text.lines)
        }
        if reason is None and (missing or unread):
            reason = f"no template for input {min(missing)}" if missing else f"no template with output {min(unread)}"
            text.lines.clear()
            text.contributions.clear()
        if reason is not None:
            yield from _recorded_gradients(program, item, text, reason)
        else:
            yield from _with_type(program, text.lines, item, [tensor for _, _, tensor in text.contributions])
            yield from _overflowed(program, [(name, tensor) for _, name, tensor in text.contributions])
            yield from _replaced_after(program, item, text)
        for place, name, tensor in text.contributions:
            program.gradients.setdefault(place, []).append((name, tensor))


def _other_values(program: Program, one: Pass, operation: Operation) -> str | None:
    """Why a gradient cannot be done with what the forward had: hooks gave its node something else, it may be."""
    if not kept_by_hooks(operation.node):
        return None
    proof = verify_node(GraphValues(program.step.recording, one.graph), operation.node)
    return OTHER_VALUES if proof.reason.startswith(OTHER_VALUES) else None


def _replaced_after(program: Program, operation: Operation, text: NodeText) -> Iterator[str]:
    """What a hook put in the place of a gradient that left the node goes on."""
    for number, ((target, index), name, tensor) in enumerate(text.contributions):
        slots = [slot for slot, found in operation.grad_inputs.items() if found == tensor]
        if any(_replaced(program, operation.ran, slot, "grad_computed") for slot in slots):
            hooked = program.names.new(f"{name}_hooked")
            text.contributions[number] = ((target, index), hooked, tensor)
            yield _hooked(program, hooked, name, tensor)


def _recorded_gradients(program: Program, operation: Operation, text: NodeText, reason: str) -> Iterator[str]:
    what = f"backward of {operation.node.type}"
    program.as_recorded.append(f"{what} ({reason})")
    yield f"# AS RECORDED, not by hand: {names.comment(what)} ({names.comment(reason)})"
    for slot in sorted(operation.grad_inputs):
        if slot in operation.edges:
            name = text.target(slot)
            yield f"{name} = {program.tensor(operation.grad_inputs[slot], f'{name}_recorded')}"


def _entering(program: Program, one: Pass, operation: Operation, index: int, tensor: int) -> Iterator[str]:
    """The gradient of one output: the sum of what came back from its uses, or what the pass began with."""
    place = (operation.node.id, index)
    sent = program.gradients.get(place, [])
    output = program.variables.get((operation.key, index)) or program.names.new(f"output_{index}")
    base = f"grad_{output}"
    root = program.step.recording.graph(one.graph).root == operation.node.id and index == 0
    if not sent:
        name = program.names.new(base)
        program.gradients[place] = [(name, tensor)]
        yield _beginning(program, name, tensor, output)
    elif root or _replaced(program, operation.ran, index) or (len(sent) == 1 and _changed(program, sent[0][1], tensor)):
        name = program.names.new(base)
        program.gradients[place] = [(name, tensor)]
        yield _hooked(program, name, base, tensor)
    elif len(sent) > 1:
        name = program.names.new(base)
        program.gradients[place] = [(name, tensor)]
        yield f"{name} = {' + '.join(part for part, _ in sent)}  # {output} was used {len(sent)} times: the sum"
        yield from _overflowed(program, [(name, tensor)])


def _hooked(program: Program, name: str, what: str, tensor: int) -> str:
    program.as_recorded.append(f"{what}: it is not what the nodes before it sent (a hook may have changed it)")
    given = program.tensor(tensor, f"{name}_recorded")
    return f"{name} = {given}  # AS RECORDED: not what the nodes before it sent (a hook?)"


def _replaced(program: Program, event: int | None, index: int, role: str = "grad_arrived") -> bool:
    """Whether a hook of the user's put something else in the place of a gradient."""
    values = () if event is None else program.step.recording.values(event)
    return any(value.role == role and value.slot == index for value in values)


def _changed(program: Program, sent: int, entered: int) -> bool:
    if sent == entered:
        return False
    there, here = program.step.kept(sent), program.step.kept(entered)
    return there is not None and here is not None and not np.array_equal(there, here, equal_nan=True)


def _beginning(program: Program, name: str, tensor: int, output: str) -> str:
    array = program.step.array(tensor)
    if np.all(array == 1):
        ones = "number(1)" if array.ndim == 0 else f"np.ones({array.shape}, number)"
        return f"{name} = {ones}  # d {output} / d {output}"
    return f"{name} = {program.tensor(tensor, f'{name}_given')}  # what backward() was given"


def _accumulate(program: Program, event: Event) -> Iterator[str]:
    """The gradient of a parameter, added to what `.grad` held."""
    if event.parameter is None or event.node is None:
        return
    tensors = program.step.values(event)
    sent = program.gradients.get((event.node, 0), [])
    parameter = program.parameters.get(event.parameter)
    if not sent or parameter is None:
        return
    name = sent[0][0]
    arrived = tensors.get(("grad_input", 0, ""))
    one_changed = arrived is not None and len(sent) == 1 and _changed(program, sent[0][1], arrived)
    if arrived is not None and (one_changed or _replaced(program, event.id, 0)):
        if len(sent) == 1:
            program.recorded[name] = program.step.array(sent[0][1])
        name = program.names.new(f"grad_{parameter}_hooked")
        yield _hooked(program, name, f"grad_{parameter}", arrived)
    elif len(sent) > 1:
        name = program.names.new(f"grad_{parameter}")
        yield f"{name} = {' + '.join(part for part, _ in sent)}  # {parameter} was used {len(sent)} times: the sum"
    before = tensors.get(("grad_before", 0, ""))
    if before is not None and np.any(program.step.array(before) != 0):
        held = program.grads.get(event.parameter)
        if held is None or not np.array_equal(program.recorded[held], program.step.array(before), equal_nan=True):
            if held is not None:
                program.as_recorded.append(f"{held}: the script changed it before more was added")
            held = program.tensor(before, f"grad_{parameter}_before")
        total = program.names.new(f"grad_{parameter}_total")
        yield f"{total} = {held} + {name}  # added to what .grad held before"
        name = total
    program.grads[event.parameter] = name
    after = tensors.get(("grad_after", 0, ""), tensors.get(("grad_input", 0, "")))
    if after is not None:
        program.recorded[name] = program.step.array(after)
