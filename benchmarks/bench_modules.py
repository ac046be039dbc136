"""Modules: from opening or closing one in a graph of 10,000 nodes to the new picture, and how long the window waits."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from engine.graph.modules import ModuleTree
from engine.recording.model import Edge, Event, Graph, Node, Parameter, StepStart
from engine.recording.writer import Writer
from gui import theme
from gui.canvas.scene import Scene
from gui.canvas.view import CanvasView
from gui.collecting import Collecting
from gui.session import Session
from tests.recordings import make_info

WIDTH, HEIGHT = 1600, 1000
ROUNDS = 7
NODES = 10_000
PATIENCE = 60.0  # s
# What a block of a transformer does, in order: (module in the block, type, parameters).
BLOCK = (
    ("norm1", "NativeLayerNorm", 2), ("attn.q", "Addmm", 2), ("attn.k", "Addmm", 2), ("attn.v", "Addmm", 2),
    ("attn", "Bmm", 0), ("attn", "Softmax", 0), ("attn", "Bmm", 0), ("attn.out", "Addmm", 2), ("", "Add", 0),
    ("norm2", "NativeLayerNorm", 2), ("mlp.up", "Addmm", 2), ("mlp.act", "Gelu", 0), ("mlp.down", "Addmm", 2),
    ("", "Add", 0),
)  # fmt: skip
Row = dict[str, Any]


def make_transformer(path: Path, least: int = NODES) -> Path:
    """Stages of twelve equal blocks until there are so many nodes; every operation runs forward and backward."""
    rows, edges = _rows(least)
    operations = [row["id"] for row in rows if row["kind"] == "operation"]
    when = {node: len(operations) - 1 - place for place, node in enumerate(operations)}
    with Writer(path, make_info("transformer.py", tensors="stats")) as writer:
        for row in rows:
            if row["kind"] == "parameter":
                row["parameter"] = row["id"]
                writer.put(Parameter(row["id"], row["name"], row["name"].rpartition(".")[0], (256, 256), "float32"))
        writer.put(StepStart(0, 0.0))
        writer.put(Graph(0, 0, "backward", 0, 1.0))
        for row in rows:
            number = None if row["kind"] == "parameter" else len(rows) - row["id"]
            writer.put(Node(graph=0, dtype="float32", sequence_nr=number, forward_event=when.get(row["id"]), **row))
        for source, slot, target in edges:
            writer.put(Edge(0, source, slot, target, 0))
        for event, node in enumerate([*reversed(operations), *operations]):
            writer.put(
                Event(event, 0, 0, "forward" if event < len(operations) else "backward", node, None, event / 1e3)
            )
    return path


def _rows(least: int) -> tuple[list[Row], list[tuple[int, int, int]]]:
    rows: list[Row] = []
    edges: list[tuple[int, int, int]] = []
    slots: dict[int, int] = {}

    def add(type_: str, module: str = "", name: str = "") -> int:
        leaf = type_ == "AccumulateGrad"
        rows.append({"id": len(rows), "kind": "parameter" if leaf else "operation", "type": type_, "name": name,
                     "module": module, "module_type": module.rpartition(".")[2].strip("0123456789").capitalize(),
                     "shape": (256, 256) if leaf else (8, 256)})  # fmt: skip
        return len(rows) - 1

    def link(source: int, target: int) -> None:
        slots[source] = slots.get(source, -1) + 1
        edges.append((source, slots[source], target))

    last = add("SumBackward0")
    block = 0
    while len(rows) < least:
        path, skip = f"encoder.stage{block // 12}.blocks.{block % 12}", -1
        for module, name, parameters in reversed(BLOCK):
            where = f"{path}.{module}" if module else path
            node = add(f"{name}Backward0", where)
            link(last, node)
            if name == "Add":
                if skip >= 0:
                    link(skip, node)
                skip = node
            for kind in ("weight", "bias")[:parameters]:
                link(node, add("AccumulateGrad", name=f"{where}.{kind}"))
            last = node
        block += 1
    return rows, edges


def run() -> list[tuple[str, str, str]]:
    running = QApplication.instance()
    application = running if isinstance(running, QApplication) else QApplication([])
    theme.apply(application, "dark")
    theme.set_reduced_motion(True)
    collecting = Collecting()  # as in the application
    collecting.start()
    session = Session()
    view = CanvasView(session)
    view.resize(WIDTH, HEIGHT)
    view.show()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = make_transformer(Path(folder) / "transformer.chain")
        begin = time.perf_counter()
        session.open(path)
        _wait(view)
        rows.append(
            (f"open {NODES:,} nodes: {_drawn(view):,} drawn", f"{(time.perf_counter() - begin) * 1000:,.0f} ms", "")
        )
        for name, everything in (("as it opened", False), ("with every module open", True)):
            if everything:
                view.collapse_to(None)
                _wait(view)
            tree = view.tree
            if tree is not None:
                found, longest = _there_and_back(view, tree)
                rows += [(f"{word}, {name}", measured, "≤ 100 ms") for word, measured in found]
                rows.append(("  longest wait of the window's thread meanwhile", f"{longest * 1000:,.0f} ms", "≤ 50 ms"))
        view.shutdown()
        session.close()
        collecting.stop()
    return rows


def _there_and_back(view: CanvasView, tree: ModuleTree) -> tuple[list[tuple[str, str]], float]:
    """Change a block and a stage, and back, each time another one: nothing is known from the time before."""
    found, blocked, seen = [], 0.0, Seen(view)
    for word, depth in (("block", 3), ("stage", 2)):
        groups = [group for group in tree.groups if group.depth == depth and not group.count]
        times: dict[str, list[float]] = {"open": [], "close": []}
        for group in groups[1 : 1 + ROUNDS]:
            for _ in range(2):
                closed = view.is_collapsed(group)
                begin = time.perf_counter()
                view.toggle(group.key)
                blocked = max(blocked, _wait(view, seen))
                times["open" if closed else "close"].append((time.perf_counter() - begin) * 1000)
        for verb, measured in times.items():
            text = f"{statistics.median(measured):,.0f} ms, {_drawn(view):,} drawn" if measured else "nothing to do"
            found.append((f"{verb} a {word}", text))
    return found, blocked


class Seen(QObject):
    """Which picture was painted last."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view = view
        self.scene: Scene | None = None
        view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.scene = self._view.scene
        return super().eventFilter(watched, event)


def _wait(view: CanvasView, seen: Seen | None = None) -> float:
    """Until the picture is there and, if told so, painted; the longest time that one turn of the event loop took, in
    seconds."""
    blocked, end = 0.0, time.perf_counter() + PATIENCE
    while time.perf_counter() < end:
        begin = time.perf_counter()
        QApplication.processEvents()
        blocked = max(blocked, time.perf_counter() - begin)
        if view.is_ready() and (seen is None or seen.scene is view.scene):
            break
        time.sleep(0.0005)
    return blocked


def _drawn(view: CanvasView) -> int:
    return 0 if view.scene is None else view.scene.node_count
