"""Measures of what is drawn: nodes by themselves, collapsed modules as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from gui.canvas.minimap import Minimap, fill_boxes
from gui.explore.places import bounds_of, drawn, members, spread
from gui.window import MainWindow
from tests.recordings import make_chain


@pytest.fixture
def chain(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """Sixty operations in layers, all of them open to see."""
    assert window.open_path(make_chain(tmp_path / "chain.chain", nodes=60))
    qtbot.waitUntil(window.canvas.is_ready)
    window.actions_table["expand_all"].trigger()
    qtbot.waitUntil(window.canvas.is_ready)
    return window


def test_a_collapsed_module_is_measured_as_one(chain: MainWindow, qtbot: QtBot) -> None:
    canvas, recording, graph = chain.canvas, chain.session.recording, chain.session.graph_id
    assert recording is not None
    assert graph is not None
    values = np.full(len(recording.nodes(graph)), 3.0)
    open_ = canvas.scene
    assert open_ is not None
    assert set(spread(recording, graph, open_, "norm", values).tolist()) == {3.0}
    chain.actions_table["collapse_all"].trigger()
    qtbot.waitUntil(lambda: canvas.scene is not open_ and canvas.is_ready())
    scene = canvas.scene
    assert scene is not None
    assert scene.node_count < open_.node_count
    held = [len(members(scene, position)) for position in range(scene.node_count)]
    assert max(held) > 1
    norms = spread(recording, graph, scene, "norm", values)
    sums = spread(recording, graph, scene, "memory", values)
    worst = spread(recording, graph, scene, "health", values)
    np.testing.assert_allclose(norms, 3.0 * np.sqrt(held))
    np.testing.assert_allclose(sums, 3.0 * np.array(held))
    assert set(worst.tolist()) == {3.0}


def test_what_stands_for_nodes_and_where(chain: MainWindow) -> None:
    scene = chain.canvas.scene
    assert scene is not None
    some = [int(node) for node in scene.node_ids[:2]]
    assert np.flatnonzero(drawn(scene, [*some, 10**9])).tolist() == [0, 1]
    assert bounds_of(scene, [10**9]) is None
    bounds = bounds_of(scene, some)
    assert bounds is not None
    assert bounds[0] == min(scene.left[scene.item_node <= 1])


def test_marked_nodes_can_be_fitted(chain: MainWindow) -> None:
    canvas = chain.canvas
    scene = canvas.scene
    assert scene is not None
    canvas.fit(fly=False)
    before = canvas.camera.scale
    canvas.fit_nodes([int(node) for node in scene.node_ids[:2]])
    target = canvas._navigator.target
    assert target.scale > before
    assert target.shows(*scene.center(0))


def test_rectangles_are_filled_pixel_by_pixel() -> None:
    pixels = np.zeros((4, 5), dtype=np.uint32)
    whole = np.array([1, 3, 9]), np.array([0, 3, 9]), np.array([2, 4, 1]), np.array([3, 1, 1])
    fill_boxes(pixels, *whole, np.array([7, 8, 9], dtype=np.uint32))
    assert pixels.tolist() == [[0, 7, 7, 0, 0], [0, 7, 7, 0, 0], [0, 7, 7, 0, 0], [0, 0, 0, 8, 8]]


def test_the_minimap_can_be_put_away(chain: MainWindow) -> None:
    minimap = chain.canvas._minimap
    assert isinstance(minimap, Minimap)
    chain.actions_table["minimap"].trigger()
    assert not minimap.shown
    assert not chain.canvas._on_minimap(QPoint(0, 0).toPointF())
