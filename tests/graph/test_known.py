"""What is worked out once of a graph: titles, and edges by their ends."""

from __future__ import annotations

from pathlib import Path

from engine.graph import known
from engine.graph.labels import Labels
from engine.recording.reader import open_recording
from tests.recordings import make_bow, make_chain


def test_edges_are_found_by_either_end(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        graph = recording.graphs[0].id
        ends, edges = known.ends(recording, graph), recording.edges(graph)
        for node in recording.nodes(graph):
            assert ends.leaving(node.id) == [edge for edge in edges if edge.source == node.id]
            assert ends.entering(node.id) == [edge for edge in edges if edge.target == node.id]
        assert any(len(ends.leaving(node.id)) > 1 for node in recording.nodes(graph))
        assert known.ends(recording, graph) is ends


def test_titles_are_those_of_the_graph(tmp_path: Path) -> None:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        graph = recording.graphs[0].id
        labels, nodes = known.labels(recording, graph), recording.nodes(graph)
        assert [labels.title(node) for node in nodes] == [Labels(nodes).title(node) for node in nodes]
        assert known.labels(recording, graph) is labels


def test_only_some_graphs_are_kept(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "many.chain", nodes=3, steps=3 * known.KEPT)) as recording:
        first = known.ends(recording, recording.graphs[0].id)
        for graph in recording.graphs:
            known.ends(recording, graph.id)
            known.labels(recording, graph.id)
        assert len(known._known[recording]) <= 2 * known.KEPT + 1
        assert known.ends(recording, recording.graphs[0].id) is not first
