"""The marked nodes in the inspector: what they are together, and a table of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QTableView, QVBoxLayout
from PySide6.QtWidgets import QWidget as Widget

from engine.graph.category import base_name
from gui import theme
from gui.explore.latest import Latest
from gui.numbers import duration, full, number, size
from gui.proof import states
from gui.tensor_views.facts import Fact, FactList
from gui.tensor_views.painting import set_visible
from gui.wrapped import WrappedLabel

if TYPE_CHECKING:
    from engine.graph.summary import Summary
    from gui.session import Session

Index = QModelIndex | QPersistentModelIndex
translate = QCoreApplication.translate

TABLE_ROWS, ROW_HEIGHT = 7, 22
NAME, NORM, BYTES, SECONDS = range(4)
COLUMN_WIDTHS = {NORM: 72, BYTES: 86, SECONDS: 80}
NAME_WIDTH = 110  # columns at the right give way to it


class MarkedModel(QAbstractTableModel):
    """A row for each marked node; sorted by whatever column was asked for, what has no number last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.summary: Summary | None = None
        self._order = np.zeros(0, dtype=np.int64)
        self._numbers: dict[int, npt.NDArray[np.float64]] = {}  # of a column; NaN: nothing to say

    def show(self, summary: Summary | None) -> None:
        self.beginResetModel()
        self.summary = summary
        if summary is not None:
            kept = np.where(summary.bytes > 0, summary.bytes, np.nan)
            self._numbers = {NORM: summary.norm, BYTES: kept, SECONDS: summary.seconds}
        self._order = np.arange(0 if summary is None else len(summary.ids))
        self.endResetModel()

    def node(self, row: int) -> int | None:
        if self.summary is None or not 0 <= row < len(self._order):
            return None
        return int(self.summary.ids[self._order[row]])

    def is_empty(self, column: int) -> bool:
        """Whether there are rows, and this column of numbers says nothing of any of them."""
        return len(self._order) > 0 and bool(np.isnan(self._numbers[column]).all())

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            translate("marked_view", "node"),
            translate("marked_view", "‖gradient‖"),
            translate("marked_view", "keeps"),
            translate("marked_view", "time"),
        )[section]

    def data(self, index: Index, role: int = 0) -> object:
        if self.summary is None:
            return None
        place, column = int(self._order[index.row()]), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(self.summary, place, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{self.summary.titles[place]}\n{self.summary.types[place]}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.FontRole and column != NAME:
            return theme.mono_font(theme.CAPTION_PX)
        return None

    def _text(self, summary: Summary, place: int, column: int) -> str:
        if column == NAME:
            return summary.titles[place].split(" · ")[0]  # its class is not what tells it from its neighbours
        value = float(self._numbers[column][place])
        if value != value:
            return ""
        return (number, lambda each: size(round(each)), duration)[column - 1](value)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        summary = self.summary
        if summary is None:
            return
        self.beginResetModel()
        if column == NAME:
            by_name = sorted(range(len(summary.ids)), key=lambda place: summary.titles[place])
            self._order = np.array(by_name[:: 1 if order == Qt.SortOrder.AscendingOrder else -1], dtype=np.int64)
        else:
            values = self._numbers[column]
            self._order = np.argsort(values if order == Qt.SortOrder.AscendingOrder else -values, kind="stable")
        self.endResetModel()


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignLeft if column == NAME else Qt.AlignmentFlag.AlignRight
    return int(side | Qt.AlignmentFlag.AlignVCenter)


class MarkedView(Widget):
    """Shown while more than one node is marked. What it says is worked out in a thread."""

    def __init__(self, session: Session, parent: Widget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("marked_view")
        self._session = session
        self._summary: Summary | None = None
        self._summary_of: tuple[Hashable, ...] | None = None
        self._worker = Latest("summary", self)
        self._worker.done.connect(self._take)
        self._worker.failed.connect(lambda _, text: self._title.setText(text))
        self.model = MarkedModel(self)
        self._build()
        for signal in (session.marked_changed, session.recording_grew, session.proofs.changed):
            signal.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self._title = WrappedLabel(self)
        self._title.setProperty("role", "title")
        self._clear = QPushButton(translate("marked_view", "Take off the marks"), self)
        self._clear.setFlat(True)
        self._clear.clicked.connect(lambda: self._session.mark(()))
        self.facts = FactList(self)
        self.facts.setAccessibleName(translate("marked_view", "About the marked nodes"))
        self.table = QTableView(self)
        self.table.setObjectName("marked_table")
        self.table.setAccessibleName(translate("marked_view", "The marked nodes"))
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideLeft)  # paths are told apart by their ends
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in COLUMN_WIDTHS.items():
            self.table.setColumnWidth(column, width)
        header.setHighlightSections(False)
        self.table.setSortingEnabled(True)
        header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        self.table.clicked.connect(lambda index: self._choose(index.row()))
        self.table.activated.connect(lambda index: self._choose(index.row()))
        top, column_ = QHBoxLayout(), QVBoxLayout(self)
        top.addWidget(self._title, 1)
        top.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignTop)
        column_.setContentsMargins(0, 0, 0, theme.MEDIUM)
        column_.setSpacing(theme.TIGHT)
        column_.addLayout(top)
        column_.addWidget(self.facts)
        column_.addWidget(self.table)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._choose_columns()
        super().resizeEvent(event)

    def _choose_columns(self) -> None:
        """Those that there is room for and that say something; the names have the room of the others."""
        room = self.width() - NAME_WIDTH
        for column, width in COLUMN_WIDTHS.items():
            room -= width
            self.table.setColumnHidden(column, room < 0 or self.model.is_empty(column))

    def shutdown(self) -> None:
        self._worker.finish()

    def refresh(self) -> None:
        """What the session has marked now; numbers follow from the thread."""
        session, recording, graph = self._session, self._session.recording, self._session.graph_id
        several = len(session.marked) > 1 and recording is not None and graph is not None
        set_visible(self, several)
        if not several or recording is None or graph is None:
            self._worker.forget()
            self._take(None, None)
            return
        marked, events = session.marked, len(recording.timeline.events_of_graph(graph))
        count = translate("marked_view", "{0} nodes").format(f"{len(marked):,}")
        title = session.marked_title
        self._title.setText(f"{count}: {title}" if title else count)
        key = (id(recording), graph, marked, events)
        if key == self._summary_of and self._summary is not None:
            self.facts.set_facts(facts_of(self._summary, self._proofs()))
            return
        if self._summary_of is None or self._summary_of[:3] != key[:3]:
            self._take(None, None)

        def work() -> object:
            from engine.graph.summary import summarize

            return summarize(recording, graph, marked)

        self._worker.start(key, work)

    def drawn_state(self) -> tuple[Hashable, ...]:
        return (self._title.text(), self.facts.facts, self.model.rowCount())

    def _take(self, key: tuple[Hashable, ...] | None, summary: Summary | None) -> None:
        self._summary_of, self._summary = key, summary
        self.model.show(summary)
        self._choose_columns()
        self.facts.set_facts(() if summary is None else facts_of(summary, self._proofs()))
        rows = min(self.model.rowCount(), TABLE_ROWS)
        self.table.setFixedHeight(rows * ROW_HEIGHT + self.table.horizontalHeader().sizeHint().height() + 4)

    def _proofs(self) -> Counter[str]:
        verdicts = self._session.proofs.verdicts
        return Counter(verdicts[node].state for node in self._session.marked if node in verdicts)

    def _choose(self, row: int) -> None:
        node = self.model.node(row)
        if node is not None:
            self._session.select(node)


def facts_of(summary: Summary, proofs: Counter[str]) -> tuple[Fact, ...]:
    """What there is to say of several nodes, line by line."""
    tr = translate
    operations, parameters, data = (summary.kinds[kind] for kind in ("operation", "parameter", "data"))
    facts = []
    if operations:
        types = [f"{count:,} {base_name(kind)}" for kind, count in summary.types_count.most_common()]
        text, detail = f"{operations:,}", "\n".join(types)
        if len(types) > 1:
            text = tr("marked_view", "{0} of {1} types").format(text, f"{len(types):,}")
        facts.append(Fact("operations", tr("marked_view", "Operations"), text, detail))
        facts.append(Fact("types", tr("marked_view", "Most often"), types[0], detail))
    if parameters:
        text = tr("marked_view", "{0} ({1} elements)").format(f"{parameters:,}", f"{summary.elements:,}")
        facts.append(Fact("parameters", tr("marked_view", "Parameters"), text))
    if data:
        facts.append(Fact("data", tr("marked_view", "Data leaves"), f"{data:,}"))
    facts += _norm_facts(summary)
    if summary.kept:
        detail = tr("marked_view", "{0} bytes; what several of them keep is counted once").format(summary.kept)
        facts.append(Fact("kept", tr("marked_view", "Kept for backward"), size(summary.kept), detail))
    if summary.took == summary.took:
        detail = tr("marked_view", "{0} s, the recording of them included").format(full(summary.took))
        facts.append(Fact("time", tr("marked_view", "Time"), duration(summary.took), detail))
    if proofs:
        facts.append(Fact("proofs", tr("marked_view", "Proofs"), states.summary(proofs)))
    return tuple(facts)


def _norm_facts(summary: Summary) -> list[Fact]:
    tr, facts = translate, []
    norm, of = summary.parameter_norm, tr("marked_view", "{0} (parameters)")
    if norm != norm:
        norm, of = summary.node_norm, tr("marked_view", "{0} (all nodes)")
    if norm == norm:
        detail = tr("marked_view", "{0}: the root of the sum of the squares of their gradients' norms").format(
            full(norm)
        )
        facts.append(Fact("norm", tr("marked_view", "Gradient norm"), of.format(number(norm)), detail))
    for key, label, largest in (
        ("largest", tr("marked_view", "Largest gradient"), True),
        ("smallest", tr("marked_view", "Smallest gradient"), False),
    ):
        place = summary.extreme(largest=largest)
        if place is not None:
            norm = float(summary.norm[place])
            facts.append(Fact(key, label, f"{number(norm)} · {summary.titles[place]}",
                              f"{full(norm)} {summary.titles[place]}"))  # fmt: skip
    return facts
