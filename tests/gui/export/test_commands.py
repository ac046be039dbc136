"""Copying the graph, as the actions of the Edit menu do it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import networkx as nx
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.window import MainWindow


def test_the_picture_is_copied_as_pixels_and_as_shapes(walked: MainWindow, qtbot: QtBot) -> None:
    clipboard, camera = QApplication.clipboard(), walked.canvas.camera
    with qtbot.waitSignal(clipboard.dataChanged):
        walked.actions_table["copy_image"].trigger()
    data = clipboard.mimeData()
    assert (clipboard.image().width(), clipboard.image().height()) == (camera.width, camera.height)
    root = ET.fromstring(bytes(data.data("image/svg+xml").data()))
    assert root.tag.endswith("svg")
    assert "on the clipboard" in walked.central.messages.text


def test_the_graph_is_copied_as_text(walked: MainWindow, qtbot: QtBot) -> None:
    clipboard = QApplication.clipboard()
    with qtbot.waitSignal(clipboard.dataChanged):
        walked.actions_table["copy_json"].trigger()
    graph = nx.node_link_graph(json.loads(clipboard.text()), edges="edges")
    assert len(graph) >= 6
    walked.export_commands.wait()
    with qtbot.waitSignal(clipboard.dataChanged):
        walked.actions_table["copy_dot"].trigger()
    assert clipboard.text().startswith("digraph")
    assert bytes(clipboard.mimeData().data("text/vnd.graphviz").data()).decode() == clipboard.text()


def test_there_must_be_a_graph(window: MainWindow) -> None:
    for action in ("export_graph", "copy_image", "copy_dot", "copy_json"):
        assert not window.actions_table[action].isEnabled()
