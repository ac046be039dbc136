"""Gradient norms on the nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

from engine.graph.annotate import annotate_norms
from engine.graph.build import build_graph
from engine.recording.reader import Recording, open_recording
from tests.recordings import make_bow


@pytest.fixture
def bow(tmp_path: Path) -> Iterator[Recording]:
    with open_recording(make_bow(tmp_path / "bow.chain")) as recording:
        yield recording


def norms(graph: nx.MultiDiGraph) -> dict[str, float]:
    return {data["title"]: data["grad_norm"] for _, data in graph.nodes(data=True) if "grad_norm" in data}


def test_of_the_whole_pass(bow: Recording) -> None:
    graph = build_graph(bow, 0, data_leaves=True)
    annotate_norms(graph, bow)
    assert norms(graph) == {"loss": 1.0, "sub": 7.5, "prediction": 7.5, "mul": 7.5, "b": 7.5, "w": 15.0}


def test_up_to_an_event(bow: Recording) -> None:
    graph = build_graph(bow, 0)
    events = bow.timeline.backward_event(0)
    annotate_norms(graph, bow, events[1])
    assert set(norms(graph)) == {"loss", "sub"}
    annotate_norms(graph, bow, events[0] - 1)
    assert norms(graph) == {}


def test_of_another_step(bow: Recording) -> None:
    graph = build_graph(bow, 1)
    annotate_norms(graph, bow)
    assert norms(graph)["w"] != 15.0
