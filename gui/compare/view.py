"""One of the two canvases: a canvas whose nodes have the colours of the comparison, and that tells when it moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from gui.canvas import overlays
from gui.canvas.arrays import Kept
from gui.canvas.modules.choosing import choose_group
from gui.canvas.view import CanvasView
from gui.compare.marks import Side, coloring
from gui.compare.menu import open_menu
from gui.explore.coloring import Coloring
from gui.explore.legend import ScaleLegend

if TYPE_CHECKING:
    from gui.canvas.frames import Frames
    from gui.canvas.loader import Wish
    from gui.canvas.picture import Picture
    from gui.canvas.scene import Scene
    from gui.canvas.state import DrawState
    from gui.session import Session

translate = QCoreApplication.translate


class CompareView(CanvasView):
    """`moved` follows every change of the camera; `follow` moves it without another word."""

    moved = Signal()

    def __init__(self, session: Session, name: str, parent: QWidget | None = None) -> None:
        self._side: Side | None = None
        self._limit = 1.0
        self._name = name
        self._scale_legend = ScaleLegend()
        self._coloring: Kept[Coloring] = Kept()
        self._still: Kept[DrawState] = Kept()
        self._following = False
        super().__init__(session, parent)
        self.setObjectName(f"compare_{name}")
        self._navigator.moved.connect(self._camera_moved)
        self.menu_wanted.connect(partial(open_menu, self))

    def show_side(self, side: Side | None, limit: float) -> None:
        """Colour the nodes by a comparison, or as ever."""
        self._side, self._limit = side, limit
        self.update()

    @property
    def fitted(self) -> bool:
        """Whether nobody has moved the view since it was fitted."""
        return self._navigator.still_fitted

    def follow(self, x: float, y: float, scale: float) -> None:
        """Look at a scene point at a scale."""
        self._following = True
        try:
            self._navigator.stop()
            self._navigator.still_fitted = False
            self._navigator.camera = replace(self.camera, x=x, y=y, scale=scale)
            self.update()
        finally:
            self._following = False

    def follow_fit(self) -> None:
        self._following = True
        try:
            self.fit(fly=False)
        finally:
            self._following = False

    @property
    def chosen(self) -> frozenset[str] | None:
        """The modules to collapse, which may not be laid out yet; None if nobody has chosen."""
        return None if self._shown is None else self._session.modules.collapsed(self._shown.structure)

    def take_collapsed(self, keys: Iterable[str]) -> None:
        """Collapse these modules, as far as they are here."""
        tree, shown = self.tree, self._shown
        if tree is not None and shown is not None:
            self._session.modules.collapse(shown.structure, tree.tidy(key for key in keys if key in tree.by_key))

    def take_module(self, key: str, *, marked: bool) -> None:
        """Look at a module, with or without its nodes `marked`; at none, if it is not here."""
        scene, group = self.scene, None if self.tree is None else self.tree.by_key.get(key)
        if group is None or scene is None:
            if self._session.modules.current:
                self._session.mark(())  # its nodes, and with them the module
        elif marked:
            choose_group(self._session, scene, group)
        else:
            self._session.modules.look_at(key)

    def _camera_moved(self) -> None:
        if not self._following:
            self.moved.emit()

    def _picture(self, scene: Scene, frames: Frames, wish: Wish, playhead: int, hovered: int | None) -> Picture:
        """Without the playhead: here one looks at the whole pass."""
        picture = super()._picture(scene, frames, wish, playhead, hovered)
        found = self._colors(scene)
        fills = picture.fills if found is None else found.fills
        return replace(picture, fills=fills, state=self._resting(picture.state))

    def _resting(self, state: DrawState) -> DrawState:
        return self._still.get((state,), lambda: replace(state, active=-1))

    def _colors(self, scene: Scene) -> Coloring | None:
        side, limit, theme = self._side, self._limit, self._painter.theme
        if side is None:
            return None
        left = self._name == "left"
        words = translate("compare", "only left") if left else translate("compare", "only right")
        return self._coloring.get((scene, side, theme), lambda: coloring(scene, side, limit, theme, words))

    def _paint_overlays(self, painter: QPainter, picture: Picture) -> None:
        theme, camera = self._painter.theme, self.camera
        found = self._colors(picture.scene)
        if found is not None:
            self._scale_legend.paint(painter, found.legend, picture.scene, camera, theme)
        if self._minimap.wanted(picture.scene, camera):
            self._minimap.paint(painter, picture, camera, theme)
        recording = self._session.recording
        graph = self._session.graph_id
        if recording is not None and graph is not None:
            step = translate("compare", "step {0}").format(f"{recording.graph(graph).step + 1:,}")
            overlays.crumbs(painter, (recording.path.name, step), self.width(), theme)
