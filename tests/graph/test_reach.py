"""Up- and downstream, ways and shortest ways; chains are long, so nothing may recurse."""

from __future__ import annotations

import numpy as np

from engine.graph.reach import Links

# 0 → 1 → 3 → 4, 0 → 2 → 3, 2 → 4, and 5 alone
DIAMOND = Links(np.array([0, 0, 1, 2, 3, 2]), np.array([1, 2, 3, 3, 4, 4]), 6)


def test_up_and_downstream() -> None:
    assert np.flatnonzero(DIAMOND.downstream(1)).tolist() == [1, 3, 4]
    assert np.flatnonzero(DIAMOND.upstream(3)).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(DIAMOND.upstream(5)).tolist() == [5]
    assert (DIAMOND.sources(3), DIAMOND.targets(2)) == ([1, 2], [3, 4])


def test_ways_between_two() -> None:
    assert np.flatnonzero(DIAMOND.between(0, 3)).tolist() == [0, 1, 2, 3]
    assert DIAMOND.shortest(0, 4) == (0, 2, 4)
    assert DIAMOND.shortest(4, 0) == ()
    assert not DIAMOND.between(4, 0).any()
    assert DIAMOND.shortest(2, 2) == (2,)


def test_a_long_chain_and_a_loop() -> None:
    count = 30_000
    chain = Links(np.arange(count), np.append(np.arange(1, count), 0), count)
    assert chain.downstream(5).all()
    assert len(chain.shortest(0, count - 1)) == count
