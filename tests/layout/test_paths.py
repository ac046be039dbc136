"""Which boxes an edge leaves, crosses and enters, against the way that one finds by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.layout.model import Ints
from engine.layout.paths import FIRST, LAST, THROUGH, Parts, Paths, around, paths_of

# In a nested structure of its own: 0 and 3 are outermost, 1 and 2 in 0, 4 in 3, 5 in 4.
PARENT = np.array([-1, 0, 0, -1, 3, 4], dtype=np.int64)
PAGE = len(PARENT)
Case = tuple[Parts, Ints]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Few edges: no meshes, each of which would have one port for several nodes."""
    count = draw(st.integers(1, 10))
    leaf = [draw(st.booleans()) for _ in range(count)]
    home = [draw(st.integers(-1, PAGE - 1)) for _ in range(count)]
    end = st.integers(0, count - 1)
    pairs = [(u, v) for u, v in draw(st.lists(st.tuples(end, end), max_size=8)) if u != v]
    return parts_of(leaf, pairs, [draw(st.integers(0, 3)) for _ in range(count)]), np.array(home, dtype=np.int64)


def parts_of(leaf: list[bool], pairs: list[tuple[int, int]], look: list[int]) -> Parts:
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    names = tuple(f"n{number}" for number in range(len(leaf)))
    return Parts(
        names, np.array(look, dtype=np.int64), np.array(leaf, dtype=np.bool_), rows[:, 0], rows[:, 1],
        np.arange(len(rows)),
    )  # fmt: skip


def chain(frame: int) -> list[int]:
    """The page, and the frames round one, outermost first and itself last."""
    found: list[int] = []
    while frame >= 0:
        found.append(frame)
        frame = int(PARENT[frame])
    return [PAGE, *reversed(found)]


def homes(parts: Parts, home: Ints) -> tuple[list[int], list[bool]]:
    """Where nodes stand, and which are folded: a leaf that nothing leaves is with the first that uses it."""
    tails, heads = parts.tail.tolist(), parts.head.tolist()
    folded = [bool(leaf) and node in heads and node not in tails for node, leaf in enumerate(parts.leaf.tolist())]
    return [int(home[tails[heads.index(n)]]) if folded[n] else int(home[n]) for n in range(len(folded))], folded


def frames_on_the_way(one: int, other: int) -> tuple[list[int], int]:
    """Out of the boxes round one end, across what is round both, into those round the other; and how many are left."""
    out, into = chain(one), chain(other)
    same = sum(a == b for a, b in zip(out, into, strict=False))
    return [*reversed(out[same:]), out[same - 1], *into[same:]], len(out) - same


def legs_of(paths: Paths, edge: int) -> list[tuple[int, int, int, int]]:
    """(frame, tail item, head item, key) of each leg of an edge."""
    ways = np.flatnonzero(paths.way_edge == edge)
    assert paths.way_place[ways].tolist() == list(range(len(ways)))
    found = []
    for leg in paths.way[ways].tolist():
        frame = int(np.searchsorted(paths.leg_first, leg, "right")) - 1
        tail, head, key = paths.leg[leg].tolist()
        first = int(paths.item_first[frame])
        assert max(tail, head) < int(paths.item_first[frame + 1]) - first, "both ends stand in the box"
        found.append((frame, first + tail, first + head, key))
    return found


@given(st.lists(st.integers(-1, 6), max_size=8))
def test_the_boxes_round_a_box(wanted: list[int]) -> None:
    parent = np.array([min(each, number - 1) for number, each in enumerate(wanted)], dtype=np.int64)
    chains, depth = around(parent)
    for number in range(len(parent) + 1):
        expected: list[int] = []
        frame = number if number < len(parent) else -1
        while frame >= 0:
            expected.insert(0, frame)
            frame = int(parent[frame])
        assert depth[number] == len(expected)
        assert chains[number].tolist() == expected + [-1] * (chains.shape[1] - len(expected))


@given(cases())
def test_an_edge_goes_from_box_to_box(case: Case) -> None:
    parts, home = case
    paths = paths_of(parts, PARENT, home)
    at_home, folded = homes(parts, home)
    stands = list(zip(paths.stands.tolist(), paths.stand_node.tolist(), strict=True))
    for edge, (u, v) in enumerate(zip(parts.tail.tolist(), parts.head.tolist(), strict=True)):
        beside = folded[v]
        frames, exits = frames_on_the_way(at_home[u], at_home[u] if beside else at_home[v])
        legs = legs_of(paths, edge)
        assert [frame for frame, *_ in legs] == frames
        assert paths.exits[edge] == exits
        assert legs[0][1] == paths.node_item[u]
        last = legs[-1][2]
        assert last == paths.node_item[v] or (beside and at_home[u] != at_home[v] and (last, v) in stands)
        for place, ((frame, _, head, _), (following, tail, _, _)) in enumerate(pairwise(legs)):
            out = place < exits
            port, box = (head, tail) if out else (tail, head)
            assert paths.item_look[port] == (LAST if out else FIRST)
            assert paths.item_node[port] == -1
            assert box == paths.box_item[frame if out else following]
        assert (legs[0][3] == parts.key[edge]) == (len(legs) == 1)
        assert all(key >= THROUGH for *_, key in legs) or len(legs) == 1


@given(cases())
def test_everything_stands_somewhere_once(case: Case) -> None:
    parts, home = case
    paths = paths_of(parts, PARENT, home)
    at_home, folded = homes(parts, home)
    frame_of = np.repeat(np.arange(PAGE + 1), np.diff(paths.item_first))
    assert frame_of[paths.node_item].tolist() == [PAGE if frame < 0 else frame for frame in at_home]
    assert frame_of[paths.box_item].tolist() == [PAGE if frame < 0 else int(frame) for frame in PARENT]
    assert paths.item_node[paths.node_item].tolist() == list(range(len(parts.nodes)))
    assert paths.item_look[paths.node_item].tolist() == parts.look.tolist()
    used = {(at_home[u], v) for u, v in zip(parts.tail.tolist(), parts.head.tolist(), strict=True) if folded[v]}
    elsewhere = {(frame if frame >= 0 else PAGE, node) for frame, node in used if frame != at_home[node]}
    stands = list(zip(frame_of[paths.stands].tolist(), paths.stand_node.tolist(), strict=True))
    assert sorted(stands) == sorted(elsewhere), "a leaf is drawn in every box that uses it"
    ports = np.flatnonzero(paths.item_look < 0)
    assert sorted([*paths.node_item, *paths.box_item, *paths.stands, *ports]) == list(range(len(paths.item_look)))
    for node, edge in zip(paths.stand_node.tolist(), paths.stand_edge.tolist(), strict=True):
        assert parts.head[edge] == node


@given(cases())
def test_edges_to_one_node_share_ports_and_others_do_not(case: Case) -> None:
    parts, home = case
    paths = paths_of(parts, PARENT, home)
    leads_to: dict[int, set[int]] = {}
    ports: dict[tuple[int, int, int], set[int]] = {}
    for edge, v in enumerate(parts.head.tolist()):
        for frame, tail, head, _ in legs_of(paths, edge):
            for item in (tail, head):
                if paths.item_look[item] < 0:
                    leads_to.setdefault(item, set()).add(v)
                    ports.setdefault((frame, int(paths.item_look[item]), v), set()).add(item)
    assert all(len(nodes) == 1 for nodes in leads_to.values())
    assert all(len(items) == 1 for items in ports.values())
    rows = [(frame, *row) for frame in range(PAGE + 1) for row in leg_rows(paths, frame)]
    assert len(rows) == len(set(rows)), "a leg that several edges share is there once"


def leg_rows(paths: Paths, frame: int) -> list[tuple[int, ...]]:
    return [tuple(row) for row in paths.leg[paths.leg_first[frame] : paths.leg_first[frame + 1]].tolist()]


def test_boxes_that_are_made_alike_are_told_in_the_same_numbers() -> None:
    """Two equal boxes on the page, each with a node before and after, and a leaf that both use."""
    parent = np.array([-1, -1], dtype=np.int64)
    pairs = [(0, 1), (1, 2), (1, 6), (2, 3), (3, 4), (4, 5), (4, 6)]
    parts = parts_of([False] * 6 + [True], pairs, [0, 1, 0, 0, 1, 0, 2])
    home = np.array([-1, 0, -1, -1, 1, -1, -1], dtype=np.int64)
    same = parts.key % 3  # the slots of the two boxes' edges are the same
    same[[2, 6]], same[[1, 5]] = 1, 0
    paths = paths_of(Parts(parts.nodes, parts.look, parts.leaf, parts.tail, parts.head, same), parent, home)
    one, other = (paths.item_look[paths.item_first[f] : paths.item_first[f + 1]].tolist() for f in (0, 1))
    assert one == other == [1, 2, FIRST, LAST]
    assert leg_rows(paths, 0) == leg_rows(paths, 1)


@pytest.mark.parametrize(("others", "ports"), [(2, 2), (3, 1)])
def test_edges_that_come_to_a_mesh_leave_a_box_by_one_port(others: int, ports: int) -> None:
    """Three boxes, from each of which one node leads to the same nodes outside."""
    parent = np.full(3, -1, dtype=np.int64)
    pairs = [(u, v) for u in range(3) for v in range(3, 3 + others)]
    parts = parts_of([False] * (3 + others), pairs, [0] * (3 + others))
    paths = paths_of(parts, parent, np.array([0, 1, 2] + [-1] * others, dtype=np.int64))
    for frame in range(3):
        looks = paths.item_look[paths.item_first[frame] : paths.item_first[frame + 1]].tolist()
        assert looks == [0] + [LAST] * ports
    for edge, (u, v) in enumerate(pairs):
        (inner, tail, port, _), (page, box, head, _) = legs_of(paths, edge)
        assert (inner, page) == (u, 3)
        assert [tail, box, head] == [paths.node_item[u], paths.box_item[u], paths.node_item[v]]
        assert paths.item_look[port] == LAST
