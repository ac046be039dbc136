"""Graphs to write, with and without what is hard to write."""

from __future__ import annotations

from pathlib import Path

import networkx as nx

from engine.graph.annotate import annotate_norms
from engine.graph.build import build_graph
from engine.layout import Layout, layout
from engine.recording.reader import open_recording
from tests.recordings import make_bow

ODD = 'a "quoted" \\n name\n<b>&amp;\x00\x07\x1b\ud800\uffff é ж 🏹'


def bow(folder: Path) -> tuple[nx.MultiDiGraph, Layout]:
    with open_recording(make_bow(folder / "bow.chain")) as recording:
        graph = build_graph(recording, 0)
        annotate_norms(graph, recording)
    return graph, layout(graph)


def odd() -> tuple[nx.MultiDiGraph, Layout]:
    """Characters, numbers and keys that a careless writer stumbles over."""
    graph = nx.MultiDiGraph(id=0, step=0, kind="backward", root=1, note=None)
    graph.add_node(1, title=ODD, name=ODD, module=ODD, source=ODD, line=3, shape=(2, 3), grad_norm=float("nan"))
    graph.add_node(ODD, grad_norm=float("inf"), shape=None, line=5)
    graph.add_node(2, grad_norm=1e-30, source="x.py", shape=())
    graph.add_edge(1, ODD, key=0, input_number=1)
    graph.add_edge(1, ODD, key=ODD)
    graph.add_edge(2, 2, key=1000, input_number=0)
    return graph, layout(graph)
