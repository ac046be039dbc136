"""What the source pane shows: the opened script, which can be edited, or a file as it was recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenu, QStackedWidget, QVBoxLayout, QWidget

from engine.errors import RecordingError, UsageError
from engine.recording.model import Node, Source
from engine.source_text import unix_lines
from gui import theme
from gui.session import Session
from gui.source.editor import Editor
from gui.source.text_file import TextFile, read_text_file, write_text_file
from gui.turns import Turn

if TYPE_CHECKING:
    from engine.recording.reader import Recording

LOOK_AGAIN_MS = 40
FILES_LEAST = 96  # px: of the choice of files


class SourcePane(QWidget):
    """Follows the playhead and the selection: the line of the selected node is marked, and the one of the active node.

    `script` is the file that can be edited and run. `failed` tells what could not be read or written.
    """

    modified_changed = Signal(bool)
    script_changed = Signal()
    failed = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._script: Path | None = None
        self._file = TextFile("")  # what was read from it, or written to it
        self._shown: Source | None = None  # None: the script
        self._viewed: Source | None = None  # what the viewer holds, seen or not
        self._listed: list[tuple[str, str, int | None]] = []
        self._sources: dict[int, Source] = {}
        self._made: tuple[tuple[Recording, int], dict[tuple[int, int | None], int]] | None = None
        self._recorded_lines: list[str] = []  # the script as it was when it was recorded
        self._counting = Turn(self._count_or_wait, self)
        self._marking = Turn(self._mark, self)
        self.is_reading: Callable[[], bool] = lambda: False  # a large graph, in another thread: it counts, too
        self._clicked = (-1, -1)  # the line last clicked, and which of its nodes was selected
        self.editor = Editor()
        self.viewer = Editor()
        self.viewer.setObjectName("source_recorded")
        self.viewer.setReadOnly(True)
        self._files = QComboBox()
        self._files.setObjectName("source_files")
        self._files.setAccessibleName(self.tr("File"))
        self._files.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._state = QLabel()
        self._state.setProperty("role", "caption")
        self._lay_out()
        self._connect()
        self._show(None)

    def _lay_out(self) -> None:
        self._header = QWidget()
        row = QHBoxLayout(self._header)
        row.setContentsMargins(theme.SMALL, theme.TIGHT, theme.MEDIUM, theme.TIGHT)
        self._files.setMinimumWidth(FILES_LEAST)  # a long name would make the window wider than the screen
        row.addWidget(self._files, 1)
        row.addWidget(self._state)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.editor)
        self._pages.addWidget(self.viewer)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._pages)

    def _connect(self) -> None:
        self._files.activated.connect(self._choose_file)
        self.editor.document().modificationChanged.connect(self._on_modified)
        for editor in (self.editor, self.viewer):
            editor.line_clicked.connect(self._on_line_clicked)
            editor.gutter_clicked.connect(self._on_gutter_clicked)
        self._session.recording_changed.connect(self._on_recording_changed)
        self._session.graph_changed.connect(lambda _: self._counting.start(0))
        self._session.recording_grew.connect(self._on_recording_grew)
        self._session.selection_changed.connect(lambda _: self._marking.start(0))
        self._session.playhead_changed.connect(lambda _: self._marking.start(0))
        theme.switch.changed.connect(self._put_on_theme)

    # --- the script --------------------------------------------------------------------------------------------------

    @property
    def script(self) -> Path | None:
        return self._script

    @property
    def modified(self) -> bool:
        """Whether the script was edited and not saved."""
        return self.editor.document().isModified()

    @property
    def shown(self) -> Editor:
        """The editor that can be seen."""
        return self.editor if self._shown is None else self.viewer

    @property
    def shown_path(self) -> str:
        return self._shown.path if self._shown is not None else str(self._script or "")

    def open_script(self, path: Path) -> bool:
        """Show a script from disk. On failure `failed` tells why, and what is shown stays."""
        try:
            self._file = read_text_file(path)
        except (OSError, UsageError) as error:
            self.failed.emit(self.tr("{0} cannot be read: {1}").format(path, _reason(error)))
            return False
        self._script = path.absolute()
        self.editor.setPlainText(self._file.text)
        self._show(None)
        self.script_changed.emit()
        return True

    def close_script(self) -> None:
        self._script = None
        self.editor.clear()
        self.editor.document().setModified(False)
        self._show(None)
        self.script_changed.emit()

    def adopt_recorded_script(self) -> None:
        """Open the recorded script for editing if its file is here and still the same; else it is shown as recorded.

        Called before `recording_changed` is told, which marks its lines, so that no text is put in twice.
        """
        recording = self._session.recording
        self._forget_sources()
        self._read_sources()
        recorded = None
        if recording is not None:
            script = recording.info.script
            recorded = next((each for each in self._sources.values() if _same(each.path, script)), None)
        path = Path(recorded.path) if recorded is not None else None
        if recorded is not None and path is not None and _text_of(path) == unix_lines(recorded.text):
            self.open_script(path)
        elif self._script is not None:
            self.close_script()

    def save(self) -> bool:
        """Write the edited script to its file."""
        if self._script is None:
            return False
        try:
            self._file = write_text_file(self._script, self.editor.toPlainText(), self._file)
        except (OSError, UsageError) as error:
            self.failed.emit(self.tr("{0} cannot be written: {1}").format(self._script, _reason(error)))
            return False
        self.editor.document().setModified(False)
        return True

    def show_place(self, path: str, line: int) -> bool:
        """Show a line of a file that is open or recorded; False if it is neither."""
        if self._script is not None and _same(path, str(self._script)):
            self._show(None)
        else:
            source = next((each for each in self._sources.values() if _same(path, each.path)), None)
            if source is None:
                return False
            self._show(source)
        self.shown.go_to_line(line)
        return True

    def _on_modified(self, modified: bool) -> None:
        self._update_header()
        self.modified_changed.emit(modified)

    # --- which file is shown -----------------------------------------------------------------------------------------

    def _show(self, source: Source | None) -> None:
        """A recorded file, or the script."""
        if source is not None and source != self._viewed:
            self.viewer.setPlainText(source.text)
            self._viewed = source
        self._shown = source
        self._pages.setCurrentWidget(self.shown)
        self.editor.setReadOnly(self._script is None)
        self._update_header()
        self._update_counts()

    def _choose_file(self, index: int) -> None:
        source = self._files.itemData(index)
        self._show(self._sources.get(source) if source is not None else None)
        self._paint_marks(follow=False)

    def _is_script(self, source: Source) -> bool:
        return self._script is not None and _same(source.path, str(self._script))

    def _update_header(self) -> None:
        recorded = [source for source in self._sources.values() if not self._is_script(source)]
        files: list[tuple[str, str, int | None]] = [(Path(each.path).name, each.path, each.id) for each in recorded]
        if self._script is not None:
            files.insert(0, (self._script.name, str(self._script), None))
        if files != self._listed:
            self._listed = files
            self._files.clear()
            for place, (name, path, number) in enumerate(files):
                self._files.addItem(name, number)
                self._files.setItemData(place, path, Qt.ItemDataRole.ToolTipRole)
        wanted = self._shown.id if self._shown is not None else None
        self._files.setCurrentIndex(self._files.findData(wanted))
        self._files.setToolTip(self.shown_path)
        self._header.setVisible(self._files.count() > 0)
        self._state.setText(self._state_text())

    def _state_text(self) -> str:
        if self._shown is not None:
            return self.tr("as recorded, read-only")
        return self.tr("edited") if self.modified else ""

    # --- nodes and lines ---------------------------------------------------------------------------------------------

    def _forget_sources(self) -> None:
        self._sources = {}
        self._made = None
        self._shown = None

    def _on_recording_changed(self) -> None:
        self._forget_sources()
        self._read_sources()
        first = next(iter(self._sources.values()), None)
        own = any(self._is_script(source) for source in self._sources.values())
        self._show(None if own or self._script is not None else first)
        self._marking.start(0)

    def _on_recording_grew(self) -> None:
        self._made = None
        self._read_sources()
        if self._script is None and self._shown is None and self._sources:
            self._show(next(iter(self._sources.values())))
        else:
            self._update_counts()
        self._mark()

    def _read_sources(self) -> None:
        """Learn of the files that made the current graph's nodes."""
        recording = self._session.recording
        if recording is None:
            return
        known = len(self._sources)
        for number in {source for source, _ in self._lines()} - self._sources.keys():
            try:
                self._sources[number] = recording.source(number)
            except RecordingError:
                continue  # lost: its lines cannot be shown
        script = recording.info.script
        if len(self._sources) != known:
            self._sources = dict(sorted(self._sources.items(), key=lambda item: not _same(item[1].path, script)))
            self._update_header()
        own = next((source for source in self._sources.values() if self._is_script(source)), None)
        self._recorded_lines = unix_lines(own.text).split("\n") if own is not None else []

    def _lines(self) -> dict[tuple[int, int | None], int]:
        """How many nodes of the current graph each line made."""
        recording, graph = self._session.recording, self._session.graph_id
        if recording is None or graph is None:
            return {}
        key = (recording, graph)
        if self._made is None or self._made[0] != key:
            try:
                self._made = (key, recording.lines(graph))
            except RecordingError:
                return {}  # whoever draws the graph says so
        return self._made[1]

    def _nodes(self) -> tuple[Node, ...]:
        recording, graph = self._session.recording, self._session.graph_id
        if recording is None or graph is None:
            return ()
        try:
            return recording.nodes(graph)
        except RecordingError:
            return ()  # whoever draws the graph says so

    def nodes_of_line(self, line: int) -> list[Node]:
        """The nodes of the current graph that a line of the shown file made, in the order in which it made them."""
        wanted = self._shown_sources()
        made = [node for node in self._nodes() if node.line == line and node.source in wanted and node.kind != "data"]
        return sorted(made, key=lambda node: (node.forward_event is None, node.forward_event or 0, node.id))

    def _shown_sources(self) -> set[int]:
        if self._shown is not None:
            return {self._shown.id}
        return {number for number, source in self._sources.items() if self._is_script(source)}

    def _update_counts(self) -> None:
        self._read_sources()
        wanted = self._shown_sources()
        counts: dict[int, int] = {}
        for (source, line), count in self._lines().items():
            if line is not None and source in wanted and count:
                counts[line] = counts.get(line, 0) + count
        self.shown.set_counts(counts)

    def _count_or_wait(self) -> None:
        if self.is_reading():
            self._counting.start(LOOK_AGAIN_MS)
        else:
            self._count()

    def _count(self) -> None:
        """Another graph: its lines, and perhaps a file that had made no node before."""
        self._update_counts()
        self._mark()

    def _on_line_clicked(self, line: int) -> None:
        """A click in the text selects the line's node; further clicks go on to its other nodes."""
        nodes = self.nodes_of_line(line)
        if not nodes:
            return
        turn = self._clicked[1] + 1 if self._clicked[0] == line else 0
        self._clicked = (line, turn % len(nodes))
        self._session.select(nodes[self._clicked[1]].id)

    def _on_gutter_clicked(self, line: int, position: QPoint) -> None:
        nodes = self.nodes_of_line(line)
        if len(nodes) <= 1:
            self._on_line_clicked(line)
            return
        menu = self.menu_of(nodes)
        menu.popup(position)

    def menu_of(self, nodes: list[Node]) -> QMenu:
        """One entry for each node; it deletes itself."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for node in nodes:
            owner = node.module or node.name
            entry = menu.addAction(f"{node.type} · {owner}" if owner else node.type)
            entry.triggered.connect(lambda _=False, number=node.id: self._session.select(number))
        return menu

    # --- marks -------------------------------------------------------------------------------------------------------

    def drawn_state(self) -> tuple[object, ...]:
        if self._counting.isActive():
            self._counting.stop()
            self._count()
        if self._marking.isActive():
            self._mark()
        marks = tuple(sorted((line, color.name()) for line, color in self.shown.marks.items()))
        return (self.shown_path, marks)

    def _mark(self) -> None:
        """Mark the lines of the active and of the selected node, and show the file of the latter, or of the former."""
        self._marking.stop()
        nodes = [node for node in (self._selected(), self._active()) if node is not None and node.line is not None]
        number = nodes[0].source if nodes else None
        source = self._sources.get(number) if number is not None else None
        if source is not None:
            shown = None if self._is_script(source) else source
            if shown != self._shown:
                self._show(shown)
        self._paint_marks(follow=True)

    def _paint_marks(self, *, follow: bool) -> None:
        wanted, marks = self._shown_sources(), {}
        active, selected = self._active(), self._selected()
        event = self._session.current_event
        if event is not None and active is not None and active.source in wanted and active.line is not None:
            marks[active.line] = theme.current().phase(event.phase)
        if selected is not None and selected.source in wanted and selected.line is not None:
            marks[selected.line] = theme.current().accent
        marks = {line: color for line, color in marks.items() if self._unchanged(line)}
        self.shown.set_marks(marks)
        if marks and follow:
            self.shown.show_line(list(marks)[-1])

    def _unchanged(self, line: int) -> bool:
        """Whether the shown line is still the one that was recorded: an edited script may have others."""
        if self._shown is not None:
            return True
        lines = self._recorded_lines
        return 0 < line <= len(lines) and self.editor.document().findBlockByNumber(line - 1).text() == lines[line - 1]

    def _selected(self) -> Node | None:
        return self._node(self._session.selection)

    def _active(self) -> Node | None:
        event = self._session.current_event
        return self._node(event.node) if event is not None else None

    def _node(self, number: int | None) -> Node | None:
        recording = self._session.recording
        if recording is None or number is None:
            return None
        try:
            return recording.node(number)
        except RecordingError:
            return None

    def _put_on_theme(self) -> None:
        self.editor.put_on_theme()
        self.viewer.put_on_theme()
        self._paint_marks(follow=False)


def _same(one: str, other: str) -> bool:
    return os.path.abspath(one) == os.path.abspath(other)  # a `Path` takes ten times as long


def _text_of(path: Path) -> str | None:
    try:
        return read_text_file(path).text
    except (OSError, UsageError):
        return None


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
