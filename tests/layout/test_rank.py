"""The row that each node stands in."""

from __future__ import annotations

import networkx as nx

from engine.layout import core, fold, net, rank


def ranks(*edges: tuple[int, int], nodes: int = 0) -> list[int]:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(edges)
    read = net.read(graph)
    found = core.take_core(read, fold.fold(read))
    result = rank.rank(found)
    assert rank.check(found, result) == []
    return [int(result[list(graph).index(node)]) for node in sorted(graph)]


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
