"""The middle of the window: messages over whatever stands there (welcome page, a script to run, the graph)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from gui.actions import Actions
from gui.messages import MessageBar
from gui.proof.bar import ProofBar
from gui.proof.verifier import Verifier
from gui.session import Session
from gui.welcome import ReadyPage, WelcomePage

if TYPE_CHECKING:
    from gui.canvas.view import CanvasView


class Central(QWidget):
    """The canvas is made when it is first asked for: the window must not wait for it."""

    def __init__(self, session: Session, actions: Actions, verifier: Verifier, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas: CanvasView | None = None
        self.messages = MessageBar()
        self.proof = ProofBar(verifier)
        self.welcome = WelcomePage(actions)
        self.ready = ReadyPage(actions)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.ready)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self.proof)
        column.addWidget(self._pages, 1)

    @property
    def canvas(self) -> CanvasView:
        if self._canvas is None:
            from gui.canvas.view import CanvasView

            self._canvas = CanvasView(self._session)
            self._pages.addWidget(self._canvas)
        return self._canvas

    @property
    def has_canvas(self) -> bool:
        return self._canvas is not None

    def show_welcome(self) -> None:
        self._show(self.welcome)

    def show_ready(self) -> None:
        self._show(self.ready)

    def show_canvas(self) -> None:
        self._show(self.canvas)

    def _show(self, page: QWidget) -> None:
        """A new page takes the focus: left to itself, Qt gives it to the editor, which keeps the arrow keys."""
        if page is not self._pages.currentWidget():
            if page.focusPolicy() == Qt.FocusPolicy.NoFocus:
                page.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            page.setFocus()
            self._pages.setCurrentWidget(page)
            page.setFocus()

    @property
    def page(self) -> QWidget | None:
        return self._pages.currentWidget()
