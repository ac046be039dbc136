"""Proof by finite differences, for nodes whose rule is not known: custom functions, operators without a rule.

The forward of the node runs again on the recorded inputs, a little to either side of them. An operator of torch is
called by its name. Of a custom function the class is needed: the script runs again until it is called. So a check
runs the user's program, in this process; nothing is recorded meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from engine.errors import UsageError
from engine.host.differences import Differences as Function
from engine.host.differences import Floats, Forward, Found, close
from engine.host.operands import Operands, forward_of_operator, operands_of
from engine.host.protocol import Differences
from engine.host.rerun import Application, RerunError, applications, changed
from engine.recording.model import Node
from engine.recording.reader import Recording, open_recording
from engine.rules.reading import OTHER_VALUES, GraphValues, kept_by_hooks
from engine.rules.registry import find_rule, reason_not_differentiable
from engine.rules.values import NoDataError, UnsupportedError

SECONDS = 120.0
_PLAIN = (bool, int, float, str)
Report = Callable[[Differences], None]


@dataclass(frozen=True)
class _Task:
    """A node to check: what its forward was given, what it returned, which gradients entered and left."""

    node: Node
    operands: Operands
    entered: tuple[Floats | None, ...]
    left: dict[int, tuple[Floats, str]]  # by slot: the gradient and its dtype
    outputs: dict[int, Any]


def check(
    path: Path,
    nodes: Collection[int] | None = None,
    *,
    seconds: float = SECONDS,
    report: Report = lambda result: None,
    give_up: Callable[[], None] = lambda: None,
) -> list[Differences]:
    """Check nodes of a recording by finite differences: those named, or every one that ran and has no rule.

    `report` is told each result as it comes; the script of custom functions runs for at most `seconds`. If it cannot
    even be interrupted then, `give_up` is called in another thread, after the last result. Raises RecordingError if the
    file cannot be read, UsageError for a node that is not in it.
    """
    results: list[Differences] = []

    def tell(result: Differences) -> None:
        results.append(result)
        report(result)

    with open_recording(path) as recording:
        functions = []
        for graph, node in _chosen(recording, nodes):
            task = _task(graph, node)
            if isinstance(task, Differences):
                tell(task)
            elif task.operands.operator:
                tell(_check_operator(task))
            else:
                functions.append(task)
        if functions:
            _check_functions(recording, functions, seconds, tell, give_up)
    return results


def _chosen(recording: Recording, wanted: Collection[int] | None) -> Iterator[tuple[GraphValues, Node]]:
    missing = set(wanted or ())
    for graph in recording.graphs:
        values = GraphValues(recording, graph.id)
        for node in values.nodes:
            if node.kind != "operation" or (wanted is not None and node.id not in missing):
                continue
            missing.discard(node.id)
            if wanted is not None or (_needs_it(node) and values.event_of(node) is not None):
                yield values, node
    if missing:
        raise UsageError(f"{min(missing)} is no operation of {recording.path}.")


def _needs_it(node: Node) -> bool:
    return find_rule(node.type) is None and reason_not_differentiable(node.type) is None


def _task(graph: GraphValues, node: Node) -> _Task | Differences:
    """What is to be checked at a node, or why nothing is."""
    event = graph.event_of(node)
    if event is None:
        return Differences(node.id, node.type, "unknown", "no gradient came here")
    try:
        values = graph.values(node, plain=True)
        assert values is not None
        operands = operands_of(graph, node)
        entered = {slot for role, slot, _ in values.tensors if role == "grad_output"}
        gradients = [
            _real(values.grad(slot)) if slot in entered else None for slot in range(max(entered, default=0) + 1)
        ]
        left = {slot: (_real(values.recorded(slot)), values.dtype(slot)) for slot in values.slots}
        outputs = {
            slot: values.output(slot) for role, slot, _ in values.tensors if role == "output" and slot in entered
        }
    except NoDataError as missing:
        return Differences(node.id, node.type, "no_data", str(missing))
    except UnsupportedError as unsupported:
        return Differences(node.id, node.type, "unknown", str(unsupported))
    return _Task(node, operands, tuple(gradients), left, outputs)


def _real(array: Any) -> Floats:
    if array.dtype.kind == "c":
        raise UnsupportedError("complex numbers are not checked by differences")
    return np.asarray(array, dtype=np.float64)


def _check_operator(task: _Task) -> Differences:
    try:
        forward = forward_of_operator(task.node, task.operands)
    except UnsupportedError as unsupported:
        return _result(task, "unknown", str(unsupported))
    return _compare(task, forward, task.operands.tensors, task.operands.slots)


def _check_functions(
    recording: Recording, tasks: Sequence[_Task], seconds: float, tell: Report, give_up: Callable[[], None]
) -> None:
    """Run the script again until each custom function was called as it was recorded."""
    waiting = {task.node.id: task for task in tasks}
    numbers = {task.node.source for task in tasks if task.node.source is not None}
    reason = changed(recording.source(number) for number in numbers)

    def look(application: Application) -> bool:
        for task in list(waiting.values()):
            if _fits(task, application):
                del waiting[task.node.id]
                tell(_check_application(task, application))
        return not waiting

    def stuck() -> None:
        for task in waiting.values():
            tell(
                _result(
                    task, "unknown", f"the script did not end after {seconds:.0f} seconds, and could not be stopped"
                )
            )
        give_up()

    if not reason:
        names = sorted({task.node.type.removesuffix("Backward") for task in tasks})
        try:
            reason = applications(recording.info, names, look, seconds, stuck)
        except RerunError as error:
            reason = str(error)
    for task in waiting.values():
        tell(_result(task, "unknown", reason))


def _fits(task: _Task, application: Application) -> bool:
    """Whether a call is like the recorded one: the class, the shapes of its tensors, its numbers and strings."""
    if application.function.__name__ + "Backward" != task.node.type:
        return False
    shapes = {
        place: tuple(argument.shape)
        for place, argument in enumerate(application.args)
        if isinstance(argument, torch.Tensor)
    }
    for place, tensor in zip(task.operands.places, task.operands.tensors, strict=True):
        if shapes.get(place) != tuple(tensor.shape):
            return False
    live = [argument for argument in application.args if isinstance(argument, _PLAIN)]
    return all(value in live for value in task.operands.arguments.values() if isinstance(value, _PLAIN))


def _check_application(task: _Task, application: Application) -> Differences:
    """The recorded tensors take the places of the live ones."""
    places = [place for place, argument in enumerate(application.args) if isinstance(argument, torch.Tensor)]
    recorded = dict(zip(task.operands.places, task.operands.tensors, strict=True))
    tensors = [recorded.get(place, application.args[place].detach()) for place in places]

    def forward(given: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        args = list(application.args)
        for place, tensor in zip(places, given, strict=True):
            args[place] = tensor
        result = application.function.apply(*args)
        return result if isinstance(result, tuple) else (result,)

    result = _compare(task, forward, tensors, dict(enumerate(range(len(places)))))
    if result.state == "wrong" and (len(recorded) < len(places) or not task.outputs):
        return _result(task, "unknown", "not all that went into it was recorded, and now it is another")
    return result


def _compare(task: _Task, forward: Forward, tensors: Sequence[torch.Tensor], slots: Mapping[int, int]) -> Differences:
    """`slots`: the number of the tensor of each slot."""
    try:
        reason = _differs(task, forward, tensors)
        if reason:
            return _result(task, "unknown", reason)
        function = Function(forward, tensors, task.entered)
        found = {
            slot: function.check(slots[slot], array, dtype)
            for slot, (array, dtype) in task.left.items()
            if slot in slots
        }
    except Exception as error:
        return _result(task, "unknown", f"its forward failed when it ran again: {type(error).__name__}: {error}")
    if not found:
        return _result(task, "unknown", "no gradient left the node")
    return _summary(task, found)


def _differs(task: _Task, forward: Forward, tensors: Sequence[torch.Tensor]) -> str:
    """Why the forward is not the recorded one; "" if it gives the same."""
    with torch.no_grad():
        outputs = forward([tensor.detach().clone() for tensor in tensors])
    for slot, recorded in task.outputs.items():
        if slot >= len(outputs) or not close(outputs[slot], recorded):
            return "its forward gave another result when it ran again"
    return ""


def _summary(task: _Task, found: dict[int, Found]) -> Differences:
    def badness(slot: int) -> tuple[bool, bool, float]:
        one = found[slot]
        return one.holds is False, one.holds is None, one.max_rel

    slot = max(found, key=badness)
    worst = found[slot]
    state: Literal["proved", "wrong", "unknown"] = (
        "wrong" if worst.holds is False else "unknown" if worst.holds is None else "proved"
    )
    reason = worst.remark
    if state == "wrong" and kept_by_hooks(task.node):
        return _result(task, "unknown", OTHER_VALUES)
    if state == "wrong":
        reason = (
            f"the gradient of input {slot}, element {list(worst.worst)}: recorded {worst.recorded:.9g}, by differences "
            f"{worst.computed:.9g}, which rounding explains only up to {worst.bound:.2g}: the backward is not the "
            "derivative of the forward (which some functions intend, as a straight-through estimator)"
        )
    return replace(
        _result(task, state, reason),
        max_abs=worst.max_abs,
        max_rel=worst.max_rel,
        slot=slot,
        worst=worst.worst,
        computed=worst.computed,
        recorded=worst.recorded,
        bound=worst.bound,
    )


def _result(task: _Task, state: Literal["proved", "wrong", "unknown", "no_data"], reason: str) -> Differences:
    return Differences(task.node.id, task.node.type, state, reason)
