"""What exploring adds to the picture: colours by measure, what a search found, marked nodes and the links of a path."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from gui.canvas.arrays import Kept
from gui.explore.coloring import Legend, reach_legend
from gui.explore.colors import BY_CATEGORY, Colors
from gui.explore.legend import ScaleLegend

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from engine.recording.reader import Recording
    from gui.canvas.camera import Camera
    from gui.canvas.picture import Bytes, Flags, Picture
    from gui.canvas.scene import Scene
    from gui.session import Session
    from gui.theme import Theme


class Explorer(QObject):
    """Keeps what was chosen; `dressed` puts it onto a picture. `version` counts changes."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._found: frozenset[int] | None = None
        self._path = ""
        self._dress: tuple[tuple[object, ...], Scene, tuple[Flags | None, Flags | None, Bytes | None]] | None = None
        self._legend = ScaleLegend()
        self._reach: Kept[Legend] = Kept()
        self._ways: Kept[Bytes] = Kept()
        self._edge: int | None = None
        self._picking: Callable[[int], object] | None = None
        self.colors = Colors(self)
        self.version = 0
        self.colors.changed.connect(self._change)
        session.marked_changed.connect(self._marked_changed)
        session.recording_changed.connect(self._forget)

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def found(self) -> frozenset[int] | None:
        """What a search found; None while nothing is searched for."""
        return self._found

    def show_found(self, nodes: Iterable[int] | None) -> None:
        """Light these nodes and let all others stand back; None: all as ever."""
        found = None if nodes is None else frozenset(nodes)
        if found != self._found:
            self._found = found
            self._change()

    @property
    def shows_path(self) -> bool:
        """Whether the marked nodes are ways between two of them."""
        return bool(self._path) and self._path == self._session.marked_title

    def show_path(self, nodes: Iterable[int], title: str) -> None:
        """Mark nodes that are ways between two of them: the links between them are lit as well."""
        self._path = title
        self._session.mark(nodes, title)
        self._change()

    @property
    def hovered_edge(self) -> int | None:
        """The edge under the mouse, by its position in the scene."""
        return self._edge

    def hover_edge(self, edge: int | None) -> None:
        if edge != self._edge:
            self._edge = edge
            self._change()

    def pick(self, picked: Callable[[int], object] | None) -> None:
        """Give the node that is clicked next to `picked`, instead of selecting it; None: no longer."""
        self._picking = picked

    def take_picked(self, node: int | None) -> bool:
        """Whether a click on `node` (None: on the ground) was waited for."""
        picking, self._picking = self._picking, None
        if picking is not None and node is not None:
            picking(node)
        return picking is not None

    def dressed(self, picture: Picture, recording: Recording, graph_id: int) -> Picture:
        """The picture with colours, marks and what stands back."""
        coloring = self.colors.coloring(recording, graph_id, picture.scene)
        dimmed, marked, path = self._flags(picture.scene)
        if coloring is None and dimmed is None and marked is None and path is None:
            return picture
        return replace(
            picture,
            fills=None if coloring is None else coloring.fills,
            dimmed=dimmed,
            marked=marked,
            flow=self._told_apart(picture, path),
        )

    def _told_apart(self, picture: Picture, path: Bytes | None) -> Bytes | None:
        """A way goes before the edges of the selected node, and after what is connected with the hovered one."""
        flow = picture.flow
        if path is None or flow is None:
            return path if flow is None else flow
        return flow if picture.emphasis is not None else self._ways.get((path, flow), lambda: np.maximum(path, flow))

    def _flags(self, scene: Scene) -> tuple[Flags | None, Flags | None, Bytes | None]:
        """(dimmed, marked, flow), worked out once for as long as nothing changes."""
        marked = self._session.marked
        key = (self._found, marked, self.shows_path, self._edge)
        if self._dress is None or self._dress[1] is not scene or self._dress[0] != key:
            self._dress = (key, scene, self._make_flags(scene))
        return self._dress[2]

    def _make_flags(self, scene: Scene) -> tuple[Flags | None, Flags | None, Bytes | None]:
        from gui.canvas.edges import ON_PATH
        from gui.explore.places import drawn

        marked = drawn(scene, self._session.marked) if self._session.marked else None
        dimmed = None if self._found is None else ~drawn(scene, self._found)
        flow = None
        if marked is not None and self.shows_path:
            inside = marked[scene.source] & marked[scene.target]
            flow = np.where(inside, ON_PATH, 0).astype(np.uint8)
        if self._edge is not None and self._edge < len(scene.source):
            flow = np.zeros(len(scene.source), dtype=np.uint8) if flow is None else flow
            flow[self._edge] = ON_PATH
        return dimmed, marked, flow

    # --- painting ----------------------------------------------------------------------------------------------------

    def paint_legend(self, painter: QPainter, picture: Picture, recording: Recording, graph_id: int, camera: Camera,
                     theme: Theme) -> bool:  # fmt: skip
        """Whether there was one to paint, in place of that of categories."""
        if picture.emphasis is not None and picture.flow is not None:
            legend = self._reach.get((picture.scene, picture.flow, theme), lambda: reach_legend(picture, theme))
            self._legend.paint(painter, legend, picture.scene, camera, theme)
            return True
        if self.colors.name in BY_CATEGORY:
            return False
        coloring = self.colors.coloring(recording, graph_id, picture.scene)
        if coloring is None:
            return False
        self._legend.paint(painter, coloring.legend, picture.scene, camera, theme)
        return True

    # --- changes -----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        self.colors.shutdown()

    def _forget(self) -> None:
        self._found = self._edge = self._picking = None
        self._path = ""
        self._dress = None
        self.colors.forget()
        self._change()

    def _marked_changed(self) -> None:
        self._change()

    def _change(self) -> None:
        self.version += 1
        self.changed.emit()
