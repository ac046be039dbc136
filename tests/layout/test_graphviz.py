"""Graphviz's dot: there, missing, slow, failing."""

from __future__ import annotations

import stat
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from engine.layout import LayoutError, graphviz
from tests.layout.metrics import measure
from tests.layout.samples import real_graph

needs_dot = pytest.mark.skipif(not graphviz.installed(), reason="Graphviz is not installed")


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put another program in the place of dot."""
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr(graphviz, "PROGRAM", str(path))


@needs_dot
def test_positions_sizes_and_curves() -> None:
    graph = real_graph("resnet18", large=True)
    drawn = graphviz.dot(graph, 1.6)
    found = measure(drawn)
    assert (found.overlaps, found.through) == (0, 0)
    for (source, target, _), route in zip(drawn.edges, drawn.routes, strict=True):
        for point, node in ((route[0], drawn.index[source]), (route[-1], drawn.index[target])):
            assert abs(point[0] - drawn.x[node]) <= drawn.width[node] / 2 + 2
            assert abs(point[1] - drawn.y[node]) <= drawn.height[node] / 2 + 2
    assert drawn.y[0] == drawn.y.min()


@needs_dot
def test_parallel_edges_have_routes_of_their_own() -> None:
    one, two = graphviz.dot(nx.MultiDiGraph([(0, 1), (0, 1)]), 1.6).routes
    assert not np.array_equal(one, two)


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "PROGRAM", "no-such-program-as-this")
    assert not graphviz.installed()
    with pytest.raises(LayoutError, match="Graphviz, which is not installed"):
        graphviz.dot(nx.MultiDiGraph([(0, 1)]), 1.6)


def test_too_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "exec sleep 20")
    with pytest.raises(LayoutError, match=r"not done with 2 nodes after 0\.1 s"):
        graphviz.dot(nx.MultiDiGraph([(0, 1)]), 1.6, seconds=0.1)


def test_failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "cat > /dev/null; echo out of ink >&2; exit 3")
    with pytest.raises(LayoutError, match="out of ink"):
        graphviz.dot(nx.MultiDiGraph([(0, 1)]), 1.6)


@pytest.mark.parametrize("answer", ["", "node 0 x y", "edge 7 8 4 1 2 3 4", "node 99 1 1 1 1", "hello"])
def test_answering_nonsense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    program(tmp_path, monkeypatch, f"cat > /dev/null; echo '{answer}'")
    with pytest.raises(LayoutError, match="not understood"):
        graphviz.dot(nx.MultiDiGraph([(0, 1)]), 1.6)
