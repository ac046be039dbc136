"""GraphML."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx

from engine.export import graphml
from tests.export.samples import bow, odd


def test_networkx_reads_it_back(tmp_path: Path) -> None:
    graph, layout = bow(tmp_path)
    target = tmp_path / "bow.graphml"
    graphml.write(graph, layout, target)
    back = nx.read_graphml(target)
    assert sorted(back) == sorted(str(node) for node in graph)
    assert back.number_of_edges() == graph.number_of_edges()
    node = back.nodes["5"]
    assert (node["name"], node["kind"], node["source"], node["shape"]) == ("w", "parameter", "bow.py:5", "[]")
    assert node["grad_norm"] == 15.0
    assert isinstance(node["x"], float)
    edge = back.edges["2", "4"]
    assert edge["input_number"] == 0
    assert edge["route"] == "86.0,133.0 94.0,133.0"


def test_odd_content_is_valid_xml(tmp_path: Path) -> None:
    graph, layout = odd()
    target = tmp_path / "odd.graphml"
    graphml.write(graph, layout, target)
    ElementTree.parse(target)
    back = nx.read_graphml(target, force_multigraph=True)
    assert len(back) == 3
    assert back.number_of_edges() == 3
    assert back.nodes["1"]["title"].endswith("é ж 🏹")
    assert "grad_norm" not in back.nodes["1"]
    assert back.nodes["2"]["grad_norm"] == 1e-30


def test_edges_have_ids_of_their_own() -> None:
    stream = io.StringIO()
    graphml.write(*odd(), stream)
    ids = [edge.get("id") for edge in ElementTree.fromstring(stream.getvalue().encode()).iter() if edge.get("source")]
    assert len(set(ids)) == 3
