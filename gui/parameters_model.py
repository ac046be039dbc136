"""The rows of the parameter table: sorted and filtered over NumPy columns, texts made on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from engine.recording.model import Parameter
from gui import numbers, theme
from gui.parameter_values import AtPlayhead, Cells
from gui.tensor_views.painting import font

translate = QCoreApplication.translate

Index = QModelIndex | QPersistentModelIndex
NAME, SHAPE, DTYPE, VALUE, GRADIENT, UPDATE, RATIO, OPTIMIZER = range(8)
COLUMNS = 8
NUMERIC = (VALUE, GRADIENT, UPDATE, RATIO)


@dataclass(frozen=True, eq=False)
class Rows:
    """What the table shows: static columns, and the numbers at the playhead."""

    parameters: tuple[Parameter, ...] = ()
    numbers: AtPlayhead | None = None
    optimizers: tuple[str, ...] = ()

    def cells(self, column: int) -> Cells | None:
        if self.numbers is None:
            return None
        parts = (self.numbers.value, self.numbers.gradient, self.numbers.update, self.numbers.ratio)
        return parts[NUMERIC.index(column)]

    def same_as(self, other: Rows) -> bool:
        """Whether every cell has the same text."""
        if self.parameters != other.parameters or self.numbers is None or other.numbers is None:
            return self.parameters == other.parameters and self.numbers is other.numbers
        return self.numbers.same_as(other.numbers) and self.optimizers == other.optimizers

    def optimizer(self, place: int) -> str:
        """The optimizer that has updated the parameter in this step; "" if none has yet."""
        number = -1 if self.numbers is None else int(self.numbers.optimizer[place])
        return self.optimizers[number] if number >= 0 else ""

    def text(self, place: int, column: int) -> str:
        """A cell of a column that is no number."""
        parameter = self.parameters[place]
        if column == NAME:
            return parameter.name
        if column == SHAPE:
            return numbers.shape(parameter.shape) or translate("parameters", "scalar")
        return parameter.dtype if column == DTYPE else self.optimizer(place)


class ParametersModel(QAbstractTableModel):
    """Sorted and filtered over NumPy columns; a text is made only when a view asks for its cell."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = Rows()
        self._order: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._after: dict[int, int] = {}
        self._filter = ""
        self._names: tuple[tuple[object, ...], list[str]] = ((), [])  # of which parameters, and as the filter sees them
        self._sorted_by: tuple[int, bool] | None = None

    @property
    def rows(self) -> Rows:
        return self._rows

    @property
    def order(self) -> tuple[int, ...]:
        """The places of the shown parameters, from top to bottom."""
        return tuple(self._order.tolist())

    def set_rows(self, rows: Rows) -> None:
        """Show `rows`; views are told only if something is different."""
        if rows.same_as(self._rows):
            self._rows = rows
            return
        self._rows = rows
        self._after = {}
        for column in NUMERIC:
            cells = rows.cells(column)
            self._after[column] = 0 if cells is None else numbers.decimals(cells.numbers[cells.known])
        self._arrange()

    def set_filter(self, text: str) -> None:
        self._filter = text.strip().lower()
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted_by = (column, order == Qt.SortOrder.DescendingOrder) if column >= 0 else None
        self._arrange()

    def _arrange(self) -> None:
        """Filter, then sort: what has no number comes last in either direction."""
        order = np.arange(len(self._rows.parameters), dtype=np.int64)
        if self._filter:
            if self._names[0] is not self._rows.parameters:
                self._names = (self._rows.parameters, [each.name.lower() for each in self._rows.parameters])
            order = order[[self._filter in name for name in self._names[1]]]
        if self._sorted_by is not None and len(order):
            column, descending = self._sorted_by
            order = order[self._ranks(column, order, descending)]
        if np.array_equal(order, self._order):
            last = self.index(len(order) - 1, OPTIMIZER)
            self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self._order = order
        self.endResetModel()

    def _ranks(self, column: int, order: npt.NDArray[np.int64], descending: bool) -> npt.NDArray[np.int64]:
        if column in NUMERIC:
            cells = self._rows.cells(column)
            if cells is None:
                return np.arange(len(order))
            keys = np.where(cells.known, cells.numbers, np.nan)[order]
            return np.argsort(-keys if descending else keys, kind="stable")
        texts = [self._rows.text(int(place), column) for place in order]
        if column == SHAPE:
            sizes = [int(np.prod(self._rows.parameters[int(place)].shape)) for place in order]
            ranks = sorted(range(len(order)), key=sizes.__getitem__, reverse=descending)
        else:
            ranks = sorted(range(len(order)), key=texts.__getitem__, reverse=descending)
        return np.array(ranks, np.int64)

    def place(self, row: int) -> int:
        """The parameter's place among all, in the order of the layers."""
        return int(self._order[row])

    def row_of(self, parameter: int | None) -> int:
        """The row of a parameter's id; −1 if it is not shown."""
        for row, place in enumerate(self._order.tolist()):
            if self._rows.parameters[place].id == parameter:
                return row
        return -1

    # --- what the view asks ------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        place, column = self.place(index.row()), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(place, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._full(place, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in NUMERIC else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(place, column)
        if role == Qt.ItemDataRole.FontRole and column in NUMERIC:
            return font("number")
        return None

    def _text(self, place: int, column: int) -> str:
        if column not in NUMERIC:
            return self._rows.text(place, column)
        cells = self._rows.cells(column)
        if cells is None or not cells.known[place]:
            return numbers.ABSENT
        return numbers.padded(numbers.number(float(cells.numbers[place])), self._after[column])

    def _full(self, place: int, column: int) -> str:
        if column not in NUMERIC:
            return self._rows.text(place, column)
        cells = self._rows.cells(column)
        if cells is not None and cells.known[place]:
            norm = column in (GRADIENT, UPDATE) or (column == VALUE and self._rows.parameters[place].shape != ())
            value = numbers.full(float(cells.numbers[place]))
            return translate("parameters", "norm {value}").format(value=value) if norm else value
        updated = self._rows.numbers is not None and bool(self._rows.numbers.updated[place])
        if column in (UPDATE, RATIO) and updated:
            return translate("parameters", "not known: the values before and after were not recorded in full")
        return translate("parameters", "not recorded") if column == VALUE else translate("parameters", "not yet")

    def _color(self, place: int, column: int) -> Any:
        look = theme.current()
        cells = self._rows.cells(column) if column in NUMERIC else None
        if cells is None:
            return look.text if column == NAME else look.dim
        if not cells.known[place]:
            return look.dim
        if not np.isfinite(cells.numbers[place]):
            return look.error
        updated = self._rows.numbers is not None and bool(self._rows.numbers.updated[place])
        if column == GRADIENT:
            return look.backward
        return look.update if updated else look.text

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section in NUMERIC else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                translate("parameters", "Name"),
                translate("parameters", "Shape"),
                translate("parameters", "dtype"),
                translate("parameters", "Value or norm"),
                translate("parameters", "Gradient norm"),
                translate("parameters", "Update norm"),
                translate("parameters", "Update / value"),
                translate("parameters", "Optimizer"),
            )[section]
        return None
