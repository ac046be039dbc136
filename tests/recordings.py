"""Recordings made without torch, for tests.

`make_bow` has the true numbers of the bow, worked out by hand in float32; `make_chain` is as long as one likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.recording.model import (
    Edge,
    Event,
    EventKind,
    Graph,
    Level,
    Node,
    Parameter,
    RecordingInfo,
    Role,
    Source,
    StepStart,
    Tensor,
    Value,
)
from engine.recording.statistics import histogram_of, statistics_of
from engine.recording.writer import Writer

STARTED = 1_700_000_000.0
LEARNING_RATE = 0.05
BOW_START = (0.5, 0.25)
BOW_SCRIPT = """\
import torch

x = torch.tensor(2.0)
y = torch.tensor(5.0)
w = torch.tensor(0.5, requires_grad=True)
b = torch.tensor(0.25, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr=0.05)
for _ in range(3):
    prediction = w * x + b
    loss = (prediction - y) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
CHAIN_TYPES = (
    ("AddmmBackward0", "aten.addmm"),
    ("ReluBackward0", "aten.relu"),
    ("NativeLayerNormBackward0", "aten.native_layer_norm"),
)
MATRIX: dict[str, Any] = {"shape": (4, 4), "dtype": "float32"}
SGD = {"lr": LEARNING_RATE, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}

Scalar = np.float32
Key = tuple[Role, int, str]
Values = Mapping[Key, npt.ArrayLike]


def make_info(script: str = "bow.py", *, tensors: Level = "full") -> RecordingInfo:
    return RecordingInfo(
        script=script,
        argv=(),
        cwd="/home/archer",
        torch="2.13.0",
        python="3.11.7",
        created=STARTED,
        tensors=tensors,
        budget=256 << 20,
    )


def make_tensor(number: int, array: npt.ArrayLike, *, level: Level = "full") -> Tensor:
    """A tensor row with the array's own statistics; at level preview every second element of the first axis is kept."""
    array = np.asarray(array)
    kept = array[::2] if level == "preview" and array.ndim else array
    return Tensor(
        id=number,
        shape=array.shape,
        dtype=array.dtype.name,
        device="cpu",
        level=level,
        statistics=statistics_of(array),
        histogram=histogram_of(array),
        data_shape=None if level == "stats" else kept.shape,
        data=None if level == "stats" else np.ascontiguousarray(kept).tobytes(),
    )


@dataclass
class Script:
    """Hands out ids and keeps the order in which rows must be put: what is referred to comes first."""

    writer: Writer
    tensors: Iterator[int] = field(default_factory=count)
    events: int = 0

    def event(
        self,
        step: int,
        graph: int | None,
        kind: EventKind,
        node: int | None,
        parameter: int | None = None,
        *,
        info: Mapping[str, Any] | None = None,
        values: Values | None = None,
    ) -> None:
        for (role, slot, name), array in (values or {}).items():
            tensor = make_tensor(next(self.tensors), array)
            self.writer.put(tensor)
            self.writer.put(Value(self.events, role, slot, name, tensor.id))
        time = STARTED + 0.001 * self.events
        self.writer.put(Event(self.events, step, graph, kind, node, parameter, time, info or {}))
        self.events += 1


def make_bow(path: Path, steps: int = 3, start: tuple[float, float] = BOW_START) -> Path:
    """The bow: per step 4 operations, 2 parameters, 2 data leaves; 4 forward, 4 backward, 2 accumulate, 2 updates.

    loss = (w * x + b - y) ** 2 at x = 2, y = 5, from `start`, w = 0.5, b = 0.25, with plain SGD, lr 0.05.
    """
    with Writer(path, make_info()) as writer:
        writer.put(Source(0, "bow.py", BOW_SCRIPT))
        writer.put(Parameter(0, "w", "", (), "float32"))
        writer.put(Parameter(1, "b", "", (), "float32"))
        script = Script(writer)
        w, b = Scalar(start[0]), Scalar(start[1])
        for step in range(steps):
            w, b = _bow_step(script, step, w, b)
    return path


def make_begun(path: Path) -> Path:
    """A recording that has come to its first graph, and to none of its events, as one whose writer was killed."""
    with Writer(path, make_info()) as writer:
        writer.put(StepStart(0, STARTED))
        for number, name in enumerate(("SumBackward0", "MulBackward0")):
            writer.put(Node(number, 0, "operation", name, forward_event=number))
        writer.put(Edge(0, 0, 0, 1, 0))
        writer.put(Graph(0, 0, "backward", 0, 1.0))
    return path


def _bow_step(script: Script, step: int, w: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    x, y, lr = Scalar(2), Scalar(5), Scalar(LEARNING_RATE)
    product = w * x
    prediction = product + b
    miss = prediction - y
    loss = miss * miss
    one = Scalar(1)
    grad_miss = Scalar(2) * miss * one
    grad_w, grad_b = grad_miss * x, grad_miss
    _bow_graph(script, step, float(loss))
    first = 8 * step
    power, minus, plus, times, leaf_b, leaf_w = range(first, first + 6)

    def event(kind: EventKind, node: int, values: Values, **more: Any) -> None:
        script.event(step, step, kind, node, values=values, **more)

    event("forward", times, {("input", 1, ""): x, ("output", 0, ""): product})
    event("forward", plus, {("output", 0, ""): prediction})
    event("forward", minus, {("input", 1, ""): y, ("output", 0, ""): miss})
    event("forward", power, {("output", 0, ""): loss})
    given: Key = ("grad_output", 0, "")
    sent: Key = ("grad_input", 0, "")
    event("backward", power, {("saved", 0, "self"): miss, given: one, sent: grad_miss})
    event("backward", minus, {given: grad_miss, sent: grad_miss})
    event("backward", plus, {given: grad_miss, sent: grad_miss, ("grad_input", 1, ""): grad_b})
    event("accumulate", leaf_b, {sent: grad_b, ("grad_after", 0, ""): grad_b}, parameter=1)
    event("backward", times, {("saved", 0, "other"): x, given: grad_miss, sent: grad_w})
    event("accumulate", leaf_w, {sent: grad_w, ("grad_after", 0, ""): grad_w}, parameter=0)
    info = {"optimizer": "SGD", "group": 0, "hyperparameters": SGD, "state": {}, "state_after": {}}
    after = []
    for parameter, node, value, grad in ((0, leaf_w, w, grad_w), (1, leaf_b, b, grad_b)):
        new = value - lr * grad
        values: Values = {
            ("param_before", 0, ""): value,
            ("grad", 0, ""): grad,
            ("param_after", 0, ""): new,
        }
        event("update", node, values, parameter=parameter, info=info)
        after.append(new)
    return after[0], after[1]


def _bow_graph(script: Script, step: int, loss: float) -> None:
    """Nodes 8 * step + 0 … 7: pow, sub, add, mul, b, w, x, y."""
    first, event, put = 8 * step, script.events, script.writer.put
    put(StepStart(step, STARTED + step))
    put(Graph(step, step, "backward", first, loss))
    scalar: dict[str, Any] = {"graph": step, "shape": (), "dtype": "float32", "source": 0}
    operations: tuple[tuple[str, str, str, int, int, dict[str, Any]], ...] = (
        ("PowBackward0", "aten.pow", "loss", 10, 3, {"args": {"exponent": 2}, "saved_bytes": 4}),
        ("SubBackward0", "aten.sub", "", 10, 2, {"saved": {"alpha": 1}, "saved_bytes": 0}),
        ("AddBackward0", "aten.add", "prediction", 9, 1, {"saved": {"alpha": 1}, "saved_bytes": 0}),
        ("MulBackward0", "aten.mul", "", 9, 0, {"saved_bytes": 4}),
    )
    for offset, (type_, operation, name, line, order, info) in enumerate(operations):
        put(
            Node(first + offset, kind="operation", type=type_, operation=operation, name=name, line=line,
                 sequence_nr=4 * step + order, forward_event=event + order, info=info, **scalar)
        )  # fmt: skip
    for offset, name, line, parameter in ((4, "b", 6, 1), (5, "w", 5, 0)):
        kind: dict[str, Any] = {"kind": "parameter", "type": "AccumulateGrad", "parameter": parameter}
        put(Node(first + offset, name=name, line=line, **kind, **scalar))
    for offset, name, line in ((6, "x", 3), (7, "y", 4)):
        put(Node(first + offset, kind="data", type="", name=name, line=line, **scalar))
    for source, slot, target in ((0, 0, 1), (1, 0, 2), (2, 0, 3), (2, 1, 4), (3, 0, 5), (3, 1001, 6), (1, 1001, 7)):
        put(Edge(step, first + source, slot, first + target, 0))


def make_chain(path: Path, nodes: int = 1000, steps: int = 1, *, every: int = 4) -> Path:
    """A chain of `nodes` operations in each of `steps` steps; every `every`-th reads a parameter of its own.

    Per step 2 * nodes + 2 * ceil(nodes / every) events: make_chain(path, nodes=4000) has 10,000.
    """
    parameters = range((nodes + every - 1) // every)
    with Writer(path, make_info("chain.py", tensors="stats")) as writer:
        writer.put(Source(0, "chain.py", "import torch\n"))
        for number in parameters:
            writer.put(Parameter(number, f"layers.{number}.weight", f"layers.{number}", (4, 4), "float32"))
        generator = np.random.default_rng(0)
        for number in range(16):
            gradient = generator.standard_normal((4, 4)).astype(np.float32) * 0.5**number
            writer.put(make_tensor(number, gradient, level="stats"))
        event = 0
        for step in range(steps):
            event = _chain_step(writer, step, nodes, every, event)
    return path


def _chain_step(writer: Writer, step: int, nodes: int, every: int, event: int) -> int:
    first = step * (nodes + (nodes + every - 1) // every)
    leaf = {index: first + nodes + index // every for index in range(0, nodes, every)}
    writer.put(StepStart(step, STARTED + step))
    writer.put(Graph(step, step, "backward", first, 1.0 / (step + 1)))
    for index in range(nodes):
        type_, operation = CHAIN_TYPES[index % len(CHAIN_TYPES)]
        module = f"layers.{index // every}"
        writer.put(
            Node(first + index, step, "operation", type_, operation, module=module, module_type="Layer", source=0,
                 line=1, sequence_nr=nodes - index, forward_event=event + nodes - 1 - index, **MATRIX)
        )  # fmt: skip
    for index, number in leaf.items():
        name = f"layers.{index // every}.weight"
        writer.put(Node(number, step, "parameter", "AccumulateGrad", name=name, parameter=index // every, **MATRIX))
    for index in range(nodes):
        if index + 1 < nodes:
            writer.put(Edge(step, first + index, 0, first + index + 1, 0))
        if index in leaf:
            writer.put(Edge(step, first + index, 1, leaf[index], 0))
    return _chain_events(writer, step, first, nodes, leaf, event)


def _chain_events(writer: Writer, step: int, first: int, nodes: int, leaf: dict[int, int], event: int) -> int:
    info = {"optimizer": "SGD", "group": 0, "hyperparameters": SGD, "state": {}, "state_after": {}}
    forward = [("forward", first + index, None, ()) for index in reversed(range(nodes))]
    backward: list[tuple[Any, ...]] = []
    for index in range(nodes):
        backward.append(("backward", first + index, None, ("grad_output", "grad_input")))
        if index in leaf:
            backward.append(("accumulate", leaf[index], leaf[index] - first - nodes, ("grad_input", "grad_after")))
    update = [("update", number, number - first - nodes, ("grad",)) for number in leaf.values()]
    for kind, node, parameter, roles in (*forward, *backward, *update):
        for role in roles:
            writer.put(Value(event, role, 0, "", event % 16))
        time = STARTED + 1e-5 * event
        writer.put(Event(event, step, step, kind, node, parameter, time, info if kind == "update" else {}))
        event += 1
    return event
