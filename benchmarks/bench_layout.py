"""Layout: time for real and made graphs, and Graphviz's dot beside it in the same run.

How readable the graphs of torchvision's models become: `python -m benchmarks layout_models`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import networkx as nx

from engine.layout import LayoutError, graphviz, layout
from tests.layout.samples import lstm, real_graph, sized, tangle, transformer

ROUNDS = 7
ENOUGH = 2.0  # s of one graph's rounds
DOT_SECONDS = 5.0
BESIDE_DOT, PATIENCE = 10_000, 100.0  # nodes of the graph for which dot gets more time, and how much, s
TIMES_FASTER = 100


def graphs() -> list[tuple[str, Callable[[], nx.MultiDiGraph], str]]:
    return [
        ("ResNet-18", lambda: real_graph("resnet18"), ""),
        ("ResNet-152", lambda: real_graph("resnet152"), "≤ 50 ms"),
        ("DenseNet-121", lambda: real_graph("densenet121"), ""),
        ("transformer", lambda: transformer(1000), "≤ 20 ms"),
        ("transformer", lambda: transformer(BESIDE_DOT), "≤ 150 ms"),
        ("transformer", lambda: transformer(20_000), "≤ 300 ms"),
        ("random", lambda: tangle(10_000), "≤ 2,000 ms"),
        ("LSTM, 200 steps, shared weights", lambda: lstm(200), "≤ 1,000 ms"),
        ("transformer", lambda: transformer(100_000), ""),
        ("random", lambda: tangle(100_000), ""),
    ]


def run() -> list[tuple[str, str, str]]:
    rows = []
    for name, make, bar in graphs():
        graph = sized(make())
        ours = _seconds(graph)
        rows.append((f"layout, {name} ({len(graph):,} nodes)", f"{ours * 1000:,.0f} ms", bar))
        if graphviz.installed() and bar:
            beside = BESIDE_DOT <= len(graph) < 1.1 * BESIDE_DOT and name == "transformer"
            figure, wanted = _by_dot(graph, ours, PATIENCE if beside else DOT_SECONDS)
            rows.append((f"  the same by Graphviz {graphviz.PROGRAM}", figure, wanted if beside else ""))
    return rows


def _seconds(graph: nx.MultiDiGraph) -> float:
    """The best of a few rounds."""
    times: list[float] = []
    while len(times) < ROUNDS and sum(times) < ENOUGH:
        begin = time.perf_counter()
        layout(graph)
        times.append(time.perf_counter() - begin)
    return min(times)


def _by_dot(graph: nx.MultiDiGraph, ours: float, seconds: float) -> tuple[str, str]:
    begin = time.perf_counter()
    try:
        graphviz.dot(graph, 1.6, seconds=seconds)
    except LayoutError:
        return f"stopped after {seconds:g} s: more than {seconds / ours:,.0f} times as long", f"≥ {TIMES_FASTER} times"
    taken = time.perf_counter() - begin
    return f"{taken:,.1f} s: {taken / ours:,.0f} times as long", f"≥ {TIMES_FASTER} times"
