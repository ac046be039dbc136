"""What the actions that export and copy the graph do, and when they can."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtGui import QImage

from engine.errors import ChainruleError
from gui import theme
from gui.export.clipboard import put
from gui.settings import APPLICATION, ORGANIZATION

if TYPE_CHECKING:
    from gui.export.subject import Subject
    from gui.window import MainWindow

FOLDER = "export/folder"
MIME = {"svg": "image/svg+xml", "dot": "text/vnd.graphviz", "json": "application/json"}


class ExportCommands(QObject):
    """Connects the table's actions on exporting to the window."""

    _made = Signal(object, str)  # Content, or None and why there is none

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session, self._actions = window, window.session, window.actions_table
        self._store = QSettings(ORGANIZATION, APPLICATION)
        self._thread: threading.Thread | None = None
        self._made.connect(self._put)
        self._actions["export_graph"].triggered.connect(lambda: self.export())
        self._actions["copy_image"].triggered.connect(lambda: self.copy_picture())
        self._actions["copy_dot"].triggered.connect(lambda: self.copy_text("dot"))
        self._actions["copy_json"].triggered.connect(lambda: self.copy_text("json"))

    def update(self) -> None:
        """Enable what can do something now."""
        nothing = self.tr("No recording is open.")
        for action_id in ("export_graph", "copy_image", "copy_dot", "copy_json"):
            self._actions.set_enabled(action_id, self._session.graph_id is not None, nothing)

    def wait(self) -> None:
        """Until what is being copied is there."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _subject(self) -> Subject | None:
        from gui.export.subject import subject_of

        subject = subject_of(self._window.canvas, self._session.recording)
        if subject is None:
            self._window.show_error(self.tr("The graph is still being laid out; try again in a moment."))
        return subject

    # --- a file ------------------------------------------------------------------------------------------------------

    def export(self) -> None:
        """Ask what and where, and write it."""
        from gui.export.dialog import ExportDialog
        from gui.export.options import remembered

        subject = self._subject()
        if subject is None:
            return
        options = remembered(self._store, "dark" if theme.current().is_dark else "light")
        dialog = ExportDialog(subject, options, self._folder(), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.written.connect(self._on_written)
        dialog.open()

    def _folder(self) -> Path:
        """The one of last time, if it is still there."""
        stored = self._store.value(FOLDER)
        if isinstance(stored, str) and os.path.isdir(stored):
            return Path(stored)
        return Path(self._window.settings.last_folder())

    def _on_written(self, path: Path) -> None:
        self._store.setValue(FOLDER, str(path.absolute().parent))
        self._window.show_note(self.tr("Saved as {0}").format(path))

    # --- the clipboard -----------------------------------------------------------------------------------------------

    def copy_picture(self) -> None:
        """The view as it is seen, as pixels and as shapes."""
        self._copy(_picture_of, self.tr("The picture is on the clipboard."))

    def copy_text(self, suffix: str) -> None:
        """The whole graph as DOT or JSON."""
        name = {"dot": "DOT", "json": "JSON"}[suffix]
        self._copy(partial(_text_of, suffix=suffix), self.tr("The graph is on the clipboard as {0}.").format(name))

    def _copy(self, make: Callable[[Subject], Content], note: str) -> None:
        """Made in a thread: a large graph takes a while. What is asked for meanwhile is not listened to."""
        subject = self._subject()
        if subject is not None and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._make, args=(make, subject, note), daemon=True)
            self._thread.start()

    def _make(self, make: Callable[[Subject], Content], subject: Subject, note: str) -> None:
        content: Content | None = None
        try:
            content = make(subject)
        except ChainruleError as error:
            note = str(error)
        except Exception as error:  # a fault of the program, or no memory: threading's hook tells it, too
            self._tell(None, repr(error))
            raise
        self._tell(content, note)

    def _tell(self, content: Content | None, note: str) -> None:
        with suppress(RuntimeError):  # the window is gone
            self._made.emit(content, note)

    def _put(self, content: Content | None, note: str) -> None:
        if content is None:
            self._window.show_error(note)
            return
        put(content.plain, content.mime, content.special)
        self._window.show_note(note)


@dataclass(frozen=True, eq=False)
class Content:
    """What goes to the clipboard: in the form that every program takes, and in one that says more."""

    plain: str | QImage
    mime: str
    special: bytes


def _picture_of(subject: Subject) -> Content:
    from gui.canvas.export_image import Look, draw_image, encoded
    from gui.export.options import Options

    seen = Options(part="view")
    look, picture = Look(theme.current(), key=subject.key(seen)), subject.own_readings()
    svg = encoded(picture, subject.camera(seen, 1.0), "svg", look, title=subject.name)
    return Content(draw_image(picture, subject.view, look), MIME["svg"], svg)


def _text_of(subject: Subject, suffix: str) -> Content:
    from gui.export.data import as_text

    text = as_text(subject, suffix)
    return Content(text, MIME[suffix], text.encode())
