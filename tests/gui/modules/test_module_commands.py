"""The actions on modules, in the window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from gui.explore.menu import build_menu
from gui.window import MainWindow
from tests.recordings import make_chain


@pytest.fixture
def layers(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """The window with five layers of four operations and a parameter each."""
    assert window.open_path(make_chain(tmp_path / "chain.chain", nodes=20))
    qtbot.waitUntil(window.canvas.is_ready)
    return window


def drawn(window: MainWindow) -> tuple[int, int]:
    """How many boxes, and nodes."""
    scene = window.canvas.scene
    assert scene is not None
    return len(scene.boxes), scene.node_count


def test_boxes_can_be_left_out_and_that_is_remembered(layers: MainWindow, qtbot: QtBot) -> None:
    action = layers.actions_table["module_boxes"]
    assert action.isChecked()
    assert drawn(layers) == (6, 25)
    action.trigger()
    qtbot.waitUntil(layers.canvas.is_ready)
    assert drawn(layers) == (0, 25)
    assert not layers.settings.boxes
    layers.canvas.collapse("layers.2")
    qtbot.waitUntil(layers.canvas.is_ready)
    assert drawn(layers) == (0, 21)
    action.trigger()
    qtbot.waitUntil(layers.canvas.is_ready)
    assert drawn(layers) == (5, 21)
    assert layers.settings.boxes


def test_the_menu_of_a_module_shows_it_alone(layers: MainWindow, qtbot: QtBot) -> None:
    def offered() -> dict[str, QAction]:
        return {action.text().replace("&", ""): action for action in build_menu(layers, -1, None).actions()}

    layers.session.modules.look_at("layers.3")
    back = "Show the other modules again"
    assert back not in offered()
    offered()["Show only this module"].trigger()
    qtbot.waitUntil(layers.canvas.is_ready)
    assert drawn(layers) == (2, 9)
    offered()[back].trigger()
    qtbot.waitUntil(layers.canvas.is_ready)
    assert drawn(layers) == (6, 25)
