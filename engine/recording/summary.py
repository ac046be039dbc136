"""What is in a recording, in one plain object: `info --json` prints it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.recording.model import EVENT_KINDS, Note, Step
from engine.recording.reader import Recording


def summarize(recording: Recording) -> dict[str, Any]:
    """The recording as plain values. Counts of nodes and edges leave out data leaves; a loss that is NaN is text."""
    info = recording.info
    graphs: dict[int, list[dict[str, Any]]] = {}
    with recording.held():
        for graph in recording.graphs:
            graphs.setdefault(graph.step, []).append(
                {"id": graph.id, **_sizes(recording, graph.id), "kind": graph.kind}
            )
    return {
        "format_version": info.format_version,
        "torch": info.torch,
        "python": info.python,
        "script": info.script,
        "argv": list(info.argv),
        "created": info.created,
        "complete": recording.complete,
        "live": recording.live,
        "tensors": info.tensors,
        "parameters": len(recording.parameters),
        "steps": [_step(recording, step, graphs.get(step.index, [])) for step in recording.steps],
        "notes": [{"step": note.step, "text": note.text} for note in recording.notes],
    }


def _sizes(recording: Recording, graph_id: int) -> dict[str, int]:
    kinds = {node.id: node.kind for node in recording.nodes(graph_id)}
    edges = [edge for edge in recording.edges(graph_id) if "data" not in (kinds[edge.source], kinds[edge.target])]
    count = Counter(kinds.values())
    return {"nodes": len(kinds) - count["data"], "edges": len(edges), "parameters": count["parameter"]}


def _step(recording: Recording, step: Step, graphs: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = recording.timeline.kind[step.first_event : step.last_event + 1]
    counts = np.bincount(kinds, minlength=len(EVENT_KINDS)).tolist()
    loss = step.loss
    return {
        "index": step.index,
        "loss": loss if loss is None or math.isfinite(loss) else str(loss),
        "optimizer": step.optimizer,
        "graphs": graphs,
        "events": dict(zip(EVENT_KINDS, counts, strict=True)),
    }


def _parameters(count: int) -> str:
    return "1 parameter" if count == 1 else f"{count} parameters"


def table(summary: dict[str, Any]) -> str:
    """The summary for people: a few lines about the run, then one line per training step."""
    lines = [
        f"script   {' '.join([summary['script'], *summary['argv']])}",
        f"torch    {summary['torch']}, Python {summary['python']}",
        f"tensors  {summary['tensors']}, format {summary['format_version']}, {_parameters(summary['parameters'])}",
    ]
    if not summary["complete"]:
        why = "it is being written" if summary["live"] else "its script was killed, or ran on when this was saved"
        lines.append(f"state    not closed: {why}")
    heads = ("step (from 0)", "loss", "optimizer", "nodes", "edges", "parameters", *EVENT_KINDS)
    rows = [heads, *(_cells(step) for step in summary["steps"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines.append("")
    lines += ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    if not summary["steps"]:
        lines.append("no training step: the script never called backward()")
    lines += [f"note: {note['text']}" for note in summary["notes"]]
    return "\n".join(lines)


def _cells(step: dict[str, Any]) -> tuple[str, ...]:
    loss = step["loss"]
    shown = "–" if loss is None else loss if isinstance(loss, str) else f"{loss:.6g}"
    sizes = [" + ".join(str(graph[key]) for graph in step["graphs"]) or "–" for key in ("nodes", "edges", "parameters")]
    return (str(step["index"]), shown, step["optimizer"] or "–", *sizes, *map(str, step["events"].values()))


def first_notes(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes of the whole run and of the first step that has any: later steps mostly say the same again."""
    first = min((note.step for note in notes if note.step is not None), default=None)
    return tuple(note for note in notes if note.step in (None, first))
