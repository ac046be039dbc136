"""Cycles and loops."""

from __future__ import annotations

import networkx as nx

from engine.layout import core, fold, net
from engine.layout.core import Core


def taken(*edges: tuple[int, int]) -> Core:
    read = net.read(nx.MultiDiGraph(edges))
    found = core.take_core(read, fold.fold(read))
    assert core.check(found) == []
    return found


def test_no_edge_is_turned_without_need() -> None:
    assert not taken((0, 1), (1, 2), (0, 2)).turned.any()


def test_one_edge_of_a_cycle_is_turned() -> None:
    found = taken((0, 1), (1, 2), (2, 0), (2, 3))
    assert found.turned.sum() == 1


def test_both_ways_between_two_nodes() -> None:
    assert taken((0, 1), (1, 0)).turned.sum() == 1


def test_a_loop_is_set_aside_and_makes_room() -> None:
    found = taken((0, 0), (0, 1))
    assert found.loops.tolist() == [0]
    assert found.left[0] > found.left[1]


def test_a_large_cycle_takes_no_recursion() -> None:
    ring = [(node, (node + 1) % 5000) for node in range(5000)]
    assert taken(*ring).turned.sum() == 1


def test_parallel_edges_are_one_neighbour() -> None:
    assert taken((0, 1), (0, 1)).successors == [[1], []]
