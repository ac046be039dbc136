from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
from PySide6.QtWidgets import QApplication

from engine.graph.build import build_graph
from engine.layout import layout
from engine.recording.reader import Recording, open_recording
from gui.canvas.cards import DATA, OPERATION, PARAMETER
from gui.canvas.scene import Scene, build_scene, node_sizes
from tests.gui.canvas.scenes import node_named, scene_of
from tests.recordings import make_chain


def test_the_bow_by_its_names(scene: Scene) -> None:
    assert {scene.cards[card].title for card in scene.card} == {"loss", "sub", "prediction", "mul", "w", "b", "x", "y"}
    assert scene.kind[node_named(scene, "w")] == PARAMETER
    assert scene.kind[node_named(scene, "x")] == DATA
    assert scene.kind[node_named(scene, "loss")] == OPERATION
    assert scene.scalar.all()


def test_edges_lead_from_node_to_node(scene: Scene) -> None:
    edges = {(scene.node_ids[s], scene.node_ids[t]) for s, t in zip(scene.source, scene.target, strict=True)}
    assert edges == {(0, 1), (1, 2), (2, 3), (2, 4), (3, 5), (3, 6), (1, 7)}
    assert scene.data_edge.sum() == 2


def test_what_is_where(scene: Scene) -> None:
    for node in range(scene.node_count):
        x, y = scene.center(node)
        item = scene.item_at(x, y)
        assert item is not None
        assert scene.item_node[item] == node
    x0, y0, x1, y1 = scene.bounds
    assert scene.item_at(x0 - 50, y0 - 50) is None
    assert len(scene.visible(x0, y0, x1, y1)) == len(scene.left)


def test_slack_makes_small_things_easier_to_hit(scene: Scene) -> None:
    left, top = float(scene.left[0]), float(scene.top[0])
    assert scene.item_at(left - 3, top + 5) is None
    assert scene.item_at(left - 3, top + 5, slack=4) == 0


def test_connected_goes_both_ways(scene: Scene) -> None:
    nodes, edges = scene.connected(node_named(scene, "prediction"))
    names = {scene.cards[scene.card[node]].title for node in np.flatnonzero(nodes)}
    assert names == {"loss", "sub", "prediction", "mul", "w", "b", "x"}  # not y: it is no part of the prediction
    assert edges.sum() == len(scene.source) - 1


def test_another_step_shares_the_arrays(scene: Scene) -> None:
    other = scene.with_nodes(scene.node_ids + 8)
    assert other.pieces is scene.pieces
    assert other.position[int(scene.node_ids[3]) + 8] == 3


def test_a_shared_parameter_is_drawn_at_each_consumer(qapp: QApplication) -> None:
    graph = nx.MultiDiGraph(id=0, step=0, root=0)
    common = {"shape": (2, 2), "module": "", "subtitle": ""}
    for number in range(3):
        graph.add_node(number, kind="operation", title=f"op{number}", category="linear", **common)
    graph.add_node(3, kind="parameter", title="w", category="parameter", type="AccumulateGrad", **common)
    graph.add_edges_from([(0, 1, 0), (1, 2, 0)])
    for number in range(3):
        graph.add_edge(number, 3, 5, input_number=0)
    node_sizes(graph)
    scene = build_scene(graph, layout(graph))
    w = node_named(scene, "w")
    assert (scene.item_node == w).sum() == 3
    assert scene.category.shape == scene.item_node.shape


def test_no_data_leaves_unless_asked_for(recording: Recording, qapp: QApplication) -> None:
    assert scene_of(recording, data_leaves=False).node_count == 6


def test_an_empty_graph(qapp: QApplication) -> None:
    graph = nx.MultiDiGraph(id=0, step=0, root=0)
    scene = build_scene(graph, layout(graph))
    assert scene.node_count == 0
    assert scene.item_at(0, 0) is None


def test_sizes_are_given_to_the_layout(tmp_path: Path, qapp: QApplication) -> None:
    with open_recording(make_chain(tmp_path / "chain.chain", nodes=30)) as recording:
        graph = build_graph(recording, 0)
        node_sizes(graph)
        arranged = layout(graph)
        scene = build_scene(graph, arranged)
    np.testing.assert_allclose(scene.right - scene.left, [scene.cards[card].width for card in scene.card])


def test_fewer_of_large_scenes_are_kept(scene: Scene) -> None:
    assert scene.kept(8) == 8
    large = replace(scene, node_ids=np.arange(10_000))
    assert large.kept(8) == 4
    assert replace(scene, node_ids=np.arange(100_000)).kept(8) == 3
