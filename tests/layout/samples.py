"""Graphs to lay out: real ones of PyTorch's, written down in graphs/*.json, and made ones of any size.

A file in graphs/ holds the `types` that occur, for each of the `nodes` the number of its type, and `edges` as
(source, target, slot, input number).
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import networkx as nx

FOLDER = Path(__file__).parent / "graphs"
REAL = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
CANVAS_SIZES = {"operation": (150.0, 44.0), "parameter": (110.0, 30.0), "data": (110.0, 30.0)}


def real_graph(name: str, *, large: bool = False) -> nx.MultiDiGraph:
    """One of REAL; `large` gives the nodes the sizes that they have on screen, instead of none."""
    content = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    graph = nx.MultiDiGraph()
    for number, index in enumerate(content["nodes"]):
        add_node(graph, number, content["types"][index])
    for source, target, slot, input_number in content["edges"]:
        graph.add_edge(source, target, key=slot, input_number=input_number)
    return sized(graph) if large else graph


def add_node(graph: nx.MultiDiGraph, node: int, type_: str) -> None:
    """With the attributes that the layout and the export look at."""
    leaf = type_.endswith("AccumulateGrad")
    graph.add_node(
        node,
        type=type_.rsplit("::", 1)[-1],
        kind="parameter" if leaf else "operation",
        title="weight" if leaf else type_.partition("Backward")[0],
    )


def sized(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    for data in graph.nodes.values():
        data["width"], data["height"] = CANVAS_SIZES[data.get("kind", "operation")]
    return graph


def transformer(nodes: int) -> nx.MultiDiGraph:
    """A chain of equal pre-norm blocks, until there are at least so many nodes."""
    graph = nx.MultiDiGraph()

    def add(type_: str, *parents: int, weights: int = 0) -> int:
        number = len(graph)
        add_node(graph, number, f"{type_}Backward0")
        for parent in parents:
            graph.add_edge(parent, number, key=graph.out_degree(parent), input_number=0)
        for _ in range(weights):
            leaf = len(graph)
            add_node(graph, leaf, "AccumulateGrad")
            graph.add_edge(number, leaf, key=graph.out_degree(number), input_number=0)
        return number

    stream = add("Sum")
    while len(graph) < nodes:
        joined = add("Add", stream)
        mlp = add("Addmm", add("Gelu", add("Addmm", joined, weights=2)), weights=2)
        between = add("Add", add("NativeLayerNorm", mlp, weights=2), joined)
        heads = add("Bmm", add("UnsafeView", add("Addmm", between, weights=2)))
        scores = add("Bmm", add("Softmax", heads))
        values, keys, queries = add("Transpose", heads), add("Transpose", scores), add("Mul", scores)
        packed = add("Addmm", values, keys, queries, weights=2)
        stream = add("NativeLayerNorm", packed, weights=2)
        graph.add_edge(between, add("Add", stream), key=graph.out_degree(between), input_number=1)
        stream = len(graph) - 1
    return graph


def lstm(steps: int, layers: int = 2) -> nx.MultiDiGraph:
    """Unrolled cells with shared weights, every output stacked."""
    graph = nx.MultiDiGraph()

    def add(type_: str) -> int:
        add_node(graph, len(graph), type_ if type_ == "AccumulateGrad" else f"{type_}Backward0")
        return len(graph) - 1

    def join(source: int, target: int) -> None:
        graph.add_edge(source, target, key=graph.out_degree(source), input_number=0)

    stack = add("Stack")
    weights = [[add("AccumulateGrad") for _ in range(4)] for _ in range(layers)]
    later: list[tuple[int, int]] = []  # of each layer, the cell state and the recurrent product of the step after
    for _ in range(steps):
        above, now = stack, []
        for layer in range(layers):
            output, squashed, cell = add("Mul"), add("Tanh"), add("Add")
            kept, new, gates = add("Mul"), add("Mul"), add("Split")
            own, recurrent = add("Addmm"), add("Addmm")
            total = add("Add")
            forget, enter, out, candidate = add("Sigmoid"), add("Sigmoid"), add("Sigmoid"), add("Tanh")
            pairs = [(above, output), (output, squashed), (output, out), (squashed, cell), (cell, kept), (cell, new)]
            pairs += [(kept, forget), (new, enter), (new, candidate), (gates, total), (total, own), (total, recurrent)]
            pairs += [(gate, gates) for gate in (forget, enter, out, candidate)]
            if later:
                pairs += [(later[layer][0], cell), (later[layer][1], output)]
            for pair in pairs:
                join(*pair)
            for product, first in ((own, 0), (recurrent, 2)):
                transposed = add("T")
                join(product, weights[layer][first])
                join(product, transposed)
                join(transposed, weights[layer][first + 1])
            now.append((kept, recurrent))
            above = own
        later = now
    return graph


def tangle(nodes: int, seed: int = 0) -> nx.MultiDiGraph:
    """A random graph without cycles: mostly short edges, some of any length."""
    chance = random.Random(seed)
    graph = nx.MultiDiGraph()
    for node in range(nodes):
        add_node(graph, node, "AddBackward0")
        for _ in range(chance.choice((1, 1, 2, 2, 3)) if node else 0):
            near = max(0, node - 1 - int(chance.expovariate(1 / 50)))
            source = near if chance.random() < 0.9 else chance.randrange(node)
            graph.add_edge(source, node, key=graph.out_degree(source), input_number=0)
    return graph
