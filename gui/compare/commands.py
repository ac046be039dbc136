"""What the action "Compare…" does, and when it can do something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject

from gui.actions import DIRECTIONS, LAYOUTS

if TYPE_CHECKING:
    from gui.compare.window import CompareWindow
    from gui.window import MainWindow


class CompareCommands(QObject):
    """One window at a time: asked again, it shows the step that one looks at now."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.shown: CompareWindow | None = None
        window.actions_table["compare"].triggered.connect(lambda _=False: self.compare())
        window.session.graph_changed.connect(lambda _: self.update())
        window.session.modules.collapsed_changed.connect(self._lay_out)
        for name in (*(f"layout_{each}" for each in LAYOUTS), *(f"direction_{each}" for each in DIRECTIONS)):
            window.actions_table[name].triggered.connect(lambda _=False: self._lay_out())
        self.update()

    def update(self) -> None:
        has_graph = self._window.session.graph_id is not None
        self._window.actions_table.set_enabled("compare", has_graph, self.tr("No graph is shown."))

    def compare(self) -> None:
        """The playhead's training step with the next one; other steps and recordings are chosen there."""
        from gui.compare.window import CompareWindow

        session = self._window.session
        if session.recording is None or session.graph_id is None:
            return
        if self.shown is None or not shiboken6.isValid(self.shown):
            self.shown = CompareWindow(self._window)
        self._lay_out()
        self.shown.compare(session.recording.path, session.recording.graph(session.graph_id).step)
        self.shown.show()
        self.shown.raise_()
        self.shown.activateWindow()

    def _lay_out(self) -> None:
        """As in the main window."""
        if self.shown is not None and shiboken6.isValid(self.shown):
            self.shown.lay_out_as(self._window.canvas, boxes=self._window.session.modules.boxes)

    def shutdown(self) -> None:
        if self.shown is not None and shiboken6.isValid(self.shown):
            self.shown.close()
        self.shown = None
