"""What counts as a mesh."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.layout.mesh import LEAST, in_mesh

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60)


def meshed(*edges: tuple[int, int]) -> list[tuple[int, int]]:
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return [edge for edge, found in zip(edges, in_mesh(ends[:, 0], ends[:, 1]).tolist(), strict=True) if found]


def bundle(tails: range, heads: range) -> list[tuple[int, int]]:
    return [(tail, head) for tail in tails for head in heads]


def test_three_by_three_are_one() -> None:
    edges = bundle(range(3), range(3, 6))
    assert meshed(*edges) == edges


def test_what_can_be_drawn_side_by_side_is_none() -> None:
    assert not meshed()
    assert not meshed(*bundle(range(1), range(1, 30)))
    assert not meshed(*bundle(range(30), range(30, 32)))
    assert not meshed(*((node, 20 - node) for node in range(9)))


def test_parallel_edges_count_once() -> None:
    assert not meshed(*bundle(range(2), range(2, 4)) * 9)


def test_whatever_else_leads_to_its_nodes_takes_the_same_way() -> None:
    edges = bundle(range(3), range(3, 6))
    assert (9, 4) in meshed(*edges, (9, 4), (9, 8))
    assert (9, 8) not in meshed(*edges, (9, 4), (9, 8))


@given(EDGES)
def test_each_node_of_one_is_connected_with_three(edges: list[tuple[int, int]]) -> None:
    found = meshed(*edges)
    if found:
        many = [tail for tail in {tail for tail, _ in edges} if len({h for t, h in edges if t == tail}) >= LEAST]
        assert len(many) >= LEAST


@given(EDGES, st.permutations(range(10)))
def test_names_do_not_matter(edges: list[tuple[int, int]], names: list[int]) -> None:
    renamed = meshed(*((names[tail], names[head]) for tail, head in edges))
    assert renamed == [(names[tail], names[head]) for tail, head in meshed(*edges)]
