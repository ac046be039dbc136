"""All parameters at the playhead, as a table that can be sorted and filtered."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from PySide6.QtCore import QCoreApplication, QModelIndex, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QLineEdit, QTableView, QVBoxLayout, QWidget

from engine.errors import RecordingError
from engine.recording.reader import Recording
from gui import numbers, theme
from gui.parameter_values import StepValues, layer_order
from gui.parameters_model import (
    COLUMNS,
    DTYPE,
    GRADIENT,
    NAME,
    NUMERIC,
    OPTIMIZER,
    RATIO,
    SHAPE,
    UPDATE,
    VALUE,
    ParametersModel,
    Rows,
)
from gui.session import Session
from gui.step_reading import StepReading
from gui.tensor_views.copying import copy_menu, to_clipboard
from gui.turns import Turn

translate = QCoreApplication.translate

ROW_HEIGHT = 24
LOAD_DELAY_MS = 50  # while a key is held down, no step is read
REDRAW_MS = 30
PATIENCE = 160  # times REDRAW_MS
WIDEST_NAME = 400
WIDTHS = {NAME: 180, SHAPE: 148, DTYPE: 76, VALUE: 100, GRADIENT: 100, UPDATE: 100, RATIO: 100, OPTIMIZER: 80}


class ParametersTable(QTableView):
    """Copy takes the chosen row, the menu also all of them as CSV."""

    chosen = Signal(int)

    def __init__(self, model: ParametersModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self._model = model
        self.setAccessibleName(translate("parameters", "Parameters"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the ends of a module path tell most
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)
        self._wide = WIDTHS[NAME]  # of the names, unless the user has chosen otherwise
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names have the room that numbers do not need: where paths are long, that is where it is wanted."""
        super().resizeEvent(event)
        spare = self.viewport().width() - sum(WIDTHS.values())
        wide = min(max(WIDTHS[NAME] + spare, WIDTHS[NAME]), WIDEST_NAME)
        if self.columnWidth(NAME) == self._wide:
            self.setColumnWidth(NAME, wide)
            self._wide = wide

    def text(self, rows: range, separator: str = "\t") -> str:
        """Header and rows with every digit."""
        header = [str(self._model.headerData(column, Qt.Orientation.Horizontal)) for column in range(COLUMNS)]
        lines = [header]
        for row in rows:
            place = self._model.place(row)
            lines.append([self._cell(place, column) for column in range(COLUMNS)])
        return "\n".join(separator.join(line) for line in lines)

    def _cell(self, place: int, column: int) -> str:
        rows = self._model.rows
        if column not in NUMERIC:
            return rows.text(place, column)
        cells = rows.cells(column)
        return "" if cells is None or not cells.known[place] else numbers.full(float(cells.numbers[place]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().row()
        if event.matches(QKeySequence.StandardKey.Copy):
            to_clipboard(self.text(range(row, row + 1) if row >= 0 else range(self._model.rowCount())))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row >= 0:
            self.chosen.emit(row)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        choices = [(translate("parameters", "Copy all as CSV"), lambda: self.text(range(self._model.rowCount()), ","))]
        copy_menu(self, event.globalPos(), choices)


class ParametersPanel(QWidget):
    """Value, gradient and update of each parameter at the playhead; a click selects its node.

    A training step is read once, in portions, a moment after the playhead came to rest in it; hidden, nothing is read.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._values: StepValues | None = None
        self._known: tuple[Hashable, ...] | None = None
        self._drawn_for: tuple[Hashable, ...] | None = None
        self._waited = 0
        self.may_read: Callable[[], bool] = lambda: True  # not while something else is waited for more
        self.model = ParametersModel(self)
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText(translate("parameters", "Filter by name"))
        self.filter.setAccessibleName(translate("parameters", "Filter parameters by name"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter_changed)
        self.message = QLabel(self)
        self.message.setProperty("role", "dim")
        self.message.setWordWrap(True)
        self.table = ParametersTable(self.model, self)
        self.table.chosen.connect(self._chosen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.MEDIUM, theme.SMALL, theme.MEDIUM, theme.SMALL)
        layout.setSpacing(theme.SMALL)
        for widget in (self.filter, self.message):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._start_reading)
        self._reading = StepReading(self)
        self._reading.read.connect(self._has_read)
        self._reading.failed.connect(self._not_read)
        self._soon = Turn(self._refresh_or_wait, self)
        self._again = Turn(self._draw, self)
        for signal in (session.recording_grew, session.playhead_settled, session.selection_changed):
            signal.connect(self._refresh_soon)
        session.recording_changed.connect(self._recording_changed)
        theme.switch.changed.connect(self.table.viewport().update)
        self.refresh()

    def set_playing(self, on: bool) -> None:
        """Whether the playhead moves by itself: then what moves comes before the numbers."""
        self._reading.gently = on

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh_or_wait()

    def _recording_changed(self) -> None:
        self._values, self._known, self._drawn_for = None, None, None
        self._timer.stop()
        self._reading.stop()
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        """Some thirty times a second are enough for a table, however fast the playhead moves."""
        if self.isVisible() and not self._soon.isActive():
            self._soon.start(REDRAW_MS)

    def _refresh_or_wait(self) -> None:
        """A layout that takes long is not waited for: it may take minutes."""
        self._waited += 1
        if self.may_read() or self._waited > PATIENCE:
            self._waited = 0
            self.refresh()
        elif self.isVisible():
            self._soon.start(REDRAW_MS)

    def refresh(self) -> None:
        """Draw what has been read; the rest of the step follows a moment later."""
        self._soon.stop()
        session, recording = self._session, self._session.recording
        now = (id(recording), session.playhead, session.selection, session.event_count)
        if now == self._drawn_for:
            return
        self._drawn_for = now
        if recording is None or session.playhead < 0:
            self._values = None
            self.model.set_rows(Rows())
            self._say(translate("parameters", "The parameters of the recording appear here."))
            return
        self._say("" if recording.parameters else translate("parameters", "The recording has no parameters."))
        step = int(recording.timeline.step[session.playhead])
        known = (id(recording), step, *recording.timeline.step_bounds(step), len(recording.parameters))
        if known != self._known:
            self._known = known
            self._values = StepValues(recording, step)
            self._timer.start(LOAD_DELAY_MS)
        self._draw()

    def _start_reading(self) -> None:
        if self._values is not None and not self._values.loaded:
            self._reading.start(self._values)

    def _has_read(self, values: StepValues) -> None:
        if values is self._values:
            self._again.start(0)

    def _not_read(self, values: StepValues, message: str) -> None:
        if values is self._values:
            self._values = None
            self._say(message)
            self._draw()

    def _load(self, seconds: float | None) -> None:
        if self._values is None:
            return
        try:
            self._values.load(seconds)
        except RecordingError as error:
            self._values = None
            self._say(str(error))

    def drawn_state(self) -> tuple[Hashable, ...]:
        """All that the table shows, as if the step had been read."""
        self.refresh()
        self._timer.stop()
        if self._values is not None and not self._values.loaded:
            self._load(None)
            self._draw()
        rows = self.model.rows
        shown = [rows.cells(column) for column in NUMERIC]
        return (
            self.message.text(),
            self.model.order,
            tuple(parameter.name for parameter in rows.parameters),
            tuple((cells.numbers.tobytes(), cells.known.tobytes()) for cells in shown if cells is not None),
            tuple(rows.optimizer(place) for place in self.model.order),
            self.table.currentIndex().row(),
        )

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _draw(self) -> None:
        recording = self._session.recording
        if recording is None or self._values is None:
            self.model.set_rows(Rows(() if recording is None else layer_order(recording)))
        else:
            numbers_now = self._values.at(self._session.playhead)
            self.model.set_rows(Rows(self._values.parameters, numbers_now, tuple(self._values.optimizers)))
        self._mark_selected()

    def _mark_selected(self) -> None:
        """The row of the selected node, if it is a parameter."""
        recording, selection = self._session.recording, self._session.selection
        parameter = None
        if recording is not None and selection is not None:
            try:
                parameter = recording.node(selection).parameter
            except RecordingError:
                parameter = None
        row = self.model.row_of(parameter) if parameter is not None else -1
        if row == self.table.currentIndex().row() and self.table.selectionModel().hasSelection() == (row >= 0):
            return
        with QSignalBlocker(self.table):
            if row >= 0:
                self.table.selectRow(row)
            else:
                self.table.clearSelection()
                self.table.setCurrentIndex(QModelIndex())

    def _filter_changed(self, text: str) -> None:
        self.model.set_filter(text)
        self._mark_selected()

    def _chosen(self, row: int) -> None:
        recording = self._session.recording
        if recording is None:
            return
        parameter = self.model.rows.parameters[self.model.place(row)]
        node = node_of(recording, parameter.id, self._session.graph_id, self._session.playhead)
        if node is not None:
            self._session.select(node)


def node_of(recording: Recording, parameter: int, graph: int | None, playhead: int) -> int | None:
    """The parameter's node in the current graph; if it has none there, in the nearest event that knows one."""
    try:
        nodes = recording.nodes(graph) if graph is not None else ()
    except RecordingError:  # damaged there; the canvas has said so
        nodes = ()
    for node in nodes:
        if node.parameter == parameter:
            return node.id
    timeline = recording.timeline
    hits = np.flatnonzero((timeline.parameter == parameter) & (timeline.node >= 0))
    if not len(hits):
        return None
    return int(timeline.node[hits[np.argmin(np.abs(hits - playhead))]])
