"""Proves a whole recording: every node of every backward pass, and every update of a parameter."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from engine.arithmetic import Comparison
from engine.host.protocol import Differences, Failed, decode
from engine.optimizers.result import Result as Compared
from engine.optimizers.verify import UpdateProof, verify_updates
from engine.recording.model import EVENT_KINDS
from engine.recording.reader import Recording
from engine.rules.verify import Check, Proof, State, verify_graph

_UPDATE = EVENT_KINDS.index("update")
_WORST = 10
_ROOT = Path(__file__).resolve().parents[1]
_JSON_STATES = {"no_data": "unproved_no_data"}
NODE_STATES = ("proved", "finite_differences", "not_differentiable", "unknown", "wrong", "no_data", "not_run")
UPDATE_STATES = ("proved", "unknown", "wrong", "no_data")


@dataclass(frozen=True)
class Result:
    """One proof, of a node or of an update. `type` is that of the node, or the optimizer's; `name` says which one."""

    kind: Literal["node", "update"]
    step: int
    type: str
    name: str
    proof: Proof | UpdateProof

    @property
    def state(self) -> str:
        return self.proof.state

    @property
    def max_abs(self) -> float:
        """Largest absolute error of what was compared; 0 where nothing was."""
        return max((found.max_abs for found in self._comparisons), default=0.0)

    @property
    def max_rel(self) -> float:
        """Largest error relative to the largest number of the tensor that it is in."""
        return max((found.max_rel for found in self._comparisons), default=0.0)

    @property
    def was_compared(self) -> bool:
        """Whether any number of it was."""
        return bool(self._comparisons)

    @property
    def _comparisons(self) -> list[Comparison]:
        compared: Sequence[Check | Compared] = (
            self.proof.checks if isinstance(self.proof, Proof) else self.proof.results
        )
        return [each.comparison for each in compared]


def count_of(recording: Recording, step: int | None = None) -> int:
    """How many proofs `verify_recording` gives."""
    graphs = [graph for graph in recording.graphs if step in (None, graph.step)]
    nodes = sum(node.kind != "data" for graph in graphs for node in recording.nodes(graph.id))
    return nodes + len(_updates(recording, step))


def verify_recording(recording: Recording, step: int | None = None) -> Iterator[Result]:
    """Every proof of a training step, or of all of them: the nodes of its backward passes, then its updates."""
    for entry in recording.steps:
        if step not in (None, entry.index):
            continue
        with recording.held():
            for graph in recording.graphs:
                if graph.step == entry.index:
                    yield from _nodes(recording, graph.id, entry.index)
            for proof in verify_updates(recording, entry.index):
                name = "" if proof.parameter is None else recording.parameter(proof.parameter).name
                yield Result("update", entry.index, proof.optimizer, name, proof)


def _nodes(recording: Recording, graph: int, step: int) -> Iterator[Result]:
    for proof in verify_graph(recording, graph):
        node = recording.node(proof.node)
        yield Result("node", step, proof.type, node.name or node.module, proof)


def _updates(recording: Recording, step: int | None) -> list[int]:
    timeline = recording.timeline
    chosen = timeline.kind == _UPDATE
    if step is not None:
        chosen = chosen & (timeline.step == step)
    return [int(event) for event in chosen.nonzero()[0]]


def by_finite_differences(recording: Recording, results: Iterable[Result]) -> Iterator[Result]:
    """The same results; nodes without a rule get what finite differences say of them.

    Their forwards run again in a process that imports torch; for a custom function that runs the script again. Where
    that process breaks off, the reasons of those that it left say so.
    """
    listed = list(results)
    unknown = [r.proof.node for r in listed if isinstance(r.proof, Proof) and r.state == "unknown"]
    found, broke_off = _differences(recording, unknown) if unknown else ({}, "")
    for result in listed:
        if not isinstance(result.proof, Proof) or result.state != "unknown":
            yield result
            continue
        message = found.get(result.proof.node)
        if message is None:
            reason = f"{result.proof.reason}; {broke_off}"
            yield replace(result, proof=replace(result.proof, reason=reason)) if broke_off else result
            continue
        state: State = {"proved": "finite_differences", "wrong": "wrong"}.get(message.state, "unknown")  # type: ignore[assignment]
        comparison = Comparison(
            message.state == "proved", message.max_abs, message.max_rel, message.worst, message.computed,
            message.recorded, message.bound,
        )  # fmt: skip
        checks = (Check("grad_input", message.slot, comparison),) if state != "unknown" else ()
        proof = replace(result.proof, state=state, reason=message.reason, checks=checks)
        yield replace(result, proof=proof)


def _differences(recording: Recording, nodes: Sequence[int]) -> tuple[dict[int, Differences], str]:
    """What was found of the nodes, and how the process broke off, if it did."""
    command = [sys.executable, "-m", "engine.host", "--finite-differences", str(recording.path.absolute())]
    answer = subprocess.run(
        [*command, "--nodes", ",".join(map(str, nodes))], cwd=_ROOT, capture_output=True, check=False
    )
    found, why = {}, f"exit code {answer.returncode}"
    for line in answer.stdout.splitlines():
        message = decode(line)
        if isinstance(message, Differences):
            found[message.node] = message
        elif isinstance(message, Failed):
            why = message.error
    return found, "" if len(found) == len(nodes) else f"the check by finite differences broke off: {why}"


def as_json(results: Iterable[Result]) -> dict[str, Any]:
    """Counts by state, the largest relative errors, and what there is no rule for, as plain values."""
    listed = list(results)
    nodes = Counter(result.state for result in listed if result.kind == "node")
    updates = Counter(result.state for result in listed if result.kind == "update")
    unknown = Counter(result.type for result in listed if result.kind == "node" and result.state == "unknown")
    return {
        "nodes": {_JSON_STATES.get(state, state): nodes[state] for state in NODE_STATES},
        "updates": {_JSON_STATES.get(state, state): updates[state] for state in UPDATE_STATES},
        "worst": [describe(result) for result in worst(listed)],
        "unknown_types": sorted(unknown),
    }


def worst(results: Iterable[Result], count: int = _WORST) -> list[Result]:
    """The wrong ones, then the largest relative errors."""
    compared = [result for result in results if result.state == "wrong" or result.max_rel > 0]
    return sorted(compared, key=lambda result: (result.state != "wrong", -result.max_rel))[:count]


def describe(result: Result) -> dict[str, Any]:
    """One proof as plain values; errors that are not finite are text."""
    proof = result.proof
    found: dict[str, Any] = {
        "kind": result.kind,
        "step": result.step,
        "type": result.type,
        "name": result.name,
        "state": _JSON_STATES.get(result.state, result.state),
        "max_abs": _plain(result.max_abs),
        "max_rel": _plain(result.max_rel),
        "reason": proof.reason,
    }
    return found | ({"node": proof.node} if isinstance(proof, Proof) else {"event": proof.event})


def _plain(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


def table(results: Iterable[Result]) -> str:
    """One line a type of node and one an optimizer, the wrong ones with their elements, and a line that sums up."""
    listed = list(results)
    lines: list[str] = []
    for kind, heading, states in (("node", "node", NODE_STATES), ("update", "update by", UPDATE_STATES)):
        chosen = [result for result in listed if result.kind == kind]
        if chosen:
            lines += [*_rows(chosen, heading, states), ""]
    lines += _missing(listed)
    for result in listed:
        if result.state in ("wrong", "unknown"):
            named = f"{result.type} {result.name}".rstrip()
            lines.append(f"{result.state}: step {result.step}, {named}: {result.proof.reason}")
    return "\n".join([*lines, summary(listed)])


def _missing(results: list[Result]) -> list[str]:
    """Why there is no data: a line for each reason, with the types that have it."""
    found: dict[str, Counter[str]] = {}
    for result in results:
        if result.state == "no_data":
            found.setdefault(result.proof.reason, Counter())[result.type] += 1
    return [
        f"{_WORDS['no_data']}: {', '.join(f'{count} {type_}' for type_, count in sorted(types.items()))}: {reason}"
        for reason, types in found.items()
    ]


def summary(results: Iterable[Result]) -> str:
    """ "134 nodes: 134 proved; 62 updates: 62 proved"."""
    results, parts = list(results), []
    if not results:
        return "nothing to prove: there is no backward pass and no update"
    for kind, name in (("node", "node"), ("update", "update")):
        states = Counter(result.state for result in results if result.kind == kind)
        total = sum(states.values())
        known = [f"{states[state]} {_WORDS[state]}" for state in NODE_STATES if states[state]]
        parts.append(f"{total} {name}{'' if total == 1 else 's'}{': ' if known else ''}{', '.join(known)}")
    return "; ".join(parts)


_WORDS = {
    "proved": "proved",
    "finite_differences": "by finite differences",
    "not_differentiable": "not differentiable",
    "unknown": "unknown",
    "wrong": "wrong",
    "no_data": "without data",
    "not_run": "not run",
}


def _errors(results: list[Result]) -> list[tuple[float, float]]:
    """Largest absolute and relative errors, of what was compared."""
    return [(result.max_abs, result.max_rel) for result in results if result.was_compared]


def _rows(results: list[Result], heading: str, states: tuple[str, ...]) -> list[str]:
    """Numbers in columns; states that never occur are left out."""
    used = [state for state in states if any(result.state == state for result in results)]
    rows = [(heading, *(_WORDS[state] for state in used), "largest error", "relative")]
    for type_ in sorted({result.type for result in results}):
        of_type = [result for result in results if result.type == type_]
        counts = Counter(result.state for result in of_type)
        errors = [f"{max(each):.1e}" for each in zip(*_errors(of_type), strict=True)] or ["", ""]
        rows.append((type_, *(str(counts[state] or "") for state in used), *errors))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) if first == 0 else cell.rjust(width)
                  for first, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
