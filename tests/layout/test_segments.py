"""Equal pieces are found to be equal."""

from __future__ import annotations

import networkx as nx

from engine.layout.pipeline import PASSES, State
from tests.layout.samples import real_graph, sized, transformer


def after(name: str, graph: nx.MultiDiGraph) -> State:
    """The state after the pass of that name."""
    state = State(graph, 1.6)
    for step in PASSES:
        step.run(state)
        assert step.check(state) == []
        if step.name == name:
            break
    return state


def test_a_transformer_has_few_distinct_pieces() -> None:
    segments = after("segments", sized(transformer(3000))).segments
    assert len(segments.template) > 200
    assert len(segments.templates) < 10


def test_a_wider_node_makes_another_piece() -> None:
    graph = sized(transformer(3000))
    before = len(after("segments", graph).segments.templates)
    gelus = [node for node, data in graph.nodes(data=True) if data["type"] == "GeluBackward0"]
    graph.nodes[gelus[7]]["width"] = 400.0
    assert len(after("segments", graph).segments.templates) == before + 1


def test_each_edge_is_in_one_segment() -> None:
    state = after("segments", real_graph("unet"))
    assert sorted(state.segments.by_segment.tolist()) == list(range(len(state.core.edges)))
