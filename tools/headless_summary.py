"""What a recording shows, in a few lines of text: graphs, gradients, updates."""

from __future__ import annotations

from collections.abc import Iterator

from engine.recording.model import Event, Parameter, Role
from engine.recording.reader import Recording


def summary(recording: Recording) -> str:
    """A line for each thing that a reader would ask first."""
    lines = []
    for step in recording.steps:
        loss = "" if step.loss is None else f", loss {step.loss:.6g}"
        lines.append(f"step {step.index + 1}{loss}")
        for graph in recording.graphs:
            if graph.step == step.index:
                kinds = [node.kind for node in recording.nodes(graph.id)]
                operations, parameters = kinds.count("operation"), kinds.count("parameter")
                counts = f"{operations} operations, {parameters} parameters"
                lines.append(f"  nodes               {operations + parameters} ({counts})")
        lines += _gradients(recording, step.index)
        updates = [event for event in _events(recording, step.index) if event.kind == "update"]
        by = f" by {step.optimizer}" if step.optimizer else ""
        lines.append(f"  updates             {len(updates)}{by}")
    return "\n".join(lines or ["nothing was recorded: the script never called backward()"])


def _gradients(recording: Recording, step: int) -> list[str]:
    norms = {parameter.name: norm for parameter, norm in _gradient_norms(recording, step)}
    if not norms:
        return ["  gradients           none"]
    largest, smallest = max(norms, key=norms.__getitem__), min(norms, key=norms.__getitem__)
    return [
        f"  largest gradient    {norms[largest]:.4g}  {largest}",
        f"  smallest gradient   {norms[smallest]:.4g}  {smallest}",
    ]


def _gradient_norms(recording: Recording, step: int) -> Iterator[tuple[Parameter, float]]:
    """The norm (L2) of each parameter's gradient at the end of the step's backward passes."""
    for event in _events(recording, step):
        if event.kind == "accumulate" and event.parameter is not None:
            norm = _norm(recording, event, "grad_after")
            if norm is not None:
                yield recording.parameter(event.parameter), norm


def _norm(recording: Recording, event: Event, role: Role) -> float | None:
    for value in recording.values(event.id):
        if value.role == role:
            return recording.tensor(value.tensor).statistics.norm
    return None


def _events(recording: Recording, step: int) -> Iterator[Event]:
    first, last = recording.timeline.step_bounds(step)
    return (recording.event(number) for number in range(first, last + 1))
