"""A heading of the inspector with its facts and tensors."""

from __future__ import annotations

from collections.abc import Hashable

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from gui import theme
from gui.inspector.content import Section
from gui.inspector.row import TensorRow
from gui.tensor_views.facts import FactList
from gui.tensor_views.painting import draw_text, set_visible
from gui.turns import Pieces
from gui.wrapped import WrappedLabel

HEADING_HEIGHT = 24
DOT = 6


class Heading(QWidget):
    """A line above, a dot in the phase's colour, and the title."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._phase = "", ""
        self.setFixedHeight(HEADING_HEIGHT + theme.SMALL)
        theme.switch.changed.connect(self.update)

    def set_title(self, title: str, phase: str | None) -> None:
        if (title, phase or "") != (self._title, self._phase):
            self._title, self._phase = title, phase or ""
            self.setAccessibleName(title)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        try:
            painter.fillRect(QRect(0, 0, self.width(), theme.LINE), look.line)
            line = QRect(0, theme.SMALL, self.width(), HEADING_HEIGHT)
            if self._phase:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(look.phase(self._phase))
                painter.drawEllipse(QRect(2, line.center().y() - DOT // 2 + 1, DOT, DOT))
                line.setLeft(theme.LARGE)
            draw_text(painter, line, self._title, "heading", look.text)
        finally:
            painter.end()

    def sizeHint(self) -> QSize:
        return QSize(theme.space(40), HEADING_HEIGHT + theme.SMALL)


class SectionView(QWidget):
    """Keeps its widgets and fills them anew: the playhead moves often."""

    toggled = Signal(str, bool)
    looked = Signal(str, object)
    element_chosen = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._section: Section | None = None
        self._heading = Heading(self)
        self._remark = WrappedLabel(self)
        self._remark.setProperty("role", "dim")
        self._remark.setContentsMargins(theme.LARGE, 0, 0, theme.TIGHT)
        self._facts = FactList(self)
        self._rows: list[TensorRow] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, theme.TIGHT)
        self._layout.setSpacing(0)
        self._layout.addWidget(self._heading)
        self._layout.addWidget(self._remark)
        indented = QVBoxLayout()
        indented.setContentsMargins(theme.LARGE, 0, 0, 0)
        indented.addWidget(self._facts)
        self._layout.addLayout(indented)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def rows(self) -> tuple[TensorRow, ...]:
        """The rows in use."""
        count = 0 if self._section is None else len(self._section.tensors)
        return tuple(self._rows[:count])

    def set_section(self, section: Section) -> Pieces:
        """Take over heading, remark and facts, and provide a row for each tensor.

        The caller fills the rows, and shows each when it is filled: half drawn, the Tab key may come by.
        """
        if self._section is None or section.title != self._section.title:
            self._facts.setAccessibleName(section.title)
        self._section = section
        self._heading.set_title(section.title, section.phase)
        if self._remark.text() != section.remark:
            self._remark.setText(section.remark)
        set_visible(self._remark, bool(section.remark))
        self._facts.set_facts(section.facts)
        set_visible(self._facts, bool(section.facts))
        while len(self._rows) < len(section.tensors):
            row = TensorRow(self)
            row.hide()
            row.toggled.connect(self.toggled)
            row.looked.connect(self.looked)
            row.element_chosen.connect(self.element_chosen)
            self._rows.append(row)
            self._layout.addWidget(row)
            yield
        for row in self._rows[len(section.tensors) :]:
            set_visible(row, False)

    def drawn_state(self) -> tuple[Hashable, ...]:
        return (self._section, tuple(row.drawn_state() for row in self.rows))
