"""Upstream and downstream."""

from __future__ import annotations

import networkx as nx

from engine.graph.paths import ancestors, descendants

DIAMOND = nx.MultiDiGraph([(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)])


def test_a_diamond() -> None:
    assert ancestors(DIAMOND, 3) == {0, 1, 2}
    assert descendants(DIAMOND, 1) == {3, 4}
    assert ancestors(DIAMOND, 0) == descendants(DIAMOND, 4) == frozenset()


def test_an_unknown_node() -> None:
    assert ancestors(DIAMOND, 99) == descendants(DIAMOND, 99) == frozenset()


def test_a_cycle() -> None:
    ring = nx.MultiDiGraph([(0, 1), (1, 2), (2, 0)])
    assert descendants(ring, 0) == ancestors(ring, 0) == {1, 2}


def test_a_long_chain_takes_no_recursion() -> None:
    chain = nx.MultiDiGraph()
    nx.add_path(chain, range(20_000))
    assert len(descendants(chain, 0)) == len(ancestors(chain, 19_999)) == 19_999
