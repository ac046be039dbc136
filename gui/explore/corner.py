"""The button in the canvas' corner that says, and changes, what nodes are coloured by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QMenu, QToolButton

from gui import theme
from gui.actions import COLORS, Actions
from gui.explore.colors import words

if TYPE_CHECKING:
    from gui.canvas.graph_view import GraphView

MARGIN = 12


class ColorButton(QToolButton):
    """Stays in the upper right corner of its parent."""

    def __init__(self, actions: Actions, parent: GraphView) -> None:
        super().__init__(parent)
        self._canvas = parent
        self.setObjectName("color_button")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setToolTip(self.tr("What nodes are coloured by"))
        menu = QMenu(self)
        menu.addActions([actions[f"color_{name}"] for name in COLORS])
        self.setMenu(menu)
        parent.installEventFilter(self)
        theme.switch.changed.connect(self._restyle)
        self._restyle()
        self.show_name("kind")

    def show_name(self, name: str) -> None:
        self.setText(self.tr("Colour: {0}").format(words(name)) + "  ▾")
        self.setAccessibleName(self.tr("Colour: {0}").format(words(name)))
        self.place()

    def place(self) -> None:
        self.adjustSize()
        parent = self._canvas
        self.move(parent.width() - self.width() - MARGIN, theme.SMALL)
        shown = parent.width() > 2 * self.width()
        self.setVisible(shown)
        parent.corner = self.width() + MARGIN if shown else 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.place()
        return super().eventFilter(watched, event)

    def _restyle(self) -> None:
        look = theme.current()
        self.setStyleSheet(
            f"#color_button {{ background: {look.surface.name()}; color: {look.text.name()};"
            f" border: 1px solid {look.line.name()}; border-radius: {theme.RADIUS_CHIP}px;"
            f" padding: 2px {theme.SMALL}px; font-size: {theme.CAPTION_PX + 1}px; }}"
            f"#color_button:hover {{ background: {look.hover.name()}; }}"
            f"#color_button:focus {{ border-color: {look.accent.name()}; }}"
            "#color_button::menu-indicator { image: none; }"
        )
