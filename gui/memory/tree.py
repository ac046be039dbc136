"""The table by module: what each keeps, its share of the peak, what was saved, and when it is freed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QCoreApplication, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from engine.errors import RecordingError
from engine.recording.reader import Recording
from gui import numbers, theme
from gui.memory.story import ROOT, Row, Story
from gui.tensor_views.painting import font

translate = QCoreApplication.translate

Index = QModelIndex | QPersistentModelIndex
NAME, BYTES, SHARE, TENSORS, FREED = range(5)
COLUMNS = 5
WIDTHS = {NAME: 220, BYTES: 96, SHARE: 104, TENSORS: 260, FREED: 120}
MOST_NAMED = 6


class MemoryModel(QAbstractItemModel):
    """Rows of a `Story`; the largest first unless the user sorts otherwise."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recording: Recording | None = None
        self._story: Story | None = None
        self._playhead = -1
        self._sorted_by = (BYTES, True)
        self._place: dict[int, int] = {}

    @property
    def story(self) -> Story | None:
        return self._story

    def set_story(self, recording: Recording | None, story: Story | None) -> None:
        self.beginResetModel()
        self._recording, self._story = recording, story
        self._arrange()
        self.endResetModel()

    def set_playhead(self, playhead: int) -> None:
        """What is not kept at the playhead is faint."""
        if playhead != self._playhead:
            self._playhead = playhead
            self._tell(QModelIndex())

    def _tell(self, parent: QModelIndex) -> None:
        count = self.rowCount(parent)
        if count:
            roles = [Qt.ItemDataRole.ForegroundRole]
            self.dataChanged.emit(self.index(0, 0, parent), self.index(count - 1, COLUMNS - 1, parent), roles)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted_by = (column, order == Qt.SortOrder.DescendingOrder)
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        rows = [self.row(index) for index in before]
        self._arrange()
        after = [self.index_of(row.number, index.column()) for row, index in zip(rows, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        """Put children in order, and note each one's place among them."""
        self._place.clear()
        if self._story is None:
            return
        column, descending = self._sorted_by
        rows = self._story.rows
        for row in rows:
            row.children.sort(key=lambda number: (_sort_key(rows[number], column), -number), reverse=descending)
            self._place.update({number: place for place, number in enumerate(row.children)})

    def row(self, index: Index) -> Row:
        """The row at an index, the topmost for an invalid one."""
        assert self._story is not None
        return self._story.rows[index.internalId() if index.isValid() else ROOT]

    def index_of(self, number: int, column: int = 0) -> QModelIndex:
        """The index of a row's number."""
        return QModelIndex() if number == ROOT else self.createIndex(self._place[number], column, number)

    # --- what the view asks ------------------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's signature
        if self._story is None or not (0 <= column < COLUMNS and 0 <= row < self.rowCount(parent)):
            return QModelIndex()
        return self.createIndex(row, column, self.row(parent).children[row])

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008 - Qt's signature
        if self._story is None or not index.isValid():
            return QModelIndex()
        return self.index_of(self.row(index).parent)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        if self._story is None or parent.column() > 0:
            return 0
        return len(self.row(parent).children)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._story is None or not index.isValid():
            return None
        row, column = self.row(index), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = column in (BYTES, SHARE, FREED)
            return int(
                (Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
            )
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(row, column)
        if role == Qt.ItemDataRole.FontRole and column in (BYTES, SHARE, FREED):
            return font("number")
        return None

    def _text(self, row: Row, column: int) -> str:
        if column == NAME:
            return row.name
        if column == BYTES:
            return numbers.size(row.bytes)
        if column == SHARE and self._story is not None:
            return numbers.percent(row.bytes, self._story.curve.peak_bytes)
        if column == TENSORS:
            return ", ".join(self._saved(row)) if row.node is not None else self._count(row)
        return translate("memory", "stays") if row.freed is None else f"{row.freed:,}"

    def _count(self, row: Row) -> str:
        count = len(row.pieces)
        return (
            translate("memory", "1 tensor") if count == 1 else translate("memory", "{0} tensors").format(f"{count:,}")
        )

    def _saved(self, row: Row) -> Sequence[str]:
        """The names of what a node saved that counts, with shapes."""
        assert self._story is not None
        found: list[str] = []
        for index in sorted(row.pieces):
            for holder in self._story.curve.pieces[index].holders:
                if holder.node == row.node and holder.tensor is not None and len(found) < MOST_NAMED:
                    found.append(f"{holder.name} {self._shape(holder.tensor)}")
        return found

    def _shape(self, tensor: int) -> str:
        if self._recording is None:
            return ""
        try:
            return numbers.shape(self._recording.tensor(tensor).shape) or translate("memory", "scalar")
        except RecordingError:
            return "?"

    def _tip(self, row: Row, column: int) -> str:
        if column == BYTES:
            return translate("memory", "{0} bytes").format(f"{row.bytes:,}")
        if column == FREED:
            if row.freed is None:
                return translate("memory", "Not seen to be freed: it stays as long as the graph does")
            return translate("memory", "Saved by event {0}, freed when event {1} has happened").format(
                row.saved, row.freed
            )
        return self._text(row, column)

    def _color(self, row: Row, column: int) -> Any:
        look = theme.current()
        held = row.saved <= self._playhead and (row.freed is None or self._playhead < row.freed)
        if not held:
            return theme.blend(look.surface, look.dim, 0.75)
        return look.dim if column == TENSORS else look.text

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = section in (BYTES, SHARE, FREED)
            return int(
                (Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
            )
        if role == Qt.ItemDataRole.ToolTipRole and section in (BYTES, SHARE):
            return translate("memory", "What two operations keep counts at each of them, and once in their module")
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                translate("memory", "Module, operation"),
                translate("memory", "Keeps") + numbers.FIGURE_SPACE * 2,  # room for the arrow of sorting
                translate("memory", "Of the peak"),
                translate("memory", "Saved tensors"),
                translate("memory", "Freed at event"),
            )[section]
        return None


def _sort_key(row: Row, column: int) -> float:
    """Of the first column the order in which the rows ran; what stays is freed last."""
    if column == NAME:
        return row.number
    if column == TENSORS:
        return len(row.pieces)
    if column == FREED:
        return math.inf if row.freed is None else row.freed
    return row.bytes


class MemoryTree(QTreeView):
    """A click tells the row."""

    chosen = Signal(int)

    def __init__(self, model: MemoryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("memory_tree")
        self.setAccessibleName(translate("memory", "Memory by module"))
        self.setModel(model)
        self._model = model
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSortingEnabled(True)
        self.sortByColumn(BYTES, Qt.SortOrder.DescendingOrder)
        header = self.header()
        header.setStretchLastSection(False)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(TENSORS, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(self._clicked)

    def _clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(self._model.row(index).number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._clicked(self.currentIndex())
        else:
            super().keyPressEvent(event)
