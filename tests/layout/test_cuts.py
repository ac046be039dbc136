"""Where the drawing can be taken apart."""

from __future__ import annotations

import networkx as nx

from engine.layout import core, cuts, fold, net, rank


def pieces(*edges: tuple[int, int], nodes: int = 0) -> list[tuple[int, int]]:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(edges)
    read = net.read(graph)
    found = core.take_core(read, fold.fold(read))
    ranks = rank.rank(found)
    result = cuts.find_cuts(found, ranks)
    assert cuts.check(found, ranks, result) == []
    return list(zip(result.first.tolist(), result.last.tolist(), strict=True))


def test_a_chain_is_cut_at_every_node() -> None:
    assert pieces((0, 1), (1, 2)) == [(0, 1), (1, 2)]


def test_a_diamond_is_one_piece() -> None:
    assert pieces((0, 1), (0, 2), (1, 3), (2, 3), (3, 4)) == [(0, 2), (2, 3)]


def test_no_cut_where_an_edge_passes_by() -> None:
    assert pieces((0, 1), (1, 2), (0, 2), (2, 3)) == [(0, 2), (2, 3)]


def test_separate_parts_share_no_cut() -> None:
    assert pieces((0, 1), (2, 3)) == [(0, 1), (2, 3)]
    assert pieces(nodes=3) == [(0, 0), (1, 1), (2, 2)]


def test_nothing() -> None:
    assert pieces() == []
