"""A ring for whoever walks by the Tab key, round what shows no focus of its own: tables, charts, heat maps."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QSlider, QTabBar, QWidget

from gui import theme

SHOW_IT = (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QSlider,
    QTabBar,
)  # by the style sheet or themselves
WIDTH = 2
OWN_RING = "own_focus_ring"  # a property of other widgets that draw one


class FocusRing(QWidget):
    """Lies over a widget for as long as that has the focus, and lets everything through."""

    def __init__(self, around: QWidget) -> None:
        super().__init__(around)
        self.setObjectName("focus_ring")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._around = around
        around.installEventFilter(self)
        self.resize(around.size())
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.resize(self._around.size())
        elif event.type() == QEvent.Type.FocusOut:
            self._around.removeEventFilter(self)
            self.hide()
            self.deleteLater()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().accent, WIDTH))
            inside = self.rect().adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(inside, theme.RADIUS_CHIP, theme.RADIUS_CHIP)
        finally:
            painter.end()


def show_focus(widget: QWidget) -> None:
    """Put a ring round a widget that has the focus by a key, if nothing else tells."""
    if widget.hasFocus() and not isinstance(widget, SHOW_IT) and not widget.property(OWN_RING):
        FocusRing(widget)
