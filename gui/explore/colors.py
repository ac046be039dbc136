"""Which measure nodes are coloured by, and its colours for the graph that is shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Signal

from gui import theme
from gui.explore.latest import Latest

if TYPE_CHECKING:
    from engine.graph.measures import Floats
    from engine.recording.reader import Recording
    from gui.canvas.scene import Scene
    from gui.explore.coloring import Coloring
    from gui.theme import Theme

KINDS = ("kind", "norm", "ratio", "time", "memory", "proof", "module", "health")
BY_CATEGORY = ("kind", "proof")  # the scene's own fills
KEPT = 12  # measures of graphs


def words(name: str) -> str:
    """What nodes are coloured by."""
    tr = QCoreApplication.translate
    return {
        "kind": tr("explore", "Kind"),
        "norm": tr("explore", "Gradient norm"),
        "ratio": tr("explore", "Gradient / value"),
        "time": tr("explore", "Time"),
        "memory": tr("explore", "Memory for backward"),
        "proof": tr("explore", "Proof"),
        "module": tr("explore", "Module"),
        "health": tr("explore", "Health of gradients"),
    }[name]


@dataclass(frozen=True, eq=False)
class _Shown:
    scene: Scene
    key: Hashable
    coloring: Coloring


class Colors(QObject):
    """Measures are worked out in a thread; until they are there, nodes have the colours of their kinds."""

    changed = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = "kind"
        self._measured: dict[Hashable, Floats] = {}
        self._shown: _Shown | None = None
        self._worker = Latest("measure", self)
        self._worker.done.connect(self._take)
        self._worker.failed.connect(lambda _, text: self.failed.emit(text))

    @property
    def name(self) -> str:
        """One of KINDS."""
        return self._name

    def choose(self, name: str) -> None:
        if name != self._name:
            self._name = name
            self._shown = None
            self.changed.emit()

    def forget(self) -> None:
        """Another recording."""
        self._worker.forget()
        self._measured.clear()
        self._shown = None

    def shutdown(self) -> None:
        self._worker.finish()

    @property
    def busy(self) -> bool:
        return self._worker.key is not None

    def coloring(self, recording: Recording, graph_id: int, scene: Scene) -> Coloring | None:
        """Colours for what is shown; None where nodes have those of their category, or while they are worked out."""
        if self._name in BY_CATEGORY:
            return None
        grown = len(recording.timeline.events_of_graph(graph_id))
        key = (id(recording), graph_id, grown, self._name, theme.current().name)
        shown = self._shown
        if shown is not None and shown.scene is scene and shown.key == key:
            return shown.coloring
        made = self._make(recording, graph_id, scene, key[:4], theme.current())
        if made is not None:
            self._shown = _Shown(scene, key, made)
        elif shown is not None and shown.scene is scene:
            return shown.coloring  # of what was recorded until a moment ago
        return made

    def coloring_in(self, look: Theme, recording: Recording, graph_id: int, scene: Scene) -> Coloring | None:
        """What `coloring` gives now, in the colours of another theme; None until what is measured is there."""
        if self._name in BY_CATEGORY:
            return None
        grown = len(recording.timeline.events_of_graph(graph_id))
        return self._make(recording, graph_id, scene, (id(recording), graph_id, grown, self._name), look)

    def _make(self, recording: Recording, graph_id: int, scene: Scene, key: Hashable, look: Theme) -> Coloring | None:
        from gui.explore import coloring

        if self._name == "module":
            from gui.explore.places import module_paths

            return coloring.modules(module_paths(recording, graph_id, scene), look)
        values = self._values(recording, graph_id, key)
        if values is None:
            return None
        from gui.explore.places import spread

        drawn = spread(recording, graph_id, scene, self._name, values)
        if self._name == "health":
            return coloring.health(drawn, look)
        return coloring.scale(self._name, drawn, look)

    def _values(self, recording: Recording, graph_id: int, key: Hashable) -> Floats | None:
        known = self._measured.get(key)
        if known is None:
            self._worker.start(key, _measuring(recording, graph_id, self._name))
        return known

    def _take(self, key: Hashable, values: object) -> None:
        if isinstance(values, np.ndarray):
            while len(self._measured) >= KEPT:
                del self._measured[next(iter(self._measured))]
            self._measured[key] = values
            self.changed.emit()


def _measuring(recording: Recording, graph_id: int, name: str) -> Callable[[], object]:
    def work() -> object:
        from engine.graph.measures import MEASURES

        return MEASURES[name].of(recording, graph_id)

    return work
