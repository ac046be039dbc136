"""A two-dimensional slice of a tensor as a table of numbers."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui import numbers, theme
from gui.tensor_views.copying import copy_menu, to_clipboard
from gui.tensor_views.planes import Plane, plane

translate = QCoreApplication.translate

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 20
VISIBLE_ROWS = 10
COPY_LIMIT = 1_000_000


class PlaneModel(QAbstractTableModel):
    """The numbers of one slice. A text is made only when a view asks for its cell."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: npt.NDArray[Any] = np.zeros((0, 0))
        self._plane: Plane | None = None

    @property
    def values(self) -> npt.NDArray[Any]:
        return self._values

    def set_slice(self, data: npt.NDArray[Any] | None, shown: Plane | None) -> None:
        self.beginResetModel()
        self._plane = shown if data is not None else None
        self._values = np.zeros((0, 0)) if data is None or shown is None else shown.take(data)
        self.endResetModel()

    def index_of(self, cell: Index) -> tuple[int, ...] | None:
        """The index in the tensor of the element in a cell."""
        return self._plane.index(cell.row(), cell.column()) if self._plane is not None and cell.isValid() else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else int(self._values.shape[0])

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else int(self._values.shape[1])

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return numbers.number(self._values[index.row(), index.column()])
        if role == Qt.ItemDataRole.ToolTipRole:
            place = self._plane.index(index.row(), index.column()) if self._plane else None
            value = numbers.full(self._values[index.row(), index.column()])
            return value if place is None else f"{numbers.index(place)} = {value}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if self._plane is not None and self._plane.folded and orientation == Qt.Orientation.Horizontal:
            return translate("tensor_table", "value")
        return str(section)


class TensorTable(QTableView):
    """All numbers of a slice; Copy takes the chosen cells (else all) as tab-separated text, the menu also as CSV.

    `element_chosen` tells the index of a cell that was clicked, or on which Enter was pressed.
    """

    element_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = PlaneModel(self)
        self.setModel(self._model)
        self.setAccessibleName(translate("tensor_table", "Table of elements"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            # Measuring the contents of each section would read all of the tensor.
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setHighlightSections(False)
        self.verticalHeader().setMinimumSectionSize(ROW_HEIGHT)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.clicked.connect(self._choose)
        self._restyle()
        theme.switch.changed.connect(self._restyle)

    def _choose(self, cell: Index) -> None:
        index = self._model.index_of(cell)
        if index is not None:
            self.element_chosen.emit(index)

    def _restyle(self) -> None:
        font = theme.mono_font(theme.TEXT_PX - 1)
        self.setFont(font)
        width = QFontMetrics(font).horizontalAdvance(f"{numbers.MINUS}1.235e{numbers.MINUS}05")
        self.horizontalHeader().setDefaultSectionSize(width + theme.WIDE)

    def set_slice(self, data: npt.NDArray[Any] | None, shown: Plane | None) -> None:
        """Show one slice; a strip stands in one column, however it is folded elsewhere."""
        if shown is not None and shown.folded:
            shown = plane(shown.shape, fold=False)
        self._model.set_slice(data, shown)
        digits = len(str(max(self._model.rowCount() - 1, 0)))
        width = QFontMetrics(theme.caption_font()).horizontalAdvance("0" * digits) + theme.WIDE
        self.verticalHeader().setFixedWidth(width)

    def drawn_state(self) -> tuple[Any, ...]:
        values = self._model.values
        return (values.shape, hash(np.ascontiguousarray(values).tobytes()))

    def sizeHint(self) -> QSize:
        rows = min(self._model.rowCount(), VISIBLE_ROWS)
        return QSize(theme.space(60), rows * ROW_HEIGHT + self.horizontalHeader().sizeHint().height() + theme.SMALL * 2)

    def text(self, separator: str = "\t") -> str:
        """The chosen cells, or all, with every digit; "," gives CSV. At most `COPY_LIMIT` elements, whole lines."""
        chosen = self._chosen()
        lines = max(COPY_LIMIT // max(chosen.shape[1], 1), 1)
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
        writer.writerows([numbers.full(value) for value in row] for row in chosen[:lines])
        return stream.getvalue()

    def _chosen(self) -> npt.NDArray[Any]:
        values = self._model.values
        ranges = self.selectionModel().selection()
        if ranges.isEmpty():
            return values
        first = ranges.first()
        return values[first.top() : first.bottom() + 1, first.left() : first.right() + 1]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            to_clipboard(self.text())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._choose(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        choices = [
            (translate("tensor_table", "Copy"), self.text),
            (translate("tensor_table", "Copy as CSV"), lambda: self.text(",")),
        ]
        copy_menu(self, event.globalPos(), choices)
