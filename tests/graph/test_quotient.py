"""What is drawn of a graph with collapsed modules, against node-by-node bookkeeping."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.modules import ModuleTree, module_tree
from engine.graph.quotient import MERGED, Quotient, quotient

MODULES = ("", "a", "a.x", "a.y", "b", "b.x", "b.x.z")


@st.composite
def cases(draw: st.DrawFn) -> tuple[ModuleTree, frozenset[str]]:
    """A random directed acyclic graph with parallel edges, whose operations run in modules, and some of these."""
    graph = nx.MultiDiGraph()
    count = draw(st.integers(1, 16))
    for node in range(count):
        leaf = draw(st.booleans()) and node > 0
        module = draw(st.sampled_from(MODULES))
        graph.add_node(
            10 + 3 * node, kind="parameter" if leaf else "operation", type="AccumulateGrad" if leaf else "AddBackward0",
            module="" if leaf else module, module_type="M", sequence_nr=None if leaf else count - node,
        )  # fmt: skip
    nodes = list(graph)
    inner = [node for node in nodes if graph.nodes[node]["kind"] == "operation"]
    pairs = [(u, v) for u in inner for v in nodes if u < v]
    for u, v in draw(st.lists(st.sampled_from(pairs), max_size=40)) if pairs else []:
        graph.add_edge(u, v, key=graph.out_degree(u))
    tree = module_tree(graph)
    keys = [group.key for group in tree.groups]
    collapsed = draw(st.frozensets(st.sampled_from(keys))) if keys else frozenset()
    return tree, collapsed


def stands_for(tree: ModuleTree, collapsed: frozenset[str], place: int) -> int:
    """The drawn name of one node: the outermost collapsed module round it, or itself."""
    number, found = int(tree.owner[place]), tree.nodes[place]
    while number >= 0:
        if tree.groups[number].key in collapsed:
            found = -1 - number
        number = tree.groups[number].parent
    return found


def edges_of(tree: ModuleTree, drawn: list[int]) -> dict[tuple[int, int, int], list[int]]:
    """(tail, head, key) of each drawn edge, and the tree's edges that it stands for."""
    found: dict[tuple[int, int, int], list[int]] = {}
    rows = zip(tree.tail.tolist(), tree.head.tolist(), tree.slots.tolist(), strict=True)
    for number, (tail, head, slot) in enumerate(rows):
        u, v = drawn[tail], drawn[head]
        merged = u < 0 or v < 0
        if not (merged and u == v):
            found.setdefault((u, v, MERGED if merged else slot), []).append(number)
    return found


def as_edges(found: Quotient) -> list[tuple[int, int, int]]:
    names = found.names
    return list(zip(names[found.tail].tolist(), names[found.head].tolist(), found.key.tolist(), strict=True))


@given(cases())
def test_every_node_is_drawn_by_itself_or_by_the_outermost_collapsed_module_round_it(
    case: tuple[ModuleTree, frozenset[str]],
) -> None:
    tree, collapsed = case
    found = quotient(tree, collapsed)
    drawn = [stands_for(tree, collapsed, place) for place in range(len(tree.nodes))]
    assert found.names[found.place].tolist() == drawn
    assert found.names.tolist() == list(dict.fromkeys(drawn)), "in the order of the first node of each"
    assert [drawn.index(name) for name in found.names.tolist()] == found.first.tolist()


@given(cases())
def test_edges_between_the_same_two_are_one_where_either_is_a_module(case: tuple[ModuleTree, frozenset[str]]) -> None:
    tree, collapsed = case
    found = quotient(tree, collapsed)
    expected = edges_of(tree, [stands_for(tree, collapsed, place) for place in range(len(tree.nodes))])
    edges = as_edges(found)
    assert len(edges) == len(set(edges))
    assert set(edges) == set(expected)
    for place, edge in enumerate(edges):
        assert found.count[place] == len(expected[edge])
        assert found.edge[place] == expected[edge][0]
        assert np.flatnonzero(found.edge_place == place).tolist() == expected[edge]
    hidden = set(range(len(tree.tail))) - {each for some in expected.values() for each in some}
    assert set(np.flatnonzero(found.edge_place < 0).tolist()) == hidden


@given(cases())
def test_with_nothing_collapsed_the_graph_is_drawn_as_it_is(case: tuple[ModuleTree, frozenset[str]]) -> None:
    tree, _ = case
    found = quotient(tree, ())
    assert found.names.tolist() == list(tree.nodes)
    assert found.place.tolist() == found.first.tolist() == list(range(len(tree.nodes)))
    for one, other in ((found.tail, tree.tail), (found.head, tree.head), (found.key, tree.slots)):
        assert one.tolist() == other.tolist()
    assert found.edge_place.tolist() == found.edge.tolist() == list(range(len(tree.tail)))
    assert set(found.count.tolist()) <= {1}


@given(cases())
def test_what_fits_is_counted_as_it_is_drawn(case: tuple[ModuleTree, frozenset[str]]) -> None:
    tree, collapsed = case
    assert tree.count(collapsed) == len(quotient(tree, collapsed).names)
    for most in (1, 3, 8):
        fitting = tree.fitting(most)
        assert fitting == tree.tidy(fitting)
        if tree.groups and len(tree.nodes) > most:
            options = [tree.count(each) for each in (frozenset(), *(tree.at_level(n) for n in range(tree.levels + 1)))]
            fits = [count for count in options if count <= most]
            assert not fits or max(fits) <= tree.count(fitting) <= most
