"""Layout: time for real and made graphs, how readable the result is, and Graphviz's dot beside it in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import networkx as nx

from engine.layout import Layout, LayoutError, graphviz, layout
from tests.layout.metrics import measure
from tests.layout.samples import lstm, real_graph, sized, tangle, transformer

ROUNDS = 5
ENOUGH = 2.0  # s of one graph's rounds
DOT_SECONDS = 15.0
GRAPHS: tuple[tuple[str, Callable[[], nx.MultiDiGraph], str], ...] = (
    ("ResNet-18", lambda: real_graph("resnet18"), ""),
    ("ResNet-152", lambda: real_graph("resnet152"), "≤ 50 ms"),
    ("DenseNet-121", lambda: real_graph("densenet121"), ""),
    ("transformer, 10,000 nodes", lambda: transformer(10_000), "≤ 150 ms"),
    ("random, 10,000 nodes", lambda: tangle(10_000), "≤ 2,000 ms"),
    ("LSTM, 200 steps", lambda: lstm(200), "≤ 1,000 ms"),
)
READABLE = ("resnet18", "resnet152", "vit_tiny", "googlenet", "unet", "densenet121")


def run() -> list[tuple[str, str, str]]:
    rows = []
    for name, make, bar in GRAPHS:
        graph = sized(make())
        rows.append((f"layout, {name} ({len(graph):,} nodes)", f"{_milliseconds(graph):,.0f} ms", bar))
        if graphviz.installed():
            rows.append((f"  the same by Graphviz {graphviz.PROGRAM}", _by_dot(graph), ""))
    for name in READABLE:
        found = measure(layout(real_graph(name, large=True)))
        through = f"{found.through} edges through nodes, {found.overlaps} overlaps, {found.crossings} crossings"
        rows.append((f"layout, {name}", through, "0, 0, few"))
    return rows


def _milliseconds(graph: nx.MultiDiGraph) -> float:
    """The best of a few rounds."""
    times: list[float] = []
    while len(times) < ROUNDS and sum(times) < ENOUGH:
        begin = time.perf_counter()
        layout(graph)
        times.append(time.perf_counter() - begin)
    return min(times) * 1000


def _by_dot(graph: nx.MultiDiGraph) -> str:
    begin = time.perf_counter()
    try:
        done: Layout = graphviz.dot(graph, 1.6, seconds=DOT_SECONDS)
    except LayoutError:
        return f"not done after {DOT_SECONDS:g} s"
    return f"{(time.perf_counter() - begin) * 1000:,.0f} ms, {done.bounds[2] - done.bounds[0]:,.0f} px wide"
