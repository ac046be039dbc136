"""JSON in node-link form."""

from __future__ import annotations

import io
import json
from pathlib import Path

import networkx as nx
import pytest

from engine.errors import UsageError
from engine.export import json_
from tests.export.samples import ODD, bow, odd


def test_networkx_reads_it_back(tmp_path: Path) -> None:
    graph, layout = bow(tmp_path)
    target = tmp_path / "bow.json"
    json_.write(graph, layout, target)
    back = nx.node_link_graph(json.loads(target.read_text(encoding="utf-8")), edges="edges")
    assert isinstance(back, nx.MultiDiGraph)
    assert list(back) == list(graph)
    assert set(back.edges(keys=True)) == set(graph.edges(keys=True))
    assert back.graph["step"] == 0
    node = back.nodes[2]
    assert {name: node[name] for name in ("name", "kind", "module", "source", "shape", "title", "type", "dtype")} == {
        "name": "prediction", "kind": "operation", "module": "", "source": "bow.py:9", "shape": [],
        "title": "prediction", "type": "AddBackward0", "dtype": "float32",
    }  # fmt: skip
    assert node["grad_norm"] == 7.5
    assert node["x"] == pytest.approx(layout.x[layout.index[2]], abs=0.01)
    assert node["height"] == 26
    edge = back.edges[2, 4, 1]
    assert edge["input_number"] == 0
    assert edge["route"] == [[86.0, 133.0], [94.0, 133.0]]


def test_odd_content_is_valid_json() -> None:
    stream = io.StringIO()
    json_.write(*odd(), stream)
    content = json.loads(stream.getvalue(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    nodes = {node["id"]: node for node in content["nodes"]}
    assert nodes[1]["title"] == ODD
    assert nodes[1]["grad_norm"] is nodes[ODD]["grad_norm"] is None
    assert nodes[2]["grad_norm"] == 1e-30
    assert nodes[2]["source"] == "x.py"
    assert nodes[ODD]["source"] is None
    assert len(content["edges"]) == 3


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "bow.json"
    with pytest.raises(UsageError, match=r"Cannot write .*bow\.json: No such file"):
        json_.write(*odd(), target)
