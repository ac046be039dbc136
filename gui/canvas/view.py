"""The canvas in the window: `ModuleView` with mouse, touchpad and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gui.canvas import describe
from gui.canvas.lod import STEPS_PER_OCTAVE, Detail
from gui.canvas.modules.choosing import choose
from gui.canvas.modules.view import ModuleView
from gui.explore.edge_hit import edge_at, edge_tooltip
from gui.explore.keys import Way, walked
from gui.explore.places import members
from gui.explore.pointer import Rubber, nodes_in, toggled
from gui.focus_ring import OWN_RING

if TYPE_CHECKING:
    from gui.canvas.picture import Picture
    from gui.session import Session

DRAG_FROM = 4  # logical px: less is a click
WHEEL_NOTCH = 120
STEPS_PER_NOTCH = 2  # of the ladder of scales
WALKS: dict[tuple[Qt.Key, bool], Way] = {
    (Qt.Key.Key_Up, False): "upstream",
    (Qt.Key.Key_Down, False): "downstream",
    (Qt.Key.Key_Left, True): "previous",
    (Qt.Key.Key_Right, True): "next",
}
A_MODULE = -1  # stands in `menu_wanted` for the open module that one looks at
BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
EDGE_SLACK = 5.0  # logical px


class CanvasView(ModuleView):
    """Drag pans, the wheel and pinching zoom, a click selects, a double click flies to a node or fits the graph.

    With Shift, a click marks another node and a drag all that it holds. `menu_wanted(place on the screen, node id,
    edge)` follows a right click; both may be None; a negative id is the module that one looks at.
    """

    menu_wanted = Signal(object, object, object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._grabbed: QPointF | None = None
        self._rubber = Rubber()
        self._reached_by_key = False  # the focus is shown to those who move it by keys
        self.setProperty(OWN_RING, True)

    def is_at_rest(self) -> bool:
        """Ready, and no thread works on what may be asked next."""
        return self.is_ready() and self._loader.at_rest

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show_tooltip(event.pos(), event.globalPos())
            return True
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self._zoom(STEPS_PER_OCTAVE * event.value() + 1e-6, event.position())
            return True
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.resizeEvent(QResizeEvent(self.size(), self.size()))
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._reached_by_key = event.reason() in BY_KEY
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._reached_by_key = False
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._reached_by_key:
            painter = QPainter(self)
            try:
                painter.setPen(QPen(self._painter.theme.accent, 2))
                painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
            finally:
                painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels = event.pixelDelta()
        if not pixels.isNull() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._pan(QPointF(pixels))  # two fingers on a touchpad
        elif event.angleDelta().y():
            self._zoom(STEPS_PER_NOTCH * event.angleDelta().y() / WHEEL_NOTCH, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._rubber.begin(event.position())
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grabbed = event.position()
            self._held = False
            if self._on_minimap(event.position()):
                self._look_from_minimap(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._rubber.held:
            self._rubber.move(event.position())
            self.update()
            return
        if self._grabbed is None:
            node = self._node_at(event.position())
            self._hover(node)
            edge = self._edge_at(event.position()) if node is None else None
            if edge != self.explorer.hovered_edge:
                self.explorer.hover_edge(edge)
                self.setCursor(Qt.CursorShape.PointingHandCursor) if edge is not None else self.unsetCursor()
            if node is None and edge is None:
                self.point_at_words(event.position())
            return
        if self._on_minimap(self._grabbed):
            self._look_from_minimap(event.position())
            return
        moved = event.position() - self._grabbed
        if self._held or moved.manhattanLength() > DRAG_FROM:
            if not self._held:
                self._held = True
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._pan(moved)
            self._grabbed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._rubber.held:
            self._mark(event.position())
            return
        clicked = self._grabbed is not None and not self._held and not self._on_minimap(event.position())
        self._grabbed, self._held = None, False
        self.unsetCursor()
        if clicked and event.button() == Qt.MouseButton.LeftButton and not self.choose_crumb(event.position()):
            self._click(event.position())

    def _click(self, point: QPointF) -> None:
        node, scene = self._node_at(point), self.scene
        node_id = None if node is None or scene is None else int(scene.node_ids[node])
        if self.explorer.take_picked(node_id):
            return
        edge = self._edge_at(point) if node is None else None
        if edge is not None and scene is not None:
            ends = {int(scene.node_ids[scene.source[edge]]), int(scene.node_ids[scene.target[edge]])}
            self._session.mark(ends, self.tr("the ends of an edge"))
            return
        if node is None and self.choose_title(point):
            return
        self._session.mark(())
        choose(self._session, scene, node)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """By mouse of what is under it, by key of the selected node."""
        scene, selection = self.scene, self._session.selection
        if scene is None:
            return
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place, node_id, edge = self._place_of(selection), selection, None
        else:
            point = QPointF(event.pos())
            node = self._node_at(point)
            node_id = None if node is None else int(scene.node_ids[node])
            if node_id is not None and node_id < 0:
                choose(self._session, scene, node)  # the menu is about the module that one looks at
            if node is None and self.choose_title(point):
                node_id = A_MODULE
            edge = self._edge_at(point) if node_id is None else None
            place = event.pos()
        self.menu_wanted.emit(self.mapToGlobal(place), node_id, edge)

    def _place_of(self, node_id: int | None) -> QPoint:
        """Where a node is in the view; without one the middle of it."""
        scene = self.scene
        if scene is None or node_id not in scene.position:
            return self.rect().center()
        x, y = self.camera.to_device(*scene.center(scene.position[node_id]))
        return (QPointF(x, y) / self.camera.ratio).toPoint()

    def _edge_at(self, point: QPointF) -> int | None:
        """The edge under a logical point; from afar edges cannot be told apart."""
        scene, ratio = self.scene, self.camera.ratio
        if scene is None or self._on_minimap(point) or self.camera.detail == Detail.DOT:
            return None
        x, y = self.camera.to_scene(point.x() * ratio, point.y() * ratio)
        return edge_at(scene, x, y, EDGE_SLACK * ratio / self.camera.scale)

    def _mark(self, point: QPointF) -> None:
        """The end of a click or a drag with Shift held down."""
        rect, scene, node = self._rubber.end(), self.scene, self._node_at(point)
        self.update()
        if scene is None:
            return
        if rect is not None:
            self._session.mark(self._session.marked | nodes_in(scene, rect, self.camera))
        elif node is not None:
            self._session.mark(toggled(self._session, frozenset(members(scene, node))))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        node, scene = self._node_at(event.position()), self.scene
        if node is None or scene is None:
            if not self.close_title(event.position()):
                self.fit()
        elif scene.inner is not None and node in scene.inner.groups:
            self.expand(scene.inner.groups[node].key)
        else:
            self.fly_to(int(scene.node_ids[node]))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)
        self.explorer.hover_edge(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right belong to the transport; up and down walk along edges, with Alt also left and right; plus and
        minus open and close a module, where one is chosen."""
        way = WALKS.get((Qt.Key(event.key()), bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)))
        if way is not None:
            self._walk(way)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.expand_or(self.zoom_in)
        elif event.key() == Qt.Key.Key_Minus:
            self.collapse_or(self.zoom_out)
        elif event.key() == Qt.Key.Key_F:
            self.fit()
        else:
            super().keyPressEvent(event)

    def _paint_overlays(self, painter: QPainter, picture: Picture) -> None:
        super()._paint_overlays(painter, picture)
        self._rubber.paint(painter, self._painter.theme)

    def zoom_in(self) -> None:
        self._zoom(2 * STEPS_PER_NOTCH)

    def zoom_out(self) -> None:
        self._zoom(-2 * STEPS_PER_NOTCH)

    def _zoom(self, steps: float, at: QPointF | None = None) -> None:
        """By steps of the ladder, about a logical point (None: the middle)."""
        point = QPointF(self.width() / 2, self.height() / 2) if at is None else at
        self._navigator.zoom(steps, point.x() * self.camera.ratio, point.y() * self.camera.ratio)

    def _walk(self, way: Way) -> None:
        """From the selected node, or the playhead's, along an edge to the next one."""
        scene, picture = self.scene, self.picture(hover=False)
        if scene is None or picture is None:
            return
        start = picture.state.active if picture.selection is None else picture.selection
        there = walked(scene, start, way) if start >= 0 else None
        if there is not None:
            self._session.select(int(scene.node_ids[there]))
            self.bring_into_view(int(scene.node_ids[there]))

    def _pan(self, moved: QPointF) -> None:
        self._navigator.pan(moved.x() * self.camera.ratio, moved.y() * self.camera.ratio)

    def _node_at(self, point: QPointF) -> int | None:
        """Position of the node under a logical point."""
        scene = self.scene
        if scene is None or self._on_minimap(point):
            return None
        ratio = self.camera.ratio
        x, y = self.camera.to_scene(point.x() * ratio, point.y() * ratio)
        item = scene.item_at(x, y, 2 * ratio / self.camera.scale)
        return None if item is None else int(scene.item_node[item])

    def _hover(self, node: int | None) -> None:
        if node != self._hovered:
            self._hovered = node
            self.setCursor(Qt.CursorShape.PointingHandCursor) if node is not None else self.unsetCursor()
            self.update()

    def _on_minimap(self, point: QPointF) -> bool:
        scene = self.scene
        if scene is None or not self._minimap.wanted(scene, self.camera):
            return False
        return self._minimap.rect(self.width(), self.height()).contains(point)

    def _look_from_minimap(self, point: QPointF) -> None:
        scene = self.scene
        if scene is None:
            return
        x, y = self._minimap.to_scene(point.x(), point.y(), self.camera)
        left, top, right, bottom = scene.bounds
        x, y = min(max(x, left), right), min(max(y, top), bottom)  # who drags beyond the map stays at the graph
        self._navigator.fly_to(x, y, fly=False)

    def _show_tooltip(self, at: QPoint, globally: QPoint) -> None:
        node, picture = self._node_at(QPointF(at)), self.picture(hover=False)
        recording = self._session.recording
        edge = self._edge_at(QPointF(at)) if node is None else None
        if picture is None or recording is None or (node is None and edge is None):
            QToolTip.hideText()
        elif node is not None:
            QToolTip.showText(globally, describe.tooltip(recording, picture, node), self)
        elif edge is not None:
            QToolTip.showText(globally, edge_tooltip(recording, picture, edge), self)
