"""Keeps what happens inside a widget from laying out the window anew."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget


class Steady(QWidget):
    """Gives all of its room to `inner`, and asks for as much as that does.

    Words that change while a recording is played have another width for each event. In a layout, that would be told up
    to the window, which would lay out all of its docks: a tenth of what an event takes. Here it ends: there is no
    layout to be told, and the others learn of it when they ask. Only that it cannot do with as little is told.
    """

    def __init__(self, inner: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inner = inner
        inner.setParent(self)
        self._least = self.minimumSizeHint()

    def sizeHint(self) -> QSize:
        return self._inner.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self._inner.minimumSizeHint()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and self._least != self.minimumSizeHint():
            self._least = self.minimumSizeHint()
            self.updateGeometry()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._inner.setGeometry(self.rect())
