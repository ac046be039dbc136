"""The differences as a table, the largest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from engine.errors import RecordingError
from engine.graph.measures import SPOILED
from gui import numbers, theme
from gui.compare.marks import MARKED, factor, words_of
from gui.inspector.titles import title
from gui.tensor_views.painting import font

if TYPE_CHECKING:
    from engine.graph.compare import Comparison
    from engine.recording.reader import Recording

translate = QCoreApplication.translate

Floats = npt.NDArray[np.float64]
Index = QModelIndex | QPersistentModelIndex
WHAT, LEFT, RIGHT, LEFT_NORM, RIGHT_NORM, GRADIENT, VALUE = range(7)
COLUMNS = 7
NUMERIC = (LEFT_NORM, RIGHT_NORM, GRADIENT, VALUE)
WIDTHS = {WHAT: 180, LEFT: 230, RIGHT: 230, LEFT_NORM: 110, RIGHT_NORM: 110, GRADIENT: 110, VALUE: 110}
ROW_HEIGHT = 24


@dataclass(frozen=True, eq=False)
class Rows:
    """A comparison with what it is of; `left` and `right` (r) are places, -1 where a node is missing."""

    comparison: Comparison
    recordings: tuple[Recording, Recording]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]


def rows_of(comparison: Comparison, left: Recording, right: Recording) -> Rows:
    """What only one side has, what has changed, what is NaN on one side, then by how far the gradients are apart."""
    pairs = comparison.pairs
    missing_right, missing_left = comparison.only_left, comparison.only_right
    # What went from zero, or to it, comes after all that can be set against each other, and before what is equal.
    ratio = np.nan_to_num(np.abs(comparison.ratio()[pairs[:, 0]]), nan=-1.0, posinf=np.finfo(np.float64).tiny)
    changed = (comparison.changed[pairs[:, 0]] & MARKED) > 0
    pairs = pairs[np.lexsort((pairs[:, 0], -ratio, ~comparison.spoiled()[pairs[:, 0]], ~changed))]
    none_left, none_right = np.full(len(missing_left), -1), np.full(len(missing_right), -1)
    return Rows(
        comparison,
        (left, right),
        np.concatenate([missing_right, none_left, pairs[:, 0]]).astype(np.int64),
        np.concatenate([none_right, missing_left, pairs[:, 1]]).astype(np.int64),
    )


class CompareModel(QAbstractTableModel):
    """Texts are made when a view asks for them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Rows | None = None
        self._order: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._known: dict[int, Floats] = {}

    @property
    def rows(self) -> Rows | None:
        return self._rows

    def set_rows(self, rows: Rows | None) -> None:
        self.beginResetModel()
        self._rows = rows
        self._order = np.arange(0 if rows is None else len(rows.left))
        self._known = {} if rows is None else {column: self._numbers(column) for column in NUMERIC}
        self.endResetModel()

    def places(self, row: int) -> tuple[int, int]:
        """Places on the left and on the right, -1 where the node is missing."""
        if self._rows is None:
            return -1, -1
        return int(self._rows.left[self._order[row]]), int(self._rows.right[self._order[row]])

    def nodes(self, row: int) -> tuple[int | None, int | None]:
        """The node ids of a row."""
        left, right = self.places(row)
        if self._rows is None:
            return None, None
        found = self._rows.comparison
        return (None if left < 0 else int(found.left_ids[left])), (None if right < 0 else int(found.right_ids[right]))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By the numbers of a column, what is infinite after them, what has none last; nodes in the order of their
        graph; without a column, the largest difference first."""
        if self._rows is None:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        rows_before = [self._order[index.row()] for index in before]
        descending = order == Qt.SortOrder.DescendingOrder
        self._order = self._sorted_by(self._rows, column, descending=descending)
        row_of = np.argsort(self._order)
        after = [self.index(int(row_of[row]), index.column()) for row, index in zip(rows_before, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _sorted_by(self, rows: Rows, column: int, *, descending: bool) -> npt.NDArray[np.int64]:
        if column in NUMERIC:
            keys = self._known[column]
            return np.lexsort((-keys if descending else keys, np.isinf(keys), np.isnan(keys)))
        if column in (LEFT, RIGHT):
            places = rows.left if column == LEFT else rows.right
            return np.lexsort((-places if descending else places, places < 0))
        every = np.arange(len(rows.left))
        return every[::-1] if descending and column >= 0 else every

    def _numbers(self, column: int) -> Floats:
        """A number for each row, NaN where there is none; of ratios the power of ten."""
        assert self._rows is not None
        found = self._rows.comparison
        if column == RIGHT_NORM:
            column_of, places = found.right_gradient, self._rows.right
        else:
            column_of = {LEFT_NORM: found.left_gradient, GRADIENT: found.ratio(), VALUE: found.ratio("value")}[column]
            places = self._rows.left
        if not len(column_of):
            return np.full(len(places), np.nan)
        return np.where(places >= 0, column_of[places], np.nan)

    # --- what the view asks ------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.FontRole and column in NUMERIC:
            return font("number")
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(row, column)
        return None

    def _text(self, row: int, column: int) -> str:
        left, right = self.places(row)
        if column == WHAT:
            return self._what(row, left, right)
        if column in (LEFT, RIGHT):
            return self._title(row, column)
        value = float(self._known[column][self._order[row]])
        if column in (GRADIENT, VALUE):
            return factor(value)
        if value == SPOILED:
            return translate("compare", "not finite")
        return numbers.number(None if np.isnan(value) else value)

    def _what(self, row: int, left: int, right: int) -> str:
        if right < 0:
            return translate("compare", "only left")
        if left < 0:
            return translate("compare", "only right")
        if self._rows is None:
            return ""
        words = words_of(int(self._rows.comparison.changed[left]))
        if words:
            return translate("compare", "other {0}").format(words)
        found = self._rows.comparison
        for column, what, word in (
            (GRADIENT, "gradient", translate("compare", "gradient")),
            (VALUE, "value", translate("compare", "value")),
        ):
            ratio = float(self._known[column][self._order[row]])
            if found.spoiled(what)[left] or (ratio != 0 and not np.isnan(ratio)):
                return word
        return translate("compare", "none")

    def _title(self, row: int, column: int) -> str:
        node = self.nodes(row)[column - LEFT]
        if node is None or self._rows is None:
            return numbers.ABSENT
        recording = self._rows.recordings[column - LEFT]
        try:
            return title(recording, recording.node(node))
        except RecordingError:
            return "?"

    def _color(self, row: int, column: int) -> Any:
        look, (left, right) = theme.current(), self.places(row)
        if column != WHAT:
            return look.text
        if left < 0 or right < 0:
            return look.accent
        changed = 0 if self._rows is None else int(self._rows.comparison.changed[left])
        return look.warn if changed & MARKED else look.dim

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            return {
                LEFT: translate("compare", "A click sorts as the graph goes, from the loss on"),
                RIGHT: translate("compare", "A click sorts as the graph goes, from the loss on"),
                GRADIENT: translate("compare", "The norm on the right, divided by that on the left"),
                VALUE: translate("compare", "The norm on the right, divided by that on the left"),
            }.get(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                translate("compare", "Difference"),
                translate("compare", "Left"),
                translate("compare", "Right"),
                translate("compare", "Gradient left"),
                translate("compare", "Gradient right"),
                translate("compare", "Gradient ratio"),
                translate("compare", "Value ratio"),
            )[section]
        return None


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in NUMERIC else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


class CompareTable(QTableView):
    """A click, or Return, tells the row."""

    chosen = Signal(int)

    def __init__(self, model: CompareModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compare_table")
        self.setAccessibleName(translate("compare", "Differences"))
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)
        for column in (LEFT, RIGHT):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))
        self.activated.connect(lambda index: self.chosen.emit(index.row()))
