"""One tensor in the inspector: a line or two of numbers, and behind it all views of the tensor."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from engine.recording.model import Tensor
from gui import numbers, theme
from gui.inspector.content import TensorItem
from gui.tensor_views.copying import copy_menu, to_clipboard
from gui.tensor_views.detail import Looking, TensorDetail, statistics_facts
from gui.tensor_views.loaded import Loaded, element
from gui.tensor_views.painting import RIGHT, draw_text, metrics

translate = QCoreApplication.translate

LINE_HEIGHT = 20
SMALL_LINE = 16
INDENT = 16
WIDE = 400  # px from which the four statistics stand in one line
ROW_GAP = theme.TIGHT


@dataclass(frozen=True)
class Summary:
    """The texts of a row. `value` stands for a tensor of one element, `statistics` (name, number) for a larger one."""

    label: str
    hint: str
    value: str = ""
    shape: str = ""
    statistics: tuple[tuple[str, str], ...] = ()
    full: str = ""
    pending: bool = False
    expandable: bool = False
    tensor: Tensor | None = field(default=None, compare=False, repr=False)

    def copy_text(self) -> str:
        """Every digit of the value, or of all statistics."""
        if self.tensor is None:
            return self.full or self.value
        return "\n".join(f"{fact.label}: {fact.detail}" for fact in statistics_facts(self.tensor))

    def tip(self) -> str:
        return "\n".join(filter(None, (self.hint, self.shape, self.copy_text())))


def state_text(item: TensorItem) -> str:
    """Why there is no tensor."""
    if item.state == "pending":
        return translate("tensor_row", "not yet")
    return translate("tensor_row", "not recorded") if item.state == "unrecorded" else translate("tensor_row", "none")


def shape_line(tensor: Tensor) -> str:
    """Shape, dtype and level."""
    shape = numbers.shape(tensor.shape) or translate("tensor_row", "scalar")
    return f"{shape} {tensor.dtype} \u00b7 {tensor.level}"


def summary(item: TensorItem, loaded: Loaded | None, *, loading: bool = False) -> Summary:
    """What the row says of `loaded`; while `loading`, an ellipsis."""
    if item.state != "there":
        return Summary(item.label, item.hint, value=state_text(item), pending=True)
    if loading:
        return Summary(item.label, item.hint, value="\u2026")
    if loaded is None:
        return Summary(item.label, item.hint, value=translate("tensor_row", "needs recorded data"), pending=True)
    tensor = loaded.tensor
    if tensor.numel == 1:
        value = element(loaded)
        text = (
            numbers.signed(value)
            if item.minus is not None and not isinstance(value, complex)
            else numbers.number(value)
        )
        return Summary(item.label, item.hint, value=text, shape=shape_line(tensor), full=numbers.full(value))
    s = tensor.statistics
    pairs = (
        (translate("tensor_row", "min"), s.min),
        (translate("tensor_row", "max"), s.max),
        (translate("tensor_row", "mean"), s.mean),
        (translate("tensor_row", "norm"), s.norm),
    )
    texts = tuple((name, numbers.number(number)) for name, number in pairs)
    if s.nans or s.infs:
        bad = " ".join(f"{count:,} {name}" for name, count in (("NaN", s.nans), ("Inf", s.infs)) if count)
        texts = (*texts[:3], ("\u26a0", bad))
    return Summary(item.label, item.hint, "", shape_line(tensor), texts, expandable=True, tensor=tensor)


class RowHeader(QAbstractButton):
    """The painted line; Space or a click opens and closes the views."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary = Summary("", "")
        self._phase = "forward"
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.switch.changed.connect(self.update)

    @property
    def summary(self) -> Summary:
        return self._summary

    def set_summary(self, summary: Summary, phase: str, *, expanded: bool) -> None:
        if self.isChecked() != expanded:
            self.setChecked(expanded)
        if (summary, phase) == (self._summary, self._phase):
            return
        self._summary, self._phase = summary, phase
        self.setAccessibleName(f"{summary.label} {summary.hint}".strip())
        numbers_text = ", ".join(f"{name} {number}" for name, number in summary.statistics)
        self.setAccessibleDescription(" ".join(filter(None, (summary.value, summary.shape, numbers_text))))
        self._fit()
        self.update()

    def nextCheckState(self) -> None:
        if self._summary.expandable:
            super().nextCheckState()

    def _fit(self) -> None:
        height = self.heightForWidth(self.width())
        if height != self.minimumHeight():
            self.setFixedHeight(height)

    def heightForWidth(self, width: int) -> int:
        lines = 0 if not self._summary.statistics else (1 if width >= WIDE else 3)
        return LINE_HEIGHT + lines * SMALL_LINE + ROW_GAP

    def sizeHint(self) -> QSize:
        return QSize(theme.space(60), self.heightForWidth(self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._summary.tip(), self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            to_clipboard(self._summary.copy_text())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._summary.full or self._summary.tensor is not None:
            label = (
                translate("tensor_row", "Copy statistics")
                if self._summary.statistics
                else translate("tensor_row", "Copy value")
            )
            copy_menu(self, event.globalPos(), [(label, self._summary.copy_text)])

    # --- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint(painter)
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        look, shown = theme.current(), self._summary
        if self.underMouse() and shown.expandable:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.hover)
            painter.drawRoundedRect(self.rect(), theme.RADIUS_CHIP, theme.RADIUS_CHIP)
        if self.hasFocus():
            painter.setPen(QPen(look.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), theme.RADIUS_CHIP, theme.RADIUS_CHIP)
        painter.setOpacity(theme.NOT_YET if shown.pending else 1.0)
        if shown.expandable:
            self._paint_chevron(painter)
        self._paint_first_line(painter)
        if shown.statistics:
            self._paint_statistics(painter)

    def _paint_chevron(self, painter: QPainter) -> None:
        x, y = 6.0, theme.TIGHT / 2 + LINE_HEIGHT / 2
        points = [(-2.0, -4.0), (2.0, 0.0), (-2.0, 4.0)]
        if self.isChecked():
            points = [(-4.0, -2.0), (0.0, 2.0), (4.0, -2.0)]
        painter.setPen(QPen(theme.current().dim, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in points]))

    def _paint_first_line(self, painter: QPainter) -> None:
        """Label, hint, and at the right the value, or the shape where there is room."""
        look, shown = theme.current(), self._summary
        line = QRect(INDENT, theme.TIGHT // 2, self.width() - INDENT - theme.TIGHT, LINE_HEIGHT)
        right = shown.value or (shown.shape if self.width() >= WIDE else "")
        taken = 0
        if shown.value and not shown.pending:
            taken = draw_text(painter, line, right, "value", look.phase(self._phase), RIGHT) + theme.SMALL
        elif right:
            taken = draw_text(painter, line, right, "small_number", look.dim, RIGHT) + theme.SMALL
        line.setRight(line.right() - taken)
        used = draw_text(painter, line, shown.label, "text", look.text)
        line.setLeft(line.left() + used + theme.SMALL)
        middle = Qt.TextElideMode.ElideMiddle  # the ends of a module path tell most
        draw_text(painter, line, shown.hint, "caption", look.dim, elide=middle)

    def _paint_statistics(self, painter: QPainter) -> None:
        look, pairs = theme.current(), self._summary.statistics
        top = theme.TIGHT // 2 + LINE_HEIGHT
        width = self.width() - INDENT - theme.TIGHT
        columns = 4
        if self.width() < WIDE:
            columns = 2
            draw_text(painter, QRect(INDENT, top, width, SMALL_LINE), self._summary.shape, "small_number", look.dim)
            top += SMALL_LINE
        names = max(metrics("caption").horizontalAdvance(name) for name, _ in pairs) + theme.TIGHT + 2
        for place, (name, number) in enumerate(pairs):
            cell = QRect(QPoint(INDENT + place % columns * width // columns, top), QSize(width // columns, SMALL_LINE))
            cell.translate(0, place // columns * SMALL_LINE)
            bad = name == "\u26a0"
            draw_text(painter, cell, name, "caption", look.error if bad else look.dim)
            draw_text(painter, cell.adjusted(names, 0, 0, 0), number, "small_number", look.error if bad else look.text)


class TensorRow(QWidget):
    """A header, and below it the views while it is open. `toggled` and `looked` tell what the user wants to see.

    `element_chosen` tells the index of a number that was clicked.
    """

    toggled = Signal(str, bool)
    looked = Signal(str, object)
    element_chosen = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.item: TensorItem | None = None
        self.header = RowHeader(self)
        self.header.toggled.connect(self._toggled)
        self._detail: TensorDetail | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(self.header)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def detail(self) -> TensorDetail | None:
        return self._detail

    def set_item(self, item: TensorItem, shown: Summary, *, expanded: bool) -> None:
        """Draw the header; the views follow with `show_detail`."""
        self.item = item
        self.header.blockSignals(True)
        self.header.set_summary(shown, item.phase, expanded=expanded and shown.expandable)
        self.header.blockSignals(False)
        if self._detail is not None and not self.header.isChecked():
            self._detail.hide()

    def show_detail(self, loaded: Loaded, looking: Looking) -> None:
        """Open the views on `loaded`."""
        if self.item is None:
            return
        if self._detail is None:
            self._detail = TensorDetail(self)
            self._detail.looked.connect(self._looked)
            self._detail.element_chosen.connect(self._element_chosen)
            self._layout.addWidget(self._detail)
        self._detail.show_tensor(loaded, self.item.phase, looking)
        self._detail.show()

    def drawn_state(self) -> tuple[Hashable, ...]:
        opened = self._detail is not None and not self._detail.isHidden()
        return (self.header.summary, self._detail.drawn_state() if opened and self._detail else ())

    def _toggled(self, on: bool) -> None:
        if self.item is not None:
            self.toggled.emit(self.item.key, on)

    def _looked(self, looking: Looking) -> None:
        if self.item is not None:
            self.looked.emit(self.item.key, looking)

    def mark(self, index: tuple[int, ...] | None) -> None:
        """Mark one number in the views, or none."""
        if self._detail is not None:
            self._detail.mark(index)

    def _element_chosen(self, index: tuple[int, ...]) -> None:
        if self.item is not None:
            self.element_chosen.emit(self.item.key, index)
