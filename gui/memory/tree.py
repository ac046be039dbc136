"""The table by module: what each keeps, its share of the peak, what was saved, and when it is freed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractItemModel, QCoreApplication, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from engine.errors import RecordingError
from engine.recording.reader import Recording
from gui import numbers, theme
from gui.tensor_views.painting import font

if TYPE_CHECKING:
    from engine.desk.memory import StepMemory

translate = QCoreApplication.translate

Index = QModelIndex | QPersistentModelIndex
ROOT, STAYS, NO_NODE = 0, -1, -1  # as in engine.desk.memory, which the window does not wait for
NAME, BYTES, SHARE, TENSORS, FREED = range(5)
COLUMNS = 5
RIGHT = (BYTES, SHARE, FREED)
WIDTHS = {NAME: 220, BYTES: 96, SHARE: 104, TENSORS: 260, FREED: 120}
LEAST_TENSORS = 120  # px: below, that column is left out
MOST_NAMED = 6


class MemoryModel(QAbstractItemModel):
    """Rows of a `StepMemory`, over its columns; the largest first unless the user sorts otherwise."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recording: Recording | None = None
        self._memory: StepMemory | None = None
        self._playhead = -1
        self._sorted_by = (BYTES, True)
        self._order: npt.NDArray[np.int64] = np.zeros(0, np.int64)  # rows, those of one parent together
        self._start: npt.NDArray[np.int64] = np.zeros(1, np.int64)  # of each row's children in `_order`
        self._place: npt.NDArray[np.int64] = np.zeros(0, np.int64)  # of each row among its parent's children

    @property
    def memory(self) -> StepMemory | None:
        return self._memory

    def set_memory(self, recording: Recording | None, memory: StepMemory | None) -> None:
        self.beginResetModel()
        self._recording, self._memory = recording, memory
        self._arrange()
        self.endResetModel()

    def set_playhead(self, playhead: int) -> None:
        """What is not kept at the playhead is faint; the view is to be painted anew."""
        self._playhead = playhead

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted_by = (column, order == Qt.SortOrder.DescendingOrder)
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        self._arrange()
        after = [self.index_of(index.internalId(), index.column()) for index in before]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        """Put the children of each row in order."""
        memory = self._memory
        if memory is None:
            return
        column, descending = self._sorted_by
        count = len(memory.parent)
        freed = np.where(memory.freed == STAYS, np.iinfo(np.int64).max, memory.freed)
        keys = {NAME: np.arange(count), TENSORS: memory.pieces, FREED: freed}.get(column, memory.bytes)
        self._order = np.lexsort((np.arange(count), -keys if descending else keys, memory.parent))[1:]  # without ROOT
        self._start = np.searchsorted(memory.parent[self._order], np.arange(count + 1))
        self._place = np.zeros(count, np.int64)
        self._place[self._order] = np.arange(count - 1) - self._start[memory.parent[self._order]]

    def row(self, index: Index) -> int:
        """The number of the row at an index, ROOT for an invalid one."""
        return int(index.internalId()) if index.isValid() else ROOT

    def index_of(self, row: int, column: int = 0) -> QModelIndex:
        """The index of a row's number."""
        return QModelIndex() if row == ROOT else self.createIndex(int(self._place[row]), column, row)

    def row_of(self, node: int | None) -> int | None:
        """The number of a node's row, if it has one."""
        if self._memory is None or node is None:
            return None
        found = np.flatnonzero(self._memory.node == node)
        return int(found[0]) if len(found) else None

    def nodes_in(self, row: int) -> list[int]:
        """The nodes of a row and of those below it."""
        if self._memory is None:
            return []
        inside = np.zeros(len(self._memory.parent), np.bool_)
        inside[row] = True
        for number, parent in enumerate(self._memory.parent.tolist()):  # parents come first
            if parent >= 0 and inside[parent]:
                inside[number] = True
        nodes: list[int] = self._memory.node[inside & (self._memory.node != NO_NODE)].tolist()
        return nodes

    # --- what the view asks ------------------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - Qt's signature
        if not (0 <= column < COLUMNS and 0 <= row < self.rowCount(parent)):
            return QModelIndex()
        return self.createIndex(row, column, int(self._order[self._start[self.row(parent)] + row]))

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008 - Qt's signature
        if self._memory is None or not index.isValid():
            return QModelIndex()
        return self.index_of(int(self._memory.parent[self.row(index)]))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        if self._memory is None or parent.column() > 0:
            return 0
        row = self.row(parent)
        return int(self._start[row + 1] - self._start[row])

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._memory is None or not index.isValid():
            return None
        row, column = self.row(index), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(self._memory, row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(self._memory, row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(self._memory, row, column)
        return font("number") if role == Qt.ItemDataRole.FontRole and column in RIGHT else None

    def _text(self, memory: StepMemory, row: int, column: int) -> str:
        if column == NAME:
            return memory.names[row]
        if column == BYTES:
            return numbers.size(int(memory.bytes[row]))
        if column == SHARE:
            return numbers.percent(int(memory.bytes[row]), memory.peak_bytes)
        if column == FREED:
            return translate("memory", "stays") if memory.freed[row] == STAYS else f"{memory.freed[row]:,}"
        if memory.node[row] != NO_NODE:
            return ", ".join(self._saved(memory, row))
        count = int(memory.pieces[row])
        return (
            translate("memory", "1 tensor") if count == 1 else translate("memory", "{0} tensors").format(f"{count:,}")
        )

    def _saved(self, memory: StepMemory, row: int) -> Sequence[str]:
        """The names of what a node saved that counts, with shapes."""
        first, end = memory.tensors[row : row + 2].tolist()
        shown = range(first, min(end, first + MOST_NAMED))
        return [f"{memory.tensor_names[place]} {self._shape(int(memory.tensor[place]))}" for place in shown]

    def _shape(self, tensor: int) -> str:
        if self._recording is None:
            return ""
        try:
            return numbers.shape(self._recording.tensor(tensor).shape) or translate("memory", "scalar")
        except RecordingError:
            return "?"

    def _tip(self, memory: StepMemory, row: int, column: int) -> str:
        if column == NAME:
            return memory.paths[row] or memory.names[row]
        if column == BYTES:
            return translate("memory", "{0} bytes").format(f"{memory.bytes[row]:,}")
        if column != FREED:
            return self._text(memory, row, column)
        if memory.freed[row] == STAYS:
            return translate("memory", "Not seen to be freed: it stays as long as the graph does")
        words = translate("memory", "Saved by event {0}, freed when event {1} has happened")
        return words.format(f"{memory.saved[row]:,}", f"{memory.freed[row]:,}")

    def _color(self, memory: StepMemory, row: int, column: int) -> Any:
        look = theme.current()
        freed = memory.freed[row]
        if not (memory.saved[row] <= self._playhead and (freed == STAYS or self._playhead < freed)):
            return theme.blend(look.surface, look.dim, 0.75)
        return look.dim if column == TENSORS else look.text

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
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


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow, names need the room more than what was saved."""
        narrow = self.width() < sum(WIDTHS.values()) - WIDTHS[TENSORS] + LEAST_TENSORS
        if narrow != self.isColumnHidden(TENSORS):
            modes = QHeaderView.ResizeMode.Stretch, QHeaderView.ResizeMode.Interactive
            self.setColumnHidden(TENSORS, narrow)
            self.header().setSectionResizeMode(NAME, modes[0 if narrow else 1])
            if not narrow:
                self.setColumnWidth(NAME, WIDTHS[NAME])
        super().resizeEvent(event)

    def _clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(self._model.row(index))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._clicked(self.currentIndex())
        else:
            super().keyPressEvent(event)
