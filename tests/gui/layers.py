"""A recording with tensors in it: a linear layer whose bias is used twice, and SGD with momentum.

    h = fc(x); k = h + fc.bias; loss = (k * k).sum()          x: 1 × 3, fc.weight: 2 × 3, fc.bias: 2

Per step: nodes SUM, MUL, ADD, FC, WEIGHT, BIAS, X; 4 forward, 4 backward, 2 accumulate and 2 update events. In the
second step `.grad` is not zeroed before. The numbers are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    Role,
    Source,
    StepStart,
    Tensor,
    Value,
)
from engine.recording.writer import Writer
from tests.recordings import STARTED, make_info, make_tensor

SUM, MUL, ADD, FC, WEIGHT, BIAS, X = range(7)
NODES, EVENTS = 7, 12
FORWARD_FC, FORWARD_ADD, FORWARD_MUL, FORWARD_SUM = range(4)
BACKWARD_SUM, BACKWARD_MUL, BACKWARD_ADD, BACKWARD_FC = range(4, 8)
BIAS_ARRIVES, WEIGHT_ARRIVES, WEIGHT_UPDATED, BIAS_UPDATED = range(8, 12)

Arrays = Mapping[tuple[Role, int, str], npt.ArrayLike]


class _Tape:
    def __init__(self, writer: Writer, level: Level) -> None:
        self.writer, self.level = writer, level
        self.tensors = 0
        self.events = 0

    def tensor(self, array: npt.ArrayLike) -> int:
        made: Tensor = make_tensor(self.tensors, np.asarray(array, np.float32), level=self.level)
        self.writer.put(made)
        self.tensors += 1
        return made.id

    def event(self, step: int, kind: EventKind, node: int, arrays: Arrays, **more: Any) -> None:
        for (role, slot, name), array in arrays.items():
            self.writer.put(Value(self.events, role, slot, name, self.tensor(array)))
        time = STARTED + 0.002 * self.events
        parameter = {WEIGHT: 0, BIAS: 1}.get(node) if kind in ("accumulate", "update") else None
        self.writer.put(Event(self.events, step, step, kind, step * NODES + node, parameter, time, **more))
        self.events += 1


def weight_at(step: int) -> npt.NDArray[np.float32]:
    """fc.weight before the update of `step`."""
    return np.arange(6, dtype=np.float32).reshape(2, 3) - 0.5 * step


def make_layers(
    path: Path,
    *,
    level: Level = "full",
    steps: int = 2,
    gradient: float = 5.0,
    updates: bool = True,
    within: str = "",
) -> Path:
    """`gradient`: an element of fc.weight's gradient. Without `updates` the steps end with the last gradient. `within`
    stands before the names of modules, parameters, variables and files."""
    with Writer(path, make_info("layers.py", tensors=level)) as writer:
        writer.put(Source(0, f"/home/archer/{within}layers.py", "import torch\n"))
        writer.put(Parameter(1, f"{within}fc.bias", f"{within}fc", (2,), "float32"))
        writer.put(Parameter(0, f"{within}fc.weight", f"{within}fc", (2, 3), "float32"))
        tape = _Tape(writer, level)
        for step in range(steps):
            _nodes(writer, step, tape.events, within)
            _events(tape, step, gradient, updates)
    return path


def _nodes(writer: Writer, step: int, first_event: int, within: str) -> None:
    first = step * NODES
    writer.put(StepStart(step, STARTED + step))
    writer.put(Graph(step, step, "backward", first + SUM, 10.0 - step))
    common: dict[str, Any] = {"graph": step, "dtype": "float32", "source": 0}
    fc: dict[str, Any] = {"module": f"{within}fc", "module_type": f"{within.partition('.')[0]}Linear"}
    rows: tuple[tuple[int, str, str, str, tuple[int, ...], int, dict[str, Any]], ...] = (
        (SUM, "SumBackward0", "aten.sum", "loss", (), FORWARD_SUM, {}),
        (MUL, "MulBackward0", "aten.mul", "", (1, 2), FORWARD_MUL, {}),
        (ADD, "AddBackward0", "aten.add", "k", (1, 2), FORWARD_ADD, {"args": {"alpha": 1}, "saved": {"alpha": 1}}),
        (FC, "AddmmBackward0", "aten.addmm", "", (1, 2), FORWARD_FC, {"saved": {"beta": 1}, "saved_bytes": 36}),
    )
    for number, type_, operation, name, shape, order, info in rows:
        module = fc if number == FC else {}
        name = name and within + name
        writer.put(
            Node(first + number, kind="operation", type=type_, operation=operation, name=name, shape=shape, line=7,
                 forward_event=first_event + order, info=info, **module, **common)
        )  # fmt: skip
    for number, name, shape, parameter in ((WEIGHT, "fc.weight", (2, 3), 0), (BIAS, "fc.bias", (2,), 1)):
        leaf: dict[str, Any] = {"kind": "parameter", "type": "AccumulateGrad", "parameter": parameter}
        writer.put(Node(first + number, name=within + name, shape=shape, **leaf, **common))
    writer.put(Node(first + X, kind="data", type="", name=f"{within}x", shape=(1, 3), **common))
    links = ((SUM, 0, MUL), (MUL, 0, ADD), (MUL, 1, ADD), (ADD, 0, FC), (ADD, 1, BIAS), (FC, 0, BIAS), (FC, 2, WEIGHT),
             (FC, 1001, X))  # fmt: skip
    for source, slot, target in links:
        writer.put(Edge(step, first + source, slot, first + target, 0))


def _events(tape: _Tape, step: int, gradient: float, updates: bool) -> None:
    row, bias = [[1.0, 2.0]], [3.0, 4.0]
    x = [[1.0, 0.0, -1.0]]
    grad_weight = [[gradient, 0.0, 1.0], [2.0, 3.0, 4.0]]
    tape.event(step, "forward", FC, {("input", 1, ""): x, ("output", 0, ""): row})
    tape.event(step, "forward", ADD, {("output", 0, ""): [[4.0, 6.0]]})
    tape.event(step, "forward", MUL, {("output", 0, ""): [[16.0, 36.0]]})
    tape.event(step, "forward", SUM, {("output", 0, ""): 52.0})
    tape.event(step, "backward", SUM, {("grad_output", 0, ""): 1.0, ("grad_input", 0, ""): [[1.0, 1.0]]})
    half = [[4.0, 6.0]]
    saved: Arrays = {("saved", 0, "self"): half, ("saved", 1, "other"): half}
    out: Arrays = {("grad_output", 0, ""): [[1.0, 1.0]], ("grad_input", 0, ""): half, ("grad_input", 1, ""): half}
    tape.event(step, "backward", MUL, {**saved, **out})
    whole = [[8.0, 12.0]]
    tape.event(
        step,
        "backward",
        ADD,
        {("grad_output", 0, ""): whole, ("grad_input", 0, ""): whole, ("grad_input", 1, ""): [8.0, 12.0]},
    )
    tape.event(
        step,
        "backward",
        FC,
        {("grad_output", 0, ""): whole, ("grad_input", 0, ""): [8.0, 12.0], ("grad_input", 2, ""): grad_weight},
    )
    held: Arrays = {("grad_before", 0, ""): [16.0, 24.0]} if step else {}
    after = [32.0, 48.0] if step else [16.0, 24.0]
    tape.event(step, "accumulate", BIAS, {("grad_input", 0, ""): [16.0, 24.0], **held, ("grad_after", 0, ""): after})
    tape.event(step, "accumulate", WEIGHT, {("grad_input", 0, ""): grad_weight, ("grad_after", 0, ""): grad_weight})
    if not updates:
        return
    info = {
        "optimizer": "SGD",
        "hyperparameters": {"lr": 0.1, "momentum": 0.9, "nesterov": False},
        "state": {"step": step} if step else {},
        "state_after": {"step": step + 1},
    }
    for node, before, new in ((WEIGHT, weight_at(step), weight_at(step + 1)), (BIAS, bias, bias)):
        old: Arrays = {("state_before", 0, "momentum_buffer"): np.ones_like(before)} if step else {}
        values: Arrays = {
            ("param_before", 0, ""): before,
            ("grad", 0, ""): np.ones_like(before),
            ("param_after", 0, ""): new,
            **old,
            ("state_after", 0, "momentum_buffer"): np.full_like(before, 2.0),
        }
        tape.event(step, "update", node, values, info=info)
