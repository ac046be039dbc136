"""A recording's backward pass as a graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import RecordingError
from engine.graph.build import build_graph
from engine.recording.reader import Recording, open_recording
from tests.recordings import make_bow, make_chain


@pytest.fixture
def bow(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        yield recording


def test_the_bow(bow: Recording) -> None:
    graph = build_graph(bow, 0)
    assert [data["title"] for _, data in graph.nodes(data=True)] == ["loss", "sub", "prediction", "mul", "b", "w"]
    assert sorted(graph.edges(keys=True)) == [(0, 1, 0), (1, 2, 0), (2, 3, 0), (2, 4, 1), (3, 5, 0)]
    assert graph.graph == {"id": 0, "step": 0, "kind": "backward", "root": 0}
    assert graph.edges[2, 4, 1] == {"input_number": 0}
    assert graph.nodes[2] == {
        "kind": "operation", "type": "AddBackward0", "operation": "aten.add", "name": "prediction",
        "title": "prediction", "subtitle": "AddBackward0", "category": "arithmetic", "module": "", "module_type": "",
        "source": "bow.py", "line": 9, "shape": (), "dtype": "float32", "parameter": None,
        "sequence_nr": 1, "saved_bytes": 0,
    }  # fmt: skip
    assert (graph.nodes[5]["category"], graph.nodes[5]["parameter"]) == ("parameter", 0)


def test_with_data_leaves(bow: Recording) -> None:
    graph = build_graph(bow, 1, data_leaves=True)
    leaves = {data["title"] for _, data in graph.nodes(data=True) if data["kind"] == "data"}
    assert leaves == {"x", "y"}
    assert (len(graph), graph.number_of_edges()) == (8, 7)


def test_each_step_has_its_own_nodes(bow: Recording) -> None:
    assert set(build_graph(bow, 0)).isdisjoint(build_graph(bow, 1))


def test_no_such_graph(bow: Recording) -> None:
    with pytest.raises(RecordingError, match="no graph 99"):
        build_graph(bow, 99)


def test_a_longer_one(tmp_path: Path) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=60)) as recording:
        graph = build_graph(recording, 0)
    assert len(graph) == 75
    assert graph.nodes[0]["module"] == "layers.0"
