"""The canvas: time for a frame with many nodes, and for seeking, beside one QGraphicsItem per node in the same run."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QBrush, QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication, QGraphicsRectItem, QGraphicsScene, QGraphicsSimpleTextItem

from engine.graph.build import build_graph
from engine.layout import layout
from engine.recording.reader import Recording, open_recording
from gui import theme
from gui.app import SWITCH_S
from gui.canvas.camera import Camera
from gui.canvas.flow.stage import Stage
from gui.canvas.frames import Frames
from gui.canvas.lod import snapped
from gui.canvas.painter import GraphPainter, Picture
from gui.canvas.scene import Scene, build_scene, node_sizes
from gui.canvas.view import CanvasView
from gui.session import Session
from tests.recordings import make_chain

WIDTH, HEIGHT = 1600, 1000
FRAMES = 300  # of 60, three that something else on the machine interrupts make the 95th percentile
SEEKS = 1000
FIRST = 200  # while the recording is still being read in threads


def run() -> list[tuple[str, str, str]]:
    running = QApplication.instance()
    application = running if isinstance(running, QApplication) else QApplication([])
    theme.apply(application, "dark")
    gc.disable()  # as in the application, where garbage is collected between frames (see `gui.collecting`)
    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for nodes, bar in ((10_000, 5), (20_000, 10), (100_000, 30)):
            # One in five of a chain's nodes is a parameter.
            path = make_chain(Path(folder) / f"{nodes}.chain", nodes=nodes * 4 // 5)
            with open_recording(path) as recording:
                rows += _frames(recording, f"≤ {bar} ms", beside=nodes == 10_000)
            path.unlink()
            gc.collect()
        return rows + _seeking(make_chain(Path(folder) / "long.chain", nodes=1000, steps=4))


def _frames(recording: Recording, bar: str, *, beside: bool) -> list[tuple[str, str, str]]:
    """All in view; `beside`: also with some hundred in view, and one QGraphicsItem per node."""
    scene = _scene_of(recording)
    frames = Frames(recording)
    picture = frames.picture(scene, 0, len(recording.timeline) // 2, None, None)
    painter = GraphPainter(theme.current())
    rows, whole = [], 0.0
    for many, most in ((scene.node_count, bar), *(((500, "≤ 2 ms"), (50, "≤ 1.5 ms")) if beside else ())):
        camera = _camera_with(scene, many)
        shown = len(scene.visible(*camera.bounds()))
        times = _panned(lambda p, at: painter.paint(p, picture, at), camera)
        whole = whole or float(np.median(times))
        what = f"{shown:,} of {scene.node_count:,} nodes in view"
        if frames.kept.is_working:  # what nodes keep in memory is read once it is shown: that takes a second
            rows.append(("the next frame while a thread reads what they keep, p50 / p95", _both(times), most))
            frames.kept.finish()
            times = _panned(lambda p, at: painter.paint(p, picture, at), camera)
        rows.append((f"frame drawn anew (zoom, seek), {what}, p50 / p95", _both(times), most))
        rows.append((f"frame while panning, {what}, p50 / p95", _both(_dragged(picture, painter, camera)), most))
    if beside:
        rows += _beside(scene, picture, whole)
    return rows


def _beside(scene: Scene, picture: Picture, whole: float) -> list[tuple[str, str, str]]:
    """The rival in the same run; `whole` is our time for all nodes in ms."""
    rows = []
    rival = _one_item_per_node(scene)
    for many in (scene.node_count, 500):
        times = _panned(lambda p, at: _render(rival, p, at), _camera_with(scene, many), frames=20)
        rows.append((f"the same, one QGraphicsItem per node, {many:,} nodes", _both(times), ""))
        if many == scene.node_count:
            rows.append(("the batched canvas is faster by", f"{np.median(times) / whole:.0f} ×", "≥ 25 ×"))
    rows.append(("moving pulses over the still picture, p50 / p95", _both(_pulses(picture)), ""))
    return rows


def _scene_of(recording: Recording) -> Scene:
    graph = build_graph(recording, 0)
    node_sizes(graph)
    return build_scene(graph, layout(graph, aspect=WIDTH / HEIGHT))


def _camera_with(scene: Scene, many: int) -> Camera:
    """The nearest scale of the ladder at which about so many nodes (or all) are in view."""
    camera = Camera(width=WIDTH, height=HEIGHT).fitted(scene.bounds)
    scale = camera.scale
    while many < scene.node_count and len(scene.visible(*camera.bounds())) > many and scale < 4:
        scale = snapped(scale * 2 ** (1 / 8))
        camera = Camera(camera.x, camera.y, scale, WIDTH, HEIGHT)
    return camera


def _panned(paint: Callable[[QPainter, Camera], None], camera: Camera, frames: int = FRAMES) -> list[float]:
    """Milliseconds for each frame while the view pans; the first ones, which fill the atlas, are left out."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    times = []
    for index in range(frames + 5):
        at = camera.panned(30 * np.sin(index / 5), 20 * np.cos(index / 5))
        start = time.perf_counter()
        painter = QPainter(image)
        try:
            paint(painter, at)
        finally:
            painter.end()
        times.append((time.perf_counter() - start) * 1e3)
    return times[5:]


def _dragged(picture: Picture, painter: GraphPainter, camera: Camera) -> list[float]:
    """Milliseconds for each frame as the window draws it while somebody drags it to and fro, on whole pixels: quite a
    pace, at which something has to be painted every tenth frame."""
    stage, way = Stage(), itertools.cycle([(13, 9)] * 60 + [(-13, -9)] * 60)
    place = [replace(camera, whole=True)]

    def paint(p: QPainter, _: Camera) -> None:
        place[0] = place[0].panned(*next(way))
        stage.resting(p, picture, place[0], painter, place[0].scale)

    return _panned(paint, camera)


def _one_item_per_node(scene: Scene) -> QGraphicsScene:
    """What a canvas is usually made of: a rectangle and a text for each node, a line for each edge."""
    graphics = QGraphicsScene()
    look = theme.current()
    metrics = QFontMetricsF(theme.ui_font())
    for item in range(len(scene.left)):
        card = scene.cards[scene.card[item]]
        rect = QGraphicsRectItem(0, 0, card.width, card.height)
        rect.setPos(float(scene.left[item]), float(scene.top[item]))
        rect.setBrush(QBrush(look.category(card.category)))
        rect.setPen(QPen(look.line))
        text = QGraphicsSimpleTextItem(card.title, rect)
        text.setFont(theme.ui_font())
        text.setBrush(QBrush(look.text))
        text.setPos(12, (card.height - metrics.height()) / 2)
        graphics.addItem(rect)
    for x0, y0, x1, y1 in scene.pieces.ends.tolist():
        graphics.addLine(x0, y0, x1, y1, QPen(look.edge))
    return graphics


def _render(graphics: QGraphicsScene, painter: QPainter, camera: Camera) -> None:
    x0, y0, x1, y1 = camera.bounds()
    painter.fillRect(0, 0, WIDTH, HEIGHT, theme.current().bg)
    graphics.render(painter, QRectF(0, 0, WIDTH, HEIGHT), QRectF(x0, y0, x1 - x0, y1 - y0))


def _pulses(picture: Picture) -> list[float]:
    """Two hundred edges at once, blitting the still picture included."""
    from gui.canvas.flow.moment import dots
    from gui.canvas.flow.painter import SPACING, FlowPainter

    look, pulses = theme.current(), FlowPainter()
    camera = Camera(width=WIDTH, height=HEIGHT).fitted(picture.scene.bounds)
    still = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    edges, back, half = np.arange(200), np.zeros(200, dtype=np.bool_), np.full(200, 0.5)
    place = iter(np.linspace(0.01, 0.99, FRAMES + 5).tolist())

    def paint(painter: QPainter, at: Camera) -> None:
        painter.drawImage(0, 0, still)
        now = dots(picture.scene, edges, back, np.full(200, next(place)), half, SPACING / at.scale)
        pulses.dots(painter, now, look.backward, camera, look)

    return _panned(paint, camera)


def _seeking(path: Path) -> list[tuple[str, str, str]]:
    session = Session()
    view = CanvasView(session)
    view.resize(WIDTH, HEIGHT)
    view.show()
    view.set_animation_speed(0)
    try:
        session.open(path)
        deadline = time.monotonic() + 60
        while not view.is_ready() and time.monotonic() < deadline:
            QApplication.processEvents()
            time.sleep(0.005)
        events = np.random.default_rng(0).integers(0, session.event_count, SEEKS).tolist()
        times = []
        for event in events:
            start = time.perf_counter()
            session.seek(event)
            view.repaint()
            times.append((time.perf_counter() - start) * 1e3)
            QApplication.processEvents()  # what threads have read is shown
        what = f"seek anywhere in {session.event_count:,} events and paint"
        return [
            (f"{what}, {SEEKS:,} times, p50 / p95", _both(times), "≤ 8 ms"),
            (f"the first {FIRST} of them, p50 / p95", _both(times[:FIRST]), "≤ 8 ms"),
        ]
    finally:
        view.shutdown()
        view.close()
        session.close()


def _both(times: list[float]) -> str:
    return f"{np.percentile(times, 50):.2f} / {np.percentile(times, 95):.2f} ms"
