"""The row that each node stands in."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from engine.layout import core, fold, net, rank
from engine.layout.pipeline import layered
from tests.layout.metrics import measure


def ranks(*edges: tuple[int, int], nodes: int = 0) -> list[int]:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(edges)
    read = net.read(graph)
    found = core.take_core(read, fold.fold(read))
    result = rank.rank(found)
    assert rank.check(found, result) == []
    return [int(result[read.nodes.index(node)]) for node in sorted(graph)]


def test_longest_path_from_the_loss() -> None:
    assert ranks((0, 1), (1, 2), (2, 3), (0, 3)) == [0, 1, 2, 3]


def test_a_short_branch_hangs_below_what_it_comes_from() -> None:
    assert ranks((0, 1), (1, 2), (2, 3), (0, 4)) == [0, 1, 2, 3, 1]


def test_a_second_start_stands_right_above_what_it_leads_to() -> None:
    assert ranks((0, 1), (1, 2), (2, 3), (4, 3)) == [0, 1, 2, 3, 2]


def test_parts_stand_one_below_the_other_largest_first() -> None:
    assert ranks((0, 1), (2, 3), (3, 4)) == [3, 4, 0, 1, 2]


def test_lone_nodes_each_have_a_rank() -> None:
    assert ranks(nodes=3) == [0, 1, 2]


def test_a_second_start_of_two_branches() -> None:
    assert ranks((0, 2), (2, 3), (1, 3), (1, 4), (4, 5)) == [0, 0, 1, 2, 1, 2]


def ports(*edges: tuple[int, int], first: Iterable[int] = (), last: Iterable[int] = ()) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_edges_from(edges)
    for node in graph:
        graph.nodes[node].update(width=100.0, height=40.0)
    for name, nodes in (("first", first), ("last", last)):
        for node in nodes:
            graph.nodes[node].update(port=name, width=0.0, height=0.0)
    return graph


def test_ports_stand_in_the_first_and_the_last_row() -> None:
    """10 would stand in the fourth row, 21 in the second, and the parts one below the other."""
    graph = ports(
        (10, 4), (11, 1), (1, 2), (2, 3), (3, 4), (4, 20), (1, 21), (12, 7), first={10, 11, 12}, last={20, 21}
    )
    drawn = layered(graph, wrap=False, checked=True)
    y = {node: float(drawn.y[drawn.index[node]]) for node in graph}
    assert y[10] == y[11] == y[12] == min(y.values())
    assert y[20] == y[21] == max(y.values())
    assert y[7] < y[3], "parts with ports stand side by side"
    assert measure(drawn).through == 0


def test_a_port_with_edges_on_its_wrong_side_stays_where_they_allow() -> None:
    drawn = layered(ports((0, 1), (1, 2), first={1}), wrap=False, checked=True)
    assert drawn.y[0] < drawn.y[1] < drawn.y[2]
