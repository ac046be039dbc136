"""A two-dimensional slice of a tensor as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.recording.model import Statistics
from gui import numbers, theme
from gui.tensor_views.copying import copy_menu
from gui.tensor_views.loaded import Loaded
from gui.tensor_views.planes import Plane, magnitudes, max_abs_pool

translate = QCoreApplication.translate

MAX_HEIGHT = 240
MAX_CELL = 24
BAR_HEIGHT = 8
LINE_HEIGHT = 16
RAMP_STEPS = 256
KEYS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


@dataclass(frozen=True)
class Scale:
    """Which numbers the ends of the ramp stand for: −limit to limit if signed, else 0 to limit."""

    limit: float
    signed: bool

    @staticmethod
    def of(statistics: Statistics) -> Scale:
        """One scale for the whole tensor, so that its slices can be compared."""
        low, high = statistics.min or 0.0, statistics.max or 0.0
        return Scale(max(abs(low), abs(high)) or 1.0, low < 0)

    @property
    def low(self) -> float:
        return -self.limit if self.signed else 0.0

    def colors(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """RGBA of each value; NaN and infinities in colours that the ramp does not have."""
        look = theme.current()
        values = values.astype(np.float64)
        if self.signed:
            result = theme.diverging(values, self.limit, look)
        else:
            result = theme.sequential(values / self.limit, look)
        result[np.isnan(values)] = _rgba(look.error)
        result[np.isinf(values)] = _rgba(look.warn)
        return result


def _rgba(color: QColor) -> tuple[int, int, int, int]:
    return color.red(), color.green(), color.blue(), color.alpha()


def _image(pixels: npt.NDArray[np.uint8]) -> QImage:
    """RGBA pixels (rows, columns, 4) as an image that owns them."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


class HeatMap(QWidget):
    """The slice, a colour bar with its numbers, and a line that tells index and value of the cell under the mouse.

    A slice with more cells than there are pixels is shrunk: each pixel shows the element furthest from zero of its
    block, and the line says so. With the keyboard focus the arrow keys walk over the cells. `element_chosen` tells the
    index of a cell that was clicked, or on which Enter was pressed.
    """

    element_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plane: Plane | None = None
        self._values: npt.NDArray[Any] = np.zeros((0, 0))
        self._original: npt.NDArray[Any] = self._values
        self._scale = Scale(1.0, signed=False)
        self._special = (0, 0)
        self._preview = False
        self._cell: tuple[int, int] | None = None
        self._marked: tuple[int, ...] | None = None
        self._image: QImage | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(translate("heatmap", "Heat map"))
        theme.switch.changed.connect(self._forget_image)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def set_slice(self, loaded: Loaded, plane: Plane | None) -> None:
        """Show `plane` of the tensor; with None, or where only statistics were kept, nothing."""
        statistics = loaded.tensor.statistics
        self._preview = loaded.tensor.level == "preview"
        if loaded.data is None or plane is None:
            self._plane, self._original = None, np.zeros((0, 0))
        else:
            self._plane, self._original = plane, plane.take(loaded.data)
        self._values = magnitudes(self._original)
        self._scale = Scale.of(statistics)
        self._special = (statistics.nans, statistics.infs)
        self._cell = None
        self._fit()
        self._forget_image()

    def _forget_image(self) -> None:
        self._image = None
        self.update()

    @property
    def pooled(self) -> bool:
        """Whether there are more cells than pixels."""
        area = self._area()
        ratio = self.devicePixelRatioF()
        rows, columns = self._values.shape
        return bool(rows > area.height() * ratio or columns > area.width() * ratio)

    def remark(self) -> str:
        """What a reader must know of the picture."""
        texts = []
        if self._plane is not None and self._plane.folded and self._plane.rows > 1:
            texts.append(translate("heatmap", "one dimension, {columns} to a line").format(columns=self._plane.columns))
        if self.pooled:
            texts.append(translate("heatmap", "shrunk: each pixel shows its largest magnitude"))
        return ", ".join(texts)

    def readout(self) -> str:
        """Index and value of the current cell, or the remark."""
        place = None if self._cell is None or self._plane is None else self._plane.index(*self._cell)
        if place is None or self._cell is None:
            return self.remark()
        text = f"{numbers.index(place)} = {numbers.number(self._original[self._cell])}"
        return translate("heatmap", "preview {cell}").format(cell=text) if self._preview else text

    def drawn_state(self) -> tuple[Any, ...]:
        shown = () if self._plane is None else (self._plane.shape, self._plane.leading)
        return (shown, self._scale, self._special, hash(np.ascontiguousarray(self._original).tobytes()))

    # --- geometry ----------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """As high as the slice is at this width; a layout's own height for width would be asked too seldom."""
        height = self.heightForWidth(self.width())
        if height != self.minimumHeight():
            self.setFixedHeight(height)

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.space(30), self.heightForWidth(self.width()))

    def heightForWidth(self, width: int) -> int:
        return self._picture_size(width).height() + self._foot_height()

    def _foot_height(self) -> int:
        legend = LINE_HEIGHT if any(self._special) else 0
        return theme.SMALL + BAR_HEIGHT + 2 * LINE_HEIGHT + theme.TIGHT + legend

    def _picture_size(self, width: int) -> QSize:
        """Square cells where they fit; a large slice fills the width, up to the greatest height."""
        rows, columns = self._values.shape
        if not rows or not columns:
            return QSize(0, 0)
        cell = min(width / columns, MAX_HEIGHT / rows, MAX_CELL)
        if cell >= 1:
            cell = int(cell)
            return QSize(int(columns * cell), int(rows * cell))
        return QSize(min(columns, width), min(rows, MAX_HEIGHT))

    def _area(self) -> QRect:
        """Where the picture is."""
        return QRect(QPoint(0, 0), self._picture_size(self.width()))

    def _cell_at(self, position: QPoint) -> tuple[int, int] | None:
        area = self._area()
        if not area.contains(position):
            return None
        rows, columns = self._values.shape
        row = position.y() * rows // area.height()
        column = position.x() * columns // area.width()
        return (row, column) if self._plane and self._plane.index(row, column) is not None else None

    # --- mouse and keys ----------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.set_cell(self._cell_at(event.position().toPoint()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._choose(cell)

    def _choose(self, cell: tuple[int, int]) -> None:
        """Where many cells share a pixel, the one furthest from zero, which is the one that is seen."""
        if self._plane is None:
            return
        index = self._plane.index(*self._seen(cell))
        if index is not None:
            self.element_chosen.emit(index)

    def _seen(self, cell: tuple[int, int]) -> tuple[int, int]:
        area, ratio = self._area(), self.devicePixelRatioF()
        blocks = []
        for place, length, pixels in zip(cell, self._values.shape, (area.height(), area.width()), strict=True):
            count = min(int(pixels * ratio), length)
            block = ((place + 1) * count - 1) // length  # as `max_abs_pool` cuts
            blocks.append(slice(block * length // count, (block + 1) * length // count))
        part = np.abs(self._values[blocks[0], blocks[1]])
        row, column = np.unravel_index(int(np.argmax(np.where(np.isnan(part), np.inf, part))), part.shape)
        return int(blocks[0].start + row), int(blocks[1].start + column)

    @property
    def marked(self) -> tuple[int, ...] | None:
        """The element that has a frame."""
        return self._marked

    def mark(self, index: tuple[int, ...] | None) -> None:
        """Keep a frame round one element, if it is in the slice."""
        if index != self._marked:
            self._marked = index
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self.set_cell(None)

    def set_cell(self, cell: tuple[int, int] | None) -> None:
        """Make a cell the current one."""
        if cell != self._cell:
            self._cell = cell
            self.setAccessibleDescription(self.readout())
            self.update()

    def event(self, event: QEvent) -> bool:
        # The arrow keys move the playhead elsewhere; here, for whoever tabbed to the picture, they walk over its cells.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cell is not None:
            self._choose(self._cell)
            return
        move = KEYS.get(Qt.Key(event.key()))
        if move is None or self._plane is None:
            super().keyPressEvent(event)
            return
        row, column = self._cell or (0, 0)
        target = (row + move[0], column + move[1]) if self._cell else (0, 0)
        if self._plane.index(*target) is not None:
            self.set_cell(target)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._cell is not None:
            value = numbers.full(self._original[self._cell])
            copy_menu(self, event.globalPos(), [(translate("heatmap", "Copy value"), lambda: value)])

    # --- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            area = self._area()
            if not area.isEmpty():
                painter.drawImage(area, self._picture(area))
                self._paint_marks(painter, area)
                self._paint_scale(painter, area.bottom() + 1 + theme.SMALL)
        finally:
            painter.end()

    def _picture(self, area: QRect) -> QImage:
        """The image, at most one pixel of it for each of the screen."""
        ratio = self.devicePixelRatioF()
        rows, columns = int(area.height() * ratio), int(area.width() * ratio)
        if self._image is None or self._image.height() > rows or self._image.width() > columns:
            pixels = self._scale.colors(max_abs_pool(self._values, rows, columns))
            self._blank_unused(pixels)
            self._image = _image(pixels)
        return self._image

    def _blank_unused(self, pixels: npt.NDArray[np.uint8]) -> None:
        unused = self._plane.unused if self._plane else 0
        if unused and pixels.shape[:2] == self._values.shape:
            pixels[-1, -unused:] = _rgba(theme.current().surface)

    def _paint_marks(self, painter: QPainter, area: QRect) -> None:
        painter.setPen(theme.current().line)
        painter.drawRect(area.adjusted(0, 0, -1, -1))
        if self._plane is not None and self._marked is not None:
            marked = self._plane.place(self._marked)
            if marked is not None:
                self._paint_frame(painter, area, marked, 2)
        if self._cell is not None:
            self._paint_frame(painter, area, self._cell, 2 if self._marked is None else 1)

    def _paint_frame(self, painter: QPainter, area: QRect, cell: tuple[int, int], width: int) -> None:
        rows, columns = self._values.shape
        top, left = (place * length // count for place, length, count in (
            (cell[0], area.height(), rows), (cell[1], area.width(), columns)))  # fmt: skip
        size = QSize(max(area.width() // columns, 3), max(area.height() // rows, 3))
        painter.setPen(QPen(theme.current().accent, width))
        painter.drawRect(QRect(QPoint(left, top), size))

    def _paint_scale(self, painter: QPainter, top: int) -> None:
        """The colour bar with its numbers, the line of the current cell, and the legend."""
        look = theme.current()
        width = self.width()
        ramp = self._scale.colors(np.linspace(self._scale.low, self._scale.limit, RAMP_STEPS)[None, :])
        painter.drawImage(QRect(0, top, width, BAR_HEIGHT), _image(ramp))
        line = QRect(0, top + BAR_HEIGHT + theme.TIGHT // 2, width, LINE_HEIGHT)
        painter.setFont(theme.mono_font(theme.CAPTION_PX))
        painter.setPen(look.dim)
        ends = [numbers.number(self._scale.low), numbers.number(self._scale.limit)]
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, ends[0])
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, ends[1])
        if self._scale.signed:
            painter.drawText(line, Qt.AlignmentFlag.AlignHCenter, "0")
        painter.setPen(look.text if self._cell else look.dim)
        painter.setFont(theme.mono_font(theme.CAPTION_PX) if self._cell else theme.caption_font())
        line.translate(0, LINE_HEIGHT)
        text = QFontMetrics(painter.font()).elidedText(self.readout(), Qt.TextElideMode.ElideRight, width)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        if any(self._special):
            self._paint_legend(painter, line.translated(0, LINE_HEIGHT))

    def _paint_legend(self, painter: QPainter, line: QRect) -> None:
        look = theme.current()
        painter.setFont(theme.caption_font())
        x = line.left()
        for name, count, color in (("NaN", self._special[0], look.error), ("Inf", self._special[1], look.warn)):
            if count:
                painter.fillRect(QRect(x, line.top() + 4, 8, 8), QColor(color))
                painter.setPen(look.text)
                text = f"{name} ({count:,})"
                painter.drawText(line.adjusted(x + 12, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)
                x += 12 + QFontMetrics(painter.font()).horizontalAdvance(text) + theme.MEDIUM
