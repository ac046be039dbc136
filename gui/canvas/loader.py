"""Turns a recorded graph into a scene without holding up the window, and does it once for graphs that are alike.

Training steps mostly build the same graph with new node ids: they share one layout, found by what a graph is made of.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import itertools
import math
import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from engine.errors import ChainruleError
from engine.pace import gently, unless
from gui.canvas.camera import FIT_MARGIN_X, FIT_MARGIN_Y
from gui.canvas.lod import NAMED_FROM
from gui.canvas.modules.source import Ints, Places, Sources, node_ids_of
from gui.canvas.preparing import Preparing
from gui.parameter_values import layer_order
from gui.proof import desk
from gui.turns import Pieces, Turn, in_portions

if TYPE_CHECKING:
    from engine.layout import Direction, Room
    from engine.recording.model import Edge, Node
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene

LEAVES_UP_TO = 40  # nodes: data leaves are shown in graphs that are not larger, if nobody asks
KEPT = 32
AHEAD_MS = 150  # before what may be asked next is read: who goes through training steps quickly asks for others
NEEDED = (  # by the first layout (numpy.ma: by np.unique), and then by the panels
    "engine.graph.build", "engine.graph.modules", "engine.graph.quotient", "engine.layout.nested", "numpy.ma",
    "gui.canvas.modules.arrange", "gui.canvas.modules.inner", "gui.canvas.modules.stock", "gui.explore.ways",
    "engine.recording.summary", "gui.transport.ticks",
)  # fmt: skip
PAINTING_S = 0.1  # that a new picture is given to be painted before something else is worked out

Key = tuple[str, str, bool, float, str, frozenset[str] | None, bool, tuple[float, float] | None]


_structures: WeakKeyDictionary[Recording, dict[int, tuple[tuple[Node, ...], tuple[Edge, ...], str]]] = (
    WeakKeyDictionary()
)


@dataclass(frozen=True)
class Wish:
    """What is to be shown. `structure` is equal for graphs of the same make. `collapsed` are keys of modules, None for
    what fits. `boxes`: open modules are drawn as boxes, where the algorithm can. `room`: how much can be read at
    a time; None where that does not matter."""

    graph_id: int
    structure: str
    algorithm: str
    data_leaves: bool
    aspect: float
    direction: Direction = "down"
    collapsed: frozenset[str] | None = None
    boxes: bool = True
    room: Room | None = None

    @property
    def key(self) -> Key:
        return (
            self.structure, self.algorithm, self.data_leaves, self.aspect, self.direction, self.collapsed, self.boxes,
            self.room,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Made:
    recording: Recording
    wish: Wish
    scene: Scene | None
    places: Places | None
    message: str


@dataclass(frozen=True)
class _About:
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    structure: str
    size: int  # nodes that are not data
    ids: Ints


def rough_aspect(width: float, height: float) -> float:
    """Width to height of what a fitted graph may fill, in four steps for each doubling: a little more or less room
    changes no layout."""
    room_x, room_y = width - 2 * FIT_MARGIN_X, height - 2 * FIT_MARGIN_Y
    exact = math.log2(max(room_x, 1.0) / max(room_y, 1.0))
    return float(2.0 ** (min(max(round(4 * exact), -6), 8) / 4))


def rough_room(width: float, height: float) -> Room:
    """How much of a fitted graph can be read in a view, rounded down a little for the same reason."""
    sides = width - 2 * FIT_MARGIN_X, height - 2 * FIT_MARGIN_Y
    wide, high = (2.0 ** (math.floor(16 * math.log2(max(side, 1.0) / NAMED_FROM)) / 16) for side in sides)
    return wide, high


def structure_of(recording: Recording, graph_id: int) -> str:
    """A fingerprint of everything that decides how a graph is laid out and labelled, apart from node ids. Worked out
    once for as long as the graph does not grow."""
    nodes, edges = recording.nodes(graph_id), recording.edges(graph_id)
    known = _structures.setdefault(recording, {})
    found = known.get(graph_id)
    if found is None or found[0] is not nodes or found[1] is not edges:
        found = known[graph_id] = (nodes, edges, _fingerprint(nodes, edges))
    return found[2]


def _fingerprint(nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> str:
    place = {node.id: index for index, node in enumerate(nodes)}
    digest = hashlib.blake2b(digest_size=16)
    # One by one: the words of all nodes together take so long that the window would wait for this thread.
    for node in gently(nodes):
        about = (
            node.kind, node.type, node.operation, node.name, node.module, node.module_type, node.shape, node.line,
            node.info.get("saved_bytes"),
        )  # fmt: skip
        digest.update(repr(about).encode())
    for edge in gently(edges):
        digest.update(repr((place[edge.source], edge.slot, place[edge.target], edge.input_number)).encode())
    return digest.hexdigest()


def load(
    recording: Recording, wish: Wish, cancel: Callable[[], bool] | None = None, sources: Sources | None = None
) -> Scene:
    """Build, measure, lay out. Raises ChainruleError; LayoutCancelled soon after `cancel` has answered True.

    Runs in a thread of its own: networkx is imported here.
    """
    from gui.canvas.modules.arrange import arrange

    source = (sources or Sources()).of(recording, wish)
    scene = arrange(source, wish, cancel)
    ids = node_ids_of(recording, wish.graph_id)
    if not np.array_equal(ids, source.ids):
        scene = Places.of(scene, source.ids).filled(scene, ids)
    if scene.inner is not None:
        scene.inner.warm_up()
    return scene


def warm_up() -> None:
    """Import, in a thread, what the first layout needs: networkx takes longer than laying out most graphs. Then what
    the desk is asked with: else its threads would hold up the first pictures."""
    if "networkx" not in sys.modules:
        threading.Thread(target=_import_needed, name="warm-up", daemon=True).start()


def _import_needed() -> None:
    for name in NEEDED:
        importlib.import_module(name)
    desk.warm_up()


def _warm_others(recording: Recording, scene: Scene, graph_id: int) -> None:
    """What the window asks next, when something moves or is chosen, so that it need not wait. Raises RecordingError."""
    from engine.graph import known
    from gui.canvas.flow.lanes import lanes_of

    lanes_of(recording, scene, graph_id)
    known.labels(recording, graph_id)
    known.ends(recording, graph_id)
    layer_order(recording)


class Loader(QObject):
    """`ready(wish, scene)` or `failed(wish, message)` follows the last `start`, in the window's thread.

    One thread at a time; a wish that comes while it works replaces the one that waits and cancels the one in work.
    """

    ready = Signal(object, object)
    failed = Signal(object, str)
    _worked = Signal(object, object, object, object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scenes: dict[Key, tuple[Scene, Places]] = {}
        self._given: dict[Wish, Scene] = {}
        self._structures: dict[int, _About] = {}
        self._sources = Sources()
        self._recording: Recording | None = None
        self._waiting: Wish | None = None
        self._working: Wish | None = None
        self._cancelled = threading.Event()
        self._last: Wish | None = None
        self._thread: threading.Thread | None = None
        self._ending: list[threading.Thread] = []
        self._worked.connect(self._take)
        self.preparing = Preparing(self._prepare, self._has, self)
        self._ahead = Preparing(self._prepare, self._has, self)
        self._soon = QTimer(self, singleShot=True, interval=AHEAD_MS)
        self._soon.timeout.connect(self._read_ahead)
        self.warm: Callable[[Scene, int], None] | None = None  # called in the thread, before `ready`
        self.draw: Callable[[Scene], Iterator[None]] = lambda _: iter(())  # after it, in turns of the window's loop
        self._made: _Made | None = None
        self._drawing = Turn(self._hand_over, self)

    @property
    def busy(self) -> bool:
        return self._thread is not None

    @property
    def at_rest(self) -> bool:
        """Whether no thread works, not even on what the window asks next."""
        working = self.busy or self.preparing.busy or self._ahead.busy or self._soon.isActive()
        return not working and not any(thread.is_alive() for thread in self._ending)

    def reset(self, recording: Recording | None) -> None:
        """Another recording: what is still being laid out is no longer wanted. Known layouts stay useful."""
        self._waiting = None
        self._recording = recording
        self._soon.stop()
        for each in (self.preparing, self._ahead):
            each.reset(recording)
        self._cancelled.set()
        self._given, self._structures = {}, {}  # not cleared: a thread may still put in what it found of the other one

    def wish(
        self,
        graph_id: int,
        algorithm: str,
        data_leaves: bool | None,
        aspect: float,
        direction: Direction = "down",
        collapsed: Callable[[str], frozenset[str] | None] | None = None,
        boxes: bool = True,
        room: Room | None = None,
    ) -> Wish:
        """What to ask for. `data_leaves` None: shown if the graph is small. `collapsed` tells which modules are
        collapsed in graphs of a structure. Raises RecordingError."""
        about = self._about(graph_id)
        leaves = about.size <= LEAVES_UP_TO if data_leaves is None else data_leaves
        chosen = None if collapsed is None else collapsed(about.structure)
        self._last = Wish(graph_id, about.structure, algorithm, leaves, aspect, direction, chosen, boxes, room)
        return self._last

    def _about(self, graph_id: int) -> _About:
        """Worked out once for as long as the graph does not grow."""
        structures, recording = self._structures, self._recording
        if recording is None:
            return _About((), (), "", 0, np.zeros(0, dtype=np.int64))
        nodes, edges = recording.nodes(graph_id), recording.edges(graph_id)
        known = structures.get(graph_id)
        if known is None or known.nodes is not nodes or known.edges is not edges:
            size = sum(node.kind != "data" for node in nodes)
            ids = node_ids_of(recording, graph_id)
            known = _About(nodes, edges, structure_of(recording, graph_id), size, ids)
            structures[graph_id] = known
        return known

    def _has(self, graph_id: int) -> bool:
        """Whether all is known about a graph that is known of it now."""
        known, recording = self._structures.get(graph_id), self._recording
        if known is None or recording is None or not recording.has_read(graph_id):
            return False
        return known.nodes is recording.nodes(graph_id) and known.edges is recording.edges(graph_id)

    def _prepare(self, graph_id: int) -> None:
        """Find out about a graph, in a thread. If its like is shown, the picture that comes next is made ready, too."""
        about, last, recording = self._about(graph_id), self._last, self._recording
        if recording is not None and last is not None and last.structure == about.structure:
            scene = self.known(replace(last, graph_id=graph_id))
            if scene is not None and self.warm is not None:
                self.warm(scene, graph_id)
                _warm_others(recording, scene, graph_id)

    def look_ahead(self) -> None:
        """Find out soon, in a thread, about the graph after the last one wished for: what is played comes to it. Large
        ones are read when they are wanted: that takes long, and room."""
        self._soon.start()

    def _read_ahead(self) -> None:
        last, recording = self._last, self._recording
        if last is None or recording is None:
            return
        graphs = recording.graphs
        place = bisect_right(graphs, last.graph_id, key=lambda graph: graph.id)
        if place < len(graphs) and self._ahead.useful(graphs[place].id):
            self._ahead.start(graphs[place].id)

    def known(self, wish: Wish) -> Scene | None:
        """The scene, if a graph of the same structure was laid out before."""
        given, found = self._given, self._scenes.get(wish.key)
        if found is None or self._recording is None:
            return None
        known = given.get(wish)
        if known is not None:
            return known
        scene, places = found
        filled = places.filled(scene, self._about(wish.graph_id).ids)
        for old in list(given)[: max(len(given) + 1 - scene.kept(KEPT), 0)]:
            given.pop(old, None)  # another thread may have done it
        return given.setdefault(wish, filled)

    def start(self, wish: Wish) -> None:
        if self._thread is None:
            self._waiting = wish
            self._next()
        elif wish != self._working or self._cancelled.is_set():
            self._waiting = wish
            self._cancelled.set()
        else:
            self._waiting = None

    def finish(self) -> None:
        """Wait for what is running; nothing is reported any more."""
        self._waiting = None
        self._recording = None
        self._soon.stop()
        for each in (self.preparing, self._ahead):
            each.finish()
        self._cancelled.set()
        for thread in (*self._ending, *([self._thread] if self._thread is not None else ())):
            thread.join()
        self._drawing.stop()
        self._thread, self._made, self._ending = None, None, []

    def _next(self) -> None:
        wish, recording = self._waiting, self._recording
        self._working = self._waiting = None
        if wish is not None and recording is not None:
            self._cancelled.set()
            self._working, self._cancelled = wish, threading.Event()
            # A daemon: a layout that takes minutes does not keep the program from ending.
            self._thread = threading.Thread(target=self._work, args=(recording, wish, self._cancelled), daemon=True)
            self._thread.start()

    def _work(self, recording: Recording, wish: Wish, cancelled: threading.Event) -> None:
        scene: Scene | None = None
        places: Places | None = None
        message = ""
        try:
            with unless(cancelled.is_set):
                layer_order(recording)  # the panels ask for it with the picture, or sooner if that takes long
                scene = load(recording, wish, cancelled.is_set, self._sources)
                places = Places.of(scene, node_ids_of(recording, wish.graph_id))
                if self.warm is not None and recording is self._recording:
                    self.warm(scene, wish.graph_id)
        except ChainruleError as error:
            message = str(error)
        except Exception as error:  # a layout of someone else's may fail in any way; the canvas says so
            message = QCoreApplication.translate("Canvas", "This layout failed: {error}").format(error=error)
        with contextlib.suppress(RuntimeError):  # the window is gone
            self._worked.emit(threading.current_thread(), recording, wish, (scene, places), message)
        if scene is not None and not cancelled.wait(PAINTING_S):
            with contextlib.suppress(ChainruleError), unless(cancelled.is_set):
                _warm_others(recording, scene, wish.graph_id)

    def _take(
        self, thread: threading.Thread, recording: Recording, wish: Wish, made: tuple[Scene | None, Places | None],
        message: str,
    ) -> None:  # fmt: skip
        if thread is self._thread:  # else `finish` has waited for it
            self._made = _Made(recording, wish, *made, message)
            self._drawing.start(0)

    def _hand_over(self) -> Pieces:
        made, thread = self._made, self._thread
        if made is None or thread is None:
            return
        if made.scene is not None:
            drawing = self.draw(made.scene)
            yield from in_portions(itertools.takewhile(lambda _: self._wants(made), drawing))
        self._ending = [*(each for each in self._ending if each.is_alive()), thread]
        self._made = self._thread = None
        if self._wants(made):
            if made.scene is None or made.places is None:
                self.failed.emit(made.wish, made.message)
            else:
                self._keep(made.wish, made.scene, made.places)
                self.ready.emit(made.wish, made.scene)
        self._next()

    def _wants(self, made: _Made) -> bool:
        return made.recording is self._recording and self._waiting is None

    def _keep(self, wish: Wish, scene: Scene, places: Places) -> None:
        if not self._has(wish.graph_id) or self._about(wish.graph_id).structure != wish.structure:
            return  # more of the graph was written in the meantime
        while len(self._scenes) >= scene.kept(KEPT):
            del self._scenes[next(iter(self._scenes))]
        self._scenes[wish.key] = (scene, places)
