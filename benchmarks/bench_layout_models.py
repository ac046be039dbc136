"""How readable the graphs of all of torchvision's classification models are, and beside Graphviz's dot.

Their recordings are kept in build/torchvision (made at the first run, which takes some minutes); what each model came
to is written to build/torchvision/layout.txt.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

from engine.graph.build import build_graph
from engine.layout import LayoutError, graphviz, layout
from engine.recording.reader import open_recording
from tests.layout.metrics import Metrics, measure

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "torchvision"
DOT_SECONDS = 20.0
MOST_NODES_FOR_DOT = 3000  # dot's many small pieces of curves are then counted against each other for minutes


@dataclass(frozen=True)
class Found:
    """`dot` is None where Graphviz was not done in time."""

    name: str
    nodes: int
    loose: int
    ours: Metrics
    dot: Metrics | None


def run() -> list[tuple[str, str, str]]:
    found = [_measure(path) for path in recordings()]
    (FOLDER / "layout.txt").write_text("\n".join(map(_line, found)) + "\n", encoding="utf-8")
    finished = [(each.ours, each.dot) for each in found if each.dot is not None]
    no_worse = sum(ours.crossings <= dot.crossings for ours, dot in finished)
    return [
        (f"overlapping nodes, {len(found)} models", str(sum(each.ours.overlaps for each in found)), "0"),
        ("edges through foreign nodes (but for loose ones)", str(sum(each.ours.through for each in found)), "0"),
        ("crossings in all (without loose edges)", str(sum(each.ours.crossings for each in found)), ""),
        ("models with loose edges", str(sum(each.loose > 0 for each in found)), ""),
        (f"no more crossings than dot, of what it finishes in {DOT_SECONDS:g} s",
         f"{no_worse} of {len(finished)}", "≥ 9 of 10"),
    ]  # fmt: skip


def recordings() -> list[Path]:
    subprocess.run([sys.executable, "-m", "benchmarks.torchvision_graphs", str(FOLDER)], cwd=ROOT, check=True)
    return sorted(FOLDER.glob("*.chain"))


def drawn_graph(path: Path) -> nx.MultiDiGraph:
    """As the canvas lays it out."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from gui.canvas.export_image import application
    from gui.canvas.scene import node_sizes

    _kept = application()
    with open_recording(path) as recording:
        graph = build_graph(recording, recording.graphs[0].id)
    node_sizes(graph)
    del _kept
    return graph


def _measure(path: Path) -> Found:
    graph = drawn_graph(path)
    arranged = layout(graph)
    by_dot = None
    if graphviz.installed() and len(graph) <= MOST_NODES_FOR_DOT:
        try:
            by_dot = measure(graphviz.dot(graph, 1.6, seconds=DOT_SECONDS))
        except LayoutError:
            by_dot = None
    return Found(path.stem, len(graph), len(arranged.loose), measure(arranged), by_dot)


def _line(found: Found) -> str:
    ours, dot = found.ours, found.dot
    beside = "dot not done" if dot is None else f"dot: {dot.crossings} crossings, {dot.width:,.0f} px wide"
    return (
        f"{found.name:<24}{found.nodes:>6} nodes  overlaps {ours.overlaps}, through nodes {ours.through}, "
        f"crossings {ours.crossings}, loose {found.loose}, {ours.width:,.0f} × {ours.height:,.0f} px; {beside}"
    )
