"""Leaves beside their consumers."""

from __future__ import annotations

import networkx as nx
import numpy as np

from engine.layout import fold, net
from engine.layout.fold import Folding
from tests.layout.samples import add_node, real_graph


def folded(*edges: tuple[int, int], types: dict[int, str], kinds: dict[int, str] | None = None) -> Folding:
    graph = nx.MultiDiGraph()
    for node, type_ in types.items():
        add_node(graph, node, type_)
        graph.nodes[node].update(width=50.0, height=20.0)
    nx.set_node_attributes(graph, kinds or {}, "kind")
    graph.add_edges_from(edges)
    read = net.read(graph)
    folding = fold.fold(read)
    assert fold.check(read, folding) == []
    return folding


def rows(folding: Folding, consumer: int) -> list[list[tuple[int, bool]]]:
    found = folding.rows
    return [
        [(int(node), bool(found.ghost[row] and place == found.last[row])) for place, node in enumerate(found.nodes[row])
         if node >= 0]
        for row in np.flatnonzero(found.consumer == consumer).tolist()
    ]  # fmt: skip


def test_a_parameter_and_its_view_stand_beside_the_layer() -> None:
    types = {0: "AddmmBackward0", 1: "TBackward0", 2: "AccumulateGrad", 3: "AccumulateGrad"}
    folding = folded((0, 3), (0, 1), (1, 2), types=types)
    assert folding.owner.tolist() == [-1, 0, 0, 0]
    assert rows(folding, 0) == [[(1, False), (2, False)], [(3, False)]]
    assert folding.left[0] == 25
    assert folding.right[0] == 25 + 2 * (8 + 50)
    assert folding.tall[0] == 44


def test_a_shared_parameter_has_a_ghost_beside_the_second_consumer() -> None:
    types = {0: "AddBackward0", 1: "MulBackward0", 2: "MulBackward0", 3: "AccumulateGrad"}
    folding = folded((0, 1), (0, 2), (1, 3), (2, 3), types=types)
    assert rows(folding, 1) == [[(3, False)]]
    assert rows(folding, 2) == [[(3, True)]]
    assert folding.owner.tolist() == [-1, -1, -1, 1]


def test_one_chip_for_a_parameter_used_twice_by_one_operation() -> None:
    folding = folded((0, 1), (0, 1), types={0: "MulBackward0", 1: "AccumulateGrad"})
    assert folding.rows.consumer.tolist() == [0]
    assert folding.rows.edge.tolist() == [0, 1]
    assert folding.rows.count.tolist() == [2, 2]
    assert folding.rows.place.tolist() == [0, 1]


def test_data_leaves_are_folded_too() -> None:
    folding = folded((0, 1), types={0: "MulBackward0", 1: ""}, kinds={1: "data"})
    assert folding.owner.tolist() == [-1, 0]


def test_what_is_no_leaf_stays() -> None:
    types = {0: "AddBackward0", 1: "TBackward0", 2: "ReluBackward0", 3: "AccumulateGrad"}
    folding = folded((0, 1), (1, 2), types=types)
    assert folding.owner.tolist() == [-1, -1, -1, -1]


def test_a_view_with_two_uses_stays() -> None:
    types = {0: "MmBackward0", 1: "MmBackward0", 2: "TBackward0", 3: "AccumulateGrad"}
    folding = folded((0, 2), (1, 2), (2, 3), types=types)
    assert folding.owner.tolist() == [-1, -1, -1, 2]


def test_resnet_shrinks_to_about_half() -> None:
    folding = fold.fold(net.read(real_graph("resnet152")))
    assert (folding.owner < 0).sum() == 516


def test_the_check_can_fail() -> None:
    read = net.read(real_graph("mlp"))
    folding = fold.fold(read)
    folding.owner[0] = 1
    assert fold.check(read, folding)
