"""Scenes for tests: the bow, a long chain, and a graph in which branches meet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor, QImage, QPainter

from engine.graph.build import build_graph
from engine.layout import layout
from engine.recording.model import Edge, Graph, Node, Parameter, Role, StepStart
from engine.recording.reader import Recording, open_recording
from engine.recording.writer import Writer
from gui.canvas.camera import Camera
from gui.canvas.painter import GraphPainter, Picture
from gui.canvas.readings import Readings
from gui.canvas.scene import Scene, build_scene, node_sizes
from gui.canvas.state import DrawState, make_track, state_at
from tests.recordings import Script, make_info


def scene_of(recording: Recording, graph_id: int = 0, *, data_leaves: bool = True) -> Scene:
    graph = build_graph(recording, graph_id, data_leaves=data_leaves)
    node_sizes(graph)
    return build_scene(graph, layout(graph))


def picture_at(recording: Recording, scene: Scene, playhead: int, graph_id: int = 0) -> Picture:
    track = make_track(recording, scene, graph_id)
    return Picture(scene, state_at(recording, scene, track, playhead), track, Readings(recording))


def node_named(scene: Scene, title: str) -> int:
    """Position of the node whose card has this title."""
    found = [place for place in range(scene.node_count) if scene.cards[scene.card[place]].title == title]
    assert len(found) == 1, title
    return found[0]


def make_branches(path: Path, triple: float = 1.0) -> Path:
    """loss = sum(a * 2, a * 3) with a = w * w: two gradients meet at a, and two at w.

    `triple` is the gradient that enters the second of them. Nodes: 0 add, 1 mul (2), 2 mul (3), 3 a, 4 w. Events 0-3
    forward, 4 add, 5 and 6 the muls, 7 a, 8 w, 9 its update.
    """
    with Writer(path, make_info("branches.py")) as writer:
        writer.put(Parameter(0, "w", "", (), "float32"))
        writer.put(StepStart(0, 1.0))
        writer.put(Graph(0, 0, "backward", 0, 5.0))
        names = ("loss", "double", "triple", "a")
        for number, name in enumerate(names):
            type_ = "AddBackward0" if number == 0 else "MulBackward0"
            order = 3 - number
            writer.put(
                Node(number, 0, "operation", type_, "aten.mul", name, shape=(), dtype="float32", forward_event=order)
            )
        writer.put(Node(4, 0, "parameter", "AccumulateGrad", name="w", shape=(), dtype="float32", parameter=0))
        for source, slot, target in ((0, 0, 1), (0, 1, 2), (1, 0, 3), (2, 0, 3), (3, 0, 4), (3, 1, 4)):
            writer.put(Edge(0, source, slot, target, 0))
        script = Script(writer)
        value = {3: 1.0, 2: 3.0, 1: 2.0, 0: 5.0}
        for node in (3, 2, 1, 0):
            script.event(0, 0, "forward", node, values={("output", 0, ""): np.float32(value[node])})
        gradients = {0: (1.0, 1.0, 1.0), 2: (triple, 3.0), 1: (1.0, 2.0), 3: (5.0, 5.0, 5.0)}
        for node in (0, 2, 1, 3):
            arrived, *left = (np.float32(number) for number in gradients[node])
            values: dict[tuple[Role, int, str], npt.ArrayLike] = {("grad_output", 0, ""): arrived}
            values.update({("grad_input", slot, ""): number for slot, number in enumerate(left)})
            script.event(0, 0, "backward", node, values=values)
        ten = np.float32(10)
        script.event(0, 0, "accumulate", 4, 0, values={("grad_input", 0, ""): ten, ("grad_after", 0, ""): ten})
        script.event(0, 0, "update", 4, 0, info={"optimizer": "SGD"},
                     values={("param_before", 0, ""): np.float32(1), ("grad", 0, ""): ten,
                             ("param_after", 0, ""): np.float32(0.5)})  # fmt: skip
    return path


def state_of(recording: Recording, scene: Scene, playhead: int, graph_id: int = 0) -> DrawState:
    return state_at(recording, scene, make_track(recording, scene, graph_id), playhead)


def pixels(image: QImage) -> npt.NDArray[np.uint8]:
    """(height, width, 3) of an image of format RGB32: red, green, blue."""
    rows = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width(), 2::-1].copy()


def count_color(image: QImage, color: QColor) -> int:
    """How many pixels have exactly this colour."""
    return int((pixels(image) == [color.red(), color.green(), color.blue()]).all(axis=2).sum())


def opened(path: Path) -> Recording:
    return open_recording(path)


def paint(painter: GraphPainter, picture: Picture, scale: float = 1.0, **options: object) -> QImage:
    x0, y0, x1, y1 = picture.scene.bounds
    camera = Camera((x0 + x1) / 2, (y0 + y1) / 2, scale, round((x1 - x0 + 80) * scale), round((y1 - y0 + 80) * scale))
    image = QImage(camera.width, camera.height, QImage.Format.Format_RGB32)
    canvas = QPainter(image)
    try:
        painter.paint(canvas, picture, camera, **options)  # type: ignore[arg-type]
    finally:
        canvas.end()
    return image
