"""Modules as a tree of groups, and graphs with some of them collapsed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.modules import ModuleTree, collapse, module_tree, title_of
from engine.graph.quotient import MERGED

PATHS = ("", "a", "a.0", "a.1", "a.1.x", "b", "b.0", "b.0.y", "c")


def graph_of(rows: Iterable[tuple[str, ...]], edges: Iterable[tuple[int, int]], **more: Any) -> nx.MultiDiGraph:
    """Operations that ran in the order of `rows` (module, type), the first one last; node ids are their places."""
    rows = list(rows)
    graph = nx.MultiDiGraph()
    for node, (module, type_) in enumerate(rows):
        leaf = type_ == "AccumulateGrad"
        graph.add_node(
            node, kind="parameter" if leaf else "operation", type=type_, module=module, shape=(2,), dtype="float32",
            module_type=module.rpartition(".")[2].upper().strip("0123456789") or "Block",
            sequence_nr=None if leaf else len(rows) - node,
            category="parameter" if leaf else "linear", title=type_,
        )  # fmt: skip
    for source, target in edges:
        graph.add_edge(source, target, key=graph.out_degree(source), input_number=0)
    return graph


def chain(*modules: str, types: Iterable[str] = ("Addmm", "Relu")) -> nx.MultiDiGraph:
    """Each module does what `types` says; what stands first ran last."""
    rows = [(module, f"{type_}Backward0") for module in modules for type_ in types]
    return graph_of(rows, [(node, node + 1) for node in range(len(rows) - 1)])


@st.composite
def graphs(draw: st.DrawFn) -> nx.MultiDiGraph:
    """Any directed acyclic graph, with any modules, with or without sequence numbers."""
    count = draw(st.integers(1, 24))
    module = st.sampled_from(PATHS)
    type_ = st.sampled_from(("AddmmBackward0", "ReluBackward0", "TBackward0", "AccumulateGrad"))
    rows = [(draw(module), draw(type_)) for _ in range(count)]
    pairs = [(u, v) for v in range(count) for u in range(v) if rows[u][1] != "AccumulateGrad"]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=40)) if pairs else []
    graph = graph_of(rows, edges)
    if draw(st.booleans()):
        for data in graph.nodes.values():
            data["sequence_nr"] = None
    return graph


@st.composite
def collapsed_graphs(draw: st.DrawFn) -> tuple[nx.MultiDiGraph, ModuleTree, frozenset[str]]:
    graph = draw(graphs())
    tree = module_tree(graph)
    keys = [group.key for group in tree.groups]
    return graph, tree, frozenset(draw(st.lists(st.sampled_from(keys), unique=True))) if keys else frozenset()


@given(collapsed_graphs())
def test_collapsing_closes_no_cycle_and_loses_nothing(case: tuple[nx.MultiDiGraph, ModuleTree, frozenset[str]]) -> None:
    graph, tree, keys = case
    drawn = collapse(graph, keys, tree)
    assert nx.is_directed_acyclic_graph(drawn)
    shown = [node for node in drawn if node >= 0]
    hidden = [node for group in drawn if group < 0 for node in drawn.nodes[group]["members"]]
    assert sorted(shown + hidden) == sorted(graph)
    assert len(drawn) == tree.count(keys)
    owner = {node: group for group in drawn if group < 0 for node in drawn.nodes[group]["members"]}
    between = {(owner.get(u, u), owner.get(v, v)) for u, v in graph.edges() if owner.get(u, u) != owner.get(v, v)}
    assert {(u, v) for u, v, _ in drawn.edges} == between
    merged = sum(data["count"] for _, _, data in drawn.edges(data=True) if "count" in data)
    plain = sum(key != MERGED for _, _, key in drawn.edges)
    assert merged + plain == sum(owner.get(u, u) != owner.get(v, v) for u, v in graph.edges())


@given(collapsed_graphs())
def test_groups_nest_and_keys_are_names(case: tuple[nx.MultiDiGraph, ModuleTree, frozenset[str]]) -> None:
    graph, tree, keys = case
    assert len({group.key for group in tree.groups}) == len(tree.groups)
    place = {node: position for position, node in enumerate(tree.nodes)}
    for group in tree.groups:
        members = set(tree.members(group).tolist())
        assert len(members) > 1
        assert group.parent < 0 or members <= set(tree.members(tree.groups[group.parent]).tolist())
        for node in members:
            ran_inside = graph.nodes[tree.nodes[node]]["module"].startswith(group.path)
            users = {place[user] for user in graph.predecessors(tree.nodes[node])}
            assert ran_inside or users <= members, "neither ran in the module nor feeds it alone"
    assert tree.shown(tree.tidy(keys)).tolist() == tree.shown(keys).tolist()
    assert collapse(graph, (), tree).edges == graph.edges


def test_a_module_that_does_one_thing_is_no_group() -> None:
    tree = module_tree(chain("net.fc", "net.act", types=("Addmm",)))
    assert [group.key for group in tree.groups] == ["net"]
    assert tree.levels == 1


def test_a_wrapper_round_one_module_is_no_group() -> None:
    tree = module_tree(chain("net.block.fc", "net.block.act"))
    assert [group.key for group in tree.groups] == ["net.block", "net.block.act", "net.block.fc"]


def test_each_call_of_a_module_is_a_group_of_its_own() -> None:
    """The cell runs, then something else, then the cell again: as one group they would close a cycle."""
    graph = chain("cell", "head", "cell")
    tree = module_tree(graph)
    assert [group.key for group in tree.groups] == ["cell", "head", "cell#2"]
    drawn = collapse(graph, ["cell", "cell#2"], tree)
    assert nx.is_directed_acyclic_graph(drawn)
    titles = {data["title"]: data["members"] for node, data in drawn.nodes(data=True) if node < 0}
    assert titles == {"cell · CELL": (4, 5), "cell #2 · CELL": (0, 1)}


def test_a_parameter_goes_to_its_only_user_and_a_shared_one_to_what_is_round_both() -> None:
    rows = [("net.a", "AddmmBackward0"), ("net.a", "ReluBackward0"), ("net.b", "AddmmBackward0"),
            ("net.b", "ReluBackward0"), ("", "TBackward0"), ("", "AccumulateGrad"), ("", "AccumulateGrad")]  # fmt: skip
    graph = graph_of(rows, [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (1, 6), (2, 6)])
    tree = module_tree(graph)
    homes = {node: [group.key for group in tree.enclosing(node)] for node in (4, 5, 6)}
    assert homes == {4: ["net", "net.a"], 5: ["net", "net.a"], 6: ["net"]}


def test_what_a_group_holds_in_numbers() -> None:
    graph = graph_of([("m", "AddmmBackward0"), ("m", "ReluBackward0"), ("", "AccumulateGrad")], [(0, 1), (0, 2)])
    graph.nodes[0]["saved_bytes"] = 100  # its weight may be among them, and is not to be counted twice
    (node,) = collapse(graph, ["m"])
    data = collapse(graph, ["m"]).nodes[node]
    assert node == -1
    assert (data["kind"], data["nodes"], data["parameters"], data["bytes"]) == ("module", 3, 2, 8)
    assert (data["category"], data["subtitle"]) == ("linear", "3 nodes")


def test_equal_neighbours_are_a_repeat() -> None:
    blocks = [f"blocks.{number}" for number in (3, 2, 1, 0)]
    graph = chain("head", *blocks)
    tree = module_tree(graph)
    assert [group.count for group in tree.groups if group.count] == [4]
    repeat = next(group for group in tree.groups if group.count)
    assert title_of(repeat).startswith("blocks.0 … 3")
    drawn = collapse(graph, tree.repeats, tree)
    (folded,) = [data for node, data in drawn.nodes(data=True) if node < 0]
    assert (folded["count"], len(folded["members"])) == (4, 8)
    assert tree.unfolded(tree.repeats) == frozenset(blocks)


def test_a_repeat_is_named_by_what_differs() -> None:
    tree = module_tree(chain(*[f"net.stage{number}.block" for number in (2, 1, 0)]))
    assert [group.path for group in tree.groups if group.count] == ["net.stage0 … stage2.block"]


def test_blocks_that_differ_are_no_repeat() -> None:
    rows = [(f"blocks.{n}", t) for n in (3, 2, 1, 0) for t in ("AddmmBackward0", "TanhBackward0" if n == 2 else "R")]
    tree = module_tree(graph_of(rows, [(node, node + 1) for node in range(7)]))
    assert not tree.repeats


def test_something_between_two_blocks_ends_a_repeat() -> None:
    rows = [(f"blocks.{n}", t) for n in (2, 1, 0) for t in ("AddmmBackward0", "ReluBackward0")]
    rows.insert(2, ("blocks", "MulBackward0"))
    tree = module_tree(graph_of(rows, [(node, node + 1) for node in range(6)]))
    assert not tree.repeats


def test_levels() -> None:
    graph = chain("net.enc.0.fc", "net.enc.1.fc", "net.dec.0.fc", types=("Addmm", "Relu", "Mul"))
    tree = module_tree(graph)
    assert tree.levels == 3
    assert tree.at_level(0) == {"net"}
    assert tree.at_level(1) == {"net.enc", "net.dec.0.fc"}
    assert tree.at_level(3) == frozenset()
    assert [tree.count(tree.at_level(level)) for level in range(4)] == [1, 2, 5, 9]


def test_opening_shows_one_level_more_and_closing_undoes_it() -> None:
    tree = module_tree(chain("net.enc.0.fc", "net.enc.1.fc", "net.dec.0.fc"))
    opened = tree.opened(frozenset({"net"}), "net")
    assert opened == {"net.enc", "net.dec.0.fc"}
    assert tree.closed(opened, "net") == {"net"}
    assert tree.closed(tree.opened(opened, "net.enc"), "net.enc") == opened


def test_opening_what_is_hidden_two_levels_deep_shows_it_and_what_is_round_it() -> None:
    tree = module_tree(chain("net.enc.0.a", "net.enc.0.b", "net.enc.1.a", "net.enc.1.b", "net.dec.0.a", "net.dec.0.b"))
    opened = tree.opened(frozenset({"net"}), "net.enc.0")
    assert tree.shown(opened)[tree.by_key["net.enc.0"].number] < 0
    assert "net.enc.1" in opened
    assert "net.enc.0" not in opened
    assert any(key.startswith("net.dec") for key in opened)


def test_one_alone_has_all_beside_it_collapsed() -> None:
    tree = module_tree(chain("net.enc.0.fc", "net.enc.1.fc", "net.dec.0.fc", types=("Addmm", "Relu", "Mul")))
    assert tree.focused(frozenset(), "net.enc") == {"net.dec.0.fc"}
    assert tree.focused({"net.enc.0.fc"}, "net.enc") == {"net.enc.0.fc", "net.dec.0.fc"}, "what is in it stays"
    assert tree.focused(frozenset(), "net.enc.1.fc") == {"net.enc.0.fc", "net.dec.0.fc"}
    assert tree.focused({"net"}, "net.enc.1.fc") == {"net.enc.0.fc", "net.dec.0.fc"}, "what hides it opens"
    assert tree.focused(frozenset(), "net") == frozenset()


def test_a_hidden_node_can_be_revealed() -> None:
    tree = module_tree(chain("net.enc.0.fc", "net.enc.1.fc", "net.dec.0.fc"))
    shown = tree.revealed(frozenset({"net"}), 0)
    assert tree.drawn(shown)[0] < 0
    assert "net.dec.0.fc" in shown


def test_what_fits() -> None:
    graph = chain(*[f"blocks.{number}.fc" for number in range(20)][::-1], types=("Addmm", "Relu", "Mul"))
    tree = module_tree(graph)
    assert tree.fitting(1000) == frozenset()
    assert tree.count(tree.fitting(25)) <= 25
    assert tree.count(tree.fitting(5)) <= 5


def test_without_modules_nothing_is_collapsed() -> None:
    tree = module_tree(chain("", ""))
    assert (tree.groups, tree.levels, tree.fitting(1)) == ((), 0, frozenset())


def test_a_cycle_from_a_damaged_file_is_no_reason_to_hang() -> None:
    graph = chain("a", "b")
    graph.add_edge(3, 0, key=9, input_number=0)
    tree = module_tree(graph)
    assert len(collapse(graph, tree.at_level(0), tree)) == tree.count(tree.at_level(0))


def test_a_graph_of_the_same_make_has_the_same_groups() -> None:
    one = chain("net.a", "net.b")
    other = nx.relabel_nodes(one, {node: node + 100 for node in one})
    assert module_tree(one).groups == module_tree(other).groups
    assert np.array_equal(module_tree(one).owner, module_tree(other).owner)
