"""Add to a graph what happened during its backward pass."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from engine.recording.model import Role
from engine.recording.reader import Recording


def annotate_norms(graph: nx.MultiDiGraph, recording: Recording, event: int | None = None) -> None:
    """Set `grad_norm` (float, L2) of each node that a gradient has reached; with `event`, by the end of that event.

    Of an operation it is the norm of the gradient that entered it, the largest if there are several; of a parameter, of
    the gradient that arrived to be accumulated. Nodes without a recorded gradient have no such attribute.
    """
    graph_id = graph.graph["id"]
    timeline = recording.timeline
    with recording.held():
        _annotate(graph, recording, timeline.backward_event(graph_id), "grad_output", event)
        _annotate(graph, recording, timeline.accumulate_event(graph_id), "grad_input", event)


def _annotate(
    graph: nx.MultiDiGraph, recording: Recording, events: Mapping[int, int], role: Role, until: int | None
) -> None:
    for node, event in events.items():
        if node not in graph:
            continue
        graph.nodes[node].pop("grad_norm", None)
        if until is not None and event > until:
            continue
        tensors = [value.tensor for value in recording.values(event) if value.role == role]
        norms = [recording.tensor(tensor).statistics.norm for tensor in tensors]
        known = [norm for norm in norms if norm is not None]
        if known:
            graph.nodes[node]["grad_norm"] = max(known)
