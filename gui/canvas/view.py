"""The canvas in the window: `GraphView` with mouse, touchpad and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from gui.canvas import describe
from gui.canvas.graph_view import STEPS_PER_NOTCH, GraphView
from gui.canvas.lod import STEPS_PER_OCTAVE

if TYPE_CHECKING:
    from gui.session import Session

DRAG_FROM = 4  # logical px: less is a click
WHEEL_NOTCH = 120


class CanvasView(GraphView):
    """Drag pans, the wheel and pinching zoom, a click selects, a double click flies to a node or fits the graph."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._grabbed: QPointF | None = None

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

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels = event.pixelDelta()
        if not pixels.isNull() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._pan(QPointF(pixels))  # two fingers on a touchpad
        elif event.angleDelta().y():
            self._zoom(STEPS_PER_NOTCH * event.angleDelta().y() / WHEEL_NOTCH, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grabbed = event.position()
            self._held = False
            if self._on_minimap(event.position()):
                self._look_from_minimap(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is None:
            self._hover(self._node_at(event.position()))
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
        clicked = self._grabbed is not None and not self._held and not self._on_minimap(event.position())
        self._grabbed, self._held = None, False
        self.unsetCursor()
        if clicked and event.button() == Qt.MouseButton.LeftButton:
            node = self._node_at(event.position())
            scene = self.scene
            self._session.select(None if node is None or scene is None else int(scene.node_ids[node]))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        node, scene = self._node_at(event.position()), self.scene
        if node is None or scene is None:
            self.fit()
        else:
            self.fly_to(int(scene.node_ids[node]))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows belong to the transport."""
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_out()
        elif event.key() == Qt.Key.Key_F:
            self.fit()
        else:
            super().keyPressEvent(event)

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
        x, y = self._minimap.to_scene(point.x(), point.y(), self.camera)
        self._navigator.fly_to(x, y, fly=False)

    def _show_tooltip(self, at: QPoint, globally: QPoint) -> None:
        node, picture = self._node_at(QPointF(at)), self.picture(hover=False)
        recording = self._session.recording
        if node is None or picture is None or recording is None:
            QToolTip.hideText()
            return
        QToolTip.showText(globally, describe.tooltip(recording, picture, node), self)
